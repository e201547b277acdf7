package sheet

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

func read(name, text string) (*Table, diag.List) {
	return Read(&spec.File{Name: name, Data: []byte(text)})
}

// texts returns the cells of a table, its header first.
func texts(t *Table) [][]string {
	var out [][]string
	for _, row := range append([][]Cell{t.Header}, t.Rows...) {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		out = append(out, cells)
	}
	return out
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		file, text string
		want       [][]string
	}{
		"commas":         {"t.csv", "a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"no end of line": {"t.csv", "a,b\n1,2", [][]string{{"a", "b"}, {"1", "2"}}},
		"CRLF and mark":  {"t.csv", "\ufeffa,b\r\n1,2\r\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"CR":             {"t.csv", "a,b\r1,2\r3,4", [][]string{{"a", "b"}, {"1", "2"}, {"3", "4"}}},
		"semicolons":     {"t.csv", "a;b\n1,5;2\n", [][]string{{"a", "b"}, {"1,5", "2"}}},
		"tabs in a csv":  {"t.csv", "a\tb\n1\t\n", [][]string{{"a", "b"}, {"1", ""}}},
		"tsv":            {"t.TSV", "a, b\tc\n1;\t 2 \n", [][]string{{"a, b", "c"}, {"1;", "2"}}},
		"sep":            {"t.csv", "sep=|\r\na|b,c\r\n1|2\r\n", [][]string{{"a", "b,c"}, {"1", "2"}}},
		"quotes":         {"t.csv", "\"a, b\",\"c\"\"d\"\n\"1\n2\" , \"\"\n", [][]string{{"a, b", `c"d`}, {"1\n2", ""}}},
		"blank rows":     {"t.csv", "\n \na,b\n\n,\n1,2\n  ,  \n", [][]string{{"a", "b"}, {"1", "2"}}},
		"empty columns":  {"t.csv", "a,b,,\n1,2,,,\n", [][]string{{"a", "b"}, {"1", "2"}}},
		"one column":     {"t.csv", "a\n1\n2\n", [][]string{{"a"}, {"1"}, {"2"}}},
		"header only":    {"t.csv", "a,b\n", [][]string{{"a", "b"}}},
	} {
		table, list := read(c.file, c.text)
		if list.HasErrors() {
			t.Errorf("%s: %v", name, list)
		} else if diff := cmp.Diff(c.want, texts(table)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestReadFaults(t *testing.T) {
	for _, c := range []struct{ file, text, at, message string }{
		{"t.csv", "", "0:0", "the table is empty"},
		{"t.csv", " \n\n", "0:0", "the table is empty"},
		{"t.csv", "a,b\n1\n", "2:1", "row 2 has 1 cell, and the header has 2"},
		{"t.csv", "a,b\n\n1,2,3\n", "3:5", "row 3 has 3 cells, and the header has 2"},
		{"t.csv", "a,b\n\"1,2\n", "2:1", "this double quote is never closed"},
		{"t.csv", "a,b\n1,2\"\n", "2:4", "a double quote stands in a cell that does not begin with one"},
		{"t.csv", "a,b\n1,\"2\"x\n", "2:6", "text stands behind the double quote that ends a cell"},
		{"t.csv", "a,b;c\n1,2\n", "1:1", "the header has commas and semicolons, so it is not clear which of them separate the columns"},
		{"t.csv", "a,b\n1,2 \xb5L\n", "2:5", "the table is not saved as UTF-8: byte 0xB5 stands here"},
		{"t.csv", "\xff\xfea\x00", "0:0", "the table is saved as UTF-16, not as UTF-8"},
		{"t.csv", "PK\x03\x04", "0:0", "the file is a workbook, and its name says that it is text"},
		{"t.xlsx", "a,b\n", "0:0", "the file is no Excel workbook: zip: not a valid zip file"},
		{"t.csv", "a" + strings.Repeat(",", MaxColumns+1), "0:0", "the table is too large: at most 1000000 rows and 1000 columns are read"},
	} {
		table, list := read(c.file, c.text)
		if table != nil || len(list) == 0 {
			t.Errorf("%q is taken", c.text)
			continue
		}
		start := list[0].Span.Start
		if at := fmt.Sprintf("%d:%d", start.Line, start.Column); at != c.at || list[0].Message != c.message {
			t.Errorf("%q: %s %s", c.text, at, list[0].Message)
		}
	}
}

// workbook makes a file as spreadsheet programs do.
func workbook(t testing.TB, sheet string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Old" sheetId="2" state="hidden" r:id="rId2"/><sheet name="Picks" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId2" Target="worksheets/none.xml"/><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/sharedStrings.xml", `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>well</t></si><si><r><t>vol</t></r><r><t>ume</t></r></si><si><t>A1</t></si></sst>`},
		{"xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + sheet + `</sheetData></worksheet>`},
	} {
		f, err := w.Create(part[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(part[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const header = `<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="str"><f>"o"</f><v>ok</v></c></row>`

func TestReadBook(t *testing.T) {
	data := workbook(t, header+
		`<row r="4"><c r="A4" t="s"><v>2</v></c><c r="B4"><v>0.10000000000000001</v></c><c r="C4" t="b"><v>1</v></c></row>`+
		`<row r="5"><c r="A5" t="inlineStr"><is><t>B1</t></is></c><c r="C5" t="b"><v>0</v></c><c r="D5"/></row>`)
	table, list := read("t.xlsx", data)
	if list.HasErrors() {
		t.Fatal(list)
	}
	if diff := cmp.Diff([][]string{{"well", "volume", "ok"}, {"A1", "0.1", "true"}, {"B1", "", "false"}}, texts(table)); diff != "" {
		t.Error(diff)
	}
	if got := table.Place(table.Rows[1][2], "ok"); got != "cell C5 of Picks, column ok" {
		t.Error(got)
	}
	_, list = read("t.xlsx", workbook(t, header+`<row r="3"><c r="B3" t="e"><v>#REF!</v></c></row>`))
	if len(list) != 1 || list[0].Message != "cell B3 of Picks holds the error #REF!" {
		t.Error(list)
	}
}

// quoted writes a cell so that it is read as it was.
func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// TestRoundTrip proves that what is written as RFC 4180 says is read as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		sep := rapid.SampledFrom([]string{",", ";", "\t"}).Draw(t, "separator")
		end := rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "end")
		cell := rapid.StringMatching(`[a-zµ0-9 ,;"\t\r\n]{0,6}x`)
		var want [][]string
		var text strings.Builder
		for r := range rapid.IntRange(1, 6).Draw(t, "rows") {
			var row, cells []string
			for c := range width {
				s := cell.Draw(t, "cell")
				if r == 0 {
					s = fmt.Sprintf("c%d", c)
				}
				row, cells = append(row, s), append(cells, quoted(s))
			}
			want = append(want, row)
			text.WriteString(strings.Join(cells, sep) + end)
		}
		table, list := read("t.csv", text.String())
		if list.HasErrors() {
			t.Fatalf("%q: %v", text.String(), list)
		}
		if diff := cmp.Diff(want, texts(table)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "sep=;\na;b\r\n\"1\";2", "\ufeffa\tb\n\"x\"\"\n\"\t\n", "a,\"", ",,\n,\n", "\r\r\n\n", "\xff"} {
		f.Add("t.csv", []byte(s))
		f.Add("t.tsv", []byte(s))
	}
	f.Add("t.xlsx", []byte(workbook(f, header)))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		if strings.HasSuffix(name, ".xlsx") && len(data) > 1<<16 {
			return
		}
		table, list := Read(&spec.File{Name: name, Data: data})
		if (table == nil) != list.HasErrors() {
			t.Fatal("neither a table nor errors, or both")
		}
		if table == nil {
			return
		}
		for _, row := range table.Rows {
			if len(row) != len(table.Header) {
				t.Fatalf("a row of %d cells under a header of %d", len(row), len(table.Header))
			}
			for _, c := range row {
				_ = table.Place(c, "x")
				if s := table.Span(c); s.End.Offset > len(data) || s.Start.Offset > s.End.Offset {
					t.Fatalf("a cell at %v", s)
				}
			}
		}
	})
}
