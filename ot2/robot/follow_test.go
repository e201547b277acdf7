package robot

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// steps is a plan of a move to the trash with two commands, a pause and a
// comment.
func steps() *program.Plan {
	d := &program.Deck{Pipettes: []program.Pipette{{Name: "p"}}}
	return &program.Plan{Deck: d, Steps: []program.Step{
		{N: 1, Op: program.Op{Kind: program.DropTip, Trash: true}},
		{N: 2, Op: program.Op{Kind: program.Pause}},
		{N: 3, Op: program.Op{Kind: program.Comment}},
	}}
}

func listed(pairs ...string) []commandJSON {
	var out []commandJSON
	for i := 0; i < len(pairs); i += 2 {
		c := commandJSON{Key: pairs[i], Status: pairs[i+1], StartedAt: "x"}
		switch c.Status {
		case "failed":
			c.Error = &errorJSON{Type: "SomeError", Code: "3005", Detail: "no tip"}
		case "cut":
			c.Status, c.Error = "failed", &errorJSON{Type: cutOff, Detail: "Run was cancelled"}
		case "dropped":
			c.Status, c.StartedAt = "failed", ""
		}
		out = append(out, c)
	}
	return out
}

func told(f *follower) []string {
	var out []string
	for _, r := range f.reports() {
		phase := [...]string{"", "started", "done", "failed"}[r.Phase]
		out = append(out, fmt.Sprintf("%s%d %s", phase, r.Step, r.Status))
	}
	return out
}

func TestFollow(t *testing.T) {
	for _, c := range []struct {
		name     string
		status   string
		commands []commandJSON
		want     []string
		outcomes []run.Outcome
	}{
		{"not begun", "idle", listed("hash", "queued"), nil, []run.Outcome{run.WasTaken, run.WasTaken, run.WasTaken}},
		{"half a step", "running", listed("hash", "succeeded", "0.1", "succeeded", "1.1", "succeeded"), []string{"started1 ", "0 running"}, []run.Outcome{run.WasTaken, run.WasTaken, run.WasTaken}},
		{"a step", "running", listed("1.1", "succeeded", "1.2", "succeeded"), []string{"done1 ", "0 running"}, []run.Outcome{run.WasDone, run.WasTaken, run.WasTaken}},
		{"at a pause that is not reached", "running", listed("1.1", "succeeded", "1.2", "succeeded", "2.1", "running"), []string{"done1 ", "0 running"}, nil},
		{"at a pause", "paused", listed("1.1", "succeeded", "1.2", "succeeded", "2.1", "running"), []string{"done1 ", "started2 paused"}, nil},
		{"failed", "failed", listed("1.1", "succeeded", "1.2", "failed"), []string{"failed1 ", "0 failed"}, []run.Outcome{run.HasFailed, run.WasNotTaken, run.WasNotTaken}},
		{"cut off", "stopped", listed("1.1", "succeeded", "1.2", "cut", "2.1", "dropped", "3.1", "dropped"), []string{"failed1 ", "0 stopped"}, []run.Outcome{run.HasFailed, run.WasNotTaken, run.WasNotTaken}},
		{"ended between the commands of a step", "stopped", listed("1.1", "succeeded"), []string{"failed1 ", "0 stopped"}, []run.Outcome{run.HasFailed, run.WasNotTaken, run.WasNotTaken}},
		{"stopped before it began", "stopped", listed("hash", "queued"), []string{"0 stopped"}, []run.Outcome{run.WasNotTaken, run.WasNotTaken, run.WasNotTaken}},
		{"twice", "running", listed("1.1", "succeeded", "1.2", "succeeded", "1.2", "succeeded", "2.1", "succeeded", "3.1", "running"), []string{"done2 ", "started3 ", "0 running"}, []run.Outcome{run.Unknown, run.WasDone, run.WasTaken}},
		{"out of order", "running", listed("1.2", "succeeded", "1.1", "succeeded"), []string{"0 running"}, []run.Outcome{run.Unknown, run.WasTaken, run.WasTaken}},
		{"done", "succeeded", listed("1.1", "succeeded", "1.2", "succeeded", "2.1", "succeeded", "3.1", "succeeded"), []string{"done1 ", "done2 ", "done3 ", "0 succeeded"}, []run.Outcome{run.WasDone, run.WasDone, run.WasDone}},
		{"a status of later software", "dancing", listed("1.1", "running"), []string{"started1 "}, nil},
	} {
		f := newFollower(steps())
		f.run(&runJSON{Status: c.status})
		f.page(0, c.commands)
		if got := told(f); !slices.Equal(got, c.want) {
			t.Errorf("%s: told %q, want %q", c.name, got, c.want)
		}
		if got := told(f); len(got) > 0 {
			t.Errorf("%s: told again %q", c.name, got)
		}
		for i, want := range c.outcomes {
			if got := f.finding(i + 1); got.Outcome != want {
				t.Errorf("%s: step %d was %s (%s), want %s", c.name, i+1, got.Outcome, got.Evidence, want)
			}
		}
	}
}

// Pages overlap and leave gaps; each command counts once.
func TestFollowPages(t *testing.T) {
	all := listed("hash", "succeeded", "1.1", "succeeded", "1.2", "succeeded", "2.1", "succeeded", "3.1", "succeeded")
	f := newFollower(steps())
	f.page(0, all[:2])
	f.page(1, all[1:3])
	f.page(4, all[4:]) // 3 is missing before it
	f.page(2, all[2:])
	f.page(4, all[4:])
	f.run(&runJSON{Status: "succeeded"})
	if got, want := told(f), []string{"done1 ", "done2 ", "done3 ", "0 succeeded"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// A plan that goes on is taken over whenever that is learnt: what the robot did
// of it counts, also what nobody was told yet, and steps beside the robot are
// passed over.
func TestFollowGrows(t *testing.T) {
	longer := steps()
	longer.Steps = append(longer.Steps, program.Step{N: 4, Op: program.Op{Kind: program.Ask}, Live: &program.Live{}}, program.Step{N: 5, Op: program.Op{Kind: program.Comment}})
	f := newFollower(steps())
	f.live = true
	f.run(&runJSON{Status: "running"})
	f.page(0, listed("1.1", "succeeded", "1.2", "succeeded", "2.1", "succeeded", "3.1", "succeeded", sentinel(3, 1), "succeeded", sentinel(3, 2), "succeeded"))
	f.extend(longer)
	f.page(6, listed("5.1", "succeeded", sentinel(5, 1), "running"))
	f.run(&runJSON{Status: "paused"})
	if got, want := told(f), []string{"done1 ", "done2 ", "done3 ", "done5 ", "0 running"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	f.hold = true
	if got := told(f); !slices.Equal(got, []string{"0 paused"}) {
		t.Errorf("held where it waits for us: told %q", got)
	}
}

// What was taken to be two steps beside the robot may be one and one for it, once
// the first has failed.
func TestFollowAnotherWay(t *testing.T) {
	plan := func(second program.Step) *program.Plan {
		ask := program.Step{N: 1, Op: program.Op{Kind: program.Ask}, Live: &program.Live{}}
		return &program.Plan{Deck: &program.Deck{}, Steps: []program.Step{ask, second}}
	}
	f := newFollower(plan(program.Step{N: 2, Op: program.Op{Kind: program.Measure}, Live: &program.Live{}}))
	f.live = true
	f.run(&runJSON{Status: "idle"})
	_ = told(f)
	f.extend(plan(program.Step{N: 2, Op: program.Op{Kind: program.Comment}}))
	f.page(0, listed("2.1", "succeeded", sentinel(2, 1), "running"))
	f.run(&runJSON{Status: "paused"})
	if got := told(f); !slices.Contains(got, "done2 ") {
		t.Errorf("told %q, and not that step 2 is done", got)
	}
}

// A live run waits for us before it is played, too, and is held there.
func TestFollowWaitsBeforeThePlay(t *testing.T) {
	f := newFollower(steps())
	f.live = true
	f.run(&runJSON{Status: "idle"})
	var got []string
	for _, f.hold = range []bool{false, true, false} {
		got = append(got, told(f)...)
	}
	if want := []string{"0 running", "0 paused", "0 running"}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Whatever a robot lists, nothing is told twice or out of order, and no step is
// told done whose commands are not all listed as succeeded.
func FuzzFollow(f *testing.F) {
	f.Add([]byte(`[{"key":"1.1","status":"succeeded"},{"key":"1.2","status":"running"}]`), "running", []byte(`[]`), 1)
	f.Add([]byte(`[{"key":"2.1","status":"failed","error":{}}]`), "failed", []byte(`[{"key":"1.1","status":"succeeded"}]`), 0)
	f.Fuzz(func(t *testing.T, first []byte, status string, second []byte, at int) {
		var a, b []commandJSON
		if json.Unmarshal(first, &a) != nil || json.Unmarshal(second, &b) != nil {
			return
		}
		w := newFollower(steps())
		last := 0
		see := func() {
			for _, r := range w.reports() {
				if r.Phase == run.NoStep {
					continue
				}
				if r.Step < last || r.Phase == run.Done && r.Step == last && w.at < last {
					t.Fatalf("told step %d after %d", r.Step, last)
				}
				last = r.Step
				if r.Phase == run.Done && w.steps[r.Step-1].done < w.steps[r.Step-1].want {
					t.Fatalf("step %d is told done with %d commands of %d", r.Step, w.steps[r.Step-1].done, w.steps[r.Step-1].want)
				}
			}
		}
		w.page(0, a)
		see()
		w.run(&runJSON{Status: status})
		see()
		w.page(at, b)
		see()
	})
}
