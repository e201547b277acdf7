package journal_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

const colours = `ot2flow: 1
name: colours
params:
  to: {type: wells, in: plate, default: "A1:B1"}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1, keep: true}
  pots:  {type: nest_12_reservoir_15ml, slot: 2, keep: true}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red:  {in: pots.A1, volume: 10 mL}
  blue: {in: pots.A2, volume: 10 mL}
steps:
  - transfer: {from: red, to: to, volume: 50 uL, tip: new}
  - transfer: {from: blue, to: to, volume: 25 uL, tip: new}
`

var (
	anna = journal.Holder{Name: "anna", Host: "bench-pc"}
	nine = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
)

// prepared is the workflow, which is read once.
var prepared = sync.OnceValue(func() *interpreter.Prepared {
	bundle, _ := spec.FromFiles("workflow.yaml", []spec.File{{Name: "workflow.yaml", Data: []byte(colours)}})
	p, _ := workflows.Prepare(bundle)
	return p
})

func planned(t testing.TB, l *ledger.Ledger, to string) *program.Plan {
	t.Helper()
	plan, list := prepared().Plan(interpreter.Input{Ledger: l, Params: interpreter.Values{"to": to}})
	if plan == nil {
		t.Fatal(list)
	}
	return plan
}

// events are those of a run that does so many steps of a plan and then ends
// with a verdict, or is left under way.
func events(p *program.Plan, done int, verdict run.Verdict, at time.Time) []run.Record {
	n := len(p.Steps)
	list := []run.Event{
		run.Accepted{Steps: n, Fingerprint: p.Fingerprint},
		run.Opened{},
		run.Intended{Batch: run.Batch{First: 1, Last: n, Final: true}},
		run.Sent{First: 1, Last: n},
	}
	for i := 1; i <= done; i++ {
		list = append(list, run.StepStarted{N: i}, run.StepDone{N: i})
	}
	switch verdict {
	case run.VerdictOK:
		list = append(list, run.Ended{Status: run.Succeeded}, run.Finished{Verdict: verdict})
	case run.VerdictStopped:
		list = append(list, run.StopAsked{Now: true}, run.Ended{Status: run.Stopped})
		if done < n {
			list = append(list, run.NotTaken{First: done + 1, Last: n})
		}
		list = append(list, run.Finished{Verdict: verdict})
	default:
	}
	var out []run.Record
	for i, e := range list {
		out = append(out, run.Record{Seq: int64(i + 1), At: at.Add(time.Duration(i) * time.Second), Event: e})
	}
	return out
}

// bench is a simulator's ledger in a journal.
type bench struct {
	*journal.Store
	name string
}

func opened(t testing.TB, dir string) *bench {
	t.Helper()
	s, err := journal.Open(t.Context(), filepath.Join(dir, "journal.db"), journal.Options{Now: func() time.Time { return nine }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &bench{s, "bench"}
}

func (b *bench) known(t testing.TB) *ledger.Ledger {
	t.Helper()
	l, err := b.Ledger(t.Context(), b.name, ot2.Machine{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (b *bench) run(t testing.TB, p *program.Plan, done int, v run.Verdict) string {
	t.Helper()
	r, err := b.Begin(t.Context(), journal.Start{Plan: p, Robot: journal.Robot{Name: "sim", Simulated: true}, By: anna, Ledger: b.name})
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range events(p, done, v, nine) {
		if err := r.Append(t.Context(), record); err != nil {
			t.Fatal(record, err)
		}
	}
	return r.ID()
}

// holds is what a ledger says of a place and a well.
func holds(l *ledger.Ledger, place, well string) string {
	for _, c := range ledger.Diff(&ledger.Ledger{}, l) {
		if c.Place == place && slices.Contains(strings.Fields(c.Well), well) {
			return c.After
		}
	}
	return ""
}

// A run begins with what the one before left: the tips behind those that are
// gone, and what is left of a stock.
func TestLedgerOfThreeRuns(t *testing.T) {
	b := opened(t, t.TempDir())
	for i, want := range []struct{ tip, red, a1 string }{
		{"A1", "9.9 mL red", "50 uL red + 25 uL blue"},
		{"E1", "9.8 mL red", "100 uL red + 50 uL blue"},
		{"A2", "9.7 mL red", "150 uL red + 75 uL blue"},
	} {
		p := planned(t, b.known(t), "plate.A1:B1")
		if got := p.Deck.WellName(p.Steps[0].Op.Well); got != "tips."+want.tip {
			t.Errorf("run %d takes the tip of %s, want %s", i+1, got, want.tip)
		}
		b.run(t, p, len(p.Steps), run.VerdictOK)
		l := b.known(t)
		if got := holds(l, "2", "A1"); got != want.red {
			t.Errorf("run %d leaves %q, want %q", i+1, got, want.red)
		}
		if got := holds(l, "1", "A1"); got != want.a1 {
			t.Errorf("run %d leaves %q in plate.A1, want %q", i+1, got, want.a1)
		}
	}
	// The plan says what it began with, so that it is the same wherever it is read.
	p := planned(t, b.known(t), "plate.A1:B1")
	if len(p.Deck.Left.Tips) != 12 || len(p.Deck.Left.Wells) != 4 {
		t.Errorf("the plan begins with %d tips that are gone and %d wells", len(p.Deck.Left.Tips), len(p.Deck.Left.Wells))
	}
}

// A stop in the middle leaves what was done until then; the tip that was on is
// in the trash.
func TestLedgerOfAStoppedRun(t *testing.T) {
	b := opened(t, t.TempDir())
	p := planned(t, nil, "plate.A1:B1")
	b.run(t, p, 2, run.VerdictStopped) // the tip holds red
	l := b.known(t)
	if got := holds(l, "2", "A1"); got != "9.95 mL red" {
		t.Errorf("the stock holds %q", got)
	}
	if got := holds(l, "4", "A1"); got != "tip out" {
		t.Errorf("the tip is %q", got)
	}
	if got := holds(l, "1", "A1"); got != "" || len(l.Pipettes) > 0 {
		t.Errorf("plate.A1 holds %q, and %v hang", got, l.Pipettes)
	}
}

// What a person corrects counts from then on, whatever ran before, and not what
// ran afterwards.
func TestCorrect(t *testing.T) {
	b := opened(t, t.TempDir())
	p := planned(t, nil, "plate.A1:B1")
	b.run(t, p, len(p.Steps), run.VerdictOK)
	parts := []ledger.Part{{Liquid: "green", NL: 5_000_000}}
	err := b.Correct(t.Context(), b.name, nil, ot2.Machine{}, anna, "filled up",
		ledger.Correction{Act: ledger.New, Place: "4"}, ledger.Correction{Act: ledger.SetWell, Place: "2", Wells: []string{"A1"}, Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	p = planned(t, b.known(t), "plate.C1")
	if got := p.Deck.WellName(p.Steps[0].Op.Well); got != "tips.A1" {
		t.Errorf("with a new rack, the tip of %s is taken", got)
	}
	b.run(t, p, len(p.Steps), run.VerdictOK)
	if got := holds(b.known(t), "1", "C1"); got != "25 uL blue + 50 uL green" {
		t.Errorf("plate.C1 holds %q", got)
	}
	if err := b.Correct(t.Context(), b.name, nil, ot2.Machine{}, anna, "", ledger.Correction{Act: ledger.New, Place: "9"}); err == nil {
		t.Error("a new one stands where nothing is known")
	}
	var why []string
	for c, err := range b.Corrections(t.Context(), b.name, 0) {
		if err != nil {
			t.Fatal(err)
		}
		why = append(why, c.By.Name+": "+c.Why+": "+c.What.String())
	}
	if diff := cmp.Diff([]string{"anna: filled up: a new one stands in slot 4", "anna: filled up: slot 2: A1 holds 5 mL green"}, why); diff != "" {
		t.Error(diff)
	}
}

// However often the ledger is kept, it is the fold of everything from the
// beginning.
func TestLedgerIsAFold(t *testing.T) {
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 0))
		b := opened(t, t.TempDir())
		for range 1 + r.IntN(4) {
			p := planned(t, b.known(t), []string{"plate.A1", "plate.A1:B1", "plate.H12"}[r.IntN(3)])
			done := r.IntN(len(p.Steps) + 1)
			verdict := run.VerdictStopped
			if done == len(p.Steps) {
				verdict = run.VerdictOK
			} else if r.IntN(2) == 0 {
				verdict = run.NoVerdict
			}
			b.run(t, p, done, verdict)
			if r.IntN(2) == 0 {
				err := b.Correct(t.Context(), b.name, nil, ot2.Machine{}, anna, "", ledger.Correction{Act: ledger.New, Place: []string{"1", "2", "4"}[r.IntN(3)]})
				if err != nil {
					t.Fatal(err)
				}
			}
			anew, err := b.LedgerUntil(t.Context(), b.name, ot2.Machine{}, journal.Until{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(anew, b.known(t), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d: folded from the beginning, and from where it was kept: %s", seed, diff)
			}
		}
		if err := b.Settle(t.Context(), ot2.Machine{}); err != nil {
			t.Fatal(err)
		}
		before := b.known(t)
		if _, err := b.Prune(t.Context(), nine.Add(24*time.Hour), false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, b.known(t), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: without its old runs: %s", seed, diff)
		}
	}
}
