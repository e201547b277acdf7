package spec

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// MaxFileSize is the greatest size in bytes of a workflow or of a labware
// definition, and MaxTableSize that of a table. A larger file is refused
// without being read.
const (
	MaxFileSize  = 4 << 20
	MaxTableSize = 64 << 20
)

// File is one file of a Bundle. Name is relative to the workflow's folder and
// separated by slashes: "workflow.yaml", "labware/x.json", "../common/x.json".
// Hash is the SHA-256 of Data in hexadecimal.
type File struct {
	Name string
	Data []byte
	Hash string
}

// Bundle is the closure of files that a workflow is made of, each read once.
// It is immutable: what was checked is what is run, whatever happens to the
// files afterwards. Files are sorted by Name, Main included. Equal Hash means
// equal names and equal contents.
type Bundle struct {
	Main    string
	Files   []File
	Hash    string
	Missing []string // names of files that are referred to and could not be read as text
	Called  []Called // the workflows that are called, in the order they are found
	Classes []Called // the files of liquid classes, in the order they are found

	sources map[string]*Source // of the workflows, which were read to find the others
}

// Source returns a file of the bundle to be parsed, or parsed already.
func (b *Bundle) Source(f *File) *Source {
	if src := b.sources[f.Name]; src != nil {
		return src
	}
	return NewSource(f)
}

// Called is a file that a workflow is made of, such as a workflow that it calls,
// and where it is first named.
type Called struct {
	Name string
	At   diag.Span
}

// File returns the file with the given Bundle name.
func (b *Bundle) File(name string) (*File, bool) {
	i, ok := slices.BinarySearchFunc(b.Files, name, func(f File, name string) int { return cmp.Compare(f.Name, name) })
	if !ok {
		return nil, false
	}
	return &b.Files[i], true
}

// Referenced returns the file that a reference inside the workflow names, such
// as "./labware/x.json".
func (b *Bundle) Referenced(ref string) (*File, bool) { return b.File(path.Clean(ref)) }

// ReferencedFrom returns the file that a reference inside the file of the given
// name names. References count from the folder of the file they stand in.
func (b *Bundle) ReferencedFrom(file, ref string) (*File, bool) {
	return b.File(path.Join(folder(b.Main, file), ref))
}

// folder is where references in a file of a bundle count from.
func folder(main, file string) string {
	if file == main {
		return ""
	}
	return path.Dir(file)
}

// CalledFile is the file, relative to the one it stands in, that `workflow` of a
// call names: a file as it is, and for a name the file of that name beside it.
func CalledFile(ref string) string {
	if ext := path.Ext(ref); ext == ".yaml" || ext == ".yml" || strings.ContainsAny(ref, `/\`) {
		return ref
	}
	return ref + ".yaml"
}

// IsFileReference reports whether the type of a labware names a file, rather
// than a definition of the catalogue.
func IsFileReference(s string) bool {
	return strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasPrefix(s, "/") ||
		strings.HasSuffix(s, ".json") || strings.Contains(s, `\`)
}

// Load reads the workflow at path and every file that it refers to, all within
// fsys. The Bundle is nil when the workflow itself could not be read as text.
// Otherwise it holds whatever could be read, even with errors, so that checking
// can go on and messages can show the text. Faults of the YAML are not reported
// here but by Parse.
func Load(fsys fs.FS, name string) (*Bundle, diag.List) {
	l := loader{fsys: fsys, dir: path.Dir(name), main: path.Base(name)}
	f, err := readFile(fsys, name, MaxFileSize)
	if err != nil {
		return nil, diag.List{l.mainProblem(name, err)}
	}
	return l.bundle(newFile(l.main, f))
}

// LoadText is Load for a workflow whose text comes from elsewhere, such as
// standard input, while the files it refers to are found as if it stood at
// path.
func LoadText(fsys fs.FS, name string, text []byte) (*Bundle, diag.List) {
	l := loader{fsys: fsys, dir: path.Dir(name), main: path.Base(name)}
	if len(text) > MaxFileSize {
		return nil, diag.List{l.mainProblem(name, &tooLargeError{int64(len(text)), MaxFileSize})}
	}
	return l.bundle(newFile(l.main, text))
}

// FromFiles makes a Bundle of files that are already in memory: of a stored
// plan, standard input or an upload. It makes the same checks as Load and looks
// for references among files only. Files that nothing refers to are left out.
func FromFiles(main string, files []File) (*Bundle, diag.List) {
	l := loader{files: map[string][]byte{}, main: main}
	for _, f := range files {
		l.files[path.Clean(f.Name)] = f.Data
	}
	data, ok := l.files[path.Clean(main)]
	if !ok {
		return nil, diag.List{l.mainProblem(main, fs.ErrNotExist)}
	}
	if len(data) > MaxFileSize {
		return nil, diag.List{l.mainProblem(main, &tooLargeError{int64(len(data)), MaxFileSize})}
	}
	return l.bundle(newFile(main, data))
}

func newFile(name string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{Name: name, Data: data, Hash: hex.EncodeToString(sum[:])}
}

// loader collects the files of one bundle, from a file system or from memory.
type loader struct {
	fsys  fs.FS
	dir   string
	files map[string][]byte
	main  string
	found []File
	list  diag.List

	missing []string
	called  []Called
	classes []Called
	sources map[string]*Source
}

func (l *loader) bundle(main File) (*Bundle, diag.List) {
	if bad := checkText(&main); len(bad) > 0 {
		return nil, bad
	}
	l.found = append(l.found, main)
	l.closure(&main)
	slices.SortFunc(l.found, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return &Bundle{Main: main.Name, Files: l.found, Hash: hashFiles(main.Name, l.found), Missing: l.missing, Called: l.called, Classes: l.classes, sources: l.sources}, l.list
}

// closure takes the files that a workflow refers to into the bundle, and those
// that the workflows it calls refer to.
func (l *loader) closure(f *File) {
	src := NewSource(f)
	if l.sources == nil {
		l.sources = map[string]*Source{}
	}
	l.sources[f.Name] = src
	root, _ := src.Parse()
	for _, ref := range labwareFiles(root) {
		l.refer(src, src.Scalar(ref), labwareFile)
	}
	for _, ref := range tableFiles(root) {
		l.refer(src, src.Scalar(ref), tableFile)
	}
	for _, ref := range classFiles(root, nil) {
		s := src.Scalar(ref)
		if class := l.refer(src, s, classFile); class != nil {
			l.classes = append(l.classes, Called{class.Name, s.Whole()})
		}
	}
	l.protocols(src, child(root, "steps"))
	l.protocols(src, child(root, "finally"))
	for _, ref := range calledWorkflows(child(root, "finally"), calledWorkflows(child(root, "steps"), nil)) {
		s := src.Scalar(ref)
		if called := l.refer(src, s, workflowFile); called != nil {
			l.called = append(l.called, Called{called.Name, s.Whole()})
			l.closure(called)
		}
	}
}

// calledWorkflows appends the scalars in a list of steps that name workflows.
func calledWorkflows(steps *yaml.Node, out []*yaml.Node) []*yaml.Node {
	if steps == nil || steps.Kind != yaml.SequenceNode {
		return out
	}
	for _, step := range steps.Content {
		if n := child(child(step, "call"), "workflow"); n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
			out = append(out, n)
		}
		for _, key := range []string{"do", "else", "on_error"} {
			out = calledWorkflows(child(step, key), out)
		}
	}
	return out
}

// hashFiles hashes names and contents, each with its length, so that no two
// different sets of files give the same input.
func hashFiles(main string, files []File) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s", len(main), main)
	for _, f := range files {
		fmt.Fprintf(h, "%d:%s%s", len(f.Name), f.Name, f.Hash)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// labwareFiles returns the scalars of root that name files.
func labwareFiles(root *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	section := child(root, "labware")
	if section == nil || section.Kind != yaml.MappingNode {
		return nil
	}
	for i := 1; i < len(section.Content); i += 2 {
		for _, key := range [...]string{"type", "adapter"} {
			if t := child(section.Content[i], key); t != nil && t.Kind == yaml.ScalarNode && IsFileReference(t.Value) {
				out = append(out, t)
			}
		}
	}
	return out
}

// tableFiles returns the scalars of root that name the files of tables.
func tableFiles(root *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	section := child(root, "params")
	if section == nil || section.Kind != yaml.MappingNode {
		return nil
	}
	for i := 1; i < len(section.Content); i += 2 {
		t := child(section.Content[i], "type")
		if t == nil || t.Value != "table" {
			continue
		}
		for _, key := range []string{"default", "example"} {
			if n := child(section.Content[i], key); n != nil && n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value != "" {
				out = append(out, n)
			}
		}
	}
	return out
}

// fileKind is what a file of a bundle is for.
type fileKind struct {
	what    string // for messages
	folder  string // an example of where it could be
	limit   int64
	endings []string
}

var (
	labwareFile = fileKind{"a labware definition", "./labware/", MaxFileSize, []string{".json"}}
	tableFile   = fileKind{"a table", "./", MaxTableSize, []string{".csv", ".tsv", ".tab", ".txt", ".xlsx"}}

	classFile    = fileKind{"a liquid class", "./", MaxFileSize, []string{".yaml", ".yml"}}
	workflowFile = fileKind{"a workflow", "./", MaxFileSize, []string{".yaml", ".yml"}}

	protocolFile = fileKind{"a protocol", "./", MaxFileSize, []string{".py", ".json"}}
	csvFile      = fileKind{"a table for a protocol", "./", MaxTableSize, []string{".csv"}}
	analysisFile = fileKind{"an analysis", "./", MaxTableSize, []string{".json"}}
)

// child returns the value of a key of a mapping, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i].Kind == yaml.ScalarNode {
			return n.Content[i+1]
		}
	}
	return nil
}

// refer takes the file that ref names into the bundle, and returns it if it is
// new there.
func (l *loader) refer(src *Source, ref Scalar, kind fileKind) *File {
	if d, bad := badReference(ref, kind); bad {
		l.list = append(l.list, d)
		return nil
	}
	name := ref.Text
	if kind.what == workflowFile.what {
		name = CalledFile(name)
	}
	name = path.Join(folder(l.main, src.File().Name), name)
	if slices.ContainsFunc(l.found, func(f File) bool { return f.Name == name }) || slices.Contains(l.missing, name) {
		return nil
	}
	data, err := l.read(name, kind.limit)
	if err != nil {
		l.list = append(l.list, l.refProblem(ref, name, kind, err))
		l.missing = append(l.missing, name)
		return nil
	}
	f := newFile(name, data)
	if bad := checkText(&f); len(bad) > 0 && kind.limit == MaxFileSize { // who reads a table checks it
		l.list = append(l.list, namedAt(bad, ref.Whole())...)
		l.missing = append(l.missing, name)
		return nil
	}
	l.found = append(l.found, f)
	return &f
}

// namedAt adds to the findings about a file where that file was named.
func namedAt(list diag.List, at diag.Span) diag.List {
	for i := range list {
		list[i].Related = append(list[i].Related, diag.Related{Span: at, Message: "the file is named here"})
	}
	return list
}

// badReference refuses references that mean something else on another machine.
func badReference(ref Scalar, kind fileKind) (diag.Diagnostic, bool) {
	d := diag.Diagnostic{Code: diag.FileOutside, Span: ref.Whole()}
	s := ref.Text
	slashed := strings.ReplaceAll(s, `\`, "/")
	switch {
	case strings.Contains(s, "://"):
		d.Message = kind.what + " is read from a file, not from the web"
		d.Help = "download it, put it beside the workflow and write " + kind.folder + path.Base(slashed)
	case strings.HasPrefix(slashed, "/") || isDrive(slashed):
		d.Message = "the file is named by an absolute path, which exists on one computer only"
		d.Help = "put it beside the workflow and write " + kind.folder + path.Base(slashed)
	case strings.HasPrefix(slashed, "~/"):
		d.Message = "the file is named by a path into somebody's home folder"
		d.Help = "put it beside the workflow and write " + kind.folder + path.Base(slashed)
	case s != slashed:
		d.Message = `the path is written with "\", which only Windows understands`
		d.Help = "write it with slashes: " + slashed
		d.Edits = []diag.Edit{{Span: ref.Span(0, len(s)), New: slashed}}
	default:
		return d, false
	}
	return d, true
}

// isDrive reports whether s starts like a path of Windows: "C:".
func isDrive(s string) bool {
	return len(s) > 2 && s[1] == ':' && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z')
}

// read returns the data of a referenced file.
func (l *loader) read(name string, limit int64) ([]byte, error) {
	if l.fsys != nil {
		full := path.Join(l.dir, name)
		if !fs.ValidPath(full) {
			return nil, ErrOutside
		}
		return readFile(l.fsys, full, limit)
	}
	data, ok := l.files[name]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case int64(len(data)) > limit:
		return nil, &tooLargeError{int64(len(data)), limit}
	}
	return data, nil
}

// ErrOutside is the error of a file system that is asked for something outside of it,
// such as by a symbolic link.
var ErrOutside = errors.New("outside the folder")

// Errors of reading that get messages of their own.
var (
	errNotFile = errors.New("not a regular file")
	errFolder  = errors.New("a folder")
	errChanged = errors.New("changed while it was read")
)

type tooLargeError struct{ size, limit int64 }

func (e *tooLargeError) Error() string { return fmt.Sprintf("%d bytes are too many", e.size) }

// readFile reads a file in one piece: one that is written meanwhile is read
// again, up to three times.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, ErrOutside
	}
	for range 3 {
		data, err := readOnce(fsys, name, limit)
		if !errors.Is(err, errChanged) {
			return data, err
		}
	}
	return nil, errChanged
}

// readOnce reads a file and makes sure that it was the same before and after.
// It asks for the kind of file before opening it, since opening a pipe waits.
func readOnce(fsys fs.FS, name string, limit int64) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if err := checkKind(info, limit); err != nil {
		return nil, err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkKind(before, limit); err != nil {
		return nil, err
	}
	return readStable(f, before, limit)
}

func checkKind(info fs.FileInfo, limit int64) error {
	switch {
	case info.IsDir():
		return errFolder
	case !info.Mode().IsRegular():
		return errNotFile
	case info.Size() > limit:
		return &tooLargeError{info.Size(), limit}
	}
	return nil
}

func readStable(f fs.File, before fs.FileInfo, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return nil, errChanged
	}
	return data, nil
}

// problem says what kept a file from being read. what names it in the sentence.
func problem(what string, err error) diag.Diagnostic {
	var large *tooLargeError
	switch {
	case errors.As(err, &large):
		return diag.Diagnostic{
			Code: diag.FileTooLarge, Message: fmt.Sprintf("%s has %s; at most %s are read", what, megabytes(large.size), megabytes(large.limit)),
			Help: "check that this is the right file",
		}
	case errors.Is(err, errFolder):
		return diag.Diagnostic{Code: diag.NotAFile, Message: what + " is a folder, not a file", Help: "name a file in it"}
	case errors.Is(err, errNotFile):
		return diag.Diagnostic{Code: diag.NotAFile, Message: what + " is a pipe or a device, not a file", Help: `write "-" to read a workflow from standard input`}
	case errors.Is(err, errChanged):
		return diag.Diagnostic{Code: diag.FileChanged, Message: what + " changed while it was read", Help: "wait until the program that writes it is done, and try again"}
	case errors.Is(err, ErrOutside):
		return diag.Diagnostic{
			Code: diag.FileOutside, Message: what + " is outside the folder that files are read from",
			Help: "put the file into the workflow's folder, or start ot2flow from a folder that holds both",
		}
	case errors.Is(err, fs.ErrNotExist):
		return diag.Diagnostic{Code: diag.NotFound, Message: what + " does not exist"}
	case errors.Is(err, fs.ErrPermission):
		return diag.Diagnostic{Code: diag.Unreadable, Message: what + " may not be read by this user", Help: "check the permissions of the file and its folder"}
	}
	return diag.Diagnostic{Code: diag.Unreadable, Message: what + " cannot be read: " + cause(err)}
}

// cause strips the operation and the path off an error of the file system.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// megabytes prints a size, rounded up so that it never equals the limit it
// exceeds.
func megabytes(n int64) string {
	tenths := (n*10 + 1<<20 - 1) >> 20
	if tenths < 100 && tenths%10 != 0 {
		return fmt.Sprintf("%d.%d MiB", tenths/10, tenths%10)
	}
	return fmt.Sprintf("%d MiB", (tenths+9)/10)
}

// mainProblem reports that the workflow itself could not be read.
func (l *loader) mainProblem(name string, err error) diag.Diagnostic {
	d := problem("the workflow", err)
	d.Span.File = l.main
	if d.Code == diag.NotFound && l.fsys != nil {
		if near, ok := diag.Nearest(path.Base(name), l.listFolder(l.dir, ".yaml", ".yml")); ok {
			d.Help = "did you mean " + near + "?"
		}
	}
	return d
}

// refProblem reports that a file named in the workflow could not be read.
func (l *loader) refProblem(ref Scalar, name string, kind fileKind, err error) diag.Diagnostic {
	d := problem(name, err)
	d.Span = ref.Whole()
	if d.Code != diag.NotFound {
		return d
	}
	near, ok := l.nearest(name, kind)
	if !ok {
		d.Help = "file names count from the folder of the workflow; upper and lower case matter"
		return d
	}
	near = path.Join(path.Dir(ref.Text), path.Base(near))
	if strings.HasPrefix(ref.Text, "./") {
		near = "./" + near
	}
	d.Help = "did you mean " + near + "?"
	d.Edits = []diag.Edit{{Span: ref.Span(0, len(ref.Text)), New: near}}
	return d
}

// nearest finds the file whose name is most like the one that is missing,
// in the folder where it was looked for.
func (l *loader) nearest(name string, kind fileKind) (string, bool) {
	if l.fsys != nil {
		return diag.Nearest(path.Base(name), l.listFolder(path.Join(l.dir, path.Dir(name)), kind.endings...))
	}
	var names []string
	for other := range l.files {
		if path.Dir(other) == path.Dir(name) && other != l.main {
			names = append(names, path.Base(other))
		}
	}
	slices.Sort(names)
	return diag.Nearest(path.Base(name), names)
}

// listFolder returns the sorted names of the files with one of the endings.
func (l *loader) listFolder(dir string, endings ...string) []string {
	entries, err := fs.ReadDir(l.fsys, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(endings, path.Ext(e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names
}

// checkText makes sure that f holds text in UTF-8.
func checkText(f *File) diag.List {
	report := func(code *diag.Code, at int, message, help string) diag.List {
		d := diag.Diagnostic{Code: code, Span: diag.Span{File: f.Name}, Message: message, Help: help}
		if at >= 0 {
			d.Span = NewSource(f).At(at, at+1)
		}
		return diag.List{d}
	}
	const saveAs = "save it as UTF-8: most editors offer that under Save as, Encoding"
	data := bytes.TrimPrefix(f.Data, []byte(utf8BOM))
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return report(diag.EmptyFile, -1, "the file is empty", "save it first; it may also have been cut short when it was copied")
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return report(diag.NotUTF8, -1, "the file is saved as UTF-16, not as UTF-8", saveAs)
	}
	if at, r := badCharacter(f.Data); at >= 0 && r == utf8.RuneError {
		return report(diag.NotUTF8, at, fmt.Sprintf("the file is not saved as UTF-8: byte 0x%02X stands here", f.Data[at]), saveAs)
	} else if at >= 0 {
		return report(diag.NotText, at, fmt.Sprintf("a control character (%U) stands here, which no text has", r),
			"remove it; if there are many, this is not a text file")
	}
	return nil
}

// badCharacter returns the place of the first character that no text has, and
// utf8.RuneError for bytes that are not UTF-8. at is -1 when all is well.
func badCharacter(data []byte) (at int, r rune) {
	for i := 0; i < len(data); {
		r, n := rune(data[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(data[i:])
		}
		if isControl(r) || r == utf8.RuneError && n == 1 {
			return i, r
		}
		i += n
	}
	return -1, 0
}

// isControl reports whether YAML refuses r wherever it stands.
func isControl(r rune) bool {
	switch {
	case r < ' ':
		return r != '\t' && r != '\n' && r != '\r'
	case r < 0xA0:
		return r >= 0x7F && r != 0x85
	}
	return r == 0xFFFE || r == 0xFFFF
}
