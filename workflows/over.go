package workflows

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// OpenOver is Open where some files have other texts than they have on the disk, such as
// those that somebody is writing. texts are by absolute path; path is one of them.
func OpenOver(path string, texts map[string][]byte) *Checked {
	if !filepath.IsAbs(path) { // it was never saved, and is nowhere
		return FromBytes(path, texts[path])
	}
	c := &Checked{Path: path}
	root, name, err := rooted(path)
	if err != nil {
		c.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: "the file cannot be found: " + err.Error()}}
		return c
	}
	c.prepare(spec.Load(over{os.DirFS(root), root, texts}, name))
	return c
}

// Files are the paths of what a workflow is made of, and of what it names and is not there.
func (c *Checked) Files() []string {
	if c.Bundle == nil {
		return []string{c.Path}
	}
	var out []string
	for _, f := range c.Bundle.Files {
		out = append(out, filepath.FromSlash(relocated(c.Dir(), f.Name)))
	}
	for _, name := range c.Bundle.Missing {
		out = append(out, filepath.FromSlash(relocated(c.Dir(), name)))
	}
	return out
}

// Outdated reports whether one of the texts is another than the one that was checked.
func (c *Checked) Outdated(texts map[string][]byte) bool {
	for _, path := range c.Files() {
		text, ok := texts[path]
		if !ok {
			continue
		}
		if was := c.Source(filepath.ToSlash(path)); was == nil || !bytes.Equal(was, text) {
			return true
		}
	}
	return false
}

// over is a file system some of whose files have other texts.
type over struct {
	fs.FS
	root  string
	texts map[string][]byte
}

// Open opens a file.
func (o over) Open(name string) (fs.File, error) {
	if text, ok := o.texts[filepath.Join(o.root, filepath.FromSlash(name))]; ok {
		return &textFile{Reader: bytes.NewReader(text), name: name}, nil
	}
	return o.FS.Open(name)
}

// textFile is a text as a file.
type textFile struct {
	*bytes.Reader
	name string
}

var _ io.Reader = (*textFile)(nil)

// Stat, Close, and what is known of the file.
func (f *textFile) Stat() (fs.FileInfo, error) { return f, nil }

// Close does nothing.
func (f *textFile) Close() error { return nil }

// Name is the name of the file.
func (f *textFile) Name() string { return filepath.Base(f.name) }

// Mode is that of a plain file.
func (f *textFile) Mode() fs.FileMode { return 0o644 }

// ModTime is not known.
func (f *textFile) ModTime() time.Time { return time.Time{} }

// IsDir is false.
func (f *textFile) IsDir() bool { return false }

// Sys is nothing.
func (f *textFile) Sys() any { return nil }
