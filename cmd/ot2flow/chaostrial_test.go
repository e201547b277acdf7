package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// blow is what happens to a run, and when. The zero blow is nothing.
type blow struct {
	victim  victim
	record  int           // at this record of the journal
	written bool          // after it was written; otherwise before
	after   time.Duration // or at this moment
	late    time.Duration // so long after that, in which whoever is at the record waits
	pause   time.Duration // how long there is no connection
}

func (b blow) String() string {
	switch {
	case b.record > 0 && b.written:
		return fmt.Sprintf("%s after record %d", b.victim, b.record)
	case b.record > 0:
		return fmt.Sprintf("%s before record %d", b.victim, b.record)
	case b.after > 0:
		return fmt.Sprintf("%s after %s", b.victim, b.after.Round(time.Millisecond))
	}
	return "nothing"
}

// trial is one run under chaos.
type trial struct {
	n      int // its number in a sweep
	done   bool
	blow   blow
	again  blow   // happens to the first attempt to go on
	live   int    // steps that are handed over at a time; 0: the plan is uploaded
	broken string // a rule that this ot2flow does not keep
	flow   *flow  // what is carried out; nil: chaosFlow
	lab    *lab   // what is measured and planned with, by a workflow that reacts; nil: the workflow does not
	hasty  bool   // whoever is asked says redo, without looking

	t       testing.TB
	dir     string
	address string
	port    int
	robot   *exec.Cmd
	proxy   *proxy

	taken bool // another program has the robot's port

	records, steps, struck, resumes, doubts, twice, lost int
	took                                                 time.Duration
	problems                                             []string
	recorded                                             []run.Record
	end                                                  *run.Story
	undone                                               map[string]bool // the robot's runs of which a person has put back what they did
	world                                                *program.State  // what the robot's deck is in truth
}

func (c *trial) String() string {
	return fmt.Sprintf("%s, again %s, %d steps at a time", c.blow, c.again, c.live)
}

func (c *trial) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

func (c *trial) wrong() bool { return len(c.problems) > 0 }

// work is what is carried out.
func (c *trial) work() flow {
	if c.flow == nil {
		return chaosFlow
	}
	return *c.flow
}

func (c *trial) run() {
	c.undone = map[string]bool{}
	work := c.work()
	if c.blow.victim == theRobot || c.blow.victim == thePower {
		// What is drawn from a well to mix it is lost with the tip, and no chaos
		// gives it back.
		work.text = strings.Replace(work.text, ", dispense: {mix: 2 x 30 uL}", "", 1)
	}
	if err := work.write(c.dir); err != nil {
		c.problem("%v", err)
		return
	}
	c.port = freePort()
	if !c.startRobot() {
		return
	}
	defer func() { c.stopRobot() }()
	c.address = fmt.Sprintf("http://127.0.0.1:%d", c.port)
	if c.blow.victim == theConnection {
		var err error
		if c.proxy, err = newProxy(c.port); err != nil {
			c.problem("%v", err)
			return
		}
		defer c.proxy.close()
		c.address = c.proxy.address()
	}
	c.allow()
	c.call(c.blow, c.apply()...)
	if work.faults != "" {
		c.close()
		return
	}
	c.recover()
	c.judge()
}

// nextPort is where the search for a free port goes on. Systems give away other
// ports by themselves, so that a robot that is switched on again finds its own
// free; where the search begins is another place in each process, so that two
// sweeps do not look for the same.
var nextPort = atomic.Int64{}

func freePort() int {
	nextPort.CompareAndSwap(0, 1+int64(os.Getpid())*127%12000)
	for {
		port := int(20000 + nextPort.Add(1)%12000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			l.Close()
			return port
		}
	}
}

func (c *trial) apply() []string {
	args := []string{"apply", "chaos.yaml", "--robot", c.address, "--yes", "--state", c.state(), "--patience", "20s", "--quiet"}
	if c.live > 0 {
		args = append(args, "--live", strconv.Itoa(c.live))
	}
	if c.lab != nil {
		args = append(args, "--set", "lab="+c.lab.URL)
	}
	for _, set := range c.work().set {
		args = append(args, "--set", set)
	}
	return args
}

// ot2flow is ot2flow in a process of its own, which calls when it is time.
func (c *trial) ot2flow(call string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), chaosChild+"="+call, chaosBroken+"="+c.broken)
	if c.work().eager {
		cmd.Env = append(cmd.Env, chaosEager+"=1")
	}
	if c.work().brings {
		cmd.Env = append(cmd.Env, chaosBrings+"=1")
	}
	cmd.Dir = c.dir
	return cmd
}

func (c *trial) disk() string { return filepath.Join(c.dir, "disk") }

func (c *trial) state() string { return filepath.Join(c.dir, "runs.db") }

// startRobot switches the robot on. While it was off, another program may have
// taken its port; that is waited for, and if it keeps the port, the trial is one
// in which nothing can be seen.
func (c *trial) startRobot() bool {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		on, err := c.switchOn()
		switch {
		case err != nil:
			c.problem("the robot does not start: %v", err)
			return false
		case on:
			c.taken = false
			return true
		}
		c.taken = true
	}
	c.problem("the port of the robot was taken by another program")
	return false
}

// switchOn starts the process of the robot and waits until it answers. It
// reports false if the port is another's.
func (c *trial) switchOn() (bool, error) {
	log, err := os.OpenFile(filepath.Join(c.dir, "robot.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return false, err
	}
	defer log.Close()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return false, err
	}
	c.robot = c.ot2flow("never", append([]string{"emulate", "--port", strconv.Itoa(c.port), "--disk", c.disk()}, c.work().robot...)...)
	c.robot.Stdout, c.robot.Stderr = log, log
	if err := c.robot.Start(); err != nil {
		return false, err
	}
	line := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && !strings.HasSuffix(line, "\n"); time.Sleep(5 * time.Millisecond) {
		all, err := os.ReadFile(log.Name())
		if err != nil {
			return false, err
		}
		line = string(all[before:])
	}
	switch {
	case strings.Contains(line, "answers on"):
		return true, nil
	case strings.Contains(line, "can listen on"):
		c.stopRobot()
		return false, nil
	}
	c.stopRobot()
	return false, fmt.Errorf("it says %q", line)
}

func (c *trial) stopRobot() {
	if c.robot != nil && c.robot.Process != nil {
		_ = c.robot.Process.Kill()
		_ = c.robot.Wait()
	}
}

// call runs ot2flow while a blow falls, and waits for its end.
func (c *trial) call(b blow, args ...string) (code int, text string) {
	when, called := "never", make(chan net.Conn, 1)
	if b.record > 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			c.problem("%v", err)
			return -1, ""
		}
		defer l.Close()
		when = fmt.Sprintf("%d %t %s", b.record, b.written, l.Addr())
		go func() {
			if conn, err := l.Accept(); err == nil {
				called <- conn
			}
		}()
	}
	cmd := c.ot2flow(when, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.problem("%v", err)
		return -1, ""
	}
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		var moment <-chan time.Time
		if b.after > 0 {
			moment = time.After(b.after)
		}
		select {
		case <-ended:
		case conn := <-called:
			c.strike(b, cmd.Process, func() { conn.Close() })
		case <-moment:
			c.strike(b, cmd.Process, func() {})
		}
	})
	_ = cmd.Wait() // its exit code says it all
	close(ended)
	wg.Wait()
	return cmd.ProcessState.ExitCode(), out.String()
}

// strike has happen what is to happen. Whoever called waits until release.
func (c *trial) strike(b blow, p *os.Process, release func()) {
	c.struck++
	time.Sleep(b.late)
	switch b.victim {
	case theProgram:
		_ = p.Kill()
		release()
	case theRobot:
		c.stopRobot()
		release()
		c.startRobot()
	case theConnection:
		c.proxy.cut(b.pause)
		release()
	case thePower:
		_ = p.Kill()
		c.stopRobot()
		release()
		c.startRobot()
	}
}

// recover goes on with the run until it is done, and answers truthfully what a
// person is asked.
func (c *trial) recover() {
	again := c.again
	var code int
	var text string
	for range 12 {
		sum := c.summary()
		if sum != nil && sum.Verdict == run.VerdictOK {
			return
		}
		args := []string{"runs", "resume", "last", "--yes", "--state", c.state(), "--robot", c.address, "--patience", "20s", "--quiet"}
		if sum == nil { // it was killed before there was a run
			args = c.apply()
		}
		c.resumes++
		if c.proxy != nil {
			c.proxy.wait() // nobody goes on with a run while the cable is pulled
		}
		code, text = c.call(again, args...)
		again = blow{}
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
	c.records, c.steps = int(sum.Seq), sum.Steps
	story, err := service.StoryOf(context.Background(), s, sum)
	c.recorded = nil
	for e := range s.Events(context.Background(), journal.Query{Run: sum.ID}) {
		c.recorded = append(c.recorded, e.Record)
	}
	if err != nil {
		c.problem("%v", err)
	}
	return story
}

// callIn tells the process that strikes that it is time, and waits until that
// has struck.
func callIn(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.Copy(io.Discard, conn) // until it is closed
}
