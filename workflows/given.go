package workflows

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// RunFrom reads what a run is given from the text of a YAML or JSON mapping, which
// messages call name. Unlike Runs it looks at no file: a table is a list of rows, or
// names one of the workflow's own files. A bare number counts in the unit of UnitOf,
// so that programs can send numbers. It may be called by several goroutines.
func (c *Checked) RunFrom(name string, data []byte) (Run, diag.List) {
	runs, list := mapping(&spec.File{Name: name, Data: data})
	if len(runs) == 0 {
		return Run{}, list
	}
	declared := c.Prepared.Declared()
	for i := range declared {
		d := &declared[i]
		w := runs[0].input.Written[d.Name.Value]
		if w == nil || w.Many {
			continue
		}
		unit := UnitOf(d)
		if _, err := strconv.ParseFloat(w.Text, 64); err == nil && unit != "" {
			w.Given = spec.Given{Scalar: spec.TextFrom(w.Span, w.Text+" "+unit), Set: true}
		}
	}
	return runs[0], list
}

// UnitOf is the unit in which a workflow writes a parameter of one value: that of its
// default, example, or bounds. It is empty where it has none.
func UnitOf(d *spec.Param) string {
	if d.Type.Value == "list" || d.Type.Value == "table" {
		return ""
	}
	for _, text := range []string{d.Default.Text, d.Example.Text, d.Max.Text, d.Min.Text} {
		q, err := quantity.Parse(text)
		if err != nil || q.Dim == quantity.Number {
			continue
		}
		return strings.TrimSpace(strings.TrimLeft(text, "+-0123456789.eE "))
	}
	return ""
}

// ParamAt names the parameter that a finding is about, by where it is: at a value
// that the run was given, or at what the workflow declares. It is empty where the
// finding is about something else.
func (c *Checked) ParamAt(r *Run, d *diag.Diagnostic) string {
	for name, w := range r.input.Written {
		if w.Span.File == d.Span.File && within(d.Span, w.Span) {
			return name
		}
	}
	declared := c.Prepared.Declared()
	for i := range declared {
		at := declared[i].Span
		at.File = relocated(c.Dir(), at.File)
		if at.File == d.Span.File && within(d.Span, at) {
			return declared[i].Name.Value
		}
	}
	return ""
}

// within reports whether one span begins in another.
func within(in, of diag.Span) bool {
	return in.Start.Offset >= of.Start.Offset && in.Start.Offset <= of.End.Offset
}

// RunWith is a run that is given the values that stand in another file, in which names of
// tables count from where that is. What is wrong with the files of tables is returned, as
// a person sees it; c stays as it is.
func (c *Checked) RunWith(values map[string]*spec.Written, file string) (Run, diag.List) {
	r := Run{input: interpreter.Input{Written: values}}
	prepared, before := c.Prepared, c.Diagnostics
	c.Diagnostics = nil
	c.tables(&r, filepath.Dir(file))
	found := c.Diagnostics
	c.Prepared, c.Diagnostics = prepared, before
	return r, found
}
