package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/workflows"
)

// What was proved before is what would be found now; what has changed since, also in a
// file that is referred to, is looked at again.
func TestProofsAreRemembered(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	s := &Service{State: filepath.Join(t.TempDir(), "journal.db"), Version: "test"}
	defer s.Close()
	looked := func() map[string]workflows.Version[*workflows.Task] {
		t.Helper()
		tasks, keep, err := s.Tasks(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		out := map[string]workflows.Version[*workflows.Task]{}
		for _, v := range tasks.Snapshot().Versions {
			out[v.Name] = *v
		}
		return out
	}
	proved := looked()
	if len(proved) < 10 {
		t.Fatal(proved)
	}
	// That what is remembered is taken is seen by a mark that is in no file.
	store, err := s.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := proofKey(s.Version, []string{dir})
	data, err := store.Proofs(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	marked := strings.ReplaceAll(string(data), `"description":"`, `"description":"remembered `)
	if err := store.KeepProofs(t.Context(), key, []byte(marked)); err != nil {
		t.Fatal(err)
	}
	change := func(name, from, to string) {
		t.Helper()
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), from) {
			t.Fatal(name, err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	change("02-color-grid/workflow.yaml", "\nsteps:", "\n# another one\nsteps:")
	again := looked()
	for name, v := range proved {
		now, is := again[name]
		if !is {
			t.Errorf("%s is not served any more", name)
			continue
		}
		wasRemembered := strings.HasPrefix(now.Value.Description, "remembered ")
		if changed := strings.Contains(v.Path, "02-color-grid"); len(v.Diagnostics) == 0 && v.Value.Description != "" && wasRemembered == changed {
			t.Errorf("%s: changed %v, and remembered %v", name, changed, wasRemembered)
		}
		if strings.Contains(v.Path, "02-color-grid") {
			continue
		}
		if diff := cmp.Diff(v.Files, now.Files); diff != "" || now.Hash != v.Hash || now.Path != v.Path {
			t.Errorf("%s is another one: %s", name, diff)
		}
		if diff := cmp.Diff(v.Value.Params, now.Value.Params); diff != "" {
			t.Error(diff)
		}
		c, err := now.Value.Checked()
		if err != nil || c.Bundle.Hash != v.Hash || c.Path != v.Path {
			t.Errorf("%s cannot be made again: %v", name, err)
		}
	}
	change("01-mix-colors/labware/ac_6_tuberack_15000ul.json", "{", "[")
	if _, is := looked()["mix-colors"]; is {
		t.Error("mix-colors is served, whose labware is damaged")
	}
	if proofKey("test", []string{dir}) == proofKey("other", []string{dir}) || proofKey("test", []string{dir}) == proofKey("test", []string{"x"}) {
		t.Error("what one program proved of one folder holds for another")
	}
}
