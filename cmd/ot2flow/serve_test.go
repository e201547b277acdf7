package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// serverProcess is ot2flow serve in a process of its own.
type serverProcess struct {
	cmd *exec.Cmd
	url string
	log *lockedText
}

// lockedText is what a process writes while somebody reads.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(line + "\n")
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var servedAt = regexp.MustCompile(`http=(https?://[0-9.:]+)`)

// serverOf begins to serve, and returns when that is said.
func serverOf(t *testing.T, dir, robot, state string, more ...string) *serverProcess {
	t.Helper()
	return serverBy(t, append([]string{dir, "--robot", robot, "--state", state, "--http", "127.0.0.1:0"}, more...)...)
}

// serverBy begins to serve as it is told.
func serverBy(t *testing.T, args ...string) *serverProcess {
	t.Helper()
	return processBy(t, append([]string{"serve"}, args...)...)
}

// processBy begins a command that serves.
func processBy(t *testing.T, args ...string) *serverProcess {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), chaosChild+"=never")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &serverProcess{cmd: cmd, log: &lockedText{}}
	url := make(chan string, 1)
	go func() {
		defer close(url)
		for in := bufio.NewScanner(pipe); in.Scan(); {
			p.log.add(in.Text())
			if m := servedAt.FindStringSubmatch(in.Text()); m != nil && p.url == "" {
				url <- m[1]
			}
		}
	}()
	t.Cleanup(p.kill)
	select {
	case u, ok := <-url:
		if !ok {
			t.Fatalf("it does not serve:\n%s", p.log)
		}
		p.url = u
	case <-time.After(30 * time.Second):
		t.Fatalf("it does not serve:\n%s", p.log)
	}
	return p
}

func (p *serverProcess) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // killed
}

// submits submits a run under a key; false says that nobody answered.
func (p *serverProcess) submits(key, body string) (id string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", p.url+"/tasks/small/runs", strings.NewReader(body))
	if err != nil {
		return "", false
	}
	r.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	var v struct{ ID string }
	if err != nil || json.Unmarshal(data, &v) != nil {
		return "", false
	}
	return v.ID, resp.StatusCode < 300
}

// However often the server is killed, at whatever moment, what it accepted is carried
// out, once, and in its order.
func TestServeSurvivesKills(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	_, robot := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	dir := filepath.Dir(written(t, strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1)))
	state := filepath.Join(t.TempDir(), "journal.db")
	const runs = 5
	ids := map[string]string{}
	p := serverOf(t, dir, robot, state)
	for round := 0; len(ids) < runs; round++ {
		if round == 20 {
			t.Fatalf("only %d of %d were accepted\n%s", len(ids), runs, p.log)
		}
		key := fmt.Sprintf("key-%d", len(ids))
		killed := make(chan bool)
		if round < 4 {
			go func() {
				defer close(killed)
				time.Sleep(time.Duration(40*round+5) * time.Millisecond)
				_ = p.cmd.Process.Kill()
			}()
		}
		id, ok := p.submits(key, "{}")
		if ok {
			if was, asked := ids[key]; asked && was != id {
				t.Errorf("%s is %s and %s", key, was, id)
			}
			ids[key] = id
		}
		if round < 4 {
			<-killed
			p.kill()
			p = serverOf(t, dir, robot, state)
		}
	}
	for key, id := range ids {
		if again, ok := p.submits(key, "{}"); !ok || again != id {
			t.Errorf("%s was %s and is %s now", key, id, again)
		}
	}
	s, err := journal.Open(t.Context(), state, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for end := time.Now().Add(60 * time.Second); ; {
		done, all := 0, 0
		for sum, err := range s.Runs(t.Context(), journal.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			all++
			if sum.State == "ok" {
				done++
			}
		}
		if done == runs && all == runs {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d runs, %d of them done, of %d\n%s", all, done, runs, p.log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Four processes have one robot: the others are told who serves it. What is reached
// from elsewhere is refused, because nobody is asked who they are.
func TestServeIsRefused(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir := filepath.Dir(written(t, robotWorkflow))
	state := filepath.Join(t.TempDir(), "journal.db")
	p := serverOf(t, dir, "sim", state)
	code, _, errs := called([]string{"serve", dir, "--robot", "sim", "--state", state, "--http", "127.0.0.1:0"}, "")
	if code != exitCannot || !strings.Contains(errs, fmt.Sprintf("process %d", p.cmd.Process.Pid)) {
		t.Errorf("exit %d: %s", code, errs)
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--http", "0.0.0.0:0", "--robot", "sim"}, exitUsage, "--insecure"},
		{[]string{"--http", ":8000", "--robot", "sim"}, exitUsage, "--insecure"},
		{[]string{"--http", "127.0.0.1:0"}, exitUsage, "--robot sim"},
		{[]string{"--http", "127.0.0.1:0", "--robot", "sim", "--state", "none"}, exitUsage, "has none"},
	} {
		code, _, errs := called(append([]string{"serve", dir}, tt.args...), "")
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%v: exit %d: %s", tt.args, code, errs)
		}
	}
}

// What SERVER.md shows of the server is what it answers.
func TestServeAsShown(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatal("what the page shows needs curl, which is not here")
	}
	page, err := os.ReadFile("../../workflows/SERVER.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(page), "$ ot2flow serve examples --robot sim\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatal("SERVER.md does not show how to serve")
	}
	p := serverOf(t, "../../examples", "sim", filepath.Join(t.TempDir(), "journal.db"))
	n := 0
	for _, part := range strings.Split(block, "$ ")[1:] {
		command, shown, _ := strings.Cut(part, "\n")
		out, err := exec.Command("sh", "-c", strings.ReplaceAll(command, "localhost:8000", p.url)).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		shown = strings.TrimSpace(shown)
		want := "^" + strings.ReplaceAll(regexp.QuoteMeta(shown), "…", "(?s:.*)") + "$"
		if !regexp.MustCompile(want).MatchString(strings.TrimSpace(string(out))) {
			t.Errorf("%s\ngives\n%s\nand SERVER.md shows\n%s", command, out, shown)
		}
		n++
	}
	if n < 5 {
		t.Errorf("only %d commands are shown", n)
	}
}

// call submits, waits and prints the result; it detaches, and waits again by the id;
// what a server refuses is told by the names of the parameters.
func TestCall(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir := t.TempDir()
	text := strings.Replace(strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1), "labware:", "params: {much: {type: volume, default: 50 uL, max: 100 uL}, note: {type: string, default: none}}\noutputs: {used: much, note: note}\nlabware:", 1)
	if err := os.WriteFile(filepath.Join(dir, "small.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serverOf(t, dir, "sim", filepath.Join(t.TempDir(), "journal.db"))
	code, out, errs := called([]string{"call", "small", "much=60", "note=a b", "--device", p.url}, "")
	if code != exitFine || strings.TrimSpace(out) != `{"used":"60 uL","note":"a b"}` || !strings.Contains(errs, "run 2") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	code, id, errs := called([]string{"call", "small", "--detach", "--key", "k", "--device", p.url}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	code, out, errs = called([]string{"call", "--run", strings.TrimSpace(id), "--device", p.url}, "")
	if code != exitFine || !strings.Contains(out, `"50 uL"`) {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"small", "much=500"}, exitFindings, "much: much is 500 uL"},
		{[]string{"smal"}, exitCannot, "did you mean small?"},
		{[]string{"small", "much"}, exitUsage, "NAME=VALUE"},
		{[]string{}, exitUsage, "--run"},
		{[]string{"small", "--run", "x"}, exitUsage, "--run"},
		{[]string{"--run", "999999-0000"}, exitCannot, "999999-0000"},
	} {
		code, _, errs := called(append(append([]string{"call"}, tt.args...), "--device", p.url), "")
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%v: exit %d: %s", tt.args, code, errs)
		}
	}
	if code, _, errs := called([]string{"call", "small", "--device", "http://127.0.0.1:1"}, ""); code != exitCannot || !strings.Contains(errs, "refused") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
