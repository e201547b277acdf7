package workflows_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/workflows"
)

// spec/REFERENCE.md and spec/CODES.md are what the tables say; -update rewrites them.
func TestReferenceIsCurrent(t *testing.T) {
	for file, want := range map[string][]byte{"../spec/REFERENCE.md": workflows.Reference(), "../spec/CODES.md": workflows.Codes()} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("go test ./workflows -run Reference -update\n%s", cmp.Diff(string(got), string(want)))
		}
	}
}
