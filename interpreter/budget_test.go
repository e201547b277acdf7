package interpreter_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

const budgeted = `ot2flow: 1
name: budgeted
labware:
  plate: {type: nest_96_wellplate_2ml_deep, slot: 1}
  trough: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 3}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  dye: {in: trough.A1, volume: 12 mL}
vars: {done: 0}
%s
steps:
%s
outputs: {done: done}
`

// used is what a program uses up.
func used(t *rapid.T, text string) (tips, dye, done int64, end interpreter.End) {
	needs := &interpreter.Needs{}
	end, list, err := prepare(t, text).Prove(interpreter.Input{}, needs)
	if err != nil || list.HasErrors() {
		t.Fatalf("%v %v\n%s", list, err, text)
	}
	n := needs.Result()
	for _, c := range n.Tips {
		tips += c.Amount
	}
	for _, c := range n.Liquids {
		dye += c.Amount
	}
	if len(end.Outputs) != 1 {
		t.Fatalf("it has no outputs\n%s", text)
	}
	_, _ = fmt.Sscan(end.Outputs[0].Value, &done)
	return tips, dye, done, end
}

// A workflow never uses more than its budget, does whole turns only, and as many of
// them as there can be.
func TestBudgetsAreKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turns := rapid.Int64Range(1, 12).Draw(t, "turns")
		per := rapid.Int64Range(1, 3).Draw(t, "tips of a turn")
		v := rapid.Int64Range(20, 90).Draw(t, "uL")
		loop := rapid.SampledFrom([]string{"for: i in range(%d)", "repeat: %d", "while: done < %[1]d\n    at_most: %[1]d"}).Draw(t, "loop")
		steps := "  - " + fmt.Sprintf(loop, turns) + "\n    do:\n      - for: w in plate.first(" + fmt.Sprint(per) + ")\n        do:\n" +
			"          - transfer: {from: dye, to: w, volume: " + fmt.Sprint(v) + " uL, tip: new}\n      - set: {done: done + 1}"
		most := rapid.Int64Range(0, 40).Draw(t, "tips")
		volume := rapid.Int64Range(0, 3000).Draw(t, "volume")
		tips, dye, done, end := used(t, fmt.Sprintf(budgeted, fmt.Sprintf("budget: {tips: %d, liquids: {dye: %d uL}}", most, volume), steps))
		want := min(turns, most/per, volume/(per*v))
		if done != want || tips != want*per || dye != want*per*v*1000 || (end.Ended != "") != (want < turns) {
			t.Fatalf("%d of %d turns, want %d: %d tips of %d, %d nL of %d uL; %q", done, turns, want, tips, most, dye, volume, end.Ended)
		}
	})
}

// What was carried out by the time that a result comes stays the beginning of the
// program, with whatever budget; and nothing is used beyond that.
func TestBudgetsOfLiveLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 14).Draw(t, "tips")
		steps := "  - for: w in plate.first(4)\n    do:\n      - transfer: {from: dye, to: w, volume: 30 uL, tip: new}\n" +
			"      - ask: {message: more, type: integer, min: 1, max: 3, example: 2}\n        as: n\n" +
			"      - repeat: n\n        transfer: {from: dye, to: w, volume: 30 uL, tip: new}\n      - set: {done: done + 1}"
		p := prepare(t, fmt.Sprintf(budgeted, fmt.Sprintf("budget: {tips: %d}", most), steps))
		var in interpreter.Input
		var before []string
		for range 6 {
			all := &lines{}
			end, list, err := p.Expand(in, all)
			if err != nil || list.HasErrors() {
				t.Fatal(err, list)
			}
			if len(all.text) < len(before) {
				t.Fatalf("%d steps, and %d were carried out", len(all.text), len(before))
			}
			for i := range before {
				if before[i] != all.text[i] {
					t.Fatalf("step %d was %s, and is %s", i+1, before[i], all.text[i])
				}
			}
			if end.Failed != nil {
				t.Fatal(end.Failed)
			}
			if all.tips > most {
				t.Fatalf("%d tips of %d", all.tips, most)
			}
			if end.Waits == 0 {
				return
			}
			before = all.text[:end.Waits]
			in.Results = append(in.Results, interpreter.Result{N: end.Waits, Values: map[string]string{"": fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "n"))}})
		}
		t.Fatal("it never ends")
	})
}

// Of turns that take a known time as many are done as fit into a budget of time; and
// where a clock says with a result that less is left, or more, by that.
func TestBudgetsOfTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		turns := rapid.Int64Range(1, 12).Draw(t, "turns")
		each := rapid.Int64Range(1, 60).Draw(t, "s of a turn")
		most := rapid.Int64Range(1, 400).Draw(t, "s in all")
		left := rapid.Int64Range(-100, 400).Draw(t, "s left when the answer came in")
		loop := fmt.Sprintf("  - repeat: %d\n    do: [{delay: %d s}, {set: {done: done + 1}}]", turns, each)
		budget := fmt.Sprintf("budget: {time: %d s}", most)
		_, _, done, end := used(t, fmt.Sprintf(budgeted, budget, loop))
		if want := min(turns, most/each); done != want || (end.Ended != "") != (want < turns) {
			t.Fatalf("%d of %d turns of %d s in %d s, want %d; %q", done, turns, each, most, want, end.Ended)
		}
		p := prepare(t, fmt.Sprintf(budgeted, budget, "  - ask: {message: ready, type: integer, min: 1, max: 3, example: 2}\n    as: n\n  - check: {that: n > 0}\n"+loop))
		end, list, err := p.Expand(interpreter.Input{Results: []interpreter.Result{{N: 1, Values: map[string]string{"": "2"}, Left: []interpreter.Left{{Limit: 1, MS: left * 1000}}}}}, nothing{})
		if err != nil || list.HasErrors() || len(end.Outputs) != 1 {
			t.Fatal(err, list)
		}
		_, _ = fmt.Sscan(end.Outputs[0].Value, &done)
		if want := min(turns, max(left, 0)/each); done != want || (end.Ended != "") != (want < turns) && left >= 0 {
			t.Fatalf("%d of %d turns of %d s, with %d s left, want %d; %q", done, turns, each, left, want, end.Ended)
		}
	})
}

// nothing is a sink for whom the end is enough.
type nothing struct{}

func (nothing) Step(*program.Transition) error { return nil }

// lines are the steps of a program as text.
type lines struct {
	text []string
	tips int
}

func (l *lines) Step(t *program.Transition) error {
	l.text = append(l.text, string(t.Step.AppendJSON(nil, t.After.Deck)))
	if t.Step.Op.Kind == program.PickUpTip {
		l.tips++
	}
	return nil
}
