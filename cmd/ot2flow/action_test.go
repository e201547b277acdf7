package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// jobOfAction is a job on a repository, with ot2flow and gh on its path.
type jobOfAction struct {
	t    *testing.T
	dir  string // the repository
	temp string
	env  []string
}

func newJobOfAction(t *testing.T) *jobOfAction {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the scripts run in the bash of a job")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j := &jobOfAction{t: t, dir: t.TempDir(), temp: t.TempDir()}
	j.write(j.temp, "bin/ot2flow", "#!/bin/sh\n"+chaosChild+"=never exec '"+self+"' \"$@\"\n")
	// What gh is asked is kept; there is a comment as soon as one was made.
	j.write(j.temp, "bin/gh", `#!/bin/sh
echo "$*" >>"$GH_LOG"
case "$*" in
*--jq*) [ ! -e "$GH_LOG.made" ] || echo 77 ;;
*POST*) touch "$GH_LOG.made" ;;
esac
`)
	j.env = append(os.Environ(),
		"PATH="+filepath.Join(j.temp, "bin")+":"+os.Getenv("PATH"), "GH_LOG="+filepath.Join(j.temp, "gh"),
		"GITHUB_OUTPUT="+filepath.Join(j.temp, "output"), "GITHUB_STEP_SUMMARY="+filepath.Join(j.temp, "summary"), "GITHUB_REPOSITORY=a/b",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "GIT_CONFIG_GLOBAL=/dev/null",
		"PATHS=.", "TEST=auto", "ROBOT_VERSION=")
	j.git("init", "-q", "-b", "main")
	return j
}

func (j *jobOfAction) write(dir, name, text string) {
	j.t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		j.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil { //nolint:gosec // some are programs
		j.t.Fatal(err)
	}
}

func (j *jobOfAction) read(name string) string {
	j.t.Helper()
	data, err := os.ReadFile(filepath.Join(j.temp, name))
	if err != nil {
		j.t.Fatal(err)
	}
	return string(data)
}

func (j *jobOfAction) git(args ...string) {
	j.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = j.dir, j.env
	if out, err := cmd.CombinedOutput(); err != nil {
		j.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (j *jobOfAction) run(script string, env ...string) (string, error) {
	j.t.Helper()
	path, err := filepath.Abs("../../.github/actions/ot2flow/" + script)
	if err != nil {
		j.t.Fatal(err)
	}
	cmd := exec.Command("bash", path)
	cmd.Dir, cmd.Env = j.dir, append(j.env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestAction has the GitHub Action say what a change of workflows means.
func TestAction(t *testing.T) {
	j := newJobOfAction(t)
	data, err := os.ReadFile("testdata/action.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	j.write(j.dir, "a/small.yaml", text)
	j.write(j.dir, "same one.yaml", strings.Replace(text, "name: small", "name: same", 1))
	j.write(j.dir, "gone.yaml", strings.Replace(text, "name: small", "name: gone", 1))
	j.write(j.dir, "other.yaml", "a: [b]\n")
	j.git("add", ".")
	j.git("commit", "-qm", "one")
	j.git("tag", "before")
	out, err := j.run("check.sh")
	if err != nil {
		t.Fatal(out)
	}
	if out, err = j.run("compare.sh", "BASE="); err != nil || !strings.Contains(out, "nothing to compare with") {
		t.Error(out, err)
	}
	if out, err = j.run("compare.sh", "BASE=before", "PULL=5"); err != nil || out != "Nothing changes for the robot.\n" {
		t.Error(out, err)
	}
	if log := j.read("gh"); strings.Contains(log, "POST") {
		t.Errorf("a comment that says nothing: %s", log)
	}

	j.write(j.dir, "a/small.yaml", strings.Replace(text, "to: plate.A1", "to: [plate.A1, plate.B1]", 1))
	j.write(j.dir, "new.yaml", strings.Replace(text, "name: small", "name: new", 1))
	j.write(j.dir, "wrong.yaml", strings.Replace(text, "to: plate.A1", "too: plate.A1", 1))
	j.git("rm", "-q", "gone.yaml")
	j.git("add", ".")
	j.git("commit", "-qm", "two")
	if out, err = j.run("check.sh"); err == nil || !strings.Contains(out, "::error file=wrong.yaml,line=") {
		t.Error(out, err)
	}
	for range 2 {
		if out, err = j.run("compare.sh", "BASE=before", "PULL=5"); err != nil {
			t.Fatal(out, err)
		}
	}
	for _, row := range []string{
		"| `a/small.yaml` | 4 → **6** | 1 | 50 → **100** uL | ",
		"| `gone.yaml` is gone |",
		"| `new.yaml` is new | 4 | 1 | 50 uL | ",
		"| `wrong.yaml` is new, and cannot be planned",
	} {
		contains(t, out, row)
	}
	if strings.Contains(out, "same one") || strings.Contains(out, "other.yaml") {
		t.Error(out)
	}
	contains(t, j.read("summary"), "What changes for the robot")
	contains(t, j.read("output"), "changed=4\n")
	log := j.read("gh")
	if strings.Count(log, "POST repos/a/b/issues/5/comments") != 1 || strings.Count(log, "PATCH repos/a/b/issues/comments/77") != 1 {
		t.Error(log)
	}
}
