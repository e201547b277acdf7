package main

import (
	"errors"
	"os"
	"path/filepath"
)

// outFile is a file that a command writes. It is written beside its place and
// takes its name when it is whole, so that nobody ever reads half of one, and
// nothing is there where nothing was done. What is no plain file, such as a
// device or a pipe, is written to directly: its name must not be taken.
type outFile struct {
	*os.File
	target string // where it is renamed to; "" if it is written directly
	mode   os.FileMode
}

func createOut(path string) (*outFile, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // what a link leads to is replaced, not the link
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, err
	case err == nil && info.IsDir():
		return nil, errors.New("it is a folder")
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &outFile{File: f}, err
	case err == nil && info.Mode().Perm()&0o222 == 0:
		return nil, errors.New("it is there already and may not be written")
	}
	mode := os.FileMode(0o644)
	if err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ot2flow-*")
	if err != nil {
		return nil, err
	}
	return &outFile{f, path, mode}, nil
}

// keep ends the writing and gives the file its name.
func (f *outFile) keep() error {
	if f.target == "" {
		return f.Close()
	}
	if err := f.Chmod(f.mode); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.target)
}

// discard removes what was not kept.
func (f *outFile) discard() {
	_ = f.Close()
	if f.target != "" {
		os.Remove(f.Name())
	}
}

// keepFile writes a whole file. One that is there keeps its rights.
func keepFile(path string, data []byte) error {
	f, err := createOut(path)
	if err != nil {
		return err
	}
	defer f.discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.keep()
}
