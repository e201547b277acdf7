package spec

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

var updateLoad = flag.Bool("update-load", false, "rewrite what the files under testdata/load are expected to say")

// TestParseCorpus compares what a person is told about each file under
// testdata/load with the .out file beside it.
func TestParseCorpus(t *testing.T) {
	paths, err := filepath.Glob("testdata/load/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	seen := map[*diag.Code]bool{}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			list, text := parseAndRender(t, path)
			if len(list) == 0 {
				t.Error("nothing is said")
			}
			for _, d := range list {
				seen[d.Code] = true
			}
			compareFile(t, strings.TrimSuffix(path, ".yaml")+".out", text)
		})
	}
	for _, code := range []*diag.Code{
		diag.YAMLSyntax, diag.TabIndent, diag.DuplicateKey, diag.SeveralDocuments, diag.NotInLanguage,
		diag.KeyNotText, diag.UnknownTag, diag.TooDeep, diag.EmptyFile,
	} {
		if !seen[code] {
			t.Errorf("no file shows %s", code)
		}
	}
}

func parseAndRender(t *testing.T, path string) (diag.List, string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := newFile(filepath.Base(path), data)
	_, list := Parse(&f)
	var b strings.Builder
	if err := diag.Text(&b, list, diag.TextOptions{Source: func(string) []byte { return data }}); err != nil {
		t.Fatal(err)
	}
	return list, b.String()
}

func compareFile(t *testing.T, path, got string) {
	t.Helper()
	if *updateLoad {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestParseSilent(t *testing.T) {
	for _, source := range []string{
		"a: 1\n", "a: 1", "\ufeffa: 1\n", "---\na: 1\n", "--- # why\na: 1\n...\n", "a: 1\r\nb:\r\n  - 2\r\n", "a: 1\rb: 2\r", "%YAML 1.1\n---\na: 1\n",
		"a:\tx\n", "{a: [1, 2], 'b': \"c\"}\n", "'1': x\n\"true\": y\n", "yes: 1\non: 2\n", "a: |\n  x\n  \tx\n  [[[[\n", "a: '[['\nb: # {{\n", "x: !!str 12\n",
		"a: " + strings.Repeat("[", 99) + strings.Repeat("]", 99), "? a\n: b\n",
	} {
		f := newFile("w.yaml", []byte(source))
		if root, list := Parse(&f); root == nil || len(list) > 0 {
			t.Errorf("%q: %v", source, list)
		}
	}
}

func TestParseTakesOutWhatItReported(t *testing.T) {
	f := newFile("w.yaml", []byte("a: 1\na: 2\n3: x\n<<: {b: 1}\nc: !t [x]\nd: &e 5\nf: *e\n"))
	root, list := Parse(&f)
	var keys []string
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i].Value
		if IsRefused(root.Content[i+1]) {
			key += "?"
		}
		keys = append(keys, key)
	}
	if got := strings.Join(keys, " "); got != "a c? d f?" || len(list) != 5 {
		t.Errorf("%s, %d findings: %v", got, len(list), list)
	}
}

// TestParseIsQuick feeds files made to take long. The limit tells what is linear
// from what is not, which would take hours, and nothing finer: the
// machine may be busy.
func TestParseIsQuick(t *testing.T) {
	const n = MaxFileSize
	for name, source := range map[string]string{
		"open lists":   strings.Repeat("[", n),
		"open maps":    strings.Repeat("{a: ", n/4),
		"items":        strings.Repeat("- ", n/2),
		"questions":    strings.Repeat("? ", n/2),
		"many items":   strings.Repeat("- \n", n/3),
		"many commas":  "[" + strings.Repeat("a,", n/2-1) + "]",
		"colons":       strings.Repeat("a: ", n/3),
		"anchors":      "a: &a [x]\n" + strings.Repeat("b: [*a, *a, *a, *a, *a, *a, *a]\n", 1000),
		"open quote":   "a: '" + strings.Repeat("b: 'c\n", n/6-1),
		"long key":     strings.Repeat("a", n),
		"blank lines":  "a: |\n" + strings.Repeat("\n", n-5),
		"comments":     strings.Repeat("#\n", n/2),
		"one line":     "{" + strings.Repeat("µ: [1, 2], ", 20000) + "}",
		"broken after": "a:\n" + strings.Repeat("  - x: 1\n", 20000) + " b: 1\n",
	} {
		f := newFile("w.yaml", []byte(source))
		start := time.Now()
		if _, list := Parse(&f); len(list) == 0 && !slices.Contains([]string{"blank lines", "anchors", "long key"}, name) {
			t.Errorf("%s: nothing is said", name)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestPosAgreesWithCounting(t *testing.T) {
	for _, source := range []string{"", "a", "\n", "a\nb\n", "a\r\nb\rc\n", "µ: é\n🧪x\n", utf8BOM + "a: 1\nb", strings.Repeat("µ", 300) + "\n" + strings.Repeat("é", 600)} {
		f := newFile("w.yaml", []byte(source))
		src := NewSource(&f)
		for i := 0; i <= len(source); i++ {
			inCRLF := i > 0 && i < len(source) && source[i-1] == '\r' && source[i] == '\n'
			if i < len(source) && !utf8.RuneStart(source[i]) || inCRLF || i > 0 && i < 3 && strings.HasPrefix(source, utf8BOM) {
				continue
			}
			if got, want := src.Pos(i), slowPos(source, i); got != want {
				t.Fatalf("%q at %d: %v, want %v", source, i, got, want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/load/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 2000 {
			f.Add(data)
		}
	}
	f.Add([]byte("a: >3\n\n  x\n"))
	f.Add([]byte("\ufeff? |\r\n  x\r: 'y\u2028z'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := newFile("w.yaml", data)
		src := NewSource(&file)
		root, list := src.Parse()
		checkFindings(t, data, list)
		if root == nil && len(list) == 0 {
			t.Errorf("%q: neither a tree nor a finding", data)
		}
		if root != nil {
			checkTree(t, src, root)
		}
	})
}

// checkFindings makes sure that all findings lie in the file and can be shown.
func checkFindings(t *testing.T, data []byte, list diag.List) {
	t.Helper()
	for _, d := range list {
		s := d.Span
		if d.Code == nil || d.Message == "" || s.File == "" || s.End.Offset < s.Start.Offset || s.End.Offset > len(data) {
			t.Errorf("%q: %+v", data, d)
		}
	}
	var b bytes.Buffer
	if err := diag.Text(&b, list, diag.TextOptions{Source: func(string) []byte { return data }}); err != nil {
		t.Error(err)
	}
}

// checkTree asks for all there is to ask of a tree.
func checkTree(t *testing.T, src *Source, n *yaml.Node) {
	t.Helper()
	if n.Kind == yaml.AliasNode {
		t.Errorf("%q: an alias is left", src.file.Data)
	}
	span := src.NodeSpan(n)
	if span.End.Offset < span.Start.Offset || span.End.Offset > len(src.file.Data) {
		t.Errorf("%q: %v", src.file.Data, span)
	}
	src.Trap(n)
	src.NumberTrap(n)
	for _, c := range n.Content {
		checkTree(t, src, c)
	}
}

func BenchmarkParse(b *testing.B) {
	f := newFile("w.yaml", []byte(strings.Repeat("# a comment µ\nlabware:\n  plate: {type: x, slot: 1}\nsteps:\n  - transfer:\n      from: plate.A1\n", 1)+
		strings.Repeat("  - transfer: {from: plate.A1, to: plate.B1, volume: 50 uL}\n", 50)))
	for b.Loop() {
		src := NewSource(&f)
		root, _ := src.Parse()
		visitSpans(src, root)
	}
}

func visitSpans(src *Source, n *yaml.Node) {
	src.NodeSpan(n)
	for _, c := range n.Content {
		visitSpans(src, c)
	}
}
