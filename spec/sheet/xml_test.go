package sheet

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// piecesOf are the tokens of either reader. Text that stands in a row is one piece.
type piecesOf struct{ out []string }

func (p *piecesOf) add(kind, s string) {
	if last := len(p.out) - 1; kind == "text " && last >= 0 && strings.HasPrefix(p.out[last], kind) {
		p.out[last] += s
		return
	}
	if kind != "text " || s != "" {
		p.out = append(p.out, kind+s)
	}
}

// scanned is what this package makes of XML.
func scanned(data []byte) ([]string, error) {
	s, err := newScanner(data)
	if err != nil {
		return nil, err
	}
	var p piecesOf
	for {
		t, err := s.next()
		if err != nil {
			return nil, err
		}
		switch t {
		case endOfPart:
			return p.out, nil
		case startTag:
			p.add("start ", string(s.name))
			for _, a := range s.attrs {
				value, err := appendDecoded(nil, a.value)
				if err != nil {
					return nil, err
				}
				p.add("attribute ", string(a.name)+" "+string(value))
			}
		case endTag:
			p.add("end ", string(s.name))
		case text:
			b, err := s.appendText(nil)
			if err != nil {
				return nil, err
			}
			p.add("text ", string(b))
		}
	}
}

// decoded is what encoding/xml makes of it.
func decoded(data []byte) ([]string, error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	var p piecesOf
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p.out, nil
		}
		if err != nil {
			return nil, err
		}
		switch e := t.(type) {
		case xml.StartElement:
			p.add("start ", e.Name.Local)
			for _, a := range e.Attr {
				p.add("attribute ", a.Name.Local+" "+a.Value)
			}
		case xml.EndElement:
			p.add("end ", e.Name.Local)
		case xml.CharData:
			p.add("text ", string(e))
		}
	}
}

// FuzzXML proves that what encoding/xml takes is read the same here.
func FuzzXML(f *testing.F) {
	for _, s := range []string{
		`<a/>`, `<?xml version="1.0"?><x:a b="1" y:c='&lt;"'>t&amp;<b>&#65;&#x42;</b ></x:a>`, "<a>\r\n\r<![CDATA[<b>&\r\n]]]>c</a>", `<a><!-- <b> --></a>`,
		`<a`, `<a></b>`, `<a b=c/>`, `<a>&nbsp;</a>`, "\ufeff<a/>", `</a>`, `<a b="1"`, `<>`, `<a/ >`, `<a>x`, `<!DOCTYPE a><a/>`, `&`, `<:a/>`, `<a:/>`, `<?`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := scanned(data)
		want, refused := decoded(data)
		if refused != nil || hasDocumentType(data) || !utf8.Valid(data) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: -want +got\n%s", data, diff)
		}
	})
}

func hasDocumentType(data []byte) bool {
	for i := range data {
		if rest := data[i:]; bytes.HasPrefix(rest, []byte("<!")) && !bytes.HasPrefix(rest, []byte("<!--")) && !bytes.HasPrefix(rest, []byte("<![CDATA[")) {
			return true
		}
	}
	return false
}

func TestScannerFaults(t *testing.T) {
	for _, s := range []string{
		`<a`, `<a>`, `<a></b>`, `</a>`, `<a b=c/>`, `<a b/>`, `<a b="1/>`, `<a>&nbsp;</a>`, `<a>&#xffffffff;</a>`, `<a>&lt</a>`, `<a/ >`, `<>`, `<!DOCTYPE a><a/>`, `<?`, `<!--`, `<a><![CDATA[]]</a>`, "<a>\xff</a>",
	} {
		if got, err := scanned([]byte(s)); err == nil {
			t.Errorf("%q is taken for %q", s, got)
		}
	}
}

// TestBookForms reads cells that spreadsheet programs write in different ways.
func TestBookForms(t *testing.T) {
	for name, c := range map[string]struct {
		rows string
		want [][]string
	}{
		"without addresses":      {`<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>`, [][]string{{"a", "b"}, {"1", "2"}}},
		"rows with numbers":      {`<row r="1"><c t="str"><v>a</v></c></row><row r="3"><c><v>1</v></c></row>`, [][]string{{"a"}, {"1"}}},
		"rows in any order":      {`<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1" t="str"><v>a</v></c></row>`, [][]string{{"a"}, {"1"}}},
		"prefixes":               {`<x:row xmlns:x="y"><x:c r="A1" t="str"><x:v>a</x:v></x:c></x:row><x:row xmlns:x="y"><x:c r="A2"><x:v>7</x:v></x:c></x:row>`, [][]string{{"a"}, {"7"}}},
		"entities and CDATA":     {`<row><c t="str"><v>a &amp; b</v></c></row><row><c t="str"><v><![CDATA[1 < 2]]></v></c></row>`, [][]string{{"a & b"}, {"1 < 2"}}},
		"pronunciation":          {`<row><c t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r><rPh sb="0" eb="1"><t>spoken</t></rPh></is></c></row><row><c><v>1</v></c></row>`, [][]string{{"ab"}, {"1"}}},
		"numbers":                {`<row><c t="str"><v>n</v></c></row>` + numbers("1", "0.5", "0.10000000000000001", "1E-3", "2.50", "007", "123456789012345678", "-3", ".5", "1e400"), [][]string{{"n"}, {"1"}, {"0.5"}, {"0.1"}, {"0.001"}, {"2.5"}, {"7"}, {"123456789012346000"}, {"-3"}, {"0.5"}, {"1e400"}}},
		"a formula's last value": {`<row><c t="str"><v>n</v></c></row><row><c><f>1+1</f><v>2</v></c></row>`, [][]string{{"n"}, {"2"}}},
	} {
		table, list := read("t.xlsx", workbook(t, c.rows))
		if list.HasErrors() {
			t.Errorf("%s: %v", name, list)
		} else if diff := cmp.Diff(c.want, texts(table)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func numbers(values ...string) string {
	out := ""
	for _, v := range values {
		out += fmt.Sprintf("<row><c><v>%s</v></c></row>", v)
	}
	return out
}

func TestBookFaults(t *testing.T) {
	for _, c := range []struct{ rows, message string }{
		{`<row r="0"><c><v>1</v></c></row>`, `the workbook cannot be read: a row has the number "0"`},
		{`<row><c r="A"><v>1</v></c></row>`, `the workbook cannot be read: a cell has the address "A"`},
		{`<row><c r="ABCD1"><v>1</v></c></row>`, `the workbook cannot be read: a cell has the address "ABCD1"`},
		{`<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`, `the workbook cannot be read: cell A1 stands behind one to the right of it`},
		{`<row><c t="s"><v>99</v></c></row>`, `the workbook cannot be read: cell A1 refers to a text that is not there`},
		{`<row><c r="ZZZ1"><v>1</v></c></row>`, `the table is too large: at most 1000000 rows and 1000 columns are read`},
		{`<row>`, `the workbook cannot be read: its XML is damaged`},
		{``, `the table is empty`},
	} {
		_, list := read("t.xlsx", workbook(t, c.rows))
		if len(list) != 1 || list[0].Message != c.message {
			t.Errorf("%s: %v", c.rows, list)
		}
	}
}
