package journal

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// A version goes when it was replaced long enough ago and nothing that is kept was begun
// or accepted with it; the newest always stays, also one that was offered again.
func TestVersionsArePruned(t *testing.T) {
	at := t0
	s := opened(t, filepath.Join(t.TempDir(), "j"), Options{Now: func() time.Time { return at }})
	offer := func(hash, workflow string, files ...program.File) {
		t.Helper()
		at = at.Add(time.Hour)
		if err := s.KeepVersions(t.Context(), []Version{{Hash: hash, Workflow: workflow, File: workflow + ".yaml", Files: files}}); err != nil {
			t.Fatal(err)
		}
	}
	text := func(of string) program.File { return program.File{Name: "mix.yaml", Data: []byte(of)} }
	mix := planOf("mix", 2)
	offer("again", "mix", text("again"))
	offer("replaced", "mix", text("replaced"))
	offer("has its files", "mix", mix.Files...)
	offer("has some of its files", "mix", append(slices.Clone(mix.Files), text("more"))...)
	offer("accepted with", "mix", text("accepted with"))
	submitted(t, s, Submission{Queue: "bench", Workflow: "mix", By: me})
	submitted(t, s, Submission{Queue: "bench", Workflow: "another", By: me})
	offer("begun with", "mix", text("begun with"))
	appended(t, begun(t, s, leased(t, s, "OT2-1"), mix), whole(2)[:3]...)
	offer("replaced lately", "mix", text("replaced lately"))
	offer("of another", "rinse", text("rinse"))
	offer("again", "mix", text("again"))
	has := func() (hashes []string) {
		t.Helper()
		list, err := s.Versions(t.Context(), "mix")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			hashes = append(hashes, v.Hash)
		}
		return hashes
	}
	if got := has(); got[0] != "again" || len(got) != 7 {
		t.Errorf("%q", got)
	}
	dry, err := s.Prune(t.Context(), at, true)
	if err != nil || dry.Versions != 2 || len(has()) != 7 {
		t.Fatalf("%+v %v", dry, err)
	}
	if p, err := s.Prune(t.Context(), at, false); err != nil || p.Versions != 2 || p.Bytes == 0 {
		t.Errorf("%+v %v", p, err)
	}
	want := []string{"again", "replaced lately", "begun with", "accepted with", "has its files"}
	if got := has(); !slices.Equal(got, want) {
		t.Errorf("%q is kept, want %q", got, want)
	}
	if files, err := s.VersionFiles(t.Context(), "again"); err != nil || len(files) != 1 || string(files[0].Data) != "again" {
		t.Errorf("%v %v", files, err)
	}
	if newest, err := s.NewestVersions(t.Context()); err != nil || newest["mix"] != "again" || newest["rinse"] != "of another" {
		t.Errorf("%v %v", newest, err)
	}
}
