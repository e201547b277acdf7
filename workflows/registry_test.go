package workflows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// checkText is a check for tests. A file is good unless it says "bad"; "name:"
// names it, and each "needs:" is a file that must exist.
func checkText(_ context.Context, path string) Result[string] {
	data, err := os.ReadFile(path)
	if err != nil {
		return Result[string]{Diagnostics: oneError(path, err.Error())}
	}
	res := Result[string]{OK: true, Value: string(data), Files: []File{{path, hashOf(data)}}}
	all := hashOf(data)
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "name":
			res.Name = value
		case "bad":
			res.OK, res.Diagnostics = false, oneError(path, value)
		case "needs":
			f := File{Path: filepath.Join(filepath.Dir(path), value)}
			if data, err := os.ReadFile(f.Path); err == nil {
				f.Hash = hashOf(data)
			} else {
				res.OK, res.Diagnostics = false, oneError(path, value+" is missing")
			}
			all += f.Hash
			res.Files = append(res.Files, f)
		}
	}
	res.Hash = hashOf([]byte(path + all))
	return res
}

func oneError(path, message string) diag.List {
	return diag.List{{Code: diag.NotFound, Span: diag.Span{File: path}, Message: message}}
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// workflow is the text of a workflow of that name.
func workflow(name string, lines ...string) string {
	return "ot2flow: 1\nname: " + name + "\n" + strings.Join(lines, "\n") + "\n"
}

// write makes or replaces the file at the joined path.
func write(t testing.TB, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// link makes a symbolic link, or skips the test where that is not allowed.
func link(t testing.TB, target string, path ...string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(path...)); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("symbolic links are not allowed here: ", err)
		}
		t.Fatal(err)
	}
}

// told is a Change in few words, one for each thing that it tells.
func told[V any](root string, c Change[V]) []string {
	var out []string
	for _, v := range c.Changed {
		out = append(out, "changed "+v.Name+" in "+inside(root, v.Path))
	}
	for _, v := range c.Removed {
		out = append(out, "removed "+v.Name)
	}
	for _, p := range c.Problems {
		out = append(out, "problem in "+inside(root, p.Path)+": "+strings.ReplaceAll(p.Diagnostics[len(p.Diagnostics)-1].Message, root, "ROOT"))
	}
	for _, path := range c.Solved {
		out = append(out, "solved "+inside(root, path))
	}
	return out
}

func inside(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(rel)
}

// refresh refreshes and compares what the change tells.
func refresh[V any](t *testing.T, r *Registry[V], want ...string) {
	t.Helper()
	change, err := r.Refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, told(r.roots[0], change)); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
}

func TestRefreshTellsWhatChanged(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	write(t, workflow("two"), dir, "sub/b.yml")
	write(t, "services: {}\n", dir, "compose.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed one in a.yaml", "changed two in sub/b.yml")
	refresh(t, r)

	write(t, workflow("one", "more"), dir, "a.yaml")
	refresh(t, r, "changed one in a.yaml")
	write(t, workflow("one", "more"), dir, "a.yaml") // the same text again
	refresh(t, r)
	write(t, workflow("uno", "more"), dir, "a.yaml")
	refresh(t, r, "changed uno in a.yaml", "removed one")

	must(t, os.Rename(filepath.Join(dir, "a.yaml"), filepath.Join(dir, "c.yaml")))
	refresh(t, r, "changed uno in c.yaml")
	must(t, os.RemoveAll(filepath.Join(dir, "sub")))
	refresh(t, r, "removed two")
	write(t, workflow("two"), dir, "sub/b.yml")
	refresh(t, r, "changed two in sub/b.yml")
}

func TestLastGoodVersionStaysServed(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed one in a.yaml")
	before := r.Snapshot()
	good, _ := before.Lookup("one")

	write(t, workflow("other", "bad: no tips"), dir, "a.yaml")
	refresh(t, r, "problem in a.yaml: no tips")
	now := r.Snapshot()
	if v, ok := now.Lookup("one"); !ok || v != good {
		t.Error("the last good version is not served")
	}
	if _, ok := now.Lookup("other"); ok {
		t.Error("a version with errors is served")
	}
	if p := now.Problems[0]; p.Served != good || !strings.Contains(p.Value, "no tips") {
		t.Errorf("problem = %+v; want the good version and the refused text", p)
	}
	if len(before.Problems) != 0 {
		t.Error("an older snapshot changed")
	}

	write(t, workflow("other", "bad: no tips", "# still"), dir, "a.yaml")
	refresh(t, r, "problem in a.yaml: no tips") // another version, to be shown again
	write(t, "", dir, "a.yaml")                 // an editor that empties the file first
	refresh(t, r, "changed  in a.yaml", "removed one", "solved a.yaml")
	write(t, workflow("one"), dir, "a.yaml")
	refresh(t, r, "changed one in a.yaml", "removed ")
}

func TestBrokenFileThatIsDeletedIsSolved(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one", "bad: x"), dir, "a.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "problem in a.yaml: x")
	must(t, os.Remove(filepath.Join(dir, "a.yaml")))
	refresh(t, r, "solved a.yaml")
}

func TestUndoneMistakeIsSolvedWithoutChange(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed one in a.yaml")
	write(t, workflow("one", "bad: x"), dir, "a.yaml")
	refresh(t, r, "problem in a.yaml: x")
	write(t, workflow("one"), dir, "a.yaml")
	refresh(t, r, "solved a.yaml")
}

func TestSameNameInTwoFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("mix-colors"), dir, "b.yaml")
	write(t, workflow("mix_colors"), dir, "c.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed mix-colors in b.yaml",
		"problem in c.yaml: the workflow mix_colors already exists in "+filepath.Join("ROOT", "b.yaml"))
	p := r.Snapshot().Problems[0]
	if d := p.Diagnostics[0]; d.Code != diag.SameName || d.Severity != diag.Error || d.Related[0].Span.File != filepath.Join(dir, "b.yaml") {
		t.Errorf("finding = %+v", d)
	}
	for _, name := range []string{"mix-colors", "mix_colors"} {
		if v, ok := r.Snapshot().Lookup(name); !ok || v.Name != "mix-colors" {
			t.Errorf("Lookup(%q) = %v, %v", name, v, ok)
		}
	}

	write(t, workflow("mix-colors"), dir, "a.yaml") // sorts first, but comes later
	refresh(t, r, "problem in a.yaml: the workflow mix-colors already exists in "+filepath.Join("ROOT", "b.yaml"))
	write(t, workflow("mix-colors", "bad: x"), dir, "b.yaml")
	refresh(t, r, "problem in b.yaml: x")
	must(t, os.Remove(filepath.Join(dir, "b.yaml")))
	refresh(t, r, "changed mix-colors in a.yaml",
		"problem in c.yaml: the workflow mix_colors already exists in "+filepath.Join("ROOT", "a.yaml"), "solved a.yaml", "solved b.yaml")
}

func TestTakenNameKeepsOldVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("x"), dir, "a.yaml")
	write(t, workflow("y"), dir, "b.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed x in a.yaml", "changed y in b.yaml")
	write(t, workflow("x"), dir, "b.yaml")
	refresh(t, r, "problem in b.yaml: the workflow x already exists in "+filepath.Join("ROOT", "a.yaml"))
	if _, ok := r.Snapshot().Lookup("y"); !ok {
		t.Error("the version with the old name is gone")
	}
	write(t, workflow("y"), dir, "a.yaml") // now the two have swapped their names
	refresh(t, r, "changed x in b.yaml", "changed y in a.yaml", "solved b.yaml")
}

func TestDependants(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one", "needs: ../labware/rack.json"), dir, "w/a.yaml")
	write(t, workflow("two"), dir, "w/b.yaml")
	r := NewRegistry(checkText, filepath.Join(dir, "w"))
	rack := filepath.Join(dir, "labware", "rack.json")
	refresh(t, r, "changed two in b.yaml", "problem in a.yaml: ../labware/rack.json is missing")
	write(t, "{}", rack)
	refresh(t, r, "changed one in a.yaml", "solved a.yaml")
	write(t, "{ }", rack)
	refresh(t, r, "changed one in a.yaml")
	must(t, os.Remove(rack))
	refresh(t, r, "problem in a.yaml: ../labware/rack.json is missing")
	write(t, "{ }", rack)
	refresh(t, r, "solved a.yaml")
}

func TestFileThatIsWrittenWhileChecked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	write(t, workflow("half"), path)
	var calls atomic.Int32
	r := NewRegistry(func(ctx context.Context, p string) Result[string] {
		res := checkText(ctx, p)
		if calls.Add(1) == 1 {
			write(t, workflow("whole", "bad: no"), path)
		}
		return res
	}, dir)
	refresh(t, r, "problem in a.yaml: no")
	if n := calls.Load(); n < 2 {
		t.Errorf("checked %d times; want 2 at least", n)
	}
}

func TestFileThatNeverRestsKeepsItsState(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	write(t, workflow("one"), path)
	busy, n := false, 0
	r := NewRegistry(func(ctx context.Context, p string) Result[string] {
		res := checkText(ctx, p)
		if n++; busy {
			write(t, workflow("one", fmt.Sprint(n)), path)
		}
		return res
	}, dir)
	refresh(t, r, "changed one in a.yaml")
	busy = true
	write(t, workflow("one", "x"), path)
	refresh(t, r)
	busy = false
	refresh(t, r, "changed one in a.yaml")
}

func TestDependencyThatAppearsWhileChecked(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one", "needs: rack.json"), dir, "a.yaml")
	first := true
	r := NewRegistry(func(ctx context.Context, p string) Result[string] {
		res := checkText(ctx, p)
		if first {
			write(t, "{}", dir, "rack.json")
		}
		first = false
		return res
	}, dir)
	refresh(t, r, "changed one in a.yaml")
}

func TestMissingRoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "problem in .: ROOT does not exist")
	write(t, workflow("one"), dir, "a.yaml")
	refresh(t, r, "changed one in a.yaml", "solved .")
	must(t, os.RemoveAll(dir))
	refresh(t, r, "removed one", "problem in .: ROOT does not exist")
}

func TestHides(t *testing.T) {
	f := &findings{hidden: []string{"w", filepath.FromSlash("/x/")}}
	for path, want := range map[string]bool{"w/a.yaml": true, "ww/a.yaml": false, "w": true, "/x/a.yaml": true, "a.yaml": false} {
		if got := f.hides(filepath.FromSlash(path)); got != want {
			t.Errorf("hides(%q) = %v", path, got)
		}
	}
}

func TestCancelledRefreshChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	r := NewRegistry(checkText, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Refresh(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if n := len(r.Snapshot().Versions); n != 0 {
		t.Errorf("%d versions are served", n)
	}
	refresh(t, r, "changed one in a.yaml")
}

func TestSnapshotByHash(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	r := NewRegistry(checkText, dir)
	refresh(t, r, "changed one in a.yaml")
	pinned := r.Snapshot()
	v := pinned.Versions[0]
	write(t, workflow("one", "more"), dir, "a.yaml")
	refresh(t, r, "changed one in a.yaml")
	if got, ok := pinned.Hash(v.Hash); !ok || got != v {
		t.Error("the pinned snapshot lost its version")
	}
	if _, ok := r.Snapshot().Hash(v.Hash); ok {
		t.Error("the old version is still served")
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"b.yaml", "a.yml", "sub/deep/c.yaml", "a.test.yaml", "a.test.yml", ".hidden.yaml", ".git/x.yaml", "node_modules/x.yaml",
		".#b.yaml", "b.yaml~", "b.yaml.swp", "b.txt", "#b.yaml#", "old.bak/x.yaml",
	} {
		write(t, workflow("x"), dir, name)
	}
	write(t, "a: 1 # ot2flow: 1\n", dir, "other.yaml")
	got, problems := Find(dir)
	if len(problems) != 0 {
		t.Errorf("findings: %v", problems)
	}
	want := []string{"a.yml", "b.yaml", "sub/deep/c.yaml"}
	if diff := cmp.Diff(want, insideAll(dir, got)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}

	named := []string{filepath.Join(dir, "b.txt"), filepath.Join(dir, "a.test.yaml"), filepath.Join(dir, "sub"), filepath.Join(dir, "b.txt")}
	got, _ = Find(named...)
	if diff := cmp.Diff([]string{"b.txt", "a.test.yaml", "sub/deep/c.yaml"}, insideAll(dir, got)); diff != "" {
		t.Errorf("named files (-want +got):\n%s", diff)
	}
}

func insideAll(root string, paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = inside(root, p)
	}
	return out
}

func TestFindFollowsLinksOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("x"), dir, "w/real/a.yaml")
	write(t, workflow("y"), dir, "elsewhere/b.yaml")
	link(t, "real", dir, "w/alias")                                      // of a folder that is found anyway
	link(t, "..", dir, "w/real/loop")                                    // a loop
	link(t, filepath.Join("..", "elsewhere", "b.yaml"), dir, "w/b.yaml") // a file outside
	link(t, "self", dir, "w/self")                                       // leads nowhere
	link(t, filepath.Join("real", "a.yaml"), dir, "w/again.yaml")        // of a file that is found anyway
	got, problems := Find(filepath.Join(dir, "w"))
	if diff := cmp.Diff([]string{"real/a.yaml", "b.yaml"}, insideAll(filepath.Join(dir, "w"), got)); diff != "" || len(problems) > 0 {
		t.Errorf("found (-want +got):\n%s%v", diff, problems)
	}
}

func TestHasKey(t *testing.T) {
	tests := map[string]bool{
		"ot2flow: 1\n":               true,
		"# c\r\n\"ot2flow\" : 1\r\n": true,
		"'ot2flow': 1":               true,
		"{ot2flow: 1, name: x}":      true,
		"{ \"ot2flow\": 1}":          true,
		"\xef\xbb\xbfot2flow: 1":     true,
		"\xff\xfeo\x00t\x002\x00f\x00l\x00o\x00w\x00:\x00 \x001\x00": true,
		"name: [\not2flow: 1":     true, // broken YAML is still meant as a workflow
		"  ot2flow: 1":            false,
		"ot2flow\nx: 1":           false,
		"image: ot2flow:1.0":      false,
		"x: ot2flow\not2flow2: 1": false,
		"":                        false,
	}
	for text, want := range tests {
		if got := hasKey([]byte(text)); got != want {
			t.Errorf("hasKey(%q) = %v", text, got)
		}
	}
}

func TestLinksFollow(t *testing.T) {
	dir := t.TempDir()
	real, err := filepath.EvalSymlinks(dir)
	must(t, err)
	write(t, "x", dir, "v1/f")
	link(t, "v1", dir, "current")
	link(t, filepath.Join("current", "f"), dir, "f")
	to := newLinks().follow(filepath.Join(dir, "f"))
	if !to.ok || to.real != filepath.Join(real, "v1", "f") {
		t.Errorf("leads to %q, %v", to.real, to.ok)
	}
	for _, name := range []string{"f", "current"} {
		if !slices.Contains(to.points, filepath.Join(real, name)) {
			t.Errorf("points %q lack %s", to.points, name)
		}
	}
	if to := newLinks().follow(filepath.Join(dir, "no", "such", "file")); to.ok || !slices.Contains(to.points, filepath.Join(real, "no")) {
		t.Errorf("a missing folder: %+v", to)
	}
}
