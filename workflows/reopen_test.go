package workflows_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
)

// A plan is made again from what it keeps, to the last step, also after it was
// written and read: that is what a run relies on that goes on by what comes
// back.
func TestReopen(t *testing.T) {
	tried := 0
	for _, pattern := range []string{"testdata/ok/*.yaml", "../examples/*/workflow.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if reopens(t, path) {
				tried++
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d workflows were tried", tried)
	}
}

func reopens(t *testing.T, path string) bool {
	c := workflows.Open(path)
	if c.Prepared == nil {
		return false
	}
	plan, list := c.Prepared.Plan(interpreter.Input{Examples: true})
	if plan == nil {
		t.Logf("%s: %v", path, list)
		return false
	}
	var b bytes.Buffer
	if err := plan.Write(&b, true); err != nil {
		t.Fatal(err)
	}
	stored, err := program.Read(b.Bytes(), ot2.Machine{})
	if err != nil {
		t.Errorf("%s: the plan cannot be read: %v", path, err)
		return false
	}
	again, run, err := workflows.Reopen(stored)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return false
	}
	got, list := again.Prepared.Grow(run.Input(false))
	switch {
	case got == nil:
		t.Errorf("%s: %v", path, list)
	case got.Fingerprint != plan.Fingerprint || !got.BeginsAs(stored, len(plan.Steps)):
		t.Errorf("%s becomes another plan", path)
	}
	return true
}
