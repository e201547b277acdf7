package workflows

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A name is that of the file under the root that was named first, also where that file
// comes later; when it goes, the other one is served.
func TestEarlierRootHasTheName(t *testing.T) {
	dir := t.TempDir()
	mine, library := filepath.Join(dir, "z-mine"), filepath.Join(dir, "a-library")
	text := func(description string) []byte {
		return []byte("ot2flow: 1\nname: mix\ndescription: " + description + "\nsteps: [{comment: x}]\n")
	}
	write := func(folder string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "mix.yaml"), text(folder), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{mine, library} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r := NewRegistry(func(_ context.Context, path string) Result[*Checked] {
		c := Open(path)
		return ResultOf(c, c)
	}, mine, library)
	for i, step := range []struct {
		do       func()
		served   string
		problems int
	}{
		{func() { write(library) }, library, 0},
		{func() { write(mine) }, mine, 1},
		{func() { _ = os.Remove(filepath.Join(mine, "mix.yaml")) }, library, 0},
		{func() { write(mine); write(library) }, mine, 1},
	} {
		step.do()
		if _, err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := r.Snapshot()
		v, ok := now.Lookup("mix")
		if !ok || filepath.Dir(v.Path) != step.served || len(now.Problems) != step.problems {
			t.Errorf("step %d: %+v, %d problems", i, v, len(now.Problems))
		}
	}
}
