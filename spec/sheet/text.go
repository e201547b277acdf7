package sheet

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

const utf8BOM = "\ufeff"

// textReader cuts a text into cells as RFC 4180 has it: a cell in double quotes
// may hold separators, line ends and doubled quotes. Lines end with LF, CRLF or
// CR. White space around a cell without quotes does not belong to it.
type textReader struct {
	src   *spec.Source
	data  []byte
	pos   int
	sep   byte
	cells []Cell // of all rows, so that they take few allocations
}

func readText(src *spec.Source) (*Table, diag.List) {
	r := textReader{src: src, data: src.File().Data}
	if list := r.encoding(); list != nil {
		return nil, list
	}
	if bytes.HasPrefix(r.data, []byte(utf8BOM)) {
		r.pos = len(utf8BOM)
	}
	if list := r.separator(); list != nil {
		return nil, list
	}
	t := &Table{src: src}
	rows, list := r.rows()
	if list == nil {
		list = t.cleared(rows)
	}
	if list.HasErrors() {
		return nil, list
	}
	return t, nil
}

// encoding refuses what is no text in UTF-8.
func (r *textReader) encoding() diag.List {
	const saveAs = `save it as UTF-8: in Excel, choose "CSV UTF-8" under Save as`
	switch {
	case bytes.HasPrefix(r.data, []byte("\xff\xfe")) || bytes.HasPrefix(r.data, []byte("\xfe\xff")):
		return diag.List{{Code: diag.NotUTF8, Span: diag.Span{File: r.src.Name()}, Message: "the table is saved as UTF-16, not as UTF-8", Help: saveAs}}
	case bytes.HasPrefix(r.data, []byte("PK\x03\x04")):
		return diag.List{{Code: diag.BadTable, Span: diag.Span{File: r.src.Name()}, Message: "the file is a workbook, and its name says that it is text", Help: "let its name end in .xlsx"}}
	}
	if utf8.Valid(r.data) {
		return nil
	}
	at := 0
	for at < len(r.data) {
		c, n := utf8.DecodeRune(r.data[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return diag.List{{Code: diag.NotUTF8, Span: r.src.At(at, at+1), Message: fmt.Sprintf("the table is not saved as UTF-8: byte 0x%02X stands here", r.data[at]), Help: saveAs}}
}

// separator decides by the first line that is not blank what separates cells.
// A line "sep=;", as Excel writes it, says so itself.
func (r *textReader) separator() diag.List {
	r.skipBlankLines()
	line := r.data[r.pos:]
	if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
		line = line[:end]
	}
	if named, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(named) == 1 {
		r.sep = named[0]
		r.pos += len(line)
		return nil
	}
	r.sep = ','
	if ext := strings.ToLower(path.Ext(r.src.Name())); ext == ".tsv" || ext == ".tab" {
		r.sep = '\t'
		return nil
	}
	commas, semicolons, tabs := outsideQuotes(r.data[r.pos:])
	switch {
	case commas > 0 && semicolons > 0:
		return diag.List{{
			Code: diag.BadTable, Span: r.src.At(r.pos, r.pos+len(line)), Message: "the header has commas and semicolons, so it is not clear which of them separate the columns",
			Help: "put names that have a comma or a semicolon in them into double quotes",
		}}
	case semicolons > 0:
		r.sep = ';'
	case tabs > 0 && commas == 0:
		r.sep = '\t'
	}
	return nil
}

// skipBlankLines leaves pos at the start of a line with something in it.
func (r *textReader) skipBlankLines() {
	for i := r.pos; i < len(r.data); i++ {
		switch r.data[i] {
		case ' ', '\t':
		case '\n', '\r':
			r.pos = i + 1
		default:
			return
		}
	}
}

// outsideQuotes counts what may separate cells in the first row.
func outsideQuotes(data []byte) (commas, semicolons, tabs int) {
	quoted := false
	for _, c := range data {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',':
			commas++
		case c == ';':
			semicolons++
		case c == '\t':
			tabs++
		case c == '\n' || c == '\r':
			return commas, semicolons, tabs
		}
	}
	return commas, semicolons, tabs
}

// rows reads all rows but blank ones.
func (r *textReader) rows() ([][]Cell, diag.List) {
	rows := make([][]Cell, 0, 1+bytes.Count(r.data, []byte{'\n'}))
	for r.pos < len(r.data) {
		row, fault := r.row()
		switch {
		case fault != nil:
			return nil, diag.List{*fault}
		case len(trimRight(row)) == 0:
			continue
		case len(rows) > MaxRows:
			return nil, diag.List{*r.tooLarge()}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// row reads the cells up to the end of a line, and goes past it.
func (r *textReader) row() ([]Cell, *diag.Diagnostic) {
	if cap(r.cells)-len(r.cells) < 64 {
		r.cells = make([]Cell, 0, 4096)
	}
	start := len(r.cells)
	for {
		c, fault := r.cell()
		if fault != nil {
			return nil, fault
		}
		r.cells = append(r.cells, c)
		if len(r.cells)-start > MaxColumns {
			return nil, r.tooLarge()
		}
		if r.pos >= len(r.data) || r.data[r.pos] != r.sep {
			r.lineEnd()
			return r.cells[start:len(r.cells):len(r.cells)], nil
		}
		r.pos++
	}
}

func (r *textReader) lineEnd() {
	if r.pos < len(r.data) && r.data[r.pos] == '\r' {
		r.pos++
	}
	if r.pos < len(r.data) && r.data[r.pos] == '\n' {
		r.pos++
	}
}

// cell reads one cell and stops at what ends it.
func (r *textReader) cell() (Cell, *diag.Diagnostic) {
	for r.pos < len(r.data) && r.isBlank(r.data[r.pos]) {
		r.pos++
	}
	if r.pos < len(r.data) && r.data[r.pos] == '"' {
		return r.quoted()
	}
	start, end := r.pos, r.pos
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		if c == r.sep || c == '\n' || c == '\r' {
			break
		}
		if c == '"' {
			return Cell{}, r.fault(r.pos, r.pos+1, "a double quote stands in a cell that does not begin with one", `put the whole cell into double quotes, and double those in it: "1/4"" tubing"`)
		}
		r.pos++
		if !r.isBlank(c) {
			end = r.pos
		}
	}
	return Cell{string(r.data[start:end]), int32(start), int32(end)}, nil
}

func (r *textReader) isBlank(c byte) bool { return (c == ' ' || c == '\t') && c != r.sep }

// quoted reads a cell in double quotes.
func (r *textReader) quoted() (Cell, *diag.Diagnostic) {
	start := r.pos
	var text strings.Builder
	for {
		from := r.pos + 1
		n := bytes.IndexByte(r.data[from:], '"')
		if n < 0 {
			return Cell{}, r.fault(start, start+1, "this double quote is never closed", `end the cell with another; a quote that belongs to the text is written twice: ""`)
		}
		text.Write(r.data[from : from+n])
		r.pos = from + n + 1
		if r.pos >= len(r.data) || r.data[r.pos] != '"' {
			break
		}
		text.WriteByte('"')
	}
	end := r.pos
	for r.pos < len(r.data) && r.isBlank(r.data[r.pos]) {
		r.pos++
	}
	if r.pos < len(r.data) && r.data[r.pos] != r.sep && r.data[r.pos] != '\n' && r.data[r.pos] != '\r' {
		return Cell{}, r.fault(r.pos, r.pos+1, "text stands behind the double quote that ends a cell", `a quote that belongs to the text is written twice: ""`)
	}
	return Cell{text.String(), int32(start), int32(end)}, nil
}

func (r *textReader) tooLarge() *diag.Diagnostic { return tooLarge(r.src.Name()) }

func (r *textReader) fault(start, end int, message, help string) *diag.Diagnostic {
	return &diag.Diagnostic{Code: diag.BadTable, Span: r.src.At(start, end), Message: message, Help: help}
}
