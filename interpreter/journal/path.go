package journal

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// FileName is what a journal is called where nobody gave it a name.
const FileName = "journal.db"

// DefaultPath returns where a user's journal is: in the folder that the
// platform keeps for what programs remember.
func DefaultPath() (string, error) {
	dir, err := stateDir(runtime.GOOS, os.Getenv, os.UserHomeDir)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "ot2flow", FileName), nil
}

// stateDir follows the XDG base directories, and what stands for them on macOS
// and Windows. A relative XDG_STATE_HOME counts as none, as its manual says.
func stateDir(goos string, env func(string) string, home func() (string, error)) (string, error) {
	if dir := env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if goos == "windows" {
		if dir := env("LocalAppData"); dir != "" {
			return dir, nil
		}
		return "", errors.New("%LocalAppData% is not set; say where the journal is with --state FILE")
	}
	dir, err := home()
	if err != nil {
		return "", errors.New("there is no home folder; say where the journal is with --state FILE")
	}
	if goos == "darwin" {
		return filepath.Join(dir, "Library", "Application Support"), nil
	}
	return filepath.Join(dir, ".local", "state"), nil
}
