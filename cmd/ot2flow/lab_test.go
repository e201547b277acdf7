package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/library"
)

const labText = `lab: 1
robots:
  bench-3: {address: sim, labels: [hood]}
  practice: sim
http: 127.0.0.1:0
state: journal.db
schedules:
  nightly: {task: small, cron: 0 3 * * *, time_zone: Europe/Berlin}
`

// said waits until the log of a server says something.
func (p *serverProcess) said(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !strings.Contains(p.log.String(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say %q:\n%s", text, p.log)
		}
	}
}

// The file of a lab names robots, schedules and all else; when it is saved, what can
// change changes, the rest is said, and one with mistakes changes nothing.
func TestServeLab(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	file := filepath.Join(dir, "lab.yaml")
	save := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(strings.Replace(labText, "small", "smal", 1))
	if err := os.WriteFile(filepath.Join(dir, "small.yaml"), []byte(strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serverBy(t, "--config", file)
	p.said(t, "schedule nightly: there is no task smal; did you mean small?")
	show := func(path, want string) {
		t.Helper()
		code, out, errs := called([]string{"queue", "--device", p.url}, "")
		if path == "schedules" {
			code, out, errs = called([]string{"queue", "schedules", "--device", p.url}, "")
		}
		if code != exitFine || !strings.Contains(out, want) {
			t.Errorf("exit %d, want %q: %s%s", code, want, out, errs)
		}
	}
	show("", "bench-3")
	show("schedules", "there is no task smal")
	save(labText)
	p.said(t, "the file of the lab is another one")
	show("schedules", "nightly")
	save(strings.Replace(strings.Replace(labText, "hood", "hod", 1), "127.0.0.1:0", "127.0.0.1:1", 1))
	p.said(t, "http: what is new there holds when the server is started again")
	code, out, errs := called([]string{"call", "small", "--label", "hod", "--device", p.url}, "")
	if code != exitFine {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	save(strings.Replace(labText, "robots", "robbots", 1))
	p.said(t, "a lab has no key `robbots`")
	if code, _, errs := called([]string{"call", "small", "--label", "hood", "--device", p.url}, ""); code == exitFine || !strings.Contains(errs, "does not have the label hood; it has hod") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := called([]string{"queue", "pause", "practice", "--why", "calibration", "--by", "ada", "--device", p.url}, ""); code != exitFine {
		t.Error(errs)
	}
	show("", "paused by ada: calibration")
	code, id, _ := called([]string{"call", "small", "--robot", "practice", "--detach", "--device", p.url}, "")
	if code != exitFine {
		t.Error(code)
	}
	if code, out, errs := called([]string{"queue", "resume", "practice", "--device", p.url}, ""); code != exitFine || strings.Contains(out, "paused") {
		t.Error(out, errs)
	}
	if code, _, errs := called([]string{"call", "--run", strings.TrimSpace(id), "--device", p.url}, ""); code != exitFine {
		t.Error(errs)
	}
	maintain := func(want string, code int, args ...string) string {
		t.Helper()
		got, out, errs := called(append([]string{"queue", "maintenance", "--device", p.url}, args...), "")
		if got != code || !strings.Contains(out+errs, want) {
			t.Errorf("%q: exit %d, want %q: %s%s", args, got, want, out, errs)
		}
		return out
	}
	maintain("", exitFine)
	tomorrow := time.Now().Add(24 * time.Hour).Format("2006-01-02 15:04")
	out = maintain("practice", exitFine, "add", "practice", "--from", tomorrow, "--for", "2h", "--why", "cleaning", "--by", "ada")
	if !strings.Contains(out, tomorrow+" to ") || !strings.Contains(out, "cleaning  ada") {
		t.Error(out)
	}
	maintain("all robots", exitFine, "add", "--to", tomorrow)
	if code, out, _ := called([]string{"queue", "--device", p.url}, ""); code != exitFine || strings.Count(out, "maintenance until "+tomorrow) != 2 {
		t.Error(out)
	}
	id, _, _ = strings.Cut(out, " ")
	if out := maintain("all robots", exitFine, "remove", id); strings.Contains(out, "practice") {
		t.Error(out)
	}
	maintain("no time of maintenance", exitCannot, "remove", id)
	maintain("is no id", exitUsage, "remove", "practice")
	maintain("either --to", exitUsage, "add", "practice")
	maintain("either --to", exitUsage, "add", "--to", tomorrow, "--for", "1h")
	maintain("no date", exitUsage, "add", "--to", "soon")
	maintain("did you mean practice?", exitCannot, "add", "practise", "--for", "1h")
	if code, _, errs := called([]string{"queue", "pause", "practise", "--device", p.url}, ""); code != exitCannot || !strings.Contains(errs, "did you mean practice?") {
		t.Error(code, errs)
	}
}

// What a lab cannot be is shown where it is written, and nothing is served.
func TestServeLabIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lab.yaml")
	if err := os.WriteFile(file, []byte("lab: 1\nrobots: {bench-3: sim}\nschedules: {feed: {task: feed, cron: 0 25 * * *}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--config", file}, exitFindings, "lab.yaml:3:38: error: the hour cannot be 25"},
		{[]string{"--config", filepath.Join(dir, "none.yaml")}, exitCannot, "the file does not exist"},
		{[]string{"--config", file, "--robot", "sim"}, exitUsage, "--robot and --config do not go together"},
		{[]string{"--config", file, dir}, exitUsage, "the file says which folders are served"},
		{[]string{dir}, exitUsage, "--config lab.yaml names several"},
	} {
		code, _, errs := called(append([]string{"serve"}, tt.args...), "")
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%v: exit %d: %s", tt.args, code, errs)
		}
	}
}

// The workflows that come with ot2flow are served on request, unless one of the user's
// own has the name.
func TestServeLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	text := strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1)
	if err := os.WriteFile(filepath.Join(dir, "mix.yaml"), []byte(strings.Replace(text, "name: small", "name: mix_colors", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serverOf(t, dir, "sim", filepath.Join(t.TempDir(), "journal.db"), "--library")
	for _, task := range []string{"mix-colors", "serial-dilution"} {
		resp, err := http.Get(p.url + "/tasks/" + task)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d", task, resp.StatusCode)
		}
	}
	p.said(t, fmt.Sprintf("tasks=%d", len(library.Names())))
	p.said(t, "already exists in "+filepath.Join(dir, "mix.yaml"))
}

// Four servers have one robot, each under a name of its own: none interferes with a run of
// another, and all that they accepted is done.
func TestFourServersOneRobot(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	_, url := emulated(t, emulator.Options{Clock: emulator.NoTime(), Pipettes: map[string]string{"right": "p300_single_gen2"}, Disk: disk})
	if err := os.WriteFile(filepath.Join(dir, "touch.yaml"), []byte(touchText), 0o600); err != nil {
		t.Fatal(err)
	}
	var servers []*serverProcess
	for i := range 4 {
		file := filepath.Join(dir, fmt.Sprintf("lab%d.yaml", i))
		text := fmt.Sprintf("lab: 1\nrobots: {r%d: %s}\nworkflows: [touch.yaml]\nhttp: 127.0.0.1:0\nstate: journal.db\n", i, strings.TrimPrefix(url, "http://"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, serverBy(t, "--config", file))
	}
	if code, _, errs := called([]string{"serve", "--config", filepath.Join(dir, "lab0.yaml")}, ""); code != exitCannot || !strings.Contains(errs, fmt.Sprintf("process %d", servers[0].cmd.Process.Pid)) {
		t.Errorf("exit %d: %s", code, errs)
	}
	var all sync.WaitGroup
	for _, s := range servers {
		for range 2 {
			all.Go(func() {
				if code, _, errs := called([]string{"call", "touch", "--device", s.url}, ""); code != exitFine {
					t.Errorf("exit %d: %s\n%s", code, errs, s.log)
				}
			})
		}
	}
	all.Wait()
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	deeds, err := emulator.ReadDeeds(f)
	if err != nil {
		t.Fatal(err)
	}
	runs, last, ups := map[string]bool{}, "", 0
	for _, d := range deeds {
		if d.Run != last && runs[d.Run] {
			t.Errorf("%s goes on after %s did something", d.Run, last)
		}
		runs[d.Run], last = true, d.Run
		if d.Op == "pick_up_tip" {
			ups++
		}
	}
	if ups != 8 {
		t.Errorf("%d tips were picked up, for 8 runs", ups)
	}
}
