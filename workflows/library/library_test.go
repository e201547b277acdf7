package library_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/library"
	"github.com/ot2flow/ot2flow/workflows/tests"
)

var update = flag.Bool("update", false, "rewrite the plans in testdata")

// TestLibrary proves of every workflow that it is in canonical form, that nothing is found
// in it, that its plan is the one that is kept, that its tests pass and do all its steps,
// and that it is said what it and each of its parameters is for.
func TestLibrary(t *testing.T) {
	if len(library.Names()) < 12 {
		t.Fatal(library.Names())
	}
	for _, name := range library.Names() {
		t.Run(name, func(t *testing.T) {
			c := workflows.Open(name + ".yaml")
			c.Lint(nil)
			if len(c.Diagnostics) > 0 {
				t.Fatalf("%+v", c.Diagnostics)
			}
			canonical(t, name+".yaml")
			canonical(t, name+".test.yaml")
			if c.Prepared.Name() != name || c.Prepared.Description() == "" {
				t.Errorf("it is called %s: %q", c.Prepared.Name(), c.Prepared.Description())
			}
			if page, ok := library.Page(name); !ok || len(page) < 600 {
				t.Errorf("its page has %d characters", len(page))
			}
			golden(t, c, name)
			r := tests.Run([]*tests.File{tests.Open(name + ".test.yaml")}, "")
			if all, _ := r.Count(); len(r.Findings()) > 0 || all == 0 {
				t.Errorf("%d tests: %+v", all, r.Findings())
			}
			if missing := r.Coverage.Missing(); len(missing) > 0 {
				t.Error(missing)
			}
		})
	}
}

func canonical(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, list, err := workflows.Format(&spec.File{Name: file, Data: text})
	if err != nil || len(list) > 0 || !bytes.Equal(out, text) {
		t.Errorf("%s: %v %v\n%s", file, list, err, cmp.Diff(string(text), string(out)))
	}
}

// golden compares the plan with the one that is kept, as a line for each step.
func golden(t *testing.T, c *workflows.Checked, name string) {
	t.Helper()
	runs, err := c.Runs("", nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, list := c.Prepared.Plan(runs[0].Input(true))
	if plan == nil {
		t.Fatal(list)
	}
	var b strings.Builder
	for i := range plan.Steps {
		s := &plan.Steps[i]
		b.WriteString(tests.Sentence(s, plan.Deck) + "\n")
	}
	b.WriteString(plan.Fingerprint + "\n")
	file := filepath.Join("testdata", name+".plan")
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestStart proves that what new writes is as good under another name, where nothing else
// is.
func TestStart(t *testing.T) {
	for _, name := range library.Names() {
		dir := t.TempDir()
		files, ok := library.Start(name, "mine", "mine")
		if !ok || len(files) < 2 {
			t.Fatal(name, ok, len(files))
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := tests.Run([]*tests.File{tests.Open(filepath.Join(dir, "mine.test.yaml"))}, "")
		if all, _ := r.Count(); len(r.Findings()) > 0 || all == 0 {
			t.Errorf("%s: %d tests: %+v", name, all, r.Findings())
		}
	}
	if _, ok := library.Start("plate-fill.test", "x", "x"); ok {
		t.Error("tests are no workflow")
	}
}
