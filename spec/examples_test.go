package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamplesLoadSilently reads every example through the same door as users.
func TestExamplesLoadSilently(t *testing.T) {
	paths, err := filepath.Glob("../examples/[0-9]*/workflow.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatal("no examples beside this package", err)
	}
	fsys := os.DirFS("..")
	for _, path := range paths {
		name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
		b, list := Load(fsys, name)
		if b == nil || len(list) > 0 {
			t.Errorf("%s: %v", name, list)
			continue
		}
		f, _ := b.File(b.Main)
		if _, list := Parse(f); len(list) > 0 {
			t.Errorf("%s: %v", name, list)
		}
	}
}
