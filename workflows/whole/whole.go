// Package whole writes files that nobody ever sees half of: each is written beside its
// place, and takes its name when it is on the disk.
package whole

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file that is being written. It has its name once it is kept.
type File struct {
	*os.File
	target string
	mode   fs.FileMode
	kept   bool
}

// Create begins a file that is to be at path with these rights. Whoever creates one
// discards it in the end, kept or not.
func Create(path string, mode fs.FileMode) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".ot2flow-*")
	if err != nil {
		return nil, err
	}
	return &File{File: f, target: path, mode: mode}, nil
}

// Keep ends the writing and gives the file its name, in the place of what has had it.
func (f *File) Keep() error {
	err := errors.Join(f.Chmod(f.mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.target)
	}
	f.kept = err == nil
	return err
}

// Discard removes what was not kept.
func (f *File) Discard() {
	if f.kept {
		return
	}
	_ = f.Close()
	_ = os.Remove(f.Name()) // it is nobody's
}

// Replace writes a whole file, in the place of one that is there.
func Replace(path string, data []byte, mode fs.FileMode) error {
	f, err := Create(path, mode)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Keep()
}
