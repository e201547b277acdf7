package schema_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

var update = flag.Bool("update", false, "rewrite what the files under testdata/err are expected to say")

// decode reads a workflow and returns everything that is found in it so far.
func decode(data []byte) (*spec.Document, diag.List) {
	src := spec.NewSource(&spec.File{Name: "workflow.yaml", Data: data})
	root, list := src.Parse()
	doc, found := spec.Decode(src, root)
	list = append(list, found...)
	return doc, append(list, schema.Explain(doc)...).Sorted()
}

func render(t *testing.T, data []byte, list diag.List) string {
	t.Helper()
	var out bytes.Buffer
	err := diag.Text(&out, list, diag.TextOptions{Source: func(string) []byte { return data }})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestExplain holds what is said about each wrong file of the corpus.
func TestExplain(t *testing.T) {
	files, _ := filepath.Glob("testdata/err/*.yaml")
	if len(files) == 0 {
		t.Fatal("no corpus")
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, list := decode(data)
			got := render(t, data, list)
			golden := strings.TrimSuffix(name, ".yaml") + ".out"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := os.ReadFile(golden)
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(got, "OTF9") {
				t.Error("decoder and schema disagree")
			}
		})
	}
}

// TestEveryCodeIsInTheCorpus lists the codes of structure that no file shows.
func TestEveryCodeIsInTheCorpus(t *testing.T) {
	files, _ := filepath.Glob("testdata/err/*.out")
	var all strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	for _, c := range diag.Codes() {
		if strings.HasPrefix(c.ID, "OTF2") && !strings.Contains(all.String(), "["+c.String()+"]") {
			t.Errorf("no file shows %s", c)
		}
	}
}
