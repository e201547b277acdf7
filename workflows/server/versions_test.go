package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Every version of a task that was served is kept, with its text, by its hash.
func TestVersions(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "mix.yaml")
	var hashes []string
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(mixText)
	b := serveFolder(t, service.Sim, journalFile(t), dir)
	for i, description := range []string{"Mix paints.", "Mix them well.", "Mix paints."} {
		save(strings.Replace(mixText, "Mix paints.", description, 1))
		if _, err := b.device.Tasks.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := b.device.KeepVersions(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		list := b.want(200, "GET", "/tasks/mix_colors/versions", "")["versions"].([]any)
		if len(list) != min(i+1, 2) {
			t.Fatalf("%v", list)
		}
		for _, v := range list {
			if v := v.(map[string]any); v["served"] == true {
				hashes = append(hashes, v["hash"].(string))
				text := b.want(200, "GET", "/versions/"+v["hash"].(string), "")["files"].(map[string]any)["mix.yaml"]
				if text, _ := text.(string); !strings.Contains(text, description) {
					t.Errorf("%v", text)
				}
			}
		}
	}
	if len(hashes) != 3 || hashes[0] != hashes[2] || hashes[0] == hashes[1] {
		t.Errorf("%v", hashes)
	}
	if v := b.want(404, "GET", "/versions/0000", ""); !strings.Contains(v["detail"].(string), "no version has the hash") {
		t.Errorf("%v", v)
	}
	b.want(404, "GET", "/tasks/mix_colours/versions", "")
}
