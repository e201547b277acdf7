package workflows_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

// TestFormatMeansTheSame compares what workflows do, and what is found about
// them, before and after they are formatted. Twice is once.
func TestFormatMeansTheSame(t *testing.T) {
	files := 0
	for _, f := range caseFiles(t) {
		data, err := os.ReadFile(f.path)
		if err != nil || strings.Contains(f.path, "too-m") || strings.Contains(f.path, "-grows") {
			continue // a file that takes its time
		}
		formatted, list, err := workflows.Format(&spec.File{Name: f.path, Data: data})
		if err != nil || list.HasErrors() {
			continue
		}
		again, _, err := workflows.Format(&spec.File{Name: f.path, Data: formatted})
		if err != nil || !bytes.Equal(formatted, again) {
			t.Errorf("%s: formatting twice changes it, %v\n%s", f.path, err, cmp.Diff(string(formatted), string(again)))
		}
		before, after := outcomeOf(f.path, data), outcomeOf(f.path, formatted)
		if before.refused && after.refused {
			continue // messages quote what was written
		}
		files++
		if diff := cmp.Diff(before.text, after.text); diff != "" {
			t.Errorf("%s means something else once it is formatted:\n%s\n%s", f.path, diff, formatted)
		}
	}
	if files < 50 {
		t.Errorf("only %d files were compared", files)
	}
}

// TestFormatTeaches proves that nothing is left of the spellings that fmt
// replaces.
func TestFormatTeaches(t *testing.T) {
	data, err := os.ReadFile("testdata/ok/spellings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, list, err := workflows.Format(&spec.File{Name: "spellings.yaml", Data: data})
	if err != nil || len(list) > 0 {
		t.Fatal(list, err)
	}
	want, err := os.ReadFile("testdata/spellings.fmt")
	if *update {
		if err := os.WriteFile("testdata/spellings.fmt", out, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(out)); err != nil || diff != "" {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
}
