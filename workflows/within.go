package workflows

import (
	"errors"
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
	c, err := loadWithin(roots, path, spec.Load)
	if err != nil {
		c.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: fmt.Sprintf("the file cannot be found: %v", cause(err))}}
	}
	return c
}

// TextWithin is OpenWithin of a file that has another text than is there.
func TextWithin(roots []string, path string, text []byte) *Checked {
	c, err := loadWithin(roots, path, func(files fs.FS, name string) (*spec.Bundle, diag.List) {
		return spec.LoadText(files, name, text)
	})
	if err != nil {
		return FromBytes(path, text) // it stands nowhere, and may use nothing
	}
	return c
}

// StatWithin is what is known of a file or a folder somewhere below one of the roots,
// wherever symbolic links lead.
func StatWithin(roots []string, path string) (fs.FileInfo, error) {
	folder, name, err := below(roots, path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // it was looked at only
	return root.Stat(filepath.FromSlash(name))
}

// ReadWithin returns the bytes of a file somewhere below one of the roots, wherever symbolic
// links lead, if there are at most so many.
func ReadWithin(roots []string, path string, most int64) ([]byte, error) {
	folder, name, err := below(roots, path)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // it was read from only
	info, err := root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a file")
	case info.Size() > most:
		return nil, fmt.Errorf("it has %d bytes, more than %d", info.Size(), most)
	}
	return root.ReadFile(filepath.FromSlash(name))
}

// loadWithin checks what is loaded from the folder of the root that the path is below.
// The error says that there is none.
func loadWithin(roots []string, path string, load func(fs.FS, string) (*spec.Bundle, diag.List)) (*Checked, error) {
	c := &Checked{Path: path, within: true, roots: roots}
	folder, name, err := below(roots, path)
	if err != nil {
		return c, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return c, err
	}
	defer func() { _ = root.Close() }() // it was read from only
	c.prepare(load(enclosed{root.FS()}, name))
	return c, nil
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
