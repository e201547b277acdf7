package workflows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

func codes(c *workflows.Checked) string {
	var out []string
	for _, d := range c.Diagnostics {
		out = append(out, d.Code.Name)
	}
	return strings.Join(out, " ")
}

// TestOpenLarge opens files that are too large to be kept in the repository.
func TestOpenLarge(t *testing.T) {
	dir := t.TempDir()
	sparse := filepath.Join(dir, "sparse.yaml")
	f, err := os.Create(sparse)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(100 << 20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	many := filepath.Join(dir, "many.yaml")
	if err := os.WriteFile(many, []byte("ot2flow: 1\nname: many\nsteps: ["+strings.Repeat("a,", 1_100_000)+"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		sparse:                          "file-too-large",
		many:                            "too-many-values",
		dir:                             "not-a-file",
		filepath.Join(dir, "gone.yaml"): "file-not-found",
	} {
		if got := codes(lint(file)); got != want {
			t.Errorf("%s: %s, want %s", filepath.Base(file), got, want)
		}
	}
}

// TestLintOfVanished proves that a workflow is what was read, whatever happens
// to its files afterwards.
func TestLintOfVanished(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "w.yaml")
	if err := os.WriteFile(file, []byte("ot2flow: 1\nname: w\nsteps:\n  - delay: 1 s / (1 - 1)\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := workflows.Open(file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	c.Lint(nil)
	if got := codes(c); got != "division-by-zero" {
		t.Error(got)
	}
	if out := printed(c); !strings.Contains(out, "4 |   - delay: 1 s / (1 - 1)") {
		t.Errorf("the text is not shown:\n%s", out)
	}
}

// maxLint is how long the lint of a few kilobytes may take. It is generous,
// because the machine may be busy.
const maxLint = 10 * time.Second

// FuzzLint takes any bytes through the whole pipeline, twice: it must neither
// panic nor take long, and must find the same both times.
func FuzzLint(f *testing.F) {
	for _, folder := range []string{"ok", "err"} {
		for _, file := range corpus(f, folder) {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			if !strings.HasPrefix(filepath.Base(file), "too-many-") {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		first := lintBytes(data)
		if took := time.Since(start); took > maxLint {
			t.Errorf("took %v", took)
		}
		if second := lintBytes(data); !reflect.DeepEqual(first.Diagnostics, second.Diagnostics) {
			t.Errorf("two runs differ:\n%s\n%s", printed(first), printed(second))
		}
		var b bytes.Buffer
		if err := diag.Text(&b, first.Diagnostics, diag.TextOptions{Source: first.Source}); err != nil {
			t.Error(err)
		}
		for _, d := range first.Diagnostics {
			if d.Code == diag.Disagreement || d.Message == "" || d.Span.End.Offset > len(data) {
				t.Errorf("%s: %q at %v", d.Code, d.Message, d.Span)
			}
		}
	})
}

func lintBytes(data []byte) *workflows.Checked {
	c := workflows.FromBytes("w.yaml", data)
	c.Lint(nil)
	return c
}
