// Package library holds the workflows that come with ot2flow: each with its tests, a page
// about it, and the tables that it reads. They are what new begins with, what serve
// --library serves, and what people read to see how something is done.
package library

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed *.yaml *.csv *.md
var files embed.FS

const (
	workflowExt = ".yaml"
	testsExt    = ".test.yaml"
)

// Names returns the names of the workflows, sorted.
func Names() []string {
	all, err := fs.Glob(files, "*"+workflowExt)
	if err != nil {
		panic(err) // the pattern is ours
	}
	var names []string
	for _, f := range all {
		if name := strings.TrimSuffix(f, workflowExt); !strings.HasSuffix(f, testsExt) {
			names = append(names, name)
		}
	}
	return names
}

// Text returns a workflow as it is.
func Text(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + workflowExt)
	return data, err == nil && !strings.HasSuffix(name, ".test")
}

// Page returns the page about a workflow, as Markdown.
func Page(name string) ([]byte, bool) {
	data, err := files.ReadFile(name + ".md")
	return data, err == nil
}

// File is one of the files that a workflow to start from is made of.
type File struct {
	Name string
	Data []byte
}

// Start returns the files of a workflow to start from, under a file name of one's own
// without its ending: the workflow, called name in it, its tests, and the table that it
// reads, if it reads one.
func Start(template, file, name string) ([]File, bool) {
	text, ok := Text(template)
	if !ok {
		return nil, false
	}
	own := func(data []byte) []byte {
		_, rest, _ := bytes.Cut(data, []byte("\n")) // where the schema is in this repository
		return rest
	}
	text = bytes.Replace(own(text), []byte("name: "+template), []byte("name: "+name), 1)
	text = bytes.ReplaceAll(text, []byte(template+".csv"), []byte(file+".csv"))
	out := []File{{file + workflowExt, text}}
	if tests, err := files.ReadFile(template + testsExt); err == nil {
		out = append(out, File{file + testsExt, own(tests)})
	}
	if table, err := files.ReadFile(template + ".csv"); err == nil {
		out = append(out, File{file + ".csv", table})
	}
	return out, true
}

// Folder returns a folder with all these files that is the same at every start of the same
// version of ot2flow. It is in the user's cache, and made where it is not there yet.
func Folder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.New()
	err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(path)
		sum.Write([]byte(path + "\n"))
		sum.Write(data)
		return err
	})
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "ot2flow", "library-"+hex.EncodeToString(sum.Sum(nil)[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, unpack(dir)
}

// unpack makes the folder in one go: another process may do the same.
func unpack(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), ".library-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(made) }() // it has another name by then
	if err := os.CopyFS(filepath.Join(made, "files"), files); err != nil {
		return err
	}
	err = os.Rename(filepath.Join(made, "files"), dir)
	if _, there := os.Stat(dir); there == nil {
		return nil
	}
	return errors.Join(err)
}
