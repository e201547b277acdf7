package workflows_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// lintBoth lints a workflow that may call the other as part.yaml.
func lintBoth(main, part []byte) diag.List {
	b, list := spec.FromFiles("main.yaml", []spec.File{{Name: "main.yaml", Data: main}, {Name: "part.yaml", Data: part}})
	if b == nil {
		return list
	}
	p, more := workflows.Prepare(b)
	list = append(list, more...)
	if p == nil {
		return list
	}
	_, more, _ = p.Prove(interpreter.Input{Examples: true})
	return append(list, more...)
}

// FuzzCall takes two files, of which one calls the other, through the whole
// pipeline, twice.
func FuzzCall(f *testing.F) {
	parts, err := filepath.Glob("testdata/called/*.yaml")
	if err != nil || len(parts) == 0 {
		f.Fatal("no called workflows", err)
	}
	mains, _ := filepath.Glob("testdata/*/call*.yaml")
	for _, m := range mains {
		main, err := os.ReadFile(m)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range parts {
			part, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add([]byte(strings.ReplaceAll(string(main), "../called/"+filepath.Base(name), "part.yaml")), part)
		}
	}
	f.Fuzz(func(t *testing.T, main, part []byte) {
		start := time.Now()
		first := lintBoth(main, part)
		if took := time.Since(start); took > maxLint {
			t.Errorf("took %v", took)
		}
		if second := lintBoth(main, part); !reflect.DeepEqual(first, second) {
			t.Errorf("two runs differ:\n%v\n%v", first, second)
		}
		for _, d := range first {
			if d.Code == diag.Disagreement || d.Message == "" {
				t.Errorf("%s: %q at %v", d.Code, d.Message, d.Span)
			}
		}
	})
}

// Each mistake in a workflow that is called from several places is told once.
func TestCalledMistakesOnce(t *testing.T) {
	list := lint("testdata/err/call-of-wrong.yaml").Diagnostics
	if len(list) != 3 {
		t.Errorf("%d findings: %v", len(list), list)
	}
	for _, d := range list {
		if n := len(d.Related); n == 0 || !strings.Contains(d.Related[n-1].Message, "called from here") {
			t.Errorf("%s does not say where it was called from: %v", d.Message, d.Related)
		}
	}
}
