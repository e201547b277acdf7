package workflows

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/sheet"
)

// What runs are given: values as text, and files of values.

// Run is what one run of a workflow is given. The zero Run gives nothing.
type Run struct {
	Name string    // "rows.csv, row 3"; empty where there is one run only
	At   diag.Span // the row

	input interpreter.Input
}

// Input returns what an expansion depends on. With examples, parameters without
// value or default take their example, as lint does.
func (r *Run) Input(examples bool) interpreter.Input {
	in := r.input
	in.Examples = examples
	return in
}

// On has the run begin with what is known of a deck; nil is a deck on which
// everything is as the workflow says.
func (r *Run) On(l *ledger.Ledger) { r.input.Ledger = l }

// Runs reads what runs of the workflow are given: file holds values of
// parameters, and may be empty; set are values as text, which win. The file is
// a YAML or JSON mapping from names to values, or a table (CSV, TSV, XLSX) with
// the names in its first row and a run in each row below it. Names of files
// among the values count from the file they stand in, or, for set, from the
// current folder. What is wrong with a file is added to c.Diagnostics; the
// error is for a file that cannot be read at all.
func (c *Checked) Runs(file string, set interpreter.Values) ([]Run, error) {
	runs := []Run{{}}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		f := spec.File{Name: c.Local(file), Data: data}
		c.given = append(c.given, f)
		var list diag.List
		if sheet.IsTable(file) {
			runs, list = c.rows(&f)
		} else {
			runs, list = mapping(&f)
		}
		if list.HasErrors() {
			c.Prepared = nil
		}
		c.Add(list)
	}
	for i := range runs {
		runs[i].input.Params = set
		c.tables(&runs[i], filepath.Dir(file))
	}
	return runs, nil
}

// Local is how the bundle's files would call a file outside of it, so that a
// finding about it is relocated to where it is.
func (c *Checked) Local(file string) string {
	if filepath.IsAbs(file) {
		return filepath.ToSlash(file)
	}
	if rel, err := filepath.Rel(filepath.FromSlash(c.Dir()), file); err == nil {
		return filepath.ToSlash(rel)
	}
	if full, err := filepath.Abs(file); err == nil {
		return filepath.ToSlash(full)
	}
	return filepath.ToSlash(file)
}

// mapping reads one run out of a YAML or JSON file.
func mapping(f *spec.File) ([]Run, diag.List) {
	src := spec.NewSource(f)
	root, list := src.Parse()
	if root == nil || list.HasErrors() {
		return nil, list
	}
	if root.Kind != yaml.MappingNode {
		return nil, diag.List{{Code: diag.BadValue, Span: src.NodeSpan(root), Message: "a mapping from parameter names to values is wanted here", Help: "write one line per parameter: R: 100 uL"}}
	}
	values := map[string]*spec.Written{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		k, n := root.Content[i], root.Content[i+1]
		w, ok := spec.ReadWritten(src, n)
		if !ok {
			list = append(list, diag.Diagnostic{Code: diag.BadValue, Span: src.NodeSpan(n), Message: "the value of " + k.Value + " is no value", Help: "write a value with its unit, such as 100 uL, a list of them, or for a table a file or a list of rows"})
			continue
		}
		values[k.Value] = &w
	}
	return []Run{{input: interpreter.Input{Written: values}}}, list
}

// rows reads a run out of each row of a table. An empty cell gives no value.
func (c *Checked) rows(f *spec.File) ([]Run, diag.List) {
	t, list := sheet.Read(f)
	if t == nil {
		return nil, list
	}
	if len(t.Rows) == 0 {
		return nil, diag.List{{Code: diag.NoRows, Span: t.RowSpan(t.Header), Message: "the table has the names of the parameters and no row with their values", Help: "add a row for each run"}}
	}
	names, list := c.parameters(t)
	if list.HasErrors() {
		return nil, list
	}
	runs := make([]Run, 0, len(t.Rows))
	for _, row := range t.Rows {
		r := Run{At: t.RowSpan(row), input: interpreter.Input{Written: map[string]*spec.Written{}}}
		if len(t.Rows) > 1 {
			r.Name = path.Base(f.Name) + ", " + t.RowName(row)
		}
		for i, cell := range row {
			if cell.Text == "" || names[i].name == "" {
				continue
			}
			text := cell.Text
			if _, err := strconv.ParseFloat(text, 64); err == nil && names[i].unit != "" {
				text += " " + names[i].unit
			}
			at := t.Span(cell)
			r.input.Written[names[i].name] = &spec.Written{Given: spec.Given{Scalar: spec.TextFrom(at, text), Set: true}, Span: at}
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// heading is a parameter as a table names it: with a unit for bare numbers, as
// in "R (uL)".
type heading struct{ name, unit string }

// parameters finds the parameters that a table has columns for.
func (c *Checked) parameters(t *sheet.Table) ([]heading, diag.List) {
	out := make([]heading, len(t.Header))
	if c.Prepared == nil {
		return out, nil
	}
	var list diag.List
	known := c.Prepared.ParamNames()
	seen := map[string]bool{}
	for i, cell := range t.Header {
		name, unit := cell.Text, ""
		if !slices.Contains(known, name) {
			if short, rest, ok := strings.Cut(name, "("); ok && strings.HasSuffix(rest, ")") {
				name, unit = strings.TrimSpace(short), strings.TrimSpace(strings.TrimSuffix(rest, ")"))
			}
		}
		d := diag.Diagnostic{Code: diag.TableColumn, Span: t.Span(cell)}
		switch {
		case name == "":
			d.Message, d.Help = "a column has no name", "write the name of a parameter above it, or remove the column"
		case !slices.Contains(known, name):
			d.Message, d.Help = "the workflow has no parameter "+name, "its parameters are "+strings.Join(known, ", ")
			if near, ok := diag.Nearest(name, known); ok {
				d.Help = "did you mean " + near + "?"
			}
		case seen[name]:
			d.Message, d.Help = "two columns are named "+name, "remove one of them"
		default:
			seen[name] = true
			out[i] = heading{name, unit}
			continue
		}
		list = append(list, d)
	}
	return out, list
}

// tables reads the files that a run names for tables.
func (c *Checked) tables(r *Run, folder string) {
	if c.Prepared == nil {
		return
	}
	for _, name := range c.Prepared.TableNames() {
		file, given := r.input.Params[name]
		if w := r.input.Written[name]; !given && w != nil && !w.Many {
			file, given = w.Text, true
			if !filepath.IsAbs(file) {
				file = filepath.Join(folder, filepath.FromSlash(file))
			}
		}
		if given {
			c.table(r, name, file)
		}
	}
}

// table reads one file. Where there is none, it may still be one of the
// bundle's: the expansion looks there and says so if it is not.
func (c *Checked) table(r *Run, name, file string) {
	if c.within && !filepath.IsAbs(file) {
		file = filepath.Join(filepath.FromSlash(c.Dir()), file) // whoever reads within folders need not know where we run
	}
	f := spec.File{Name: c.Local(file)}
	if i := slices.IndexFunc(c.given, func(g spec.File) bool { return g.Name == f.Name }); i >= 0 {
		f = c.given[i]
	} else {
		data, err := c.readTable(file)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			c.Add(diag.List{{Code: diag.Unreadable, Span: diag.Span{File: f.Name}, Message: "the table cannot be read: " + err.Error(), Help: "check the file that is given for " + name}})
			c.Prepared = nil
			return
		}
		f.Data = data
		c.given = append(c.given, f)
	}
	r.input.Tables = maps.Clone(r.input.Tables)
	if r.input.Tables == nil {
		r.input.Tables = map[string]spec.File{}
	}
	r.input.Tables[name] = f
}

func (c *Checked) readTable(file string) ([]byte, error) {
	if c.within {
		return ReadWithin(c.roots, file, spec.MaxTableSize)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no file")
	case info.Size() > spec.MaxTableSize:
		return nil, fmt.Errorf("it has %d bytes, and at most %d are read", info.Size(), spec.MaxTableSize)
	}
	return os.ReadFile(file)
}

// AddFrom adds what was found in one of several runs, saying in which.
func (c *Checked) AddFrom(r *Run, list diag.List) {
	if r.Name == "" {
		c.Add(list)
		return
	}
	var added diag.List
	for _, d := range slices.Clone(list).Relocate(c.Dir()) {
		key := foundKey{d.Code, d.Span, d.Message}
		again := c.again[key]
		if again == nil {
			again = &times{}
			if c.again == nil {
				c.again = map[foundKey]*times{}
			}
			c.again[key] = again
		}
		if again.more++; again.more > 1 {
			c.noteAgain(key, again, r)
			continue
		}
		related := diag.List{{Related: []diag.Related{{Span: r.At, Message: "in the run of " + r.Name}}}}.Relocate(c.Dir())[0].Related
		d.Related = append(slices.Clone(d.Related), related...)
		added = append(added, d)
	}
	c.Diagnostics = append(c.Diagnostics, added...).Sorted()
}

// foundKey is what makes the findings of two runs one.
type foundKey struct {
	code    *diag.Code
	span    diag.Span
	message string
}

// times is how often something was found, and what says so.
type times struct {
	more int
	note string
}

// noteAgain adds to a finding that another run has it too.
func (c *Checked) noteAgain(key foundKey, again *times, r *Run) {
	i := slices.IndexFunc(c.Diagnostics, func(d diag.Diagnostic) bool {
		return foundKey{d.Code, d.Span, d.Message} == key
	})
	if i < 0 {
		return
	}
	runs := "another run"
	if again.more > 2 {
		runs = strconv.Itoa(again.more-1) + " other runs"
	}
	d := &c.Diagnostics[i]
	d.Notes = slices.DeleteFunc(slices.Clone(d.Notes), func(n string) bool { return n == again.note })
	again.note = "found in " + runs + " too, the last of them that of " + r.Name
	d.Notes = append(d.Notes, again.note)
}
