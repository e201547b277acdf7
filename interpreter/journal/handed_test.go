package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
)

// What a device elsewhere carries out is a run of the history like any other: handed over
// once, told until it is over, and not gone before that. What is refused waits again.
func TestHanded(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	one := submitted(t, s, Submission{Queue: "*", Workflow: "mix", Experiment: "e", By: me})
	start := Start{Plan: planOf("mix", 2), Robot: Robot{Name: "three", Address: "mqtt:bench-3"}, By: me, Submission: one.ID, Queue: "three", Defs: ot2.Machine{}}
	hand := func(asked string) error { return s.Hand(ctx, start, "bench-3", asked, []byte(`{"id":"`+asked+`"}`)) }
	if err := hand("a"); err != nil {
		t.Fatal(err)
	}
	var taken *Taken
	if err := hand("b"); !errors.As(err, &taken) {
		t.Errorf("handed over twice: %v", err)
	}
	// It is refused, and waits again as it did before.
	if err := s.TakeBack(ctx, one.ID); err != nil {
		t.Fatal(err)
	}
	if h, err := s.HandedAsked(ctx, "a"); h != nil || err != nil {
		t.Error(h, err)
	}
	if o, err := s.Submission(ctx, one.ID); err != nil || o.State != Queued || o.Queue != "*" || !o.Closed.IsZero() {
		t.Errorf("%+v %v", o, err)
	}
	if plan, err := s.SubmittedPlan(ctx, one.ID, ot2.Machine{}); err != nil || len(plan.Steps) != 2 {
		t.Error(plan, err)
	}
	if err := hand("b"); err != nil {
		t.Fatal(err)
	}
	if err := hand("b"); err == nil {
		t.Error("two runs are asked for by one id")
	}
	h, err := s.HandedTo(ctx, "three")
	if err != nil || h == nil || h.Run != one.ID || h.Asked != "b" || string(h.Command) != `{"id":"b"}` || !h.Accepted.IsZero() || h.Over {
		t.Fatalf("%+v %v", h, err)
	}
	if id, err := s.UnderWay(ctx, "e"); id != one.ID || err != nil {
		t.Error(id, err)
	}
	if p, err := s.Prune(ctx, time.Now().Add(time.Hour), true); err != nil || p.Runs != 0 || len(p.Kept) != 1 {
		t.Errorf("%+v %v", p, err)
	}
	tell := func(o Standing) bool {
		t.Helper()
		fresh, err := s.Tell(ctx, one.ID, o)
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	if !tell(Standing{State: "waits", Steps: 2, Done: 1, Told: []byte(`{"id":"x"}`)}) {
		t.Error("it is not told")
	}
	if sum, err := s.Find(ctx, one.ID); err != nil || sum.State != "waits" || sum.Elsewhere != "bench-3" || sum.Done != 1 {
		t.Errorf("%+v %v", sum, err)
	}
	if !tell(Standing{Seq: 7, Steps: 2, Done: 1, Told: []byte(`{}`)}) || tell(Standing{Seq: 6, Told: []byte(`{}`)}) {
		t.Error("what is older counts")
	}
	if !tell(Standing{Seq: 8, Steps: 2, Done: 2, Ended: time.Now(), Verdict: run.VerdictOK, Told: []byte(`{"state":"ok"}`)}) || tell(Standing{Seq: 9, Told: []byte(`{}`)}) {
		t.Error("it is not over, or over twice")
	}
	if h, err := s.Handed(ctx, one.ID); err != nil || !h.Over || string(h.Told) != `{"state":"ok"}` || h.Seq != 8 {
		t.Errorf("%+v %v", h, err)
	}
	if h, err := s.HandedTo(ctx, "three"); h != nil || err != nil {
		t.Error(h, err)
	}
	if err := s.TakeBack(ctx, one.ID); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Submission(ctx, one.ID); err != nil || o.State != Begun {
		t.Errorf("what is over waits again: %+v %v", o, err)
	}
	if uses, err := s.Uses(ctx, ot2.Machine{}, 0); err != nil || len(uses) != 0 {
		t.Errorf("what counts there counts here: %+v %v", uses, err)
	}
	if p, err := s.Prune(ctx, time.Now().Add(time.Hour), true); err != nil || p.Runs != 1 {
		t.Errorf("%+v %v", p, err)
	}
}
