package workflows

import (
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The checking pipeline: the one way from files to a prepared workflow.

// Checked is a workflow file and what was found in it. Diagnostics are as a
// person who named the file by Path sees them.
type Checked struct {
	Path        string
	Bundle      *spec.Bundle          // nil where the file could not be read
	Prepared    *interpreter.Prepared // nil where there are errors
	Diagnostics diag.List
	Ignored     int // comments that kept something from being told, since Lint

	within bool     // nothing outside of a folder is read
	roots  []string // if so, those of which one has the folder

	given []spec.File         // what runs are given, read beside the bundle
	again map[foundKey]*times // what was found in runs
	units struct {            // see plainUnits
		once sync.Once
		of   map[string]string
	}
}

// Dir is the folder that the names of the bundle's files count from.
func (c *Checked) Dir() string { return filepath.ToSlash(filepath.Dir(c.Path)) }

// Source returns the text of a file that a diagnostic names, or nil.
func (c *Checked) Source(file string) []byte {
	if c.Bundle == nil && c.within {
		return nil
	}
	if c.Bundle == nil {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil
		}
		return data
	}
	for _, files := range [][]spec.File{c.Bundle.Files, c.given} {
		for _, f := range files {
			if relocated(c.Dir(), f.Name) == file {
				return f.Data
			}
		}
	}
	return nil
}

func relocated(dir, name string) string {
	l := diag.List{{Span: diag.Span{File: name}}}
	return l.Relocate(dir)[0].Span.File
}

// Open reads the workflow file at path, and what it refers to, and prepares it.
func Open(path string) *Checked {
	c := &Checked{Path: path}
	root, name, err := rooted(path)
	if err != nil {
		c.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: "the file cannot be found: " + err.Error()}}
		return c
	}
	c.prepare(spec.Load(os.DirFS(root), name))
	return c
}

// FromBytes prepares a workflow that has no file and refers to none; name is
// how messages call it.
func FromBytes(name string, data []byte) *Checked {
	c := &Checked{Path: name}
	c.prepare(spec.FromFiles(name, []spec.File{{Name: name, Data: data}}))
	return c
}

// FromText prepares a workflow that was read from standard input. The files it
// refers to are looked for as if it were a file called name.
func FromText(name string, data []byte) *Checked {
	c := &Checked{Path: name}
	root, at, err := rooted(name)
	if err != nil {
		return FromBytes(name, data)
	}
	c.prepare(spec.LoadText(os.DirFS(root), at, data))
	return c
}

// prepare takes over a bundle and what was found when it was read.
func (c *Checked) prepare(bundle *spec.Bundle, list diag.List) {
	c.Bundle = bundle
	if bundle != nil {
		var more diag.List
		c.Prepared, more = Prepare(bundle)
		list = append(list, more...)
	}
	c.finish(list)
}

func (c *Checked) finish(list diag.List) {
	if list.HasErrors() {
		c.Prepared = nil
	}
	c.Diagnostics = list.Relocate(c.Dir()).Sorted()
}

// rooted splits a path into the root of its volume and the name from there, so
// that a workflow may refer to files beside and above it.
func rooted(path string) (root, name string, err error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return "", "", err
	}
	root = filepath.VolumeName(full) + string(filepath.Separator)
	rel, err := filepath.Rel(root, full)
	return root, filepath.ToSlash(rel), err
}

// Prepare takes a bundle through parsing, decoding and preparation for an
// OT-2. All problems are found in one go; Prepared is nil if there are errors.
func Prepare(b *spec.Bundle) (*interpreter.Prepared, diag.List) {
	main, ok := b.File(b.Main)
	if !ok {
		return nil, nil
	}
	src := b.Source(main)
	root, list := src.Parse()
	if root == nil || cutOff(list) {
		return nil, list
	}
	doc, found := spec.Decode(src, root)
	list = append(list, found...)
	if len(doc.Refused) > 0 {
		list = append(list, schema.Explain(doc)...)
	}
	files := interpreter.Files{}
	ignores := func(src *spec.Source) {
		found, wrong := src.Ignores()
		files.Ignores, list = append(files.Ignores, found...), append(list, wrong...)
	}
	ignores(src)
	for _, c := range b.Called {
		w, found := decodeCalled(b, c)
		list = append(list, found...)
		if w != nil {
			files.Called = append(files.Called, w)
			if f, ok := b.File(c.Name); ok {
				ignores(b.Source(f))
			}
		}
	}
	for _, c := range b.Classes {
		class, found := decodeClass(b, c)
		list = append(list, found...)
		if class != nil {
			files.Classes = append(files.Classes, class)
		}
	}
	prepared, more := interpreter.Prepare(doc.Workflow, b, ot2.Machine{}, files)
	if list.HasErrors() { // what nothing reads may be read where that is mended
		more = slices.DeleteFunc(more, func(d diag.Diagnostic) bool { return d.Code == diag.UnusedName || d.Code == diag.NeverDone })
	}
	list = append(list, more...)
	if list.HasErrors() {
		return nil, list
	}
	return prepared, list
}

// cutOff reports whether the tree is not the whole file, so that looking at it
// would find mistakes that are none.
func cutOff(list diag.List) bool {
	return slices.ContainsFunc(list, func(d diag.Diagnostic) bool { return d.Code == diag.TooDeep || d.Code == diag.TooManyValues })
}

// decodeCalled takes a workflow that is called through parsing and decoding. It
// is nil where the file could not be read, and empty where it is no workflow.
func decodeCalled(b *spec.Bundle, c spec.Called) (*spec.Workflow, diag.List) {
	return decodeNamed(b, c, "called from here", func(src *spec.Source) (*spec.Workflow, *spec.Document, diag.List) {
		root, list := src.Parse()
		if root == nil {
			return &spec.Workflow{File: c.Name}, &spec.Document{}, list
		}
		doc, found := spec.Decode(src, root)
		return doc.Workflow, doc, append(list, found...)
	})
}

// decodeClass does so with the file of a liquid class.
func decodeClass(b *spec.Bundle, c spec.Called) (*spec.LiquidClass, diag.List) {
	return decodeNamed(b, c, "the file is named here", func(src *spec.Source) (*spec.LiquidClass, *spec.Document, diag.List) {
		root, list := src.Parse()
		class, doc, found := spec.DecodeClass(src, root)
		return class, doc, append(list, found...)
	})
}

// decodeNamed decodes a file that another one names; at says what is there.
func decodeNamed[T any](b *spec.Bundle, c spec.Called, at string, decode func(*spec.Source) (*T, *spec.Document, diag.List)) (*T, diag.List) {
	f, ok := b.File(c.Name)
	if !ok {
		return nil, nil
	}
	out, doc, list := decode(b.Source(f))
	if len(doc.Refused) > 0 {
		list = append(list, schema.Explain(doc)...)
	}
	for i := range list {
		list[i].Related = append(list[i].Related, diag.Related{Span: c.At, Message: at})
	}
	return out, list
}

// Lint proves a workflow for each of the runs, or, where there are none, for
// its defaults and examples. It adds what it finds to c.Diagnostics.
func (c *Checked) Lint(runs []Run) {
	if len(runs) == 0 {
		runs = []Run{{}}
	}
	if c.Prepared == nil {
		return
	}
	ignores := c.Prepared.Ignores()
	used := make([]bool, len(ignores))
	for i := range runs {
		end, list, _ := c.Prepared.Prove(runs[i].Input(runs[i].At.IsZero())) // a row that leaves out a value would fail
		for k, is := range end.Ignored {
			used[k] = used[k] || is
		}
		c.AddFrom(&runs[i], list.Ignoring(ignores, used))
	}
	for k := range used {
		if used[k] {
			c.Ignored++
		}
	}
	if !c.Diagnostics.HasErrors() { // else nothing was looked at to the end
		c.Add(diag.Unused(ignores, used))
	}
}

// LintBounds proves a workflow in which nothing was found at the bounds of the parameters
// that a run does not give, or, where there are no runs, of all. It adds what it finds.
func (c *Checked) LintBounds(runs []Run) {
	if len(runs) == 0 {
		runs = []Run{{}}
	}
	for i := range runs {
		if c.Prepared == nil || c.Diagnostics.HasErrors() {
			return
		}
		c.AddFrom(&runs[i], c.Prepared.ProveBounds(runs[i].Input(runs[i].At.IsZero())))
	}
}

// Add adds findings about the workflow, in the names of its bundle.
func (c *Checked) Add(list diag.List) {
	c.Diagnostics = append(c.Diagnostics, list.Relocate(c.Dir())...).Sorted()
}

// ResultOf is what a Registry wants to know of a checked workflow.
func ResultOf[V any](c *Checked, value V) Result[V] {
	out := Result[V]{OK: c.Prepared != nil, Diagnostics: c.Diagnostics, Value: value}
	if c.Prepared != nil {
		at := diag.List{{Span: c.Prepared.NameSpan()}}
		out.Name, out.NameSpan = c.Prepared.Name(), at.Relocate(c.Dir())[0].Span
	}
	if c.Bundle == nil {
		out.Files = []File{{Path: c.Path}}
		return out
	}
	out.Hash = c.Bundle.Hash
	for _, f := range c.Bundle.Files {
		out.Files = append(out.Files, File{Path: filepath.FromSlash(relocated(c.Dir(), f.Name)), Hash: f.Hash})
	}
	for _, name := range c.Bundle.Missing {
		out.Files = append(out.Files, File{Path: filepath.FromSlash(relocated(c.Dir(), name))})
	}
	return out
}
