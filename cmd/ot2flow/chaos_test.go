package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// Chaos: processes are killed while a robot works, and the run is gone on with.
// The robot is an emulator in a process of its own, whose file says what really
// happened on the deck. In the end every step of the plan has happened once, and
// the wells hold what they hold without any of it; or a person was asked, and
// then nobody could know.

var (
	chaosMoments     = flag.Int("chaos", 1, "chaos: how many random moments of each kind")
	chaosTransitions = flag.Int("chaos-every", 80, "chaos: kill at every nth transition of the journal; 1 is each of them")
	chaosSeed        = flag.Uint64("chaos-seed", 1, "chaos: where the random moments begin")
	chaosWorkers     = flag.Int("chaos-workers", 0, "chaos: how many trials at a time; 0 is two per processor")
)

const chaosWorkflow = `ot2flow: 1
name: chaos
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  dyes:  {type: nest_12_reservoir_15ml, slot: 2}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red:    {in: dyes.A1, volume: 12 mL}
  yellow: {in: dyes.A2, volume: 12 mL}
steps:
  - for: w in plate.A1:H4
    do:
      - transfer: {from: dyes.A1, to: w, volume: 40 uL}
      - transfer: {from: dyes.A2, to: w, volume: 60 uL}
  - distribute: {from: dyes.A1, to: plate.A5:H6, volume: 30 uL}
`

// chaosChild names the variable that makes the test binary ot2flow itself. Its
// value says when the process kills itself: "7 before" is before the 7th record
// of the journal is written, "7 after" after it, and "never" is never.
const chaosChild = "OT2FLOW_CHAOS"

// chaotic is ot2flow in a process that kills itself at a record.
func chaotic(when string) int {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	n, side, _ := strings.Cut(when, " ")
	if at, err := strconv.Atoi(n); err == nil {
		a.around = func(j run.Journal) run.Journal { return &suicidal{Journal: j, left: at, after: side == "after"} }
	}
	return a.main(os.Args[1:])
}

type suicidal struct {
	run.Journal
	left  int
	after bool
}

func (s *suicidal) Append(ctx context.Context, records ...run.Record) error {
	s.left--
	if s.left == 0 && !s.after {
		kill(os.Getpid())
	}
	err := s.Journal.Append(ctx, records...)
	if s.left == 0 && s.after {
		kill(os.Getpid())
	}
	return err
}

func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
	select {} // it takes a moment
}

// trial is one run under chaos.
type trial struct {
	kind  string // runner, robot, connection, transition, live
	when  string // of transition
	after time.Duration
	again time.Duration // the first attempt to go on is killed too; 0: it is not
	live  int

	t       testing.TB
	dir     string
	address string
	port    int
	robot   *exec.Cmd
	proxy   *proxy

	resumes, doubts int
	problems        []string
}

func (c *trial) String() string {
	return fmt.Sprintf("%s %s after %s, again %s", c.kind, c.when, c.after.Round(time.Millisecond), c.again.Round(time.Millisecond))
}

func (c *trial) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func TestChaos(t *testing.T) {
	random := rand.New(rand.NewPCG(*chaosSeed, 7))
	var trials []*trial
	for i := 0; i < chaosRecords(); i += *chaosTransitions {
		for _, side := range []string{"before", "after"} {
			trials = append(trials, &trial{kind: "transition", when: strconv.Itoa(i+1) + " " + side})
		}
	}
	for range *chaosMoments {
		for _, kind := range []string{"runner", "robot", "connection", "live", "live robot"} {
			c := &trial{kind: kind, after: time.Duration(random.Int64N(int64(chaosLasts)))}
			if random.IntN(2) == 0 {
				c.again = time.Duration(random.Int64N(int64(chaosLasts)))
			}
			if strings.HasPrefix(kind, "live") {
				c.live = 1 + random.IntN(8)
			}
			trials = append(trials, c)
		}
	}
	workers := *chaosWorkers
	if workers == 0 {
		workers = 2 * runtime.NumCPU()
	}
	began := time.Now()
	sem, wg := make(chan struct{}, workers), sync.WaitGroup{}
	for _, c := range trials {
		sem <- struct{}{}
		wg.Go(func() {
			defer func() { <-sem }()
			c.t, c.dir = t, t.TempDir()
			c.run()
		})
	}
	wg.Wait()
	report(t, trials, time.Since(began))
}

// chaosLasts is about how long a run takes when nothing happens.
const chaosLasts = 4 * time.Second

// chaosRecords is about how many records a run has when nothing happens.
func chaosRecords() int { return 310 }

func report(t *testing.T, trials []*trial, took time.Duration) {
	kinds := map[string]*[4]int{}
	var order []string
	for _, c := range trials {
		k := kinds[c.kind]
		if k == nil {
			k = &[4]int{}
			kinds[c.kind] = k
			order = append(order, c.kind)
		}
		k[0]++
		k[1] += c.resumes
		k[2] += c.doubts
		if len(c.problems) > 0 {
			k[3]++
			t.Errorf("%s:\n  %s", c, strings.Join(c.problems, "\n  "))
		}
		if c.doubts > 0 && !strings.Contains(c.kind, "robot") {
			t.Errorf("%s: a person was asked, though the robot knew", c)
		}
	}
	t.Logf("%d runs under chaos in %s", len(trials), took.Round(time.Second))
	for _, kind := range order {
		k := kinds[kind]
		t.Logf("%-12s %4d runs, gone on with %4d times, in doubt %4d times, wrong %d", kind, k[0], k[1], k[2], k[3])
	}
}

func (c *trial) run() {
	if err := os.WriteFile(filepath.Join(c.dir, "chaos.yaml"), []byte(chaosWorkflow), 0o600); err != nil {
		c.problem("%v", err)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.problem("%v", err)
		return
	}
	c.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	if !c.startRobot() {
		return
	}
	defer func() { c.stopRobot() }()
	c.address = fmt.Sprintf("http://127.0.0.1:%d", c.port)
	if c.kind == "connection" {
		if c.proxy, err = newProxy(c.port); err != nil {
			c.problem("%v", err)
			return
		}
		defer c.proxy.close()
		c.address = c.proxy.address()
	}
	c.strike()
	c.recover()
	c.judge()
}

// ot2flow starts ot2flow in a process of its own.
func (c *trial) ot2flow(when string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), chaosChild+"="+when)
	cmd.Dir = c.dir
	return cmd
}

func (c *trial) disk() string { return filepath.Join(c.dir, "disk") }

func (c *trial) state() string { return filepath.Join(c.dir, "runs.db") }

func (c *trial) startRobot() bool {
	c.robot = c.ot2flow("never", "emulate", "--port", strconv.Itoa(c.port), "--disk", c.disk(), "--speed", "400", "--quiet")
	log, err := os.OpenFile(filepath.Join(c.dir, "robot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.problem("%v", err)
		return false
	}
	c.robot.Stdout, c.robot.Stderr = log, log
	err = c.robot.Start()
	log.Close()
	if err != nil {
		c.problem("the robot does not start: %v", err)
		return false
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/health", c.port), nil)
		if err != nil {
			break
		}
		r.Header.Set("Opentrons-Version", "*")
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			return true
		}
	}
	c.problem("the robot does not answer")
	return false
}

func (c *trial) stopRobot() {
	if c.robot != nil && c.robot.Process != nil {
		_ = c.robot.Process.Kill()
		_ = c.robot.Wait()
	}
}

// strike begins the run and has happen to it what is to happen.
func (c *trial) strike() {
	args := []string{"apply", "chaos.yaml", "--robot", c.address, "--yes", "--state", c.state(), "--patience", "20s", "--quiet"}
	if c.live > 0 {
		args = append(args, "--live", strconv.Itoa(c.live))
	}
	when := "never"
	if c.when != "" {
		when = c.when
	}
	c.hit(c.ot2flow(when, args...), c.after, c.kind)
}

// hit starts a process, lets something happen to it or around it after a while,
// and waits for its end.
func (c *trial) hit(cmd *exec.Cmd, after time.Duration, kind string) (code int, text string) {
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.problem("%v", err)
		return -1, ""
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if after == 0 {
			return
		}
		select {
		case <-ended:
			return
		case <-time.After(after):
		}
		switch kind {
		case "runner", "live":
			_ = cmd.Process.Kill()
		case "robot", "live robot":
			c.stopRobot()
			c.startRobot()
		case "connection":
			c.proxy.cut(200*time.Millisecond + after/4)
		}
	})
	_ = cmd.Wait() // its exit code says it all
	close(ended)
	wg.Wait()
	return cmd.ProcessState.ExitCode(), out.String()
}

// recover goes on with the run until it is done, and answers truthfully what a
// person is asked.
func (c *trial) recover() {
	again := c.again
	var code int
	var text string
	for range 12 {
		if sum := c.summary(); sum != nil && sum.Verdict == run.VerdictOK {
			return
		}
		cmd := c.ot2flow("never", "runs", "resume", "last", "--yes", "--state", c.state(), "--robot", c.address, "--patience", "20s", "--quiet")
		if c.summary() == nil { // it was killed before there was a run
			cmd = c.ot2flow("never", "apply", "chaos.yaml", "--robot", c.address, "--yes", "--state", c.state(), "--quiet")
		}
		c.resumes++
		code, text = c.hit(cmd, again, c.kind)
		again = 0
		switch {
		case code == exitFine:
			return
		case strings.Contains(text, "waits for a decision"):
			c.decide()
		}
	}
	c.problem("it does not come to its end: exit %d\n%s", code, text)
}

func (c *trial) store() *journal.Store {
	s, err := journal.Open(context.Background(), c.state(), journal.Options{})
	if err != nil {
		c.problem("%v", err)
		return nil
	}
	return s
}

func (c *trial) summary() *journal.Summary {
	if _, err := os.Stat(c.state()); err != nil {
		return nil
	}
	s := c.store()
	if s == nil {
		return nil
	}
	defer s.Close()
	sum, err := s.Find(context.Background(), journal.Last)
	if err != nil {
		return nil
	}
	return sum
}

func (c *trial) story() *run.Story {
	s := c.store()
	if s == nil {
		return nil
	}
	defer s.Close()
	sum, err := s.Find(context.Background(), journal.Last)
	if err != nil {
		c.problem("%v", err)
		return nil
	}
	story, err := storyOf(context.Background(), s, sum)
	if err != nil {
		c.problem("%v", err)
	}
	return story
}

func (c *trial) deeds() []emulator.Deed {
	f, err := os.Open(c.disk())
	if err != nil {
		c.problem("%v", err)
		return nil
	}
	defer f.Close()
	deeds, err := emulator.ReadDeeds(f)
	if err != nil {
		c.problem("%v", err)
	}
	return deeds
}

// did returns, for every step of a part, how often its last command happened.
func did(part *run.Part, deeds []emulator.Deed) []int {
	out := make([]int, len(part.Plan.Steps)+1)
	id := robot.RunOf(part.State.Handle)
	for i := range part.Plan.Steps {
		step := &part.Plan.Steps[i]
		last := fmt.Sprintf("%d.%d", step.N, len(command.Of(step, part.Plan.Deck)))
		for _, d := range deeds {
			if d.Run == id && d.Key == last {
				out[step.N]++
			}
		}
	}
	return out
}

// decide looks at the deck and says how it is. That nobody could know is
// checked too.
func (c *trial) decide() {
	story := c.story()
	if story == nil {
		return
	}
	c.doubts++
	part := story.Last()
	d, ok := part.State.Unclear()
	if !ok {
		c.problem("somebody has to decide, and nothing is in question")
		return
	}
	happened := did(part, c.deeds())
	to := 0
	for n, times := range happened {
		if times > 0 {
			to = n
		}
	}
	if to > d.Last || to < d.First-1 {
		c.problem("steps %d to %d are in question, and %d happened", d.First, d.Last, to)
	}
	args := []string{"runs", "answer", "last", "redo", "--state", c.state(), "--by", "Ada"}
	if to >= d.First {
		args = []string{"runs", "answer", "last", "done", "--to", part.Label(to), "--state", c.state(), "--by", "Ada"}
	}
	if code, text := c.hit(c.ot2flow("never", args...), 0, ""); code != exitFine {
		c.problem("%v: exit %d: %s", args, code, text)
	}
}

// judge compares what happened with what should have.
func (c *trial) judge() {
	story := c.story()
	if story == nil || len(c.problems) > 0 {
		return
	}
	deeds := c.deeds()
	times := make([]int, len(story.Plan.Steps)+1)
	known := map[string]bool{}
	for i := range story.Parts {
		part := &story.Parts[i]
		known[robot.RunOf(part.State.Handle)] = true
		for n, k := range did(part, deeds) {
			if n > 0 && part.Origin[n-1] > 0 {
				times[part.Origin[n-1]] += k
			}
		}
	}
	for n, k := range times {
		switch {
		case n > 0 && k == 0:
			c.problem("step %d never happened", n)
		case k > 1:
			c.problem("step %d happened %d times", n, k)
		}
	}
	for i, f := range story.Fates() {
		if f != run.IsDone {
			c.problem("step %d does not count as done", i+1)
		}
	}
	for _, d := range deeds {
		if !known[d.Run] {
			c.problem("the robot did %s in a run that the journal does not know", d.Command)
			break
		}
	}
	c.compare(story, deeds)
}

// compare does on a deck what the robot did, and looks at the wells.
func (c *trial) compare(story *run.Story, deeds []emulator.Deed) {
	plan := story.Plan
	world := program.NewState(plan.Deck)
	for i := range deeds {
		op, ok := opOf(plan.Deck, &deeds[i])
		if !ok || op.Kind == program.DropTip && !world.Mounts[op.Pipette].On {
			continue
		}
		if t := world.Apply(&op); t.Faults&^program.NotEmpty != 0 {
			c.problem("%s %s.%s of the robot's command %s goes wrong on the deck: %b", deeds[i].Command, deeds[i].Slot, deeds[i].Well, deeds[i].Key, t.Faults)
		}
	}
	whole, _ := plan.Timeline(func(*program.Transition) error { return nil })
	plate := slices.IndexFunc(plan.Deck.Labware, func(p program.Placed) bool { return p.Name == "plate" })
	for w := range plan.Deck.Labware[plate].Def.Wells {
		ref := program.WellRef{Labware: int16(plate), Well: int16(w)}
		want, _ := whole.Content(ref)
		got, _ := world.Content(ref)
		if !slices.Equal(want.Parts, got.Parts) {
			c.problem("%s holds %v, and without chaos %v", plan.Deck.WellName(ref), got.Parts, want.Parts)
		}
	}
}

// opOf is a deed as an operation on a deck.
func opOf(deck *program.Deck, d *emulator.Deed) (program.Op, bool) {
	if d.Command == emulator.EndOfRun {
		return program.Op{Kind: program.EndRun, Well: program.None}, true
	}
	kind, ok := program.LookupKind(d.Op)
	if !ok {
		return program.Op{}, false
	}
	op := program.Op{Kind: kind, Volume: d.VolumeNL, Trash: d.Trash, Well: program.None}
	for i := range deck.Pipettes {
		if deck.Pipettes[i].Mount == d.Mount {
			op.Pipette = int8(i)
		}
	}
	for i := range deck.Labware {
		if w, there := deck.Labware[i].Def.Well(d.Well); there && deck.Labware[i].Slot == d.Slot {
			op.Well = program.WellRef{Labware: int16(i), Well: int16(w)}
		}
	}
	return op, true
}

// proxy is a cable that can be pulled.
type proxy struct {
	listener net.Listener
	port     int
	mu       sync.Mutex
	until    time.Time // nothing goes through
	conns    map[net.Conn]bool
}

func newProxy(port int) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, port: port, conns: map[net.Conn]bool{}}
	go p.serve()
	return p, nil
}

func (p *proxy) address() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.pass(in)
	}
}

func (p *proxy) pass(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.port))
	if err != nil {
		return
	}
	defer out.Close()
	if !p.keep(in, out) {
		return
	}
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			_, err := io.Copy(pair[0], pair[1])
			if err != nil && !errors.Is(err, net.ErrClosed) {
				pair[1].Close()
			}
			done <- struct{}{}
		}()
	}
	<-done
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return false
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

// cut pulls the cable for a while.
func (p *proxy) cut(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(d)
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *proxy) close() {
	p.listener.Close()
	p.cut(0)
}
