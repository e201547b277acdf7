// Package sheet reads tables out of the files that people keep them in: CSV,
// TSV and Excel workbooks (XLSX).
//
// It owns what a file's cells are and where they stand. It gives every cell as
// text: what the text means, and which columns there should be, is for whoever
// asked. It reads bytes, never files.
package sheet

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Limits of what is read. A larger table is refused.
const (
	MaxRows    = 1_000_000
	MaxColumns = 1_000
)

// Table is the cells of a file. Rows without any text are left out; each of
// the others has as many cells as the header.
type Table struct {
	Header []Cell
	Rows   [][]Cell

	src  *spec.Source
	name string // of the sheet in a workbook
	book bool
}

// Cell is the text of one cell, and where it stands: in a text file from one
// byte to another, in a workbook at a row and a column counted from 0.
type Cell struct {
	Text       string
	start, end int32
}

// IsTable reports whether a file's name is that of a table.
func IsTable(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".tsv", ".tab", ".txt", ".xlsx":
		return true
	}
	return false
}

// Read reads a table: a workbook where the name ends in .xlsx, columns between
// tabs where it ends in .tsv or .tab, and otherwise columns between commas,
// semicolons or tabs, whichever the header has. The table is nil if the list
// has errors.
func Read(f *spec.File) (*Table, diag.List) {
	src := spec.NewSource(f)
	if strings.EqualFold(path.Ext(f.Name), ".xlsx") {
		return readBook(src)
	}
	return readText(src)
}

// Span returns where a cell stands. In a workbook that is the file alone: see
// Place.
func (t *Table) Span(c Cell) diag.Span {
	if t.book {
		return diag.Span{File: t.src.Name()}
	}
	return t.src.At(int(c.start), int(c.end))
}

// RowSpan returns where a row stands, from its first cell to its last.
func (t *Table) RowSpan(row []Cell) diag.Span {
	if t.book || len(row) == 0 {
		return diag.Span{File: t.src.Name()}
	}
	span := t.src.At(int(row[0].start), int(row[0].end))
	if last := t.src.At(int(row[len(row)-1].start), int(row[len(row)-1].end)); last.End.Line == span.Start.Line {
		span.End = last.End
	}
	return span
}

// Place names a cell as people find it: "row 4, column volume", in a workbook
// "cell C4 of Sheet1, column volume". Rows are counted as spreadsheets do, the
// header included.
func (t *Table) Place(c Cell, column string) string {
	if t.book {
		return "cell " + columnName(int(c.end)) + strconv.Itoa(int(c.start)+1) + " of " + t.name + ", column " + column
	}
	return "row " + strconv.Itoa(t.line(c)) + ", column " + column
}

// RowName names a row: "row 4".
func (t *Table) RowName(row []Cell) string {
	if len(row) == 0 {
		return "a row"
	}
	return "row " + strconv.Itoa(t.line(row[0]))
}

func (t *Table) line(c Cell) int {
	if t.book {
		return int(c.start) + 1
	}
	return t.src.At(int(c.start), int(c.start)).Start.Line
}

// columnName is how spreadsheets call a column counted from 0: A, B, …, AA.
func columnName(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// cleared drops rows without text, and empty cells beyond the header. It
// reports rows of another length than the header.
func (t *Table) cleared(rows [][]Cell) diag.List {
	var list diag.List
	if len(rows) == 0 {
		return diag.List{{Code: diag.BadTable, Span: diag.Span{File: t.src.Name()}, Message: "the table is empty", Help: "write the names of the columns into its first row"}}
	}
	t.Header = trimRight(rows[0])
	for _, row := range rows[1:] {
		full := len(trimRight(row))
		switch {
		case full == 0:
		case full > len(t.Header):
			extra := row[full-1]
			list = append(list, diag.Diagnostic{
				Code: diag.BadTable, Span: t.Span(extra), Message: t.RowName(row) + " has " + strconv.Itoa(full) + " cells, and the header has " + strconv.Itoa(len(t.Header)),
				Help: "put a cell that holds the separator into double quotes, or remove what is too much",
			})
		case len(row) < len(t.Header) && !t.book:
			list = append(list, diag.Diagnostic{
				Code: diag.BadTable, Span: t.RowSpan(row), Message: t.RowName(row) + " has " + plural(len(row), "cell") + ", and the header has " + strconv.Itoa(len(t.Header)),
				Help: "write every cell, also the empty ones: the separators stay",
			})
		default:
			t.Rows = append(t.Rows, row[:len(t.Header)])
		}
		if len(list) >= mostFaults {
			break
		}
	}
	return list
}

// mostFaults is after how many faults of its form a table is given up.
const mostFaults = 20

func tooLarge(file string) *diag.Diagnostic {
	return &diag.Diagnostic{
		Code: diag.BadTable, Span: diag.Span{File: file}, Message: fmt.Sprintf("the table is too large: at most %d rows and %d columns are read", MaxRows, MaxColumns),
		Help: "check that this is the right file, or split it",
	}
}

func trimRight(row []Cell) []Cell {
	for len(row) > 0 && row[len(row)-1].Text == "" {
		row = row[:len(row)-1]
	}
	return row
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}
