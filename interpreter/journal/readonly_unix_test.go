//go:build unix

package journal

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Where even the folder may not be written, a journal is still read.
func TestReadOnlyDisk(t *testing.T) {
	if os.Getuid() == 0 {
		asNobody(t)
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "j.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(path, 0o400), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	if err := use(t, path, Options{ReadOnly: true}); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), path, Options{}); troubleOf(err) != ReadOnly && troubleOf(err) != Missing {
		t.Error(err)
	}
}

// asNobody runs the test once more as a user for whom rights hold: root may
// write everywhere.
func asNobody(t *testing.T) {
	const nobody = 65534
	dir, err := os.MkdirTemp("", "readonly") //nolint:usetesting // nobody else gets into a folder of the test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	copied := filepath.Join(dir, "tests")
	if err = errors.Join(err, os.WriteFile(copied, program, 0o700), os.Chown(copied, nobody, nobody), os.Chown(dir, nobody, nobody)); err != nil { //nolint:gosec // it is to be started
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), copied, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Dir, c.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
