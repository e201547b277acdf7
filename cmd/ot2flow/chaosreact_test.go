package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A workflow that reacts is killed like any other, also in the middle of a
// measurement, of a request, and while its plan grows. In the end every well
// holds what the world decided, and the world was told everything once, or
// again under the same name.
func TestChaosThatReacts(t *testing.T) {
	calm := &trial{flow: &reactFlow, lab: newLab(t)}
	carry(t, []*trial{calm})
	if calm.wrong() || calm.resumes > 0 {
		t.Fatalf("nothing happens to a run, and it is gone on with %d times: %q", calm.resumes, calm.problems)
	}
	random := rand.New(rand.NewPCG(*chaosSeed, 11))
	var trials []*trial
	for _, v := range []victim{theProgram, theRobot, theConnection, thePower} {
		for range 2 * *chaosMoments {
			at := blow{victim: v, record: 1 + random.IntN(calm.records), written: random.IntN(2) == 0, pause: 200 * time.Millisecond}
			c := &trial{flow: &reactFlow, lab: newLab(t), blow: at}
			if random.IntN(2) == 0 {
				c.again = blow{victim: v, record: 1 + random.IntN(60), written: true, pause: 200 * time.Millisecond}
			}
			trials = append(trials, c)
		}
	}
	began := time.Now()
	drawn := len(trials)
	trials = trials[:carry(t, trials)]
	t.Log("\n" + reported(trials, drawn, time.Since(began)))
	for _, c := range trials {
		if len(c.lab.doses) != len(calm.lab.doses) {
			c.problem("the planner was asked about %d wells, and without chaos about %d", len(c.lab.doses), len(calm.lab.doses))
		}
		if c.wrong() {
			t.Errorf("%s:\n  %.3000s", c, c.problems[0])
		}
	}
}
