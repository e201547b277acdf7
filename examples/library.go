// Package examples holds the workflows that come with ot2flow, as files.
package examples

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed [0-9]*
var files embed.FS

// Folder returns a folder with the workflows, and what they refer to, that is the same
// at every start of the same version of ot2flow. It is in the user's cache, and made
// where it is not there yet.
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
