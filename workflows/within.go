package workflows

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// OpenWithin is Open for a workflow somewhere below one of the roots, which are files
// and folders. It reads nothing outside of the folder that the root is or is in,
// whatever the workflow names, and wherever symbolic links lead.
func OpenWithin(roots []string, path string) *Checked {
	c := &Checked{Path: path, within: true}
	folder, name, err := below(roots, path)
	if err == nil {
		var root *os.Root
		if root, err = os.OpenRoot(folder); err == nil {
			defer func() { _ = root.Close() }() // it was read from only
			c.prepare(spec.Load(enclosed{root.FS()}, name))
			return c
		}
	}
	c.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: fmt.Sprintf("the file cannot be found: %v", cause(err))}}
	return c
}

// TextWithin is OpenWithin of a file that has another text than is there.
func TextWithin(roots []string, path string, text []byte) *Checked {
	c := &Checked{Path: path, within: true}
	folder, name, err := below(roots, path)
	if err == nil {
		var root *os.Root
		if root, err = os.OpenRoot(folder); err == nil {
			defer func() { _ = root.Close() }() // it was read from only
			c.prepare(spec.LoadText(enclosed{root.FS()}, name, text))
			return c
		}
	}
	return FromBytes(path, text)
}

// below finds the folder of the root that a path is below, and the name from there.
func below(roots []string, path string) (folder, name string, err error) {
	for _, root := range roots {
		folder := root
		if info, err := os.Stat(root); err == nil && !info.IsDir() {
			folder = filepath.Dir(root)
		}
		if rel, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(rel) {
			return folder, filepath.ToSlash(rel), nil
		}
	}
	return "", "", fs.ErrNotExist
}

// enclosed is a folder that links do not lead out of; it says so in the words of spec.
type enclosed struct{ fs fs.FS }

// Open opens a file of the folder.
func (w enclosed) Open(name string) (fs.File, error) {
	f, err := w.fs.Open(name)
	return f, outside(err)
}

// Stat is what is known of a file of the folder.
func (w enclosed) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(w.fs, name)
	return info, outside(err)
}

// outside is what os.Root says of what is not in it, for which it has no error that
// could be asked for.
func outside(err error) error {
	if err != nil && strings.HasSuffix(err.Error(), "path escapes from parent") {
		return fmt.Errorf("%w: %w", spec.ErrOutside, err)
	}
	return err
}
