package sim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// each takes a second for every operation and half a second for the end.
type each struct{}

func (each) Duration(op *program.Op) int64 {
	if op.Kind == program.EndRun {
		return 500_000
	}
	return 1_000_000
}

func deck() *program.Deck {
	wells := func(max int64) []program.Well {
		return []program.Well{{Name: "A1", MaxNL: max}, {Name: "B1", MaxNL: max}, {Name: "C1", MaxNL: max}}
	}
	plate := &program.Labware{LoadName: "plate", Wells: wells(360_000)}
	tubes := &program.Labware{LoadName: "tubes", Wells: wells(2_000_000)}
	rack := &program.Labware{LoadName: "tips", IsTipRack: true, Wells: wells(200_000)}
	return &program.Deck{
		Labware:  []program.Placed{{Name: "plate", Slot: "1", On: program.SlotPlace("1"), Def: plate}, {Name: "paints", Slot: "2", On: program.SlotPlace("2"), Def: tubes}, {Name: "tips", Slot: "3", On: program.SlotPlace("3"), Def: rack}},
		Pipettes: []program.Pipette{{Name: "p300", Mount: "right", Model: &program.PipetteModel{Name: "p300_single_gen2", Channels: 1, MaxNL: 300_000}, Racks: []int{2}}},
		Liquids: []program.Liquid{
			{Name: "red", Wells: []program.WellRef{paints(0)}, VolumeNL: []int64{1_000_000}, Tip: program.None},
			{Name: "blue", Wells: []program.WellRef{paints(1)}, VolumeNL: []int64{500_500}, Tip: program.None},
			{Name: "water", Wells: []program.WellRef{paints(2)}, VolumeNL: []int64{-1}, Tip: program.None},
		},
	}
}

func plate(w int16) program.WellRef  { return program.WellRef{Labware: 0, Well: w} }
func paints(w int16) program.WellRef { return program.WellRef{Labware: 1, Well: w} }
func tips(w int16) program.WellRef   { return program.WellRef{Labware: 2, Well: w} }

func pick(w int16) program.Op { return program.Op{Kind: program.PickUpTip, Well: tips(w)} }

func draw(r program.WellRef, v int64) program.Op {
	return program.Op{Kind: program.Aspirate, Well: r, Volume: v}
}

func give(r program.WellRef, v int64) program.Op {
	return program.Op{Kind: program.Dispense, Well: r, Volume: v}
}

func drop() program.Op {
	return program.Op{Kind: program.DropTip, Trash: true, Well: program.None}
}

func steps(ops ...program.Op) []program.Step {
	site := &program.Site{Path: "steps[0]"}
	frame := &program.Frame{Label: "steps[0]", Site: site}
	out := make([]program.Step, len(ops))
	for i, op := range ops {
		out[i] = program.Step{N: i + 1, Op: op, Frame: frame, Seq: i}
	}
	return out
}

func mixture() []program.Step {
	return steps(pick(0), draw(paints(0), 100_000), give(plate(0), 100_000), drop(),
		pick(1), draw(paints(1), 30_500), give(plate(0), 30_000), program.Op{Kind: program.BlowOut, Trash: true, Well: program.None}, drop())
}

func newWorld() *sim.World { return sim.NewWorld(program.NewState(deck()), each{}) }

func do(w *sim.World, list []program.Step) *sim.Result {
	for i := range list {
		_ = w.Step(&program.Transition{Step: &list[i]})
	}
	w.End()
	return w.Result()
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		ops  []program.Op
		step int
		says []string
	}{
		"no tip":           {[]program.Op{draw(paints(0), 1000)}, 1, []string{"p300 has no tip on to aspirate"}},
		"a second tip":     {[]program.Op{pick(0), pick(1)}, 2, []string{"p300 already has a tip on, from tips.A1"}},
		"tip taken before": {[]program.Op{pick(0), drop(), pick(0)}, 3, []string{"no tip at tips.A1"}},
		"over the tip":     {[]program.Op{pick(0), draw(paints(0), 150_000), draw(paints(0), 60_000)}, 3, []string{"draw 60 uL", "holds 150 uL", "takes 200 uL"}},
		"more than held":   {[]program.Op{pick(0), draw(paints(0), 10_000), give(plate(0), 20_000)}, 3, []string{"give 20 uL", "holds 10 uL"}},
		"empty well":       {[]program.Op{pick(0), draw(plate(1), 5000)}, 2, []string{"draw 5 uL from plate.B1", "holds 0 uL"}},
		"overflow": {[]program.Op{
			pick(0), draw(paints(0), 200_000), give(plate(2), 200_000), draw(paints(0), 200_000), give(plate(2), 200_000),
		}, 5, []string{"fill plate.C1", "holds 200 uL of at most 360 uL", "40 uL too far"}},
		"return onto a tip": {[]program.Op{pick(0), {Kind: program.DropTip, Well: tips(1)}}, 2, []string{"a tip at the place already"}},
		"drop without one":  {[]program.Op{drop()}, 1, []string{"no tip on to drop tip"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			list := steps(append(tt.ops, program.Op{Kind: program.Home})...)
			r := do(w, list)
			if r.Outcome != sim.Failed || r.Failure == nil || r.Failure.Step.N != tt.step || r.Steps != tt.step-1 {
				t.Fatalf("%v after %d steps, %+v", r.Outcome, r.Steps, r.Failure)
			}
			for _, s := range tt.says {
				if !strings.Contains(r.Failure.Message, s) {
					t.Errorf("%q does not say %q", r.Failure.Message, s)
				}
			}
			before := newWorld()
			if want := do(before, list[:tt.step-1]); cmp.Diff(want.Wells, r.Wells) != "" {
				t.Errorf("the refused step left a trace:\n%s", cmp.Diff(want.Wells, r.Wells))
			}
			if len(r.Diagnostics) != 1 || !r.Diagnostics.HasErrors() {
				t.Error(r.Diagnostics)
			}
		})
	}
}

func TestResultJSON(t *testing.T) {
	w := newWorld()
	list := mixture()
	list = append(list, steps(pick(2), draw(paints(2), 50_000), give(plate(1), 50_000))...)
	r := do(w, list)
	want := `{
  "format": "ot2flow.simulation/1",
  "result": "ok",
  "steps": 12,
  "duration_s": 12.5,
  "wells": {
    "plate.A1": {"volume_uL": 130, "liquids": {"red": 100, "blue": 30}},
    "plate.B1": {"volume_uL": 50, "liquids": {"water": 50}},
    "paints.A1": {"volume_uL": 900, "liquids": {"red": 900}},
    "paints.B1": {"volume_uL": 470, "liquids": {"blue": 470}},
    "paints.C1": {"volume_uL": null, "change_uL": -50, "liquids": {"water": null}}
  },
  "tips": {"tips": 3},
  "outputs": {},
  "diagnostics": []
}
`
	if diff := cmp.Diff(want, string(r.AppendJSON(nil))); diff != "" {
		t.Error(diff)
	}
	drawn := []program.Count{{Index: 0, Amount: 100_000}, {Index: 1, Amount: 30_500}, {Index: 2, Amount: 50_000}}
	if diff := cmp.Diff(drawn, r.Drawn); diff != "" || r.TrashNL != 500 {
		t.Errorf("%s\ntrash %d nL", diff, r.TrashNL)
	}
	failed := newWorld()
	bad := do(failed, steps(draw(plate(0), 1)))
	var doc map[string]any
	if err := json.Unmarshal(bad.AppendJSON(nil), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["result"] != "failed" || len(doc["diagnostics"].([]any)) != 1 {
		t.Error(doc)
	}
}

func TestTrace(t *testing.T) {
	var out bytes.Buffer
	w := newWorld()
	trace := sim.NewTrace(&out)
	w.TraceTo(trace)
	list := append(mixture()[:3], steps(program.Op{Kind: program.Comment})...)
	list[3].Text, list[3].N = `say "x"`, 4
	list = append(list, steps(draw(plate(2), 7))...)
	do(w, list)
	if err := trace.Close(); err != nil {
		t.Fatal(err)
	}
	want := `{"n":1,"id":"steps[0]/pick_up_tip","t_s":0,"op":"pick_up_tip","duration_s":1,"pipette":"p300","well":"tips.A1","held_uL":0}
{"n":2,"id":"steps[0]/aspirate-2","t_s":1,"op":"aspirate","duration_s":1,"pipette":"p300","well":"paints.A1","volume_uL":100,"well_volume_uL":900,"held_uL":100}
{"n":3,"id":"steps[0]/dispense-3","t_s":2,"op":"dispense","duration_s":1,"pipette":"p300","well":"plate.A1","volume_uL":100,"well_volume_uL":100,"held_uL":0}
{"n":4,"id":"steps[0]/comment","t_s":3,"op":"comment","duration_s":1,"text":"say \"x\""}
{"n":1,"id":"steps[0]/aspirate","t_s":4,"op":"aspirate","pipette":"p300","well":"plate.C1","volume_uL":0.007,"error":"p300 is to draw 0.007 uL from plate.C1, which holds 0 uL"}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestTraceTellsThatTheDiskIsFull(t *testing.T) {
	w := newWorld()
	trace := sim.NewTrace(full{})
	w.TraceTo(trace)
	var err error
	list := steps(program.Op{Kind: program.Home})
	for range 100_000 {
		if err = w.Step(&program.Transition{Step: &list[0]}); err != nil {
			break
		}
	}
	if !errors.Is(err, io.ErrShortWrite) || !errors.Is(trace.Close(), io.ErrShortWrite) {
		t.Error(err)
	}
}

func drawOp(t *rapid.T) program.Op {
	op := program.Op{
		Kind:   program.Kind(rapid.IntRange(0, int(program.Comment)).Draw(t, "kind")),
		Volume: rapid.Int64Range(0, 120_000).Draw(t, "volume"),
		Well:   program.WellRef{Labware: rapid.Int16Range(0, 1).Draw(t, "labware"), Well: rapid.Int16Range(0, 2).Draw(t, "well")},
	}
	switch op.Kind {
	case program.PickUpTip:
		op.Well.Labware = 2
	case program.DropTip:
		op.Well.Labware, op.Trash = 2, rapid.Bool().Draw(t, "trash")
	case program.Dispense, program.BlowOut:
		op.Trash = rapid.Bool().Draw(t, "trash")
	}
	return op
}

// Liquid is neither made nor lost: what is in wells, in tips and in the trash
// is what was declared, liquid by liquid, whatever is done or refused.
func TestLiquidIsConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		before := total(w, nil)
		n := rapid.IntRange(0, 60).Draw(t, "steps")
		for range n {
			list := steps(drawOp(t))
			if !w.Do(&list[0]) {
				break
			}
			if got := total(w, w.Result()); got != before {
				t.Fatalf("%d nL, %d at the start, after %v", got, before, list[0].Op)
			}
		}
		w.End()
		if got := total(w, w.Result()); got != before {
			t.Fatalf("%d nL, %d at the start, after the end", got, before)
		}
	})
}

func total(w *sim.World, r *sim.Result) int64 {
	var sum int64
	d := w.State().Deck
	for l := range d.Labware {
		for i := range d.Labware[l].Def.Wells {
			if c, ok := w.State().Content(program.WellRef{Labware: int16(l), Well: int16(i)}); ok {
				for _, v := range c.Parts {
					sum += v
				}
			}
		}
	}
	for i := range w.State().Mounts {
		sum += w.State().Mounts[i].Held.Volume
	}
	if r != nil {
		sum += r.TrashNL
	}
	return sum
}

func planOf(list []program.Step) *program.Plan {
	return &program.Plan{Deck: deck(), Steps: list, Fingerprint: "sha256:test"}
}

func TestBackendDoesWhatTheSinkDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ops []program.Op
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			ops = append(ops, drawOp(t))
		}
		plan := planOf(steps(ops...))
		direct := do(newWorld(), plan.Steps)
		w := newWorld()
		batch := rapid.IntRange(0, 5).Draw(t, "batch")
		r, err := run.Run(context.Background(), run.Options{Run: "r", Plan: plan, Backend: sim.NewBackend(w), BatchSteps: batch, Answer: run.AnswerAtOnce})
		got := w.Result()
		if string(got.AppendJSON(nil)) != string(direct.AppendJSON(nil)) {
			t.Fatalf("%s\n%s", got.AppendJSON(nil), direct.AppendJSON(nil))
		}
		if r.Done != direct.Steps || (err == nil) != (direct.Outcome == sim.OK) || (r.Verdict == run.VerdictOK) != (direct.Outcome == sim.OK) {
			t.Fatalf("%+v %v, %v", r, err, direct.Outcome)
		}
		var e *run.Error
		if err != nil && (!errors.As(err, &e) || e.Step != direct.Failure.Step.N || e.Message != direct.Failure.Message) {
			t.Fatalf("%v, %v", err, direct.Failure)
		}
	})
}

func TestBackendPausesAndStops(t *testing.T) {
	list := mixture()
	list = append(steps(program.Op{Kind: program.Pause}), list...)
	for i := range list {
		list[i].N = i + 1
	}
	list[0].Text = "ready?"
	w := newWorld()
	requests := make(chan run.Request, 8)
	var kinds []string
	asked := ""
	o := run.Options{
		Run: "r", Plan: planOf(list), Backend: sim.NewBackend(w), Requests: requests, Timer: func(*program.Deck) program.Timer { return each{} },
		Answer: func(_ context.Context, q run.Question) (run.Control, error) {
			asked = q.Text
			return run.Resume, nil
		},
		Observe: []func(run.Event, run.Progress){func(e run.Event, p run.Progress) {
			kinds = append(kinds, e.Kind())
			if s, ok := e.(run.StepDone); ok && s.N == 3 {
				if p.N != 3 || p.Total != 10 || p.Well != "paints.A1" || p.ElapsedMS != 3000 || p.RemainingMS != 7000 {
					t.Errorf("%+v", p)
				}
				requests <- run.Request{Control: run.Pause}
			}
			if e.Kind() == "paused" && p.N >= 3 {
				requests <- run.Request{Control: run.Stop, Now: true}
			}
		}},
	}
	r, err := run.Run(context.Background(), o)
	if err != nil || r.Verdict != run.VerdictStopped || asked != "ready?" {
		t.Fatal(r.Verdict, err, asked, kinds)
	}
	got := w.Result()
	if got.Outcome != sim.Stopped || got.Steps != r.Done || r.Done < 3 || r.Done > 9 {
		t.Errorf("%v after %d steps; the runner says %d: %v", got.Outcome, got.Steps, r.Done, kinds)
	}
	if w.State().Mounts[0].On {
		t.Error("the tip is still on")
	}
}

func TestBackendRunsOnAfterReattach(t *testing.T) {
	plan := planOf(mixture())
	w := newWorld()
	b := sim.NewBackend(w)
	journal := new(run.Memory)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := run.Options{Run: "r", Plan: plan, Backend: b, Journal: journal, Observe: []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
		if s, ok := e.(run.StepStarted); ok && s.N == 4 {
			cancel()
		}
	}}}
	r, err := run.Run(ctx, o)
	if err == nil && !r.State.Left && r.Verdict != run.VerdictOK {
		t.Fatal(r, err)
	}
	o.Observe = nil
	r, err = run.Run(context.Background(), o)
	if err != nil || r.Verdict != run.VerdictOK || r.Done != len(plan.Steps) || w.Result().Steps != len(plan.Steps) {
		t.Fatal(r, err)
	}
}

// A simulator that was restarted knows nothing of a run that had begun: what
// was sent and not reported is in doubt, and nothing is sent again.
func TestRunThatIsGoneIsInDoubt(t *testing.T) {
	plan := planOf(mixture())
	journal := new(run.Memory)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := run.Options{Run: "r", Plan: plan, Backend: sim.NewBackend(newWorld()), Journal: journal, BatchSteps: 5}
	o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
		if e.Kind() == "intent" {
			cancel() // before anything of the batch can be reported
		}
	}}
	if r, err := run.Run(ctx, o); err == nil || !r.State.Left {
		t.Fatal(r, err)
	}
	fresh := newWorld()
	o.Backend, o.Observe = sim.NewBackend(fresh), nil
	r, err := run.Run(context.Background(), o)
	if r.Verdict != run.VerdictDoubt || run.KindOf(err) != run.InDoubt || r.Doubt != (run.Doubt{First: 1, Last: 5}) || fresh.Result().Steps != 0 {
		t.Fatal(r, err)
	}
}

func TestBackendRefuses(t *testing.T) {
	ctx := context.Background()
	b := sim.NewBackend(newWorld())
	d, err := b.Inspect(ctx)
	if err != nil || !d.Simulated || len(d.Pipettes) != 1 || d.Pipettes[0].Model != "p300_single_gen2" {
		t.Fatal(d, err)
	}
	other := planOf(nil)
	other.Deck.Pipettes[0].Mount = "left"
	if _, err := b.Open(ctx, run.Job{Plan: other}); run.KindOf(err) != run.Rejected {
		t.Error(err)
	}
	other = planOf(nil)
	other.Deck.Labware[0].Slot = "9"
	if _, err := b.Open(ctx, run.Job{Plan: other}); run.KindOf(err) != run.Rejected {
		t.Error(err)
	}
	if _, err := b.Reattach(ctx, run.Job{}, run.Handle(`{"run":"x"}`)); run.KindOf(err) != run.Halted {
		t.Error(err)
	}
	s, err := b.Open(ctx, run.Job{Plan: planOf(mixture())})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(ctx, run.Batch{First: 2, Last: 2, Steps: mixture()[1:2]}); run.KindOf(err) != run.Rejected {
		t.Error(err)
	}
	soon, cancel := context.WithTimeout(ctx, 5*time.Millisecond)
	defer cancel()
	if _, err := s.Next(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// loop is a program that can be repeated for ever on one world.
func loop() []program.Step {
	return steps(
		draw(paints(0), 100_000), give(plate(0), 60_000), program.Op{Kind: program.AirGap, Volume: 5000, Well: plate(0)},
		give(paints(0), 45_000), draw(plate(0), 60_000), give(paints(0), 60_000), program.Op{Kind: program.Delay, Duration: 100})
}

func TestStepAllocatesNothing(t *testing.T) {
	w := newWorld()
	trace := sim.NewTrace(io.Discard)
	w.TraceTo(trace)
	list := steps(pick(0))
	w.Do(&list[0])
	list = loop()
	n := testing.AllocsPerRun(1000, func() {
		for i := range list {
			if err := w.Step(&program.Transition{Step: &list[i]}); err != nil || w.Failure() != nil {
				t.Fatal(err, w.Failure())
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations in %d steps", n, len(list))
	}
}

func BenchmarkStep(b *testing.B) { benchmark(b, nil) }

func BenchmarkStepWithTrace(b *testing.B) { benchmark(b, sim.NewTrace(io.Discard)) }

func benchmark(b *testing.B, trace *sim.Trace) {
	w := newWorld()
	if trace != nil {
		w.TraceTo(trace)
	}
	list := steps(pick(0))
	w.Do(&list[0])
	list = loop()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if !w.Do(&list[i%len(list)]) {
			b.Fatal(w.Failure())
		}
	}
}
