package tests

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/spec/diag"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func files(t *testing.T, folder string) []string {
	t.Helper()
	out, err := filepath.Glob("testdata/" + folder + "/*.test.yaml")
	if err != nil || len(out) == 0 {
		t.Fatal("no tests in", folder, err)
	}
	return out
}

func printed(r *Report) string {
	var b strings.Builder
	_ = diag.Text(&b, r.Findings(), diag.TextOptions{Source: r.Source})
	return b.String()
}

// TestPass proves that what holds is silent, and that it is all done.
func TestPass(t *testing.T) {
	for _, path := range files(t, "ok") {
		r := Run([]*File{Open(path)}, "")
		if text := printed(r); text != "" {
			t.Error(text)
		}
		if missing := r.Coverage.Missing(); len(missing) > 0 {
			t.Errorf("not done: %v", missing)
		}
	}
}

// TestFail shows each way in which a test can fail or be wrong. Every expectation of
// these files is one that does not hold: none may be missing from what is printed.
func TestFail(t *testing.T) {
	all := ""
	for _, path := range files(t, "err") {
		got := printed(Run([]*File{Open(path)}, ""))
		all += got
		golden := strings.TrimSuffix(path, ".yaml") + ".out"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: -want +got\n%s", path, diff)
		}
	}
	for _, c := range []*diag.Code{diag.TestValue, diag.TestFailed} {
		if !strings.Contains(all, "["+c.String()+"]") {
			t.Errorf("nothing shows %s", c)
		}
	}
}

// TestCoverage proves that steps and branches that no test does are said.
func TestCoverage(t *testing.T) {
	r := Run([]*File{Open("testdata/ok/dose.test.yaml")}, "what nobody answers")
	steps, allSteps, ways, allWays := r.Coverage.Counts()
	if steps != 4 || allSteps != 5 || ways != 1 || allWays != 2 {
		t.Errorf("%d of %d steps, %d of %d ways", steps, allSteps, ways, allWays)
	}
	if got := strings.Join(r.Coverage.Missing(), "\n"); got != "testdata/dose.yaml:25: transfer is never done" {
		t.Error(got)
	}
	r = Run([]*File{Open("testdata/ok/dose.test.yaml")}, "an answer")
	if got := strings.Join(r.Coverage.Missing(), "\n"); got != "testdata/dose.yaml:25: transfer is always done: its if always holds\ntestdata/dose.yaml:27: comment is never done" {
		t.Error(got)
	}
}

// TestForms proves that what programs read says the same.
func TestForms(t *testing.T) {
	var open []*File
	for _, path := range append(files(t, "ok"), files(t, "err")...) {
		open = append(open, Open(path))
	}
	r := Run(open, "")
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var said struct {
		Format  string
		Tests   []struct{ Passed bool }
		Summary struct{ Tests, Failed int }
	}
	if err := json.Unmarshal(b.Bytes(), &said); err != nil {
		t.Fatal(err)
	}
	all, failed := r.Count()
	if said.Format != Format || len(said.Tests) != all || said.Summary.Tests != all || said.Summary.Failed != failed {
		t.Errorf("%+v; %d tests, %d failed", said, all, failed)
	}
	b.Reset()
	if err := r.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suites junitSuites
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	if suites.Tests != all || suites.Failed != failed || suites.Errors != 2 || failed == 0 {
		t.Errorf("%d tests, %d failed, %d errors; %d and %d are there", suites.Tests, suites.Failed, suites.Errors, all, failed)
	}
}
