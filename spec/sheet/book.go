package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// A workbook (ISO/IEC 29500, SpreadsheetML) is an archive of XML parts. The
// list of sheets, the strings they share and the first sheet are all that is
// read: formats, formulas and the rest do not change what a cell holds. Of a
// formula it is the value that was last computed.

// maxPart bounds what one part may unpack to.
const maxPart = 256 << 20

// book is an open workbook.
type book struct {
	parts   map[string]*zip.File
	strings []string
}

func readBook(src *spec.Source) (*Table, diag.List) {
	fault := func(message, help string) (*Table, diag.List) {
		return nil, diag.List{{Code: diag.BadTable, Span: diag.Span{File: src.Name()}, Message: message, Help: help}}
	}
	data := src.File().Data
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fault("the file is no Excel workbook: "+err.Error(), "save it as .xlsx, or as CSV; the older .xls is not read")
	}
	b := book{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		b.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	name, part, err := b.firstSheet()
	if err == nil {
		err = b.sharedStrings()
	}
	var rows [][]Cell
	if err == nil {
		rows, err = b.rows(part)
	}
	var bad *cellError
	switch {
	case errors.As(err, &bad):
		return fault(fmt.Sprintf("cell %s of %s holds the error %s", bad.at, name, bad.text), "correct its formula and save the workbook")
	case errors.Is(err, errTooLarge):
		return nil, diag.List{*tooLarge(src.Name())}
	case err != nil:
		return fault("the workbook cannot be read: "+err.Error(), "open it in a spreadsheet program and save it again as .xlsx, or as CSV")
	}
	t := &Table{src: src, name: name, book: true}
	if list := t.cleared(rows); list.HasErrors() {
		return nil, list
	}
	return t, nil
}

var errTooLarge = errors.New("too large")

// cellError is a cell whose formula could not be computed.
type cellError struct{ at, text string }

func (e *cellError) Error() string { return e.at + " holds " + e.text }

// part unpacks a part.
func (b *book) part(name string) ([]byte, error) {
	f, ok := b.parts[name]
	if !ok {
		return nil, fmt.Errorf("it has no part %s", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := bytes.NewBuffer(make([]byte, 0, min(f.UncompressedSize64, 32<<20)+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(r, maxPart+1)); err != nil {
		return nil, err
	}
	if data.Len() > maxPart {
		return nil, errTooLarge
	}
	return data.Bytes(), nil
}

// decode reads a small part as a whole.
func (b *book) decode(name string, into any) error {
	data, err := b.part(name)
	if err != nil {
		return err
	}
	return xml.Unmarshal(data, into)
}

// firstSheet returns the name of the first sheet that is not hidden, and its
// part.
func (b *book) firstSheet() (name, part string, err error) {
	var list struct {
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Links []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := b.decode("xl/workbook.xml", &list); err != nil {
		return "", "", err
	}
	if err := b.decode("xl/_rels/workbook.xml.rels", &links); err != nil {
		return "", "", err
	}
	for _, s := range list.Sheets {
		if s.State != "" && s.State != "visible" {
			continue
		}
		for _, l := range links.Links {
			if l.ID != s.ID {
				continue
			}
			if strings.HasPrefix(l.Target, "/") {
				return s.Name, strings.TrimPrefix(l.Target, "/"), nil
			}
			return s.Name, path.Join("xl", l.Target), nil
		}
	}
	return "", "", errors.New("it has no sheet to read")
}

// sharedStrings reads the texts that cells refer to by number. A text may be of
// several pieces that look different; how it is pronounced is no part of it.
func (b *book) sharedStrings() error {
	const part = "xl/sharedStrings.xml"
	if b.parts[part] == nil {
		return nil
	}
	s, err := b.scan(part)
	if err != nil {
		return err
	}
	var r pieces
	for {
		t, err := s.next()
		if err != nil || t == endOfPart {
			return err
		}
		if err := r.token(s, t); err != nil {
			return err
		}
		switch string(s.name) {
		case "si":
			if t == startTag {
				r.text = r.text[:0]
			} else if t == endTag {
				b.strings = append(b.strings, string(bytes.TrimSpace(r.text)))
			}
		}
	}
}

func (b *book) scan(part string) (*scanner, error) {
	data, err := b.part(part)
	if err != nil {
		return nil, err
	}
	return newScanner(data)
}

// pieces gathers the text of the elements v and t, but for those of rPh,
// which say how it is pronounced.
type pieces struct {
	text   []byte
	inText bool
	spoken bool
}

func (r *pieces) token(s *scanner, t token) (err error) {
	if t == text {
		if r.inText && !r.spoken {
			r.text, err = s.appendText(r.text)
		}
		return err
	}
	switch string(s.name) {
	case "v", "t":
		r.inText = t == startTag
	case "rPh":
		r.spoken = t == startTag
	}
	return nil
}

// bookCell is one cell of a sheet's part, as far as it is read.
type bookCell struct {
	row    int32
	column int
	kind   []byte
	pieces
}

func (c *bookCell) name() string { return columnName(c.column) + strconv.Itoa(int(c.row)+1) }

// rows reads the cells of a sheet, each row up to its last cell. A cell that
// does not say where it stands follows the one before it.
func (b *book) rows(part string) ([][]Cell, error) {
	s, err := b.scan(part)
	if err != nil {
		return nil, err
	}
	g := grid{line: -1}
	c := bookCell{row: -1, column: -1}
	isSheet := false
	for {
		t, err := s.next()
		if err == nil {
			err = c.token(s, t)
		}
		switch {
		case err != nil:
			return nil, err
		case t == endOfPart && !isSheet:
			return nil, errors.New("its first sheet is empty")
		case t == endOfPart:
			return g.filled(), nil
		case t == text:
			continue
		}
		switch string(s.name) {
		case "worksheet":
			isSheet = true
		case "row":
			err = c.nextRow(s, t)
		case "c":
			if t == startTag {
				err = c.nextCell(s)
			} else {
				err = b.add(&g, &c)
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c *bookCell) nextRow(s *scanner, t token) error {
	if t != startTag {
		return nil
	}
	c.row, c.column = c.row+1, -1
	if at := s.attr("r"); at != nil {
		n, err := strconv.Atoi(string(at))
		if err != nil || n < 1 || n > 1<<21 {
			return fmt.Errorf("a row has the number %q", at)
		}
		c.row = int32(n - 1)
	}
	return nil
}

func (c *bookCell) nextCell(s *scanner) (err error) {
	c.column++
	c.kind, c.text = s.attr("t"), c.text[:0]
	if at := s.attr("r"); at != nil {
		c.row, c.column, err = cellAt(at)
	}
	return err
}

func (b *book) add(g *grid, c *bookCell) error {
	text, err := b.text(c)
	if err != nil || text == "" {
		return err
	}
	return g.add(c, text)
}

// grid is the cells of a sheet, as they are found.
type grid struct {
	rows  [][]Cell
	width int
	line  int32 // of the last row
}

func (g *grid) add(c *bookCell, text string) error {
	if c.row >= MaxRows || c.column >= MaxColumns || c.row < 0 {
		return errTooLarge
	}
	if c.row != g.line {
		g.rows, g.line = append(g.rows, make([]Cell, 0, g.width)), c.row
	}
	last := &g.rows[len(g.rows)-1]
	if c.column < len(*last) {
		return fmt.Errorf("cell %s stands behind one to the right of it", c.name())
	}
	for len(*last) < c.column {
		*last = append(*last, Cell{"", c.row, int32(len(*last))})
	}
	*last = append(*last, Cell{text, c.row, int32(c.column)})
	g.width = max(g.width, c.column+1)
	return nil
}

// filled returns the rows from above, all as wide as the widest.
func (g *grid) filled() [][]Cell {
	for i := range g.rows {
		for len(g.rows[i]) < g.width {
			g.rows[i] = append(g.rows[i], Cell{"", g.rows[i][0].start, int32(len(g.rows[i]))})
		}
	}
	slices.SortStableFunc(g.rows, func(a, b []Cell) int { return int(a[0].start - b[0].start) })
	return g.rows
}

// cellAt reads "C4".
func cellAt(ref []byte) (row int32, column int, err error) {
	letters := 0
	for letters < len(ref) && ref[letters] >= 'A' && ref[letters] <= 'Z' {
		column = column*26 + int(ref[letters]-'A') + 1
		letters++
		if letters > 3 {
			break
		}
	}
	n, err := strconv.Atoi(string(ref[letters:]))
	if err != nil || n < 1 || n > 1<<21 || letters == 0 || letters > 3 {
		return 0, 0, fmt.Errorf("a cell has the address %q", ref)
	}
	return int32(n - 1), column - 1, nil
}

// text is what a cell holds. Numbers are stored with the 17 digits of a float;
// as in a spreadsheet, 15 of them count.
func (b *book) text(c *bookCell) (string, error) {
	v := bytes.TrimSpace(c.pieces.text)
	switch string(c.kind) {
	case "s":
		i, err := strconv.Atoi(string(v))
		if err != nil || i < 0 || i >= len(b.strings) {
			return "", fmt.Errorf("cell %s refers to a text that is not there", c.name())
		}
		return b.strings[i], nil
	case "b":
		switch string(v) {
		case "1":
			return "true", nil
		case "0":
			return "false", nil
		}
		return "", nil
	case "e":
		return "", &cellError{c.name(), string(v)}
	case "str", "inlineStr":
		return string(v), nil
	}
	if isShort(v) {
		return string(v), nil
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return string(v), nil //nolint:nilerr // a date as text, which has a type that nobody writes
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64)
	return strconv.FormatFloat(x, 'f', -1, 64), nil
}

// isShort reports whether a number stands there as it would be written anyway:
// 12 and 0.5, but not 0.10000000000000001, 1E-3 and 2.50.
func isShort(v []byte) bool {
	point := -1
	for i, c := range v {
		if c == '.' && point < 0 && i > 0 {
			point = i
		} else if c < '0' || c > '9' {
			return false
		}
	}
	leading := len(v) > 1 && v[0] == '0' && point != 1
	trailing := point >= 0 && (point == len(v)-1 || v[len(v)-1] == '0')
	return len(v) <= 15 && !leading && !trailing
}
