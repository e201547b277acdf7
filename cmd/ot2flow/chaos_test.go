package main

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// Chaos: programs, robots and connections are killed while a robot works, and
// the run is gone on with. The robot is an emulator in a process of its own,
// whose file says what really happened on the deck. In the end every step of
// the plan has happened once, and the wells hold what they hold without any of
// it; or a person was asked, and then nobody could know.
//
// `make chaos` is the whole sweep: at every record of the journal, and at 500
// random moments. Without flags it is a short one.

var (
	chaosMoments = flag.Int("chaos", 1, "chaos: how many random moments of each kind")
	chaosEvery   = flag.Int("chaos-every", 300, "chaos: strike at every nth record of the journal; 1 is each of them")
	chaosSeed    = flag.Uint64("chaos-seed", 1, "chaos: where the random moments begin")
	chaosWorkers = flag.Int("chaos-workers", 0, "chaos: how many trials at a time; 0 is four per processor")
	chaosWithin  = flag.Duration("chaos-within", 0, "chaos: begin no trial after so long; those that are drawn are in no order")
	chaosKeep    = flag.String("chaos-keep", "", "chaos: folder in which what remains of a trial that went wrong is kept")
	chaosReport  = flag.String("chaos-report", "", "chaos: file for the report, too")
)

// victim is what is killed.
type victim string

const (
	theProgram    victim = "program"    // ot2flow, by kill -9
	theRobot      victim = "robot"      // the emulator, by kill -9; it is started again
	theConnection victim = "connection" // every connection breaks off, and none is made for a while
	thePower      victim = "power"      // program and robot at the same time
)

// sweeps is what is tried. With records, a victim is struck before and after
// records of the journal are written; those to whom that makes no difference
// only after. nth and share make rarer what is a variation of another row.
var sweeps = []struct {
	victim victim
	live   int // steps that are handed over at a time; 0: the plan is uploaded
	before bool
	nth    int
	share  int
}{
	{victim: theProgram, before: true, nth: 1, share: 1},
	{victim: theRobot, nth: 1, share: 1},
	{victim: theConnection, nth: 1, share: 1},
	{victim: thePower, before: true, nth: 4, share: 4},
	{victim: theProgram, live: 8, before: true, nth: 4, share: 2},
	{victim: theRobot, live: 8, nth: 4, share: 4},
	{victim: theConnection, live: 8, nth: 4, share: 4},
	{victim: thePower, live: 8, before: true, nth: 16, share: 8},
}

func TestChaos(t *testing.T) {
	log := openSweepLog(t, *chaosLog, "")
	of := fmt.Sprintf("seed %d, %d moments, each %d records", *chaosSeed, *chaosMoments, *chaosEvery)
	trials := drawTrials(log.header(t, of, func() (whole, inBatches undisturbed) { return calm(t, 0), calm(t, 8) }))
	log.restore(trials)
	began := time.Now()
	carry(t, slices.DeleteFunc(slices.Clone(trials), isDone), log.keep)
	drawn := len(trials)
	trials = slices.DeleteFunc(trials, func(c *trial) bool { return !c.done })
	r := reported(trials, drawn, time.Since(began))
	t.Log("\n" + r)
	if *chaosReport != "" {
		if err := os.WriteFile(*chaosReport, []byte(r), 0o600); err != nil {
			t.Error(err)
		}
	}
	for _, c := range trials {
		if c.wrong() {
			t.Errorf("%s:\n  %s", c, strings.Join(c.problems[:min(len(c.problems), 5)], "\n  "))
		}
	}
}

// undisturbed is a run to which nothing happens.
type undisturbed struct {
	Records int
	Took    time.Duration
}

func isDone(c *trial) bool { return c.done }

func calm(t *testing.T, live int) undisturbed {
	c := &trial{live: live}
	carry(t, []*trial{c})
	if c.wrong() || c.resumes > 0 {
		t.Fatalf("nothing happens to a run, and it is gone on with %d times: %q", c.resumes, c.problems)
	}
	return undisturbed{c.records, c.took}
}

func drawTrials(whole, inBatches undisturbed) []*trial {
	random := rand.New(rand.NewPCG(*chaosSeed, 7))
	moment := func(in time.Duration) time.Duration { return 1 + time.Duration(random.Int64N(int64(in))) }
	var trials []*trial
	for _, s := range sweeps {
		usual := whole
		if s.live > 0 {
			usual = inBatches
		}
		add := func(b blow) {
			b.victim = s.victim
			b.pause = 100*time.Millisecond + moment(time.Second)
			c := &trial{live: s.live, blow: b}
			if random.IntN(3) == 0 {
				c.again = blow{victim: s.victim, after: moment(usual.Took), pause: 200 * time.Millisecond}
			}
			trials = append(trials, c)
		}
		for n := 1; n <= usual.Records; n += *chaosEvery * s.nth {
			if s.before {
				add(blow{record: n})
			}
			add(blow{record: n, written: true})
		}
		for range *chaosMoments / s.share {
			add(blow{after: moment(usual.Took)})
		}
	}
	random.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	return trials
}

// carry carries the trials out, several at a time, has after hear of each, and
// returns how many it were.
func carry(t *testing.T, trials []*trial, after ...func(*trial)) int {
	workers := cmp.Or(*chaosWorkers, 4*runtime.NumCPU())
	began, said := time.Now(), time.Now()
	sem, wg := make(chan struct{}, workers), sync.WaitGroup{}
	done := 0
	for i, c := range trials {
		if *chaosWithin > 0 && time.Since(began) > *chaosWithin {
			break
		}
		done++
		sem <- struct{}{}
		wg.Go(func() {
			defer func() { <-sem }()
			for range 3 {
				*c = trial{n: c.n, flow: c.flow, blow: c.blow, again: c.again, live: c.live, broken: c.broken, lab: c.lab, hasty: c.hasty, t: t, dir: t.TempDir()}
				start := time.Now()
				c.run()
				c.took = time.Since(start)
				if !c.taken {
					break
				}
			}
			c.done = true
			for _, f := range after {
				f(c)
			}
			if c.wrong() && *chaosKeep != "" {
				kept := filepath.Join(*chaosKeep, strconv.Itoa(i))
				_ = os.MkdirAll(*chaosKeep, 0o700)
				_ = os.Rename(c.dir, kept)
				fmt.Fprintf(os.Stderr, "chaos: %s went wrong: %s; see %s\n", c, c.problems[0], kept)
				return
			}
			_ = os.RemoveAll(c.dir) // thousands of journals would fill a disk
		})
		if time.Since(said) > time.Minute {
			said = time.Now()
			fmt.Fprintf(os.Stderr, "chaos: %d of %d runs after %s\n", i+1, len(trials), time.Since(began).Round(time.Second))
		}
	}
	wg.Wait()
	return done
}

// row is a line of the report.
type row struct {
	victim victim
	how    string
	when   string
}

// reported is the report: what was tried, and what came of it.
func reported(trials []*trial, drawn int, took time.Duration) string {
	type sum struct{ runs, struck, resumes, doubts, twice, lost, wrong int }
	sums, order, all := map[row]*sum{}, []row{}, sum{}
	for _, c := range trials {
		r := row{c.blow.victim, c.work().how, "random moment"}
		if c.live > 0 {
			r.how = "step by step"
		}
		if c.blow.record > 0 {
			r.when = "record of the journal"
		}
		if sums[r] == nil {
			sums[r] = &sum{}
			order = append(order, r)
		}
		for _, s := range []*sum{sums[r], &all} {
			s.runs++
			s.struck += c.struck
			s.resumes += c.resumes
			s.doubts += c.doubts
			s.twice += c.twice
			s.lost += c.lost
			if c.wrong() {
				s.wrong++
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "chaos: %d of %d runs of %s steps in %s, %s/%s, %d processors, seed %d\n\n", all.runs, drawn, stepsOf(trials), took.Round(time.Second), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), *chaosSeed)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(r row, s *sum) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.victim, r.how, r.when, s.runs, s.struck, s.resumes, s.doubts, s.twice, s.lost, s.wrong)
	}
	fmt.Fprintln(w, "killed\tplan\tat a\truns\tkills\tresumed\tin doubt\tsteps twice\tsteps lost\truns wrong\t")
	slices.SortFunc(order, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.how, a.how), cmp.Compare(a.victim, b.victim), cmp.Compare(a.when, b.when))
	})
	for _, r := range order {
		line(r, sums[r])
	}
	line(row{"all", "", ""}, &all)
	_ = w.Flush() // into memory
	return b.String()
}

// stepsOf says how many steps the runs had: those that react have more or fewer.
func stepsOf(trials []*trial) string {
	least, most := 0, 0
	for _, c := range trials {
		if c.steps > 0 && (least == 0 || c.steps < least) {
			least = c.steps
		}
		most = max(most, c.steps)
	}
	if least == most {
		return strconv.Itoa(most)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// A sweep that finds nothing proves something only if it can find something: an
// ot2flow that breaks one of its rules is noticed.
func TestChaosNoticesBrokenRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		trial trial
		twice bool // steps happen twice; otherwise some are lost
	}{
		{"the journal says written, and has not", trial{broken: unsynced, blow: blow{victim: thePower, record: 6, written: true}}, true},
		{"what the robot has is not taken over", trial{broken: unadopted, blow: blow{victim: theProgram, record: 40, written: true}}, true},
		{"what the robot forgot is taken for done", trial{broken: credulous, blow: blow{victim: thePower, record: 40, written: true}}, false},
		{"whoever is asked says redo, without looking", trial{hasty: true, blow: blow{victim: thePower, record: 40}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			carry(t, []*trial{&c.trial})
			if c.twice && c.trial.twice == 0 || !c.twice && c.trial.lost == 0 {
				t.Errorf("it is not noticed: %d steps twice, %d lost, %q", c.trial.twice, c.trial.lost, c.trial.problems)
			}
			t.Logf("%d steps twice, %d lost", c.trial.twice, c.trial.lost)
		})
	}
}
