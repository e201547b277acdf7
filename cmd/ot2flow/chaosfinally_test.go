package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// finallyFlow is a run that the robot gives up with a tip on, and what puts the robot
// in order behind it.
var finallyFlow = flow{
	how: "what finally says", text: strings.Replace(safeDeck, "name: safe", "name: chaos", 1) + `steps:
  - temperature: {set: 37 C, wait: false}
  - lights: on
  - transfer: {from: dye, to: plate.B1, volume: 20 uL}
  - pick_up_tip:
  - delay: 10 s
  - drop_tip:
finally:
  - drop_tip:
  - temperature: deactivate
  - lights: off
  - home:
`,
	faults: "events:\n  - {at: 8.1, do: command_failed}\n",
	robot:  []string{"--speed", "400", "--module", "temperature_module_gen2", "--faults", "faults.yaml"},
}

// However often whoever follows it, the robot and the connection are lost behind the
// end of a run and in what finally says, in the end the robot is as finally wants it,
// and what the run did before has happened once.
func TestChaosInFinally(t *testing.T) {
	calm := &trial{flow: &finallyFlow}
	carry(t, []*trial{calm})
	if calm.wrong() || calm.resumes != 1 { // that nothing is left to be done
		t.Fatalf("nothing happens to a run, and it is gone on with %d times: %.3000s", calm.resumes, calm.problems)
	}
	from := slices.IndexFunc(calm.recorded, func(r run.Record) bool { _, is := r.Event.(run.Ended); return is })
	random := rand.New(rand.NewPCG(*chaosSeed, 19))
	every := 1
	if *chaosMoments == 1 {
		every = 12
	}
	var trials []*trial
	for i, v := range []victim{theProgram, theRobot, theConnection, thePower} {
		for n := from + 1 + i%every; n <= calm.records; n += every {
			for _, written := range []bool{false, true} {
				c := &trial{flow: &finallyFlow, blow: blow{victim: v, record: n, written: written, pause: 200 * time.Millisecond}}
				if random.IntN(2) == 0 {
					c.again = blow{victim: v, record: 1 + random.IntN(calm.records-from), written: true, pause: 200 * time.Millisecond}
				}
				trials = append(trials, c)
			}
		}
	}
	began := time.Now()
	done := carry(t, trials)
	t.Log("\n" + reported(trials[:done], len(trials), time.Since(began)))
	for _, c := range trials {
		if c.wrong() {
			t.Errorf("%s:\n  %.3000s", c, strings.Join(c.problems, "\n  "))
		}
	}
}

// close has what finally says done until nothing is left of it.
func (c *trial) close() {
	again := c.again
	text := ""
	for range 12 {
		if c.proxy != nil {
			c.proxy.wait()
		}
		c.resumes++
		_, text = c.call(again, "runs", "resume", "last", "--finally", "--yes", "--state", c.state(), "--robot", c.address, "--patience", "20s")
		again = blow{}
		if strings.Contains(text, "nothing is left to be done of what finally says") {
			c.judgeClosed()
			return
		}
	}
	c.problem("it does not come to its end:\n%s", text)
}

// judgeClosed compares what happened with what should have.
func (c *trial) judgeClosed() {
	story := c.story()
	if story == nil {
		return
	}
	c.tipOnTip()
	if st := &story.Last().State; st.Verdict != run.VerdictFailed || st.Failure == nil || st.Failure.Step != gaveUp {
		c.problem("the run ended %s: %+v", st.Verdict, st.Failure)
	}
	deeds, hosts := c.deeds(), c.hosts(story)
	times, hot := make([]int, len(story.Plan.Steps)+1), false
	for id, h := range hosts {
		if h.part == &story.Parts[0] {
			for n, k := range h.did(deeds, id) {
				times[n] += k
			}
		}
	}
	for n, k := range times {
		switch {
		case n > 0 && n < gaveUp && k == 0:
			c.lost++
			c.problem("step %d never happened", n)
		case k > 1:
			c.twice++
			c.problem("step %d happened %d times", n, k)
		}
	}
	for _, d := range deeds {
		if _, known := hosts[d.Run]; !known {
			c.problem("the robot did %s in a run that the journal does not know", d.Command)
		}
		switch d.Op {
		case program.SetTemperature.String():
			hot = true
		case program.StopTemperature.String():
			hot = false
		}
	}
	if hot {
		c.problem("it is still hot")
	}
	used := c.play(story, hosts, deeds)
	if !c.wrong() {
		c.books(story, used)
	}
	if _, text := c.call(blow{}, "runs", "--state", c.state()); strings.Contains(text, "was not done") {
		c.problem("it is offered still:\n%s", text)
	}
}

// gaveUp is the step of finallyFlow at which the robot gives up.
const gaveUp = 8
