package workflows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// The corpora. Everything in testdata/ok is silent; beside everything in
// testdata/err stands what lint prints about it.

// notByLint are the codes that no file of the corpus can show, with the reason
// and the test that shows them instead.
var notByLint = map[*diag.Code]string{
	diag.SameName:      "between two files of a folder: TestSameNameInTwoFiles",
	diag.NotWatched:    "when a folder is watched: the tests of the watcher",
	diag.Unreadable:    "permissions: spec.TestLoadWorkflowProblems",
	diag.FileChanged:   "needs a writer at work: spec.TestLoadReadsAgainWhatChanges",
	diag.FileTooLarge:  "too large to be kept: TestOpenLarge",
	diag.TooManyValues: "too large to be kept: TestOpenLarge",
	diag.LabValue:      "of the file of a lab: workflows/lab, testdata/err",
	diag.LabName:       "of the file of a lab: workflows/lab, testdata/err",
	diag.TestValue:     "of a file with tests: workflows/tests, testdata/err",
	diag.TestFailed:    "of a test: workflows/tests, testdata/err",
	diag.OtherDeck:     "of a run that begins with what an earlier one left",
	diag.SparseRack:    "only with --robot-version: cmd/ot2flow, testdata/script/robot_version.txtar",
	diag.NoLayout:      "only with --robot-version: cmd/ot2flow, testdata/script/robot_version.txtar",
	diag.RunFailed:     "of a run: package run",
	diag.Disagreement:  "a fault of ours, of which none is known",
}

func lint(file string) *workflows.Checked {
	c := workflows.Open(file)
	c.Lint(nil)
	return c
}

func printed(c *workflows.Checked) string {
	var b bytes.Buffer
	_ = diag.Text(&b, c.Diagnostics, diag.TextOptions{Source: c.Source})
	return b.String()
}

func corpus(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	return files
}

func TestCorpusOK(t *testing.T) {
	for _, file := range corpus(t, "ok") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if out := printed(lint(file)); out != "" {
				t.Error(out)
			}
		})
	}
}

func TestCorpusErr(t *testing.T) {
	for _, file := range corpus(t, "err") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := printed(lint(file))
			golden := strings.TrimSuffix(file, ".yaml") + ".out"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if got == "" {
				t.Error("nothing is found")
			}
		})
	}
}

// TestCorpusCodes proves that every code is shown by the corpus, or says why
// it is not. That the goldens are what lint prints is proved above.
func TestCorpusCodes(t *testing.T) {
	var all []byte
	for _, file := range corpus(t, "err") {
		out, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".out")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, out...)
	}
	for _, c := range diag.Codes() {
		if !bytes.Contains(all, []byte("["+c.String()+"]")) && notByLint[c] == "" {
			t.Errorf("no file in testdata/err shows %s", c)
		}
	}
}
