package workflows_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/lab"
)

var update = flag.Bool("update", false, "write what the commands in Markdown files print into these files")

// block is a fenced block of a Markdown file.
type block struct {
	info       string
	lines      []string
	first, end int // lines[first:end] of the file, fences not included
}

// blocks returns the fenced blocks of a Markdown file.
func blocks(lines []string) []block {
	var out []block
	for i := 0; i < len(lines); i++ {
		info, ok := strings.CutPrefix(lines[i], "```")
		if !ok {
			continue
		}
		first := i + 1
		for i = first; i < len(lines) && lines[i] != "```"; i++ {
		}
		out = append(out, block{strings.TrimSpace(info), lines[first:i], first, i})
	}
	return out
}

// markdownFiles returns the Markdown files of the repository, from its root.
func markdownFiles(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && path != root) {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
}

// Every workflow that is shown is one that can be used. Blocks may refer to the
// labware of the examples.
func TestWorkflowsInMarkdown(t *testing.T) {
	root := ".."
	n := 0
	for _, path := range markdownFiles(t, root) {
		all := blocks(readLines(t, path))
		for _, b := range all {
			text := strings.Join(b.lines, "\n") + "\n"
			if b.info != "yaml" || !strings.HasPrefix(text, "ot2flow:") && !strings.Contains(text, "\not2flow:") {
				continue
			}
			n++
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(path), b.first+1), func(t *testing.T) {
				dir := t.TempDir()
				copyLabware(t, root, dir)
				for _, other := range all { // those that say what their files are called may call each other
					if name, is := strings.CutPrefix(strings.Join(other.lines[:min(1, len(other.lines))], ""), "# workflows/"); is && other.info == "yaml" {
						if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(other.lines, "\n")+"\n"), 0o644); err != nil {
							t.Fatal(err)
						}
					}
				}
				file := filepath.Join(dir, "workflow.yaml")
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				c := workflows.Open(file)
				c.Lint(nil)
				for _, d := range c.Diagnostics {
					t.Errorf("line %d: %v: %s", b.first+d.Span.Start.Line, d.Code, d.Message)
				}
			})
		}
	}
	if n == 0 {
		t.Error("no workflow was found; the README should have one")
	}
}

// Every lab that is shown is one that can be used.
func TestLabsInMarkdown(t *testing.T) {
	n := 0
	for _, path := range markdownFiles(t, "..") {
		for _, b := range blocks(readLines(t, path)) {
			if text := strings.Join(b.lines, "\n") + "\n"; b.info == "yaml" && strings.HasPrefix(text, "lab:") {
				n++
				file := filepath.Join(t.TempDir(), "lab.yaml")
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				for _, d := range lab.Open(file).Diagnostics {
					t.Errorf("%s:%d: %v: %s", path, b.first+d.Span.Start.Line, d.Code, d.Message)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no lab was found; the README should have one")
	}
}

// copyLabware copies the labware of the examples to where a workflow in dir
// looks for it.
func copyLabware(t *testing.T, root, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "examples", "*", "labware"))
	if err != nil || len(found) == 0 {
		t.Fatalf("the examples have no labware: %v", err)
	}
	for _, from := range found {
		entries, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			copyFile(t, filepath.Join(from, e.Name()), filepath.Join(dir, "labware", e.Name()))
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every command that is shown prints what is shown below it. In a console
// block a line "$ ot2flow …" or "$ sed …" is run by a shell in a folder that
// holds the examples, one after the other; what follows, up to the next "$", is
// what it prints. A line that is only "…" stands for any lines. With -update
// the files are rewritten.
func TestCommandsInMarkdown(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are those of a POSIX shell")
	}
	root := ".."
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/ot2flow").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, path := range markdownFiles(t, root) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
				t.Fatal(err)
			}
			lines := readLines(t, path)
			all := blocks(lines)
			slices.Reverse(all) // so that places stay valid when blocks are replaced
			replacements := map[int][]string{}
			for _, b := range slices.Backward(all) {
				if b.info == "console" {
					replacements[b.first] = replay(t, b, bin, dir)
				}
			}
			if !*update {
				return
			}
			for _, b := range all {
				if now, ok := replacements[b.first]; ok {
					lines = slices.Concat(lines[:b.first], now, lines[b.end:])
				}
			}
			if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// replay runs the commands of a block, compares what they print, and returns
// the block as it should be.
func replay(t *testing.T, b block, bin, dir string) []string {
	t.Helper()
	var now []string
	for i := 0; i < len(b.lines); {
		line := b.lines[i]
		next := i + 1
		for next < len(b.lines) && !strings.HasPrefix(b.lines[next], "$ ") {
			next++
		}
		shown := b.lines[i+1 : next]
		now = append(now, line)
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok || !strings.HasPrefix(command, "ot2flow ") && !strings.HasPrefix(command, "sed ") {
			now = append(now, shown...)
			i = next
			continue
		}
		printed := runShown(t, command, bin, dir)
		if matches(shown, printed) {
			printed = shown
		} else if !*update {
			t.Errorf("line %d: %s prints (-shown +printed):\n%s", b.first+i+1, line, cmp.Diff(shown, printed))
		}
		now = append(now, printed...)
		i = next
	}
	return now
}

func runShown(t *testing.T, command, bin, dir string) []string {
	t.Helper()
	sh := exec.CommandContext(t.Context(), "sh", "-c", command)
	sh.Dir = dir
	sh.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1", "LC_ALL=C.UTF-8", "XDG_STATE_HOME="+t.TempDir())
	out, _ := sh.CombinedOutput() // some examples are there to fail
	text := strings.TrimSuffix(string(out), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// matches reports whether the printed lines are those shown, where a line "…"
// stands for any number of lines. Blanks at the end of a line do not count.
func matches(shown, printed []string) bool {
	if len(shown) == 0 {
		return len(printed) == 0
	}
	if strings.TrimSpace(shown[0]) == "…" {
		for skip := range len(printed) + 1 {
			if matches(shown[1:], printed[skip:]) {
				return true
			}
		}
		return false
	}
	return len(printed) > 0 && strings.TrimRight(shown[0], " ") == strings.TrimRight(printed[0], " ") && matches(shown[1:], printed[1:])
}

func TestMatches(t *testing.T) {
	split := func(s string) []string { return strings.Fields(s) }
	for _, tt := range []struct {
		shown, printed string
		want           bool
	}{
		{"a b", "a b", true},
		{"a … c", "a b b c", true},
		{"a …", "a", true},
		{"… c", "c c", true},
		{"a … c", "a b", false},
		{"", "a", false},
		{"a", "", false},
	} {
		if got := matches(split(tt.shown), split(tt.printed)); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.shown, tt.printed, got)
		}
	}
}
