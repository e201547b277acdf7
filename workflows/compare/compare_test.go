package compare_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/compare"
)

const first = `ot2flow: 1
name: first
params:
  V: {type: volume, default: 50 uL}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  stock: {type: nest_12_reservoir_15ml, slot: 2}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  water: {in: stock.A1, volume: 10 mL, color: '#0000ff'}
steps:
  - transfer: {from: water, to: 'plate.A1:C1', volume: V}
`

func planOf(t *testing.T, text string) *program.Plan {
	t.Helper()
	c := workflows.FromBytes("workflow.yaml", []byte(text))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	var run workflows.Run
	plan, list := c.Prepared.Plan(run.Input(true))
	if plan == nil {
		t.Fatal(list)
	}
	return plan
}

// What a robot cannot tell apart is the same, and everything else is not. says is what is
// said to change, as "section what".
func TestPlans(t *testing.T) {
	for _, c := range []struct {
		name, old, now string
		says           []string
		removed, added int
	}{
		{name: "nothing"},
		{name: "the name of labware", old: "stock", now: "bottle"},
		{name: "the name of a liquid", old: "water", now: "buffer"},
		{name: "the name of a pipette", old: "p300:", now: "pip:"},
		{name: "a colour", old: "#0000ff", now: "#00ff00"},
		{name: "another way to say it", old: "'plate.A1:C1'", now: "[plate.A1, plate.B1, plate.C1]"},
		{name: "a default that says the same", old: "default: 50 uL", now: "default: 0.05 mL"},
		{
			name: "a volume", old: "default: 50 uL", now: "default: 60 uL", says: []string{"given V", "well plate.A1", "well plate.B1", "well plate.C1", "well stock.A1"},
			removed: 6, added: 6,
		},
		{name: "a slot", old: "slot: 2", now: "slot: 3", says: []string{"deck slot 2", "deck slot 3", "deck liquid water", "well stock.A1", "well stock.A1"}, removed: 3, added: 3},
		{name: "a mount", old: "mount: right", now: "mount: left", says: []string{"deck the right mount", "deck the left mount"}, removed: 8, added: 8},
		{name: "more of a liquid", old: "volume: 10 mL", now: "volume: 12 mL", says: []string{"deck liquid water", "well stock.A1"}},
		{name: "a step at the end", old: "volume: V}\n", now: "volume: V}\n  - comment: done\n", added: 1},
		{name: "one well less", old: "plate.A1:C1", now: "plate.A1:B1", says: []string{"well stock.A1", "well plate.C1"}, removed: 2},
		{name: "a tip for each", old: "volume: V}", now: "volume: V, tip: new}", added: 4},
		{name: "a timeout", old: "steps:\n", now: "timeout: 1 h\nsteps:\n", says: []string{"course time limits"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := first
			if c.old != "" {
				now = strings.ReplaceAll(first, c.old, c.now)
			}
			d := compare.Plans(planOf(t, first), planOf(t, now))
			if same := len(c.says) == 0 && c.removed == 0 && c.added == 0; d.Same() != same {
				t.Errorf("same: %v", d.Same())
			}
			var says []string
			for _, section := range []struct {
				name string
				list []compare.Changed
			}{{"given", d.Params}, {"deck", d.Deck}, {"course", d.Course}, {"well", d.Wells}} {
				for _, change := range section.list {
					says = append(says, section.name+" "+change.What)
				}
			}
			slices.Sort(says)
			slices.Sort(c.says)
			if !slices.Equal(says, c.says) && !d.Same() {
				t.Errorf("it says %q, not %q", says, c.says)
			}
			if removed, added := d.Steps(); removed != c.removed || added != c.added {
				t.Errorf("%d steps are taken out and %d put in, not %d and %d", removed, added, c.removed, c.added)
			}
		})
	}
}

// What depends on results is not said to be the same where the workflow is another.
func TestUnknown(t *testing.T) {
	asks := strings.Replace(first, "steps:\n", "steps:\n  - ask: {message: how much, type: volume}\n    as: much\n  - transfer: {from: water, to: plate.A2, volume: much}\n", 1)
	if d := compare.Plans(planOf(t, asks), planOf(t, asks)); !d.Same() {
		t.Error("a plan that reacts is not the same as itself")
	}
	d := compare.Plans(planOf(t, asks), planOf(t, strings.Replace(asks, "volume: much", "volume: much / 2", 1)))
	if d.Same() || len(d.Hunks) > 0 || d.Unknown == "" {
		t.Errorf("same: %v, unknown: %q", d.Same(), d.Unknown)
	}
}

// The steps that are said to be taken out and put in lead from one plan to the other, and
// are as few as can be.
func TestFewestSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *program.Plan {
			p := &program.Plan{Deck: &program.Deck{}}
			for _, s := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 24).Draw(t, name) {
				p.Steps = append(p.Steps, program.Step{Op: program.Op{Kind: program.Comment, Well: program.None}, Text: s})
			}
			return p
		}
		a, b := draw("a"), draw("b")
		d := compare.Plans(a, b)
		var got []string
		at := 0
		for _, h := range d.Hunks {
			for ; at < h.FirstBefore-1; at++ {
				got = append(got, a.Steps[at].Text)
			}
			if len(got)+1 != h.FirstAfter {
				t.Fatalf("put in at %d, which is step %d", len(got)+1, h.FirstAfter)
			}
			at += len(h.Before)
			for _, s := range h.After {
				got = append(got, s.Text)
			}
		}
		for ; at < len(a.Steps); at++ {
			got = append(got, a.Steps[at].Text)
		}
		var want []string
		for _, s := range b.Steps {
			want = append(want, s.Text)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("it leads to %q, not %q", got, want)
		}
		if removed, added := d.Steps(); removed+added != len(a.Steps)+len(b.Steps)-2*common(a.Steps, b.Steps) {
			t.Fatalf("%d and %d steps are not the fewest", removed, added)
		}
	})
}

// common is the length of the longest common subsequence, by its definition.
func common(a, b []program.Step) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for k := range b {
			up := row[k+1]
			if a[i].Text == b[k].Text {
				row[k+1] = diagonal + 1
			} else {
				row[k+1] = max(row[k], up)
			}
			diagonal = up
		}
	}
	return row[len(b)]
}

// Where too much differs, all of it is listed.
func TestTooMuch(t *testing.T) {
	draw := func(text string) *program.Plan {
		p := &program.Plan{Deck: &program.Deck{}}
		for range 4000 {
			p.Steps = append(p.Steps, program.Step{Op: program.Op{Kind: program.Comment, Well: program.None}, Text: text})
		}
		return p
	}
	d := compare.Plans(draw("a"), draw("b"))
	if removed, added := d.Steps(); !d.Whole || removed != 4000 || added != 4000 {
		t.Errorf("whole: %v, %d and %d", d.Whole, removed, added)
	}
}
