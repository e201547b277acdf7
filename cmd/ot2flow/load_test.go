package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2/emulator"
)

var (
	loadFor  = flag.Duration("load", 1500*time.Millisecond, "load: how long requests are sent")
	loadSeed = flag.Uint64("load-seed", 0, "load: what is asked for and when is killed; 0 draws one")
)

// touchText picks a tip up and puts it back, which can be done any number of times.
const touchText = `ot2flow: 1
name: touch
params: {n: {type: integer, default: 0}}
outputs: {n: n}
labware:
  tips: {type: opentrons_96_tiprack_300ul, slot: 1}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
steps:
  - pick_up_tip: {from: tips.A1}
  - return_tip:
`

const countText = `ot2flow: 1
name: count
params: {n: {type: integer, default: 0}}
outputs: {n: n}
steps: [{comment: nothing}]
`

// load is a server that is killed again and again, and what was asked of it.
type load struct {
	t       *testing.T
	file    string
	server  atomic.Pointer[serverProcess]
	mu      sync.Mutex
	ids     map[string]string // by the key; empty: not accepted as far as anybody knows
	tasks   map[string]string // likewise: what was asked
	gone    map[string]bool   // by the id: a stop was asked for
	asked   map[string]int    // by what: how often it was answered
	refused map[string]bool   // answers that must not be
}

// A server of several robots is killed again and again while others ask for all kinds of
// things: what it said that it accepted is carried out, once, and nothing else is.
func TestLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	seed := *loadSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-load-seed %d", seed)
	dir := t.TempDir()
	disks := map[string]string{}
	robots := "practice: sim"
	for _, name := range []string{"bench-3", "bench-4"} {
		disks[name] = filepath.Join(dir, name+".disk")
		_, url := emulated(t, emulator.Options{Clock: emulator.NoTime(), Pipettes: map[string]string{"right": "p300_single_gen2"}, Disk: disks[name]})
		robots += fmt.Sprintf(", %s: %s", name, strings.TrimPrefix(url, "http://"))
	}
	for name, text := range map[string]string{
		"touch.yaml": touchText, "count.yaml": countText,
		"lab.yaml": "lab: 1\nrobots: {" + robots + "}\nworkflows: [touch.yaml, count.yaml]\nhttp: 127.0.0.1:0\nstate: journal.db\nschedules: {often: {task: count, cron: '* * * * *', params: {n: -1}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := &load{t: t, file: filepath.Join(dir, "lab.yaml"), ids: map[string]string{}, tasks: map[string]string{}, gone: map[string]bool{}, asked: map[string]int{}, refused: map[string]bool{}}
	l.server.Store(l.serve())
	ctx, cancel := context.WithTimeout(t.Context(), *loadFor)
	defer cancel()
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() { l.ask(ctx, i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	kills := l.kill(ctx, rand.New(rand.NewPCG(seed, 100)))
	all.Wait()
	l.settle(kills, filepath.Join(dir, "journal.db"), disks)
}

func (l *load) serve() *serverProcess { return serverBy(l.t, "--config", l.file, "--rate", "0") }

// kill kills the server now and then, and starts another one.
func (l *load) kill(ctx context.Context, r *rand.Rand) (n int) {
	for {
		select {
		case <-ctx.Done():
			return n
		case <-time.After(time.Duration(200+r.IntN(900)) * time.Millisecond):
		}
		l.server.Load().kill()
		n++
		l.server.Store(l.serve())
	}
}

// do sends a request; ok says that somebody answered all of it.
func (l *load) do(method, path, body, key string) (status int, answer map[string]any, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, l.server.Load().url+path, strings.NewReader(body))
	if err != nil {
		l.t.Error(err)
		return 0, nil, false
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, false
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, false
	}
	_ = json.Unmarshal(data, &answer) // not every answer is an object
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked[fmt.Sprint(resp.StatusCode)]++
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusServiceUnavailable {
		l.refused[fmt.Sprintf("%s %s: %d %s", method, path, resp.StatusCode, data)] = true
	}
	return resp.StatusCode, answer, true
}

// ask asks for one thing after the other.
func (l *load) ask(ctx context.Context, who int, r *rand.Rand) {
	var mine []string
	for n := 0; ctx.Err() == nil; n++ {
		switch what := r.IntN(12); {
		case what < 5 && l.room():
			mine = append(mine, l.submit(who, n, r)...)
		case what == 5:
			l.do("GET", "/runs?limit=20", "", "")
		case what == 6 && len(mine) > 0:
			l.do("GET", "/runs/"+mine[r.IntN(len(mine))], "", "")
		case what == 7 && len(mine) > 0:
			id := mine[r.IntN(len(mine))]
			l.mu.Lock()
			l.gone[id] = true
			l.mu.Unlock()
			l.do("POST", "/runs/"+id+"/stop", "", "")
		case what == 8:
			l.do("POST", "/robots/bench-3/"+[]string{"pause", "resume"}[r.IntN(2)], "", "")
		case what == 9:
			l.do("POST", "/tasks/touch/plan", "{}", "")
		case what == 10:
			l.do("GET", "/health", "", "")
		default:
			l.do("POST", "/execute/count", fmt.Sprintf(`{"n": %d}`, n), "")
		}
	}
}

// room reports whether more may be submitted: as much as can be carried out soon.
func (l *load) room() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.tasks) < 45+int(10*loadFor.Seconds())
}

// submit submits a run, and once more where it is drawn.
func (l *load) submit(who, n int, r *rand.Rand) (ids []string) {
	key := fmt.Sprintf("%d-%d", who, n)
	task := []string{"touch", "touch", "count"}[r.IntN(3)]
	path := "/tasks/" + task + "/runs?priority=" + fmt.Sprint(r.IntN(3))
	if robot := r.IntN(5); robot < 3 {
		path += "&robot=" + []string{"bench-3", "bench-4", "practice"}[robot]
	}
	if r.IntN(3) == 0 {
		path += fmt.Sprintf("&experiment=e%d", r.IntN(4))
	}
	asked := path + fmt.Sprintf(` {"n": %d}`, n)
	for range 1 + r.IntN(2) {
		l.mu.Lock()
		l.tasks[key] = asked
		l.mu.Unlock()
		status, v, ok := l.do("POST", path, fmt.Sprintf(`{"n": %d}`, n), key)
		id, _ := v["id"].(string)
		if !ok || status >= 300 {
			continue
		}
		ids = append(ids, id)
		l.mu.Lock()
		if was := l.ids[key]; was != "" && was != id {
			l.refused[fmt.Sprintf("%s is %s and %s", key, was, id)] = true
		}
		l.ids[key] = id
		l.mu.Unlock()
	}
	return ids
}

// settle waits until nothing is left to be done, and counts.
func (l *load) settle(kills int, state string, disks map[string]string) {
	t := l.t
	for l.server.Load() != nil {
		if _, _, ok := l.do("POST", "/robots/bench-3/resume", "", ""); ok {
			break
		}
	}
	for key, asked := range l.tasks { // what was never answered is asked again
		path, body, _ := strings.Cut(asked, " ")
		status, v, ok := l.do("POST", path, body, key)
		id, _ := v["id"].(string)
		if !ok || status >= 300 {
			t.Fatalf("%s: %d %v", asked, status, v)
		}
		if was := l.ids[key]; was != "" && was != id {
			t.Errorf("%s was %s, and is %s now", key, was, id)
		}
		l.ids[key] = id
	}
	states := map[string]int{}
	for key, id := range l.ids {
		v := map[string]any{}
		for end := time.Now().Add(2*time.Minute + *fleetFor); v["over"] != true; time.Sleep(2 * time.Millisecond) {
			if _, v, _ = l.do("GET", "/runs/"+id, "", ""); time.Now().After(end) {
				t.Fatalf("%s (%s) does not come to its end: %v\n%s", id, key, v, l.server.Load().log)
			}
		}
		states[fmt.Sprint(v["state"])]++
		switch s := v["state"]; {
		case s == "ok":
		case s == "forgotten" && v["queue"] == "practice": // the simulator ended with its process
		case (s == "withdrawn" || s == "stopped") && l.gone[id]:
		case s == "stopped" && strings.Contains(fmt.Sprint(v["reason"]), "it was sent"): // it came too late, by a clock that was wrong
		default:
			t.Errorf("%s: %v", id, v)
		}
	}
	for fault := range l.refused {
		t.Error(fault)
	}
	l.server.Load().kill()
	l.countDeeds(state, disks)
	t.Logf("%d kills, %d keys, answers %v, runs %v", kills, len(l.ids), l.asked, states)
}

// countDeeds compares what the robots did with what the journal says.
func (l *load) countDeeds(state string, disks map[string]string) {
	t := l.t
	s, err := journal.Open(t.Context(), state, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want, ids := map[string]int{}, map[string]int{}
	known := map[string]bool{}
	for _, id := range l.ids {
		known[id] = true
	}
	for sum, err := range s.Runs(t.Context(), journal.Filter{Workflow: "touch"}) {
		if err != nil {
			t.Fatal(err)
		}
		if ids[sum.ID]++; ids[sum.ID] > 1 || !known[sum.ID] {
			t.Errorf("nobody asked for run %s, or it is there twice", sum.ID)
		}
		if sum.Done > 0 && !sum.Robot.Simulated { // one that was stopped before its first step did nothing
			o, err := s.Submission(t.Context(), sum.ID)
			if err != nil {
				t.Fatal(err)
			}
			want[o.Queue]++
		}
	}
	for name, disk := range disks {
		f, err := os.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		deeds, err := emulator.ReadDeeds(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, d := range deeds {
			if d.Op == "pick_up_tip" {
				n++
			}
		}
		if n != want[name] {
			t.Errorf("%s picked up %d tips, and %d were to be", name, n, want[name])
		}
	}
}
