package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/compare"
)

// definition finds where a name comes from, or the file that is named.
func (s *server) definition(d *document, p *params) (any, error) {
	d.read()
	at := d.offset(p.Position)
	if u, ok := d.names.at(at); ok {
		return location{d.uri, d.rangeOf(d.names.declared[u.of].at)}, nil
	}
	i, ok := d.outline.Place(at)
	if !ok {
		return nil, nil
	}
	m := &d.outline.Mentions[i]
	if m.Key {
		return s.inCalled(d, m), nil
	}
	if file := fileNamed(m); file != "" && filepath.IsAbs(d.path) {
		path := filepath.Join(filepath.Dir(d.path), filepath.FromSlash(file))
		if _, err := os.Stat(path); err == nil {
			return location{uriOf(path), textRange{}}, nil
		}
	}
	return nil, nil
}

// fileNamed is the file that a value names, relative to the workflow; empty for none.
func fileNamed(m *spec.Mention) string {
	if m.Field == nil {
		return ""
	}
	switch v := m.Text.Text; {
	case m.Field.Key == "workflow":
		return spec.CalledFile(v)
	case m.Shape != nil && m.Shape.Name == "labware_type" && spec.IsFileReference(v),
		m.Field.Key == "liquid_class" && spec.IsClassFile(v),
		m.Field.Key == "file", m.Field.Key == "analysis", m.Field.Key == "adapter" && spec.IsFileReference(v):
		return v
	}
	return ""
}

// inCalled finds what a key of `with` stands for in the workflow that is called.
func (s *server) inCalled(d *document, m *spec.Mention) any {
	called, path := s.called(d, m)
	if called == nil {
		return nil
	}
	for i := range called.names.declared {
		if o := &called.names.declared[i]; o.name == m.Text.Text && o.within == (diag.Span{}) {
			return location{uriOf(path), called.rangeOf(o.at)}
		}
	}
	return nil
}

// called is the workflow that is called where a key of `with` stands; nil for another key.
func (s *server) called(d *document, m *spec.Mention) (*document, string) {
	if m.Up < 0 || d.outline.Mentions[m.Up].Text.Text != "with" || m.Shape == nil {
		return nil, ""
	}
	call := d.outline.Mentions[m.Up].Up
	for i := range d.outline.Mentions {
		o := &d.outline.Mentions[i]
		if o.Up < 0 || o.Key || d.outline.Mentions[o.Up].Up != call || o.Field == nil || o.Field.Key != "workflow" || !filepath.IsAbs(d.path) {
			continue
		}
		path := filepath.Join(filepath.Dir(d.path), filepath.FromSlash(spec.CalledFile(o.Text.Text)))
		return s.open(path), path
	}
	return nil, ""
}

// open is the document at a path, or what is in the file; nil where there is none.
func (s *server) open(path string) *document {
	s.mu.Lock()
	d := s.documents[path]
	s.mu.Unlock()
	if d == nil {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		d = &document{uri: uriOf(path), path: path, text: textOf(data)}
	}
	d.read()
	return d
}

func (d *document) rangeOf(span diag.Span) textRange {
	return d.between(span.Start.Offset, span.End.Offset)
}

// references finds all places of a name.
func (s *server) references(d *document, p *params) (any, error) {
	d.read()
	u, ok := d.names.at(d.offset(p.Position))
	if !ok {
		return nil, nil
	}
	out := []location{}
	for _, at := range d.names.of(u.of) {
		if at != d.names.declared[u.of].at || p.Context.IncludeDeclaration {
			out = append(out, location{d.uri, d.rangeOf(at)})
		}
	}
	return out, nil
}

// prepareRename says which name would get another.
func (s *server) prepareRename(d *document, p *params) (any, error) {
	d.read()
	u, ok := d.names.at(d.offset(p.Position))
	if !ok {
		return nil, refused("there is no name here that this file declares")
	}
	return prepared{d.rangeOf(u.at), d.names.declared[u.of].name}, nil
}

// rename gives a name to something everywhere in a file, and in the workflows that are
// open and call it. It does so only where the robot then does the same.
func (s *server) rename(d *document, p *params) (any, error) {
	d.read()
	u, ok := d.names.at(d.offset(p.Position))
	if !ok {
		return nil, refused("there is no name here that this file declares")
	}
	was := d.names.declared[u.of]
	if err := eval.CheckName(p.NewName); err != nil {
		return nil, refused("%v", err)
	}
	if p.NewName == was.name {
		return workspaceEdit{map[string][]textEdit{}}, nil
	}
	for i := range d.names.declared {
		if o := &d.names.declared[i]; o.name == p.NewName && (was.within == diag.Span{} || o.within == diag.Span{} || overlap(o.within, was.within)) {
			return nil, refused("%s is the name of a %s already, in line %d", p.NewName, o.what, o.at.Start.Line)
		}
	}
	var edits []diag.Edit
	for _, at := range d.names.of(u.of) {
		edits = append(edits, diag.Edit{Span: at, New: p.NewName})
	}
	if err := s.keeps(d, edits); err != nil {
		return nil, err
	}
	out := workspaceEdit{map[string][]textEdit{d.uri: d.edits(edits)}}
	if was.within == (diag.Span{}) {
		s.renameCalls(d, was.name, p.NewName, out.Changes)
	}
	return out, nil
}

func overlap(a, b diag.Span) bool {
	return a.Start.Offset < b.End.Offset && b.Start.Offset < a.End.Offset
}

// keeps makes sure that edits do not change what a workflow does. Where it has mistakes,
// there must not be more of them.
func (s *server) keeps(d *document, edits []diag.Edit) error {
	s.mu.Lock()
	texts := s.texts()
	s.mu.Unlock()
	before := s.proved(d, texts)
	texts[d.path] = apply(d.data, edits)
	after := &proved{Checked: workflows.OpenOver(d.path, texts)}
	after.Lint(nil)
	errors, _ := before.Diagnostics.Count()
	if more, _ := after.Diagnostics.Count(); more > errors {
		for i := range after.Diagnostics {
			if f := &after.Diagnostics[i]; f.Severity == diag.Error {
				return refused("with that name there would be a mistake in line %d: %s", f.Span.Start.Line, f.Message)
			}
		}
	}
	if a, b := before.Plan(), after.Plan(); a != nil && b != nil && len(a.Steps) <= stepsCompared {
		if c := compare.Plans(a, b); len(c.Deck)+len(c.Hunks)+len(c.Course) > 0 {
			return refused("with that name the robot would do something else; rename it by hand, and look at ot2flow diff")
		}
	}
	return nil
}

// stepsCompared bounds the plans that are compared while somebody waits.
const stepsCompared = 100_000

// apply applies edits to a text.
func apply(data []byte, edits []diag.Edit) []byte {
	sorted := slices.Clone(edits)
	slices.SortFunc(sorted, func(a, b diag.Edit) int { return a.Span.Start.Offset - b.Span.Start.Offset })
	var out []byte
	at := 0
	for _, e := range sorted {
		out = append(append(out, data[at:e.Span.Start.Offset]...), e.New...)
		at = e.Span.End.Offset
	}
	return append(out, data[at:]...)
}

// edits are edits as the protocol has them.
func (d *document) edits(list []diag.Edit) []textEdit {
	out := []textEdit{}
	for _, e := range list {
		out = append(out, textEdit{d.rangeOf(e.Span), e.New})
	}
	return out
}

// renameCalls adds the keys of `with` that stand for a name of a workflow, in the
// workflows that are open and call it.
func (s *server) renameCalls(d *document, name, to string, changes map[string][]textEdit) {
	s.mu.Lock()
	var callers []*document
	for _, o := range s.documents {
		if o != d && o.isWorkflow() {
			callers = append(callers, o)
		}
	}
	s.mu.Unlock()
	for _, o := range callers {
		o.read()
		for i := range o.outline.Mentions {
			m := &o.outline.Mentions[i]
			if !m.Key || m.Text.Text != name {
				continue
			}
			if _, path := s.called(o, m); path == d.path {
				changes[o.uri] = append(changes[o.uri], textEdit{o.rangeOf(inside(m.Text)), to})
			}
		}
	}
}

// format gives a document its canonical form, by one edit of the lines that change.
func (s *server) format(d *document, _ *params) (any, error) {
	out, list, err := workflows.Format(&spec.File{Name: filepath.Base(d.path), Data: d.data})
	switch {
	case list.HasErrors():
		f := list.Sorted()[0]
		return nil, refused("the file is left as it is: in line %d, %s", f.Span.Start.Line, f.Message)
	case err != nil:
		return nil, refused("the file is left as it is: %v", err)
	}
	start, end, now := differing(d.data, out)
	if start == end && len(now) == 0 {
		return []textEdit{}, nil
	}
	return []textEdit{{d.between(start, end), string(now)}}, nil
}

// differing are the lines of a text that are others in another one, and these.
func differing(was, is []byte) (start, end int, now []byte) {
	a, b := strings.SplitAfter(string(was), "\n"), strings.SplitAfter(string(is), "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		start += len(a[head])
		head++
	}
	end, tail := len(was), len(is)
	for len(a) > head && len(b) > head && a[len(a)-1] == b[len(b)-1] {
		end, tail = end-len(a[len(a)-1]), tail-len(b[len(b)-1])
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return start, end, is[start:tail]
}

// actions are what mends findings, and what mends all of them.
func (s *server) actions(d *document, p *params) (any, error) {
	checked := s.now(d)
	wants := func(kind string) bool {
		return len(p.Context.Only) == 0 || slices.ContainsFunc(p.Context.Only, func(o string) bool { return kind == o || strings.HasPrefix(kind, o+".") })
	}
	from, to := d.offset(p.Range.Start), d.offset(p.Range.End)
	out := []codeAction{}
	files := map[string]*text{d.path: d.text}
	var all []diag.Edit
	mended := 0
	for i := range checked.Diagnostics {
		f := &checked.Diagnostics[i]
		if len(f.Edits) == 0 || slices.ContainsFunc(f.Edits, func(e diag.Edit) bool { return absolute(e.Span.File, d.path) != d.path }) {
			continue
		}
		if !slices.ContainsFunc(f.Edits, func(e diag.Edit) bool {
			return slices.ContainsFunc(all, func(o diag.Edit) bool { return overlap(e.Span, o.Span) || e.Span == o.Span })
		}) {
			all = append(all, f.Edits...)
			mended++
		}
		if absolute(f.Span.File, d.path) != d.path || f.Span.Start.Offset > to || f.Span.End.Offset < from || !wants("quickfix") {
			continue
		}
		out = append(out, codeAction{
			Title: d.title(f.Edits), Kind: "quickfix", IsPreferred: true,
			Diagnostics: []diagnostic{finding(f, d.path, checked.Checked, files)},
			Edit:        &workspaceEdit{map[string][]textEdit{d.uri: d.edits(f.Edits)}},
		})
	}
	if mended > 0 && wants("source.fixAll") && (mended > 1 || len(p.Context.Only) > 0) {
		title := fmt.Sprintf("mend all %d that can be mended", mended)
		out = append(out, codeAction{Title: title, Kind: "source.fixAll", Edit: &workspaceEdit{map[string][]textEdit{d.uri: d.edits(all)}}})
	}
	return out, nil
}

// title says what edits do.
func (d *document) title(edits []diag.Edit) string {
	var out []string
	for _, e := range edits {
		old := string(d.data[e.Span.Start.Offset:e.Span.End.Offset])
		switch {
		case old == "":
			out = append(out, "insert "+short(e.New))
		case e.New == "":
			out = append(out, "remove "+short(old))
		default:
			out = append(out, "write "+short(e.New)+" instead of "+short(old))
		}
	}
	return strings.Join(out, ", ")
}

// short is a text in one line, up to a length.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 40 {
		s = string(r[:39]) + "…"
	}
	return s
}
