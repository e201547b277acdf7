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

// open returns a decoder of a part.
func (b *book) open(name string) (*xml.Decoder, io.Closer, error) {
	f, ok := b.parts[name]
	if !ok {
		return nil, nil, fmt.Errorf("it has no part %s", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, nil, err
	}
	return xml.NewDecoder(io.LimitReader(r, maxPart)), r, nil
}

// decode reads a small part as a whole.
func (b *book) decode(name string, into any) error {
	d, part, err := b.open(name)
	if err != nil {
		return err
	}
	defer part.Close()
	return d.Decode(into)
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

// richText is a string of one piece, or of several that look different.
type richText struct {
	Text string `xml:"t"`
	Runs []struct {
		Text string `xml:"t"`
	} `xml:"r"`
}

func (t *richText) String() string {
	s := t.Text
	for _, r := range t.Runs {
		s += r.Text
	}
	return s
}

// sharedStrings reads the texts that cells refer to by number.
func (b *book) sharedStrings() error {
	const part = "xl/sharedStrings.xml"
	if b.parts[part] == nil {
		return nil
	}
	d, r, err := b.open(part)
	if err != nil {
		return err
	}
	defer r.Close()
	return eachElement(d, "si", func(start *xml.StartElement) error {
		var t richText
		if err := d.DecodeElement(&t, start); err != nil {
			return err
		}
		b.strings = append(b.strings, t.String())
		return nil
	})
}

// eachElement calls f for the elements of one name.
func eachElement(d *xml.Decoder, name string, f func(*xml.StartElement) error) error {
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == name {
			if err := f(&start); err != nil {
				return err
			}
		}
	}
}

// bookCell is one cell of a sheet's part, as far as it is read.
type bookCell struct {
	at, kind string
	text     []byte // of the value, or of a string that stands in the cell
	inText   bool
}

// rows reads the cells of a sheet, each row up to its last cell. A sheet has
// many, so its tokens are read one by one and not into a structure.
func (b *book) rows(part string) ([][]Cell, error) {
	d, r, err := b.open(part)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	g := grid{line: -1}
	var c bookCell
	whole := false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) && whole {
			return g.filled(), nil
		}
		if err != nil {
			return nil, err
		}
		switch e := token.(type) {
		case xml.StartElement:
			switch e.Name.Local {
			case "c":
				c = bookCell{at: attribute(&e, "r"), kind: attribute(&e, "t"), text: c.text[:0]}
			case "v", "t":
				c.inText = true
			}
		case xml.CharData:
			if c.inText {
				c.text = append(c.text, e...)
			}
		case xml.EndElement:
			c.inText = false
			whole = e.Name.Local == "worksheet"
			if e.Name.Local != "c" {
				continue
			}
			text, err := b.text(&c)
			if err == nil && text != "" {
				err = g.add(c.at, text)
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// grid is the cells of a sheet, as they are found.
type grid struct {
	rows  [][]Cell
	width int
	line  int32 // of the last row
}

func (g *grid) add(at, text string) error {
	row, column, err := cellAt(at)
	if err != nil {
		return err
	}
	if row >= MaxRows || column >= MaxColumns {
		return errTooLarge
	}
	if row != g.line {
		g.rows, g.line = append(g.rows, make([]Cell, 0, g.width)), row
	}
	last := &g.rows[len(g.rows)-1]
	if column < len(*last) {
		return fmt.Errorf("cell %s stands behind one to the right of it", at)
	}
	for len(*last) < column {
		*last = append(*last, Cell{"", row, int32(len(*last))})
	}
	*last = append(*last, Cell{text, row, int32(column)})
	g.width = max(g.width, column+1)
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

func attribute(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// cellAt reads "C4".
func cellAt(ref string) (row int32, column int, err error) {
	digits := strings.TrimLeft(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	letters := ref[:len(ref)-len(digits)]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 1<<21 || letters == "" || len(letters) > 3 {
		return 0, 0, fmt.Errorf("a cell has the address %q", ref)
	}
	for _, c := range letters {
		column = column*26 + int(c-'A') + 1
	}
	return int32(n - 1), column - 1, nil
}

// text is what a cell holds. Numbers are stored with the 17 digits of a float;
// as in a spreadsheet, 15 of them count.
func (b *book) text(c *bookCell) (string, error) {
	v := strings.TrimSpace(string(c.text))
	switch c.kind {
	case "s":
		i, err := strconv.Atoi(v)
		if err != nil || i < 0 || i >= len(b.strings) {
			return "", fmt.Errorf("cell %s refers to a text that is not there", c.at)
		}
		return strings.TrimSpace(b.strings[i]), nil
	case "b":
		return map[string]string{"1": "true", "0": "false"}[v], nil
	case "e":
		return "", &cellError{c.at, v}
	case "str", "inlineStr":
		return v, nil
	}
	if v == "" {
		return "", nil
	}
	x, err := strconv.ParseFloat(v, 64)
	if err != nil {
		return v, nil //nolint:nilerr // a date as text, which has a type that nobody writes
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 15, 64), 64)
	return strconv.FormatFloat(x, 'f', -1, 64), nil
}
