package spec

import (
	"cmp"
	"slices"
	"strings"
)

// use is one place of the language that a key can stand in.
type use struct {
	in    string // "transfer", "a workflow"
	field Field
}

// Keys returns every key of the language, of labs and of tests, and "step" and "workflow" for
// the two shapes that keys are put into, sorted.
func Keys() []string {
	keys := []string{stepPage, workflowPage}
	for _, u := range uses() {
		keys = append(keys, u.field.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

const (
	stepPage     = "step"
	workflowPage = "workflow"
	labPage      = LabFormat
	testPage     = TestsFormat
	aStepTitle   = "a step"
)

// Reference returns a page about a key or a step kind, as plain text: what it
// is for, an example, and the keys that can stand inside it. A key that means
// different things in different places has a paragraph for each of them.
func Reference(key string) (string, bool) {
	var p page
	switch key {
	case workflowPage:
		p.section(key, rootShape.Doc, "", rootShape)
	case labPage:
		p.section(key, labRoot.Doc, "", labRoot)
	case testPage:
		p.section(key, testsRoot.Doc, "", testsRoot)
	case stepPage:
		p.section(key, StepObject().Doc, StepObject().Example, StepObject())
	}
	for _, group := range meanings(key) {
		first := group[0].field
		p.section(key+" in "+places(group), sentence(first), key+": "+first.Example, first.Slot.Shape)
	}
	return p.out.String(), p.out.Len() > 0
}

// places joins the names of where a key can stand.
func places(group []use) string {
	var in []string
	for _, u := range group {
		if !slices.Contains(in, u.in) {
			in = append(in, u.in)
		}
	}
	return strings.Join(in, ", ")
}

func sentence(f Field) string {
	if f.Required {
		return f.Doc + " Required."
	}
	return f.Doc
}

// meanings returns the uses of a key, those that say the same together.
func meanings(key string) [][]use {
	var out [][]use
	for _, u := range uses() {
		if u.field.Key != key {
			continue
		}
		i := slices.IndexFunc(out, func(g []use) bool {
			return g[0].field.Doc == u.field.Doc && g[0].field.Required == u.field.Required
		})
		if i < 0 {
			out, i = append(out, nil), len(out)
		}
		out[i] = append(out[i], u)
	}
	return out
}

// page is a text in sections. What a shape takes is said once.
type page struct {
	out  strings.Builder
	said []string
}

func (p *page) section(title, doc, example string, s *Shape) {
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
	p.lines(title, "  "+doc)
	again := s.Name != "" && slices.Contains(p.said, s.Name)
	p.said = append(p.said, s.Name)
	if !again && s.Doc != "" && s.Doc != doc {
		p.lines("  " + s.Doc)
	}
	if words := allWords(s); !again && len(words) > 0 {
		p.lines("  Words: " + strings.Join(words, ", "))
	}
	if example != "" {
		p.lines("  Example: " + strings.TrimSuffix(example, " null"))
	}
	if !again {
		p.keys(holder(s))
	}
}

func (p *page) lines(lines ...string) {
	for _, l := range lines {
		p.out.WriteString(l + "\n")
	}
}

func (p *page) keys(s *Shape) {
	if s == nil {
		return
	}
	p.lines("  Keys:")
	fields := s.Fields()
	width := 0
	for _, f := range fields {
		width = max(width, len(f.Key))
	}
	for _, f := range fields {
		p.lines("    " + f.Key + strings.Repeat(" ", width-len(f.Key)) + "  " + sentence(f))
	}
}

func allWords(s *Shape) []string {
	words := s.Words
	for _, alt := range s.Any {
		words = append(slices.Clone(words), alt.Lead...)
	}
	return append(slices.Clone(words), s.Lead...)
}

// holder returns the mapping with fixed keys that is in s, nil if there is none.
func holder(s *Shape) *Shape {
	switch s.Kind {
	case UnionShape:
		if alt := s.Alternative(false, false); alt != nil && alt.Kind == ObjectShape {
			s = alt
		}
	case MapShape, ListShape:
		return holder(s.Elem)
	}
	if s.Kind != ObjectShape || s.fields == nil || len(s.Fields()) == 0 {
		return nil
	}
	return s
}

// uses returns every key with every place it can stand in, in the order of the
// table.
func uses() []use {
	c := collector{seen: map[string]bool{}}
	c.keys("a workflow", rootShape)
	c.keys(aStepTitle, StepObject())
	c.keys("a lab", labRoot)
	c.keys("a file with tests", testsRoot)
	return c.out
}

// collector walks the shapes; those with a name once.
type collector struct {
	out  []use
	seen map[string]bool
}

func (c *collector) keys(in string, s *Shape) {
	for _, f := range s.Fields() {
		c.out = append(c.out, use{in, f})
		inner := holder(f.Slot.Shape)
		if inner == nil {
			continue
		}
		name := strings.TrimSuffix(cmp.Or(inner.Name, f.Slot.Shape.Name, f.Key), "_side")
		if in != aStepTitle && LookupStepKind(name) != nil {
			name += " of a liquid step" // what a step is called too
		}
		if !c.seen[name] {
			c.seen[name] = true
			c.keys(title(name, f), inner)
		}
	}
}

// title names the mapping that is the value of a field.
func title(name string, f Field) string {
	if s := f.Slot.Shape; s.Kind == MapShape || s.Kind == ListShape {
		return "each of " + f.Key
	}
	return name
}
