package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/ot2flow/ot2flow/workflows/whole"
)

// outFile is a file that a command writes. It takes its name when it is whole, so that
// nothing is there where nothing was done. What is no plain file, such as a device or a
// pipe, is written to directly: its name must not be taken.
type outFile struct {
	*os.File
	whole *whole.File // nil if it is written directly
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
		return &outFile{f, nil}, err
	case err == nil && info.Mode().Perm()&0o222 == 0:
		return nil, errors.New("it is there already and may not be written")
	}
	mode := os.FileMode(0o644)
	if err == nil {
		mode = info.Mode().Perm()
	}
	f, err := whole.Create(path, mode)
	if err != nil {
		return nil, err
	}
	return &outFile{f.File, f}, nil
}

// keep ends the writing and gives the file its name.
func (f *outFile) keep() error {
	if f.whole == nil {
		return f.Close()
	}
	return f.whole.Keep()
}

// discard removes what was not kept.
func (f *outFile) discard() {
	if f.whole == nil {
		_ = f.Close()
		return
	}
	f.whole.Discard()
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
