package format_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/format"
)

var forms = format.Forms{Expression: eval.Taught, Text: eval.TaughtTemplate}

const head = "ot2flow: 1\nname: t\n"

// pieces are parts of workflows and their canonical form; an empty want means
// that the piece is in it already.
var pieces = []struct{ name, in, want string }{
	{"spaces in braces", "labware: { plate : {type: a,slot: 1} }\nsteps: [ ]\n", "labware: {plate: {type: a, slot: 1}}\nsteps: []\n"},
	{"braces in columns", "labware:\n  plate: {type: a, slot: 1}\n  tips:   {type: b, slot: 2}\nsteps: []\n", "labware:\n  plate: {type: a, slot: 1}\n  tips:  {type: b, slot: 2}\nsteps: []\n"},
	{"a list under its key", "steps:\n- home:\n- comment: hello\n", "steps:\n  - home:\n  - comment: hello\n"},
	{"deep indentation", "steps:\n    - if: R > 0 uL\n      do:\n          - home:\n", "steps:\n  - if: R > 0 uL\n    do:\n      - home:\n"},
	{"quotes that are not needed", "steps:\n  - comment: \"hello there\"\n  - comment: '12'\n  - comment: 'a: b'\n  - comment: \"tab\\there\"\n", "steps:\n  - comment: hello there\n  - comment: '12'\n  - comment: 'a: b'\n  - comment: \"tab\\there\"\n"},
	{"quotes that braces need", "steps:\n  - {transfer: {from: 'p.columns(1, 2)', to: 'q', volume: \"5 uL\"}}\n", "steps:\n  - {transfer: {from: 'p.columns(1, 2)', to: q, volume: 5 uL}}\n"},
	{
		"quotes that keep from a trap", "description: 'yes'\nsteps:\n  - comment: \"12:30\"\n  - comment: 'lot#5'\n  - {comment: 'ready?'}\n  - comment: 'ready?'\n  - lights: on\n  - repeat: 'n'\n    comment: 'n'\n",
		"description: 'yes'\nsteps:\n  - comment: '12:30'\n  - comment: 'lot#5'\n  - {comment: 'ready?'}\n  - comment: ready?\n  - lights: on\n  - repeat: n\n    comment: n\n",
	},
	{"a whole ${ } where an expression is wanted", "steps:\n  - delay: ${ R + 1 s }\n  - comment: ${ R }\n", "steps:\n  - delay: R + 1 s\n  - comment: ${ R }\n"},
	{
		"expressions as they are taught", "steps:\n  - if: '!done && (R > 1 || !ok)'\n    comment: '${ok ? 1 : 2} && x'\n  - for: 'w in ok ? a : b'\n    transfer: {from: a, to: w, volume: 'ok ? R : 2 * R', aspirate: {at: 'bottom + (ok ? 1 mm : 2 mm)', mix: '${n} x ${ R }'}}\n  - delay: \"${ 5 }\"\n",
		"steps:\n  - if: not done and (R > 1 or not ok)\n    comment: ${ if ok {1} else {2} } && x\n  - for: w in if ok {a} else {b}\n    transfer:\n      from: a\n      to: w\n      volume: if ok {R} else {2 * R}\n      aspirate: {at: 'bottom + (if ok {1 mm} else {2 mm})', mix: n x R}\n  - delay: 5\n",
	},
	{"blank lines", "\n\n\nlabware: {}\n\n\n\nsteps:\n\n  - home:\n\n\n  - home:\n", "\nlabware: {}\n\nsteps:\n\n  - home:\n\n  - home:\n"},
	{"comments", "# above\nlabware: {} # behind\n\n# steps\nsteps:   # behind steps\n  # above home\n  - home:      # home\n  - comment: hello #c\n# below\n", "# above\nlabware: {}  # behind\n\n# steps\nsteps:  # behind steps\n  # above home\n  - home:           # home\n  - comment: hello  #c\n# below\n"},
	{"a long text", "steps:\n  - pause: |\n     first line\n     second line\n  - home:\n", "steps:\n  - pause: |\n      first line\n      second line\n  - home:\n"},
	{"a folded text that fits a line", "description: >-\n  one\n  two\nsteps: []\n", "description: one two\nsteps: []\n"},
	{
		"a folded text that does not", "description: >-\n  " + strings.Repeat("word ", 12) + "word\n  " + strings.Repeat("word ", 11) + "word\nsteps: []\n",
		"description: >-\n  " + strings.Repeat("word ", 22) + "word\n  word word\nsteps: []\n",
	},
	{"a comment apart from what follows", "labware: {}\n# about labware\n\nsteps: []\n", "labware: {}\n# about labware\n\nsteps: []\n"},
	{
		"too long for a line", "steps:\n  - {transfer: {from: a_rather_long_name.A1, to: another_rather_long_name.A1:H12, volume: 50 uL, pipette: p300, tip: new, split: even}}\n",
		"steps:\n  - transfer:\n      from: a_rather_long_name.A1\n      to: another_rather_long_name.A1:H12\n      volume: 50 uL\n      pipette: p300\n      tip: new\n      split: even\n",
	},
	{"windows lines", "steps:\r\n  - home:\r\n", "steps:\n  - home:\n"},
	{"canonical", "params:\n  R:   {type: volume, default: 5 uL}\n  way: {type: well, in: plate}\nsteps:\n  - for: w in plate\n    do:\n      - home:\n", ""},
}

func TestCanonicalForm(t *testing.T) {
	for _, c := range pieces {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if want == "" {
				want = c.in
			}
			if got := formatted(t, head+c.in); got != head+want {
				t.Error(cmp.Diff(head+want, got))
			}
		})
	}
}

func formatted(t *testing.T, text string) string {
	t.Helper()
	out, list, err := format.Source(&spec.File{Name: "t.yaml", Data: []byte(text)}, forms)
	if err != nil || len(list) > 0 {
		t.Fatalf("%v %v in\n%s", err, list, text)
	}
	return string(out)
}

// TestEveryWorkflowOfTheRepository formats every YAML file there is: twice is
// once, and meaning and comments stay (Source refuses otherwise).
func TestEveryWorkflowOfTheRepository(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		once, list, err := format.Source(&spec.File{Name: path, Data: data}, forms)
		if once == nil {
			return nil // no YAML; the tests of package spec are about those
		}
		if err != nil || len(list) > 0 {
			t.Errorf("%s: %v %v", path, err, list)
			return nil
		}
		files++
		if twice := formatted(t, string(once)); twice != string(once) {
			t.Errorf("%s: formatting twice changes it:\n%s", path, cmp.Diff(string(once), twice))
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Fatalf("%d files, %v", files, err)
	}
}

func TestExamplesAreCanonical(t *testing.T) {
	paths, err := filepath.Glob("../../examples/[0-9]*/*.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := formatted(t, string(data)); got != string(data) {
			t.Errorf("%s: run ot2flow fmt\n%s", path, cmp.Diff(string(data), got))
		}
	}
}

func FuzzSource(f *testing.F) {
	for _, c := range pieces {
		f.Add(head + c.in)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, _, err := format.Source(&spec.File{Name: "t.yaml", Data: []byte(text)}, forms)
		if err != nil || once == nil {
			return
		}
		twice, list, err := format.Source(&spec.File{Name: "t.yaml", Data: once}, forms)
		if err != nil || len(list) > 0 || string(twice) != string(once) {
			t.Fatalf("%v %v\nonce\n%s\ntwice\n%s", err, list, once, twice)
		}
	})
}
