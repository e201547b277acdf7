package interpreter

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/spec/sheet"
)

// column is a declared column of a table.
type column struct {
	domain
	decl      *spec.Column
	where     int // the column that names the labware a well is in, or -1
	otherwise *eval.Value
}

// mostBadCells is how many findings one column gets; the rest is counted.
const mostBadCells = 3

// columns reads the columns of a table and gives the table its type.
func (p *preparer) columns(d *spec.Param) ([]column, eval.Type) {
	var out []column
	var fields []eval.Field
	known := true
	seen := map[string]*spec.Column{}
	for i := range d.Columns {
		c := &d.Columns[i]
		if first := seen[folded(header(c))]; first != nil {
			p.add(diag.Diagnostic{
				Code: diag.TableColumn, Span: c.Name.Span, Message: "the columns " + first.Name.Value + " and " + c.Name.Value + " are found by the same header, " + header(c),
				Related: []diag.Related{{Span: first.Name.Span, Message: "the first is here"}}, Help: "give one of them another header:",
			})
		}
		seen[folded(header(c))] = c
		col := column{decl: c, where: -1}
		in := c.In
		if name, row := strings.CutPrefix(in.Value, "row."); row {
			col.where, in = p.columnOf(d, c, name), spec.Word{}
		}
		col.domain = p.domain(c.Name.Value, &declared{typ: c.Type, in: in, min: c.Min, max: c.Max, choices: c.Choices, short: c.Span == c.Type.Span})
		p.unit(&col)
		if col.where < 0 {
			col.otherwise = p.given(&col.domain, c.Default)
		} else if c.Default.Set {
			p.fail(diag.NoEffect, c.Default.Whole(), "`default` cannot be a well whose labware differs from row to row", "remove it, or name the labware with in: plate")
		}
		known = known && col.typ.Kind != eval.Invalid
		out, fields = append(out, col), append(fields, eval.Field{Name: c.Name.Value, Type: col.typ})
	}
	if !known || len(out) == 0 {
		return out, eval.Type{}
	}
	return out, eval.ListOf(eval.RecordOf(fields...))
}

// columnOf finds the column that names the labware of another one's wells.
func (p *preparer) columnOf(d *spec.Param, c *spec.Column, name string) int {
	var candidates []string
	for i := range d.Columns {
		other := &d.Columns[i]
		switch {
		case other.Name.Value == name && other.Type.Value == "labware":
			return i
		case other.Name.Value == name && !other.Type.IsSet():
			return -1 // what is wrong with its type was reported
		case other.Name.Value == name:
			p.add(diag.Diagnostic{
				Code: diag.TypeMismatch, Span: c.In.Span, Message: "the column " + name + " holds no labware, so " + c.Name.Value + " cannot be in it",
				Related: []diag.Related{{Span: other.Name.Span, Message: name + " is declared here"}}, Help: "write " + name + ": labware",
			})
			return -1
		case other.Type.Value == "labware":
			candidates = append(candidates, other.Name.Value)
		}
	}
	out := diag.Diagnostic{Code: diag.UnknownName, Span: c.In.Span, Message: "there is no column " + name + " that names the labware of " + c.Name.Value, Help: "declare it under columns: " + name + ": labware"}
	if near, ok := diag.Nearest(name, candidates); ok {
		out.Help, out.Edits = "did you mean row."+near+"?", []diag.Edit{{Span: c.In.Span, New: "row." + near}}
	}
	p.add(out)
	return -1
}

// unit makes sure that the unit of bare numbers is one of the column's type.
func (p *preparer) unit(col *column) {
	unit := col.decl.Unit
	if !unit.IsSet() || col.typ.Kind != eval.Quantity {
		return
	}
	if dim, ok := unitOf(unit.Value); !ok || dim != col.typ.Dim {
		p.fail(diag.BadValue, unit.Span, unit.Value+" is no unit of a "+col.typ.String(), "write for example "+col.typ.Dim.Unit())
	}
}

func unitOf(unit string) (quantity.Dim, bool) {
	q, err := quantity.Parse("1 " + unit)
	return q.Dim, err == nil
}

// header is what stands above a column in a file.
func header(c *spec.Column) string {
	if c.Header.Set {
		return c.Header.Text
	}
	return c.Name.Value
}

// folded is a header as it is compared: upper and lower case do not matter, and
// blanks, _ and - are the same.
func folded(s string) string {
	fields := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return r == ' ' || r == '_' || r == '-' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0'
	})
	return strings.Join(fields, " ")
}

// cutUnit cuts "volume (uL)" and "volume [uL]".
func cutUnit(s string) (name, unit string) {
	s = strings.TrimSpace(s)
	for _, pair := range []string{"()", "[]"} {
		if i := strings.LastIndexByte(s, pair[0]); i > 0 && s[len(s)-1] == pair[1] {
			return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1 : len(s)-1])
		}
	}
	return s, ""
}

// tableReader gives the rows of one table their types.
type tableReader struct {
	*valueReader
	columns []column
	from    []int    // where each column is in the file, or -1
	units   []string // of bare numbers, by column
	bad     []int    // faulty cells, by column
	last    []int    // the last finding, by column
	room    []eval.Value
	rows    []eval.Value
}

func (r *valueReader) table(w *spec.Written) (v eval.Value, shown string) {
	n := len(r.param.columns)
	t := tableReader{valueReader: r, columns: r.param.columns, units: make([]string, n), bad: make([]int, n), last: make([]int, n)}
	for i := range t.columns {
		t.units[i] = t.columns[i].decl.Unit.Value
	}
	if w.Many {
		t.written(w)
		shown = count(len(w.Items), "row")
	} else {
		shown = w.Text + ", " + count(t.read(w), "row")
	}
	for i, n := range t.bad {
		if n > mostBadCells {
			d := &r.list[t.last[i]]
			d.Notes = append(d.Notes, count(n-mostBadCells, "more cell")+" of this column cannot be read")
		}
	}
	return eval.ListValue(*r.param.typ.Elem, t.rows), shown
}

// written reads rows that stand in the workflow, or in a file of parameters.
func (t *tableReader) written(w *spec.Written) {
	if len(w.Items) == 0 {
		t.fail(diag.NoRows, w.Span, "the table "+t.name()+" has no rows", "write at least one: - {"+t.columns[0].decl.Name.Value+": …}")
		return
	}
	for k := range w.Items {
		item := &w.Items[k]
		if !item.IsRow {
			t.fail(diag.BadValue, item.Span, "a row of "+t.name()+" names its columns, and this is one value", "write {"+t.columns[0].decl.Name.Value+": "+item.Text+"}")
			continue
		}
		cells := make([]*spec.WrittenCell, len(t.columns))
		meant := map[string]bool{} // columns that are there under a misspelt name
		for j := range item.Cells {
			meant[t.writtenCell(cells, &item.Cells[j])] = true
		}
		t.row(func(i int) (string, bool) {
			if cells[i] == nil {
				return "", false
			}
			return cells[i].Value.Text, true
		}, func(i int) (diag.Span, string) {
			if cells[i] == nil {
				return item.Span, "row " + itoa(k+1) + ", column " + t.columns[i].decl.Name.Value
			}
			return cells[i].Value.Whole(), "row " + itoa(k+1) + ", column " + t.columns[i].decl.Name.Value
		}, func(i int) bool { return cells[i] == nil && meant[t.columns[i].decl.Name.Value] })
	}
}

// writtenCell finds the column of a cell. For a misspelt one it returns which
// one was meant.
func (t *tableReader) writtenCell(cells []*spec.WrittenCell, c *spec.WrittenCell) (meant string) {
	var names []string
	for i := range t.columns {
		name := t.columns[i].decl.Name.Value
		if name == c.Column.Value {
			cells[i] = c
			return ""
		}
		names = append(names, name)
	}
	d := diag.Diagnostic{Code: diag.TableColumn, Span: c.Column.Span, Message: t.name() + " has no column " + c.Column.Value, Help: "its columns are " + strings.Join(names, ", ")}
	if near, ok := diag.Nearest(c.Column.Value, names); ok {
		meant, d.Help, d.Edits = near, "did you mean "+near+"?", []diag.Edit{{Span: c.Column.Span, New: near}}
	}
	t.list = append(t.list, d)
	return meant
}

// read reads a file, and returns how many rows it has.
func (t *tableReader) read(w *spec.Written) int {
	f, ok := t.file(w.Text)
	switch {
	case !ok && t.declared:
		return t.stop() // the bundle's loading has said so
	case !ok:
		t.fail(diag.NotFound, w.Whole(), "the file "+w.Text+", given for the table "+t.name()+", is not there", "name a CSV, TSV or XLSX file")
		return 0
	}
	s, list := sheet.Read(f)
	for i := range list {
		if !w.Whole().IsZero() {
			list[i].Related = append(list[i].Related, diag.Related{Span: w.Whole(), Message: "the file is named here"})
		}
	}
	t.list = append(t.list, list...)
	if s == nil {
		return 0
	}
	if !t.match(s) {
		return 0
	}
	if len(s.Rows) == 0 {
		t.fail(diag.NoRows, s.RowSpan(s.Header), "the table "+t.name()+" has a header and no rows", "check that this is the right file")
		return 0
	}
	t.rows = make([]eval.Value, 0, len(s.Rows))
	for _, row := range s.Rows {
		t.row(func(i int) (string, bool) {
			if t.from[i] < 0 {
				return "", false
			}
			return row[t.from[i]].Text, true
		}, func(i int) (diag.Span, string) {
			if t.from[i] < 0 {
				return s.RowSpan(row), s.RowName(row)
			}
			c := row[t.from[i]]
			return s.Span(c), s.Place(c, t.columns[i].decl.Name.Value)
		}, nil)
	}
	return len(s.Rows)
}

// stop ends the reading of a table about which enough was said.
func (t *tableReader) stop() int {
	t.silent = true
	return 0
}

// match finds the declared columns in the header.
func (t *tableReader) match(s *sheet.Table) bool {
	before := len(t.list)
	t.from = make([]int, len(t.columns))
	taken := make([]bool, len(s.Header))
	for i := range t.columns {
		t.from[i] = t.find(s, &t.columns[i], i, taken)
	}
	var missing []string
	for i := range t.columns {
		if t.from[i] < 0 && t.columns[i].otherwise == nil {
			missing = append(missing, header(t.columns[i].decl))
		}
	}
	t.strangers(s, taken, &missing)
	if len(missing) > 0 {
		d := diag.Diagnostic{Code: diag.TableColumn, Span: s.RowSpan(s.Header), Message: "the table has no column " + strings.Join(missing, ", no column "), Help: "its columns are " + strings.Join(headers(s), ", ")}
		d.Related = []diag.Related{{Span: t.param.decl.Name.Span, Message: "the columns of " + t.name() + " are declared here"}}
		t.list = append(t.list, d)
	}
	return len(t.list) == before
}

func headers(s *sheet.Table) []string {
	var out []string
	for _, c := range s.Header {
		if c.Text != "" {
			out = append(out, c.Text)
		}
	}
	return out
}

// find returns where a column is in the file, -1 if it is not there.
func (t *tableReader) find(s *sheet.Table, col *column, i int, taken []bool) int {
	want, at := folded(header(col.decl)), -1
	for k, c := range s.Header {
		name, unit := cutUnit(c.Text)
		whole := folded(c.Text) == want
		carries := col.typ.Kind == eval.Quantity && unit != ""
		if !whole && (!carries || folded(name) != want) {
			continue
		}
		taken[k] = true
		if at >= 0 {
			t.fail(diag.TableColumn, s.Span(c), "two columns of the table are "+header(col.decl)+": "+s.Header[at].Text+" and "+c.Text, "rename or remove one of them")
			continue
		}
		at = k
		if carries {
			t.headerUnit(s, c, col, i, unit)
		}
	}
	return at
}

// headerUnit takes the unit that stands in a header.
func (t *tableReader) headerUnit(s *sheet.Table, c sheet.Cell, col *column, i int, unit string) {
	dim, ok := unitOf(unit)
	switch {
	case !ok && folded(c.Text) == folded(header(col.decl)):
		return // some other remark in parentheses, which is part of the name
	case !ok || dim != col.typ.Dim:
		t.fail(diag.TableColumn, s.Span(c), "the header says "+unit+", which is no unit of a "+col.typ.String(), "write for example "+col.decl.Name.Value+" ("+col.typ.Dim.Unit()+")")
	case t.units[i] != "" && t.units[i] != unit:
		t.fail(diag.TableColumn, s.Span(c), "the header says "+unit+", and the workflow says unit: "+t.units[i], "remove one of the two")
	default:
		t.units[i] = unit
	}
}

// strangers reports columns that are not declared; one that is like a missing
// one is that one, misspelt.
func (t *tableReader) strangers(s *sheet.Table, taken []bool, missing *[]string) {
	for k, c := range s.Header {
		if taken[k] || t.param.decl.Extra.Value == "ignore" && !t.isMisspelt(c, *missing) {
			continue
		}
		if c.Text == "" {
			if row := firstText(s, k); row != nil {
				if len(*missing) == 1 {
					t.fail(diag.TableColumn, s.Span(row[k]), "a cell stands in a column without a name, and the column "+(*missing)[0]+" is missing", "write "+(*missing)[0]+" above it")
					*missing = nil
					continue
				}
				t.fail(diag.TableColumn, s.Span(row[k]), "a cell stands in a column without a name", "write a name above it")
			}
			continue
		}
		help := "declare it under columns, or write extra: ignore"
		for i, m := range *missing {
			if near, ok := diag.Nearest(folded(c.Text), []string{folded(m)}); ok && near != "" {
				help = "did you mean " + m + "?"
				*missing = append((*missing)[:i:i], (*missing)[i+1:]...)
				break
			}
		}
		t.fail(diag.TableColumn, s.Span(c), "the workflow has no column "+c.Text+" in the table "+t.name(), help)
	}
}

func (t *tableReader) isMisspelt(c sheet.Cell, missing []string) bool {
	for _, m := range missing {
		if _, ok := diag.Nearest(folded(c.Text), []string{folded(m)}); ok {
			return true
		}
	}
	return false
}

// firstText returns the first row with something in column k, or nil.
func firstText(s *sheet.Table, k int) []sheet.Cell {
	for _, row := range s.Rows {
		if row[k].Text != "" {
			return row
		}
	}
	return nil
}

// row reads the cells of one row: first those that say which labware others
// are in. place says where a cell stands, and is asked only for a bad one;
// skip, which may be nil, which cells nothing is said about.
func (t *tableReader) row(text func(i int) (string, bool), place func(i int) (diag.Span, string), skip func(i int) bool) {
	n := len(t.columns)
	if len(t.room) < n {
		t.room = make([]eval.Value, 1024*n)
	}
	values := t.room[:n:n]
	t.room = t.room[n:]
	for _, second := range []bool{false, true} {
		for i := range t.columns {
			c := &t.columns[i]
			if (c.where >= 0) != second {
				continue
			}
			in := c.in
			if second {
				if values[c.where].Kind() != eval.Labware {
					continue // what it would be in cannot be read, which was reported
				}
				in = values[c.where].Labware()
			}
			s, given := text(i)
			v, why := t.cell(c, s, given, in, t.units[i])
			if why != "" && (skip == nil || !skip(i)) {
				t.badCell(i, why, place)
			}
			values[i] = v
		}
	}
	t.rows = append(t.rows, eval.RecordValue(*t.param.typ.Elem, values))
}

func (t *tableReader) cell(c *column, s string, given bool, in int, unit string) (v eval.Value, why string) {
	if strings.TrimSpace(s) == "" {
		switch {
		case c.otherwise != nil:
			return *c.otherwise, ""
		case c.typ.Kind == eval.Text && given && len(c.choices) == 0:
			return eval.TextValue(""), ""
		case !given:
			return v, "there is no value"
		}
		return v, "the cell is empty"
	}
	if unit != "" && c.typ.Kind == eval.Quantity {
		if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
			s += " " + unit
		}
	}
	if c.typ.Kind == eval.Bool {
		s = strings.ToLower(s) // spreadsheets write TRUE
	}
	v, err := eval.ParseValue(c.typ, s, in, t.deck)
	if err != nil {
		if point := decimalPoint(s); point != "" {
			what, _ := eval.Advice(err)
			return eval.Value{}, what + point
		}
		return eval.Value{}, err.Error()
	}
	if why := c.outside(v); why != "" {
		return v, why
	}
	return v, ""
}

// decimalPoint adds to a message what spreadsheets of half the world cause: a
// number with a decimal comma.
func decimalPoint(s string) string {
	whole, rest, ok := strings.Cut(strings.TrimSpace(s), ",")
	if !ok || whole == "" || rest == "" || strings.Trim(whole, "+-0123456789") != "" || rest[0] < '0' || rest[0] > '9' {
		return ""
	}
	return "; write decimals with a point: " + whole + "." + rest
}

func (t *tableReader) badCell(i int, why string, place func(i int) (diag.Span, string)) {
	if t.bad[i]++; t.bad[i] > mostBadCells {
		return
	}
	at, name := place(i)
	code := diag.BadValue
	if strings.HasPrefix(why, "is ") {
		code = diag.OutOfBounds
	} else {
		name += ":"
	}
	what, help, _ := strings.Cut(why, "; ")
	t.last[i] = len(t.list)
	t.list = append(t.list, diag.Diagnostic{
		Code: code, Span: at, Message: name + " " + what, Help: help,
		Related: []diag.Related{{Span: t.columns[i].decl.Name.Span, Message: "the column is declared here"}},
	})
}
