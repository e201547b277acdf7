package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// A run in which every well is measured until it is as it should be, and dosed in
// between, ends as it does undisturbed, whenever and whatever is killed: with the
// same steps, the same wells and the same outputs. `make chaos` has all 96 wells,
// and a fifth of -chaos moments for each victim.
func TestChaosOfWells(t *testing.T) {
	f, moments := wellsFlow, max(1, *chaosMoments/5)
	f.set = []string{"columns=12"}
	victims := []victim{theProgram, theRobot, theConnection, thePower}
	if *chaosMoments == 1 {
		f.set = []string{"columns=1"}
		victims = []victim{theProgram, thePower}
	}
	calm := &trial{flow: &f, lab: newLab(t)}
	carry(t, []*trial{calm})
	if calm.wrong() || calm.resumes > 0 {
		t.Fatalf("nothing happens to a run, and it is gone on with %d times: %.3000s", calm.resumes, calm.problems)
	}
	log := openSweepLog(t, *chaosLog, ".wells")
	of := fmt.Sprintf("seed %d, %d moments of each kind", *chaosSeed, moments)
	whole, _ := log.header(t, of, func() (undisturbed, undisturbed) {
		return undisturbed{calm.records, calm.took}, undisturbed{}
	})
	random := rand.New(rand.NewPCG(*chaosSeed, 13))
	var trials []*trial
	for _, v := range victims {
		for k := range moments {
			// The moments are spread over the whole run.
			from := whole.Records * k / moments
			at := blow{victim: v, record: 1 + from + random.IntN(whole.Records/moments), written: random.IntN(2) == 0, pause: 100 * time.Millisecond}
			c := &trial{flow: &f, lab: newLab(t), blow: at}
			if random.IntN(2) == 0 {
				c.again = blow{victim: v, record: 1 + random.IntN(200), written: true, pause: 100 * time.Millisecond}
			}
			trials = append(trials, c)
		}
	}
	random.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
	log.restore(trials)
	ends(t, calm, trials, log)
}

// A protocol of the vendor is a run of its own on the robot; the program, the robot,
// the connection and the power are lost before, in the middle of and behind it. Of
// one that has happened in part, a person puts back what it has used up.
func TestChaosOfAProtocol(t *testing.T) {
	calm := &trial{flow: &protocolFlow}
	carry(t, []*trial{calm})
	if calm.wrong() || calm.resumes > 0 {
		t.Fatalf("nothing happens to a run, and it is gone on with %d times: %.3000s", calm.resumes, calm.problems)
	}
	random := rand.New(rand.NewPCG(*chaosSeed, 17))
	every, at := 1, duringProtocols(calm)
	if *chaosMoments == 1 {
		every = 12
	}
	var trials []*trial
	for _, v := range []victim{theProgram, theRobot, theConnection, thePower} {
		from := 1 + random.IntN(every)
		for n := 1; n <= calm.records; n++ {
			forgets := v == theRobot || v == thePower
			if n%every != from%every && !(forgets && at[n]) {
				continue
			}
			for _, written := range []bool{false, true} {
				c := &trial{flow: &protocolFlow, blow: blow{victim: v, record: n, written: written, pause: 200 * time.Millisecond}}
				if at[n] {
					c.blow.late = time.Duration(random.Int64N(int64(protocolTakes)))
				}
				if random.IntN(2) == 0 {
					c.again = blow{victim: v, record: 1 + random.IntN(calm.records), written: true, pause: 200 * time.Millisecond}
				}
				trials = append(trials, c)
			}
		}
	}
	ends(t, calm, trials, &sweepLog{})
	undone := 0
	for _, c := range trials {
		undone += len(c.undone)
	}
	t.Logf("%d times a protocol had happened in part", undone)
}

// protocolTakes is how long the robot is at the protocol of protocolFlow, about.
const protocolTakes = 250 * time.Millisecond

// duringProtocols are the records at which the robot carries a protocol out.
func duringProtocols(calm *trial) map[int]bool {
	out := map[int]bool{}
	for i, r := range calm.recorded {
		switch e := r.Event.(type) {
		case run.Sent:
			out[i+1] = calm.end.Plan.Steps[e.First-1].Protocol != nil
		case run.StepStarted:
			out[i+1] = calm.end.Plan.Steps[e.N-1].Protocol != nil
		default:
		}
	}
	return out
}

// ends carries trials out, which have to end as the calm one.
func ends(t *testing.T, calm *trial, trials []*trial, log *sweepLog) {
	t.Helper()
	began, drawn := time.Now(), len(trials)
	carry(t, slices.DeleteFunc(slices.Clone(trials), isDone), func(c *trial) {
		if !c.wrong() {
			c.endsAs(calm)
		}
		c.end, c.world, c.recorded = nil, nil, nil // a hundred of these would fill the memory
		log.keep(c)
	})
	trials = slices.DeleteFunc(trials, func(c *trial) bool { return !c.done })
	t.Log("\n" + reported(trials, drawn, time.Since(began)))
	for _, c := range trials {
		if c.wrong() {
			t.Errorf("%s:\n  %.3000s", c, strings.Join(c.problems[:min(len(c.problems), 5)], "\n  "))
		}
	}
}

// endsAs compares how a run ended with how another one did.
func (c *trial) endsAs(calm *trial) {
	if got, want := outputsOf(c.end), outputsOf(calm.end); got != want {
		c.problem("it returns %s, and undisturbed %s", got, want)
	}
	got, want := wholeSteps(c.end), wholeSteps(calm.end)
	if len(got) != len(want) {
		c.problem("the plan has %d steps in the end, and undisturbed %d", len(got), len(want))
		return
	}
	for i := range want {
		if got[i] != want[i] {
			c.problem("step %d is in the end %s, and undisturbed %s", i+1, got[i], want[i])
			return
		}
	}
	for i := range calm.end.Plan.Deck.Labware {
		for w := range calm.end.Plan.Deck.Labware[i].Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(w)}
			a, _ := c.world.Content(r)
			b, ok := calm.world.Content(r)
			if ok && !slices.Equal(a.Parts, b.Parts) && !(c.mayBeLost() && calm.end.Plan.Deck.Labware[i].Name != "plate") {
				c.problem("%s holds %v, and undisturbed %v", calm.end.Plan.Deck.WellName(r), a.Parts, b.Parts)
			}
		}
	}
}

func outputsOf(s *run.Story) string { return fmt.Sprint(s.Plan.Outputs) }

// wholeSteps are the steps of a plan that move liquid or tips, without the places of
// the tips, which are others where a tip was lost. How often an instrument was asked
// is another matter: it may be busy when it is asked again.
func wholeSteps(s *run.Story) []string {
	var out []string
	for i := range s.Plan.Steps {
		op := &s.Plan.Steps[i].Op
		if op.Kind.Info().Fields&program.HasPipette == 0 {
			continue
		}
		text := op.Kind.String()
		if op.Kind == program.Aspirate || op.Kind == program.Dispense {
			text += fmt.Sprintf(" %d nL %s", op.Volume, s.Plan.Deck.WellName(op.Well))
		}
		out = append(out, text)
	}
	return out
}
