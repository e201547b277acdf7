//go:build unix

package workflows

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUnreadableFolderKeepsItsWorkflows(t *testing.T) {
	if os.Getuid() == 0 {
		asNobody(t)
		return
	}
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	write(t, workflow("one"), sub, "a.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed one in sub/a.yaml")
	must(t, os.Chmod(sub, 0))
	defer os.Chmod(sub, 0o755)
	refresh(t, r, "problem in sub: "+filepath.Join("ROOT", "sub")+" cannot be read: permission denied")
	must(t, os.Chmod(sub, 0o755))
	refresh(t, r, "solved sub")
}

// asNobody runs the test once more as a user for whom rights hold: root may read
// everywhere. The program of the tests is copied to where that user gets in.
func asNobody(t *testing.T) {
	const nobody = 65534
	dir, err := os.MkdirTemp("", "unreadable") //nolint:usetesting // nobody else gets into a folder of the test
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	must(t, err)
	program, err := os.ReadFile(self)
	must(t, err)
	copied := filepath.Join(dir, "tests")
	must(t, errors.Join(os.WriteFile(copied, program, 0o700), os.Chown(copied, nobody, nobody), os.Chown(dir, nobody, nobody))) //nolint:gosec // it is to be started
	c := exec.CommandContext(t.Context(), copied, "-test.run=^"+t.Name()+"$", "-test.v")
	c.Dir, c.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
}
