package complete_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec/complete"
)

func known(what string) []complete.Option {
	return []complete.Option{{Label: "<" + strings.ReplaceAll(what, " ", "_") + ">", Kind: complete.Word}}
}

// head is what stands before the text of a case.
const head = `ot2flow: 1
name: first
params:
  R: {type: volume, default: 50 uL}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips:
    type: opentrons_96_tiprack_300ul
    slot: 4
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids: {red: {in: plate.A1, volume: 1 mL}}
`

// What is offered where ‸ stands: all of has, and nothing of hasNot.
func TestAt(t *testing.T) {
	for _, c := range []struct{ name, text, has, hasNot, from string }{
		{"the top", "‸", "steps vars", "transfer plate name liquids", ""},
		{"a key begun", "step‸", "steps outputs", "transfer", "step"},
		{"a step", "steps:\n  - ‸", "transfer for ask mix", "steps plate", ""},
		{"a step at the column of its key", "steps:\n- tr‸", "transfer", "steps", "tr"},
		{"a modifier of a step", "steps:\n  - transfer: {from: red}\n    ‸", "if retry", "transfer mix steps", ""},
		{"a key in braces", "steps:\n  - transfer: {from: red, ‸", "to volume tip", "from transfer", ""},
		{"a key in braces that go on", "steps:\n  - transfer: {from: red,\n      ‸", "to volume", "from transfer", ""},
		{"a key in a block", "steps:\n  - transfer:\n      from: red\n      v‸", "volume to", "from transfer", "v"},
		{"a key before others", "steps:\n  - transfer:\n      ‸\n      to: plate.A1\n      volume: 5 uL\n  - home:\n", "from tip", "to volume transfer", ""},
		{"a place", "steps:\n  - transfer: {from: r‸", "red plate R <function>", "p300 to", "r"},
		{"a well", "steps:\n  - transfer: {from: plate.‸", "<method> <wells_of_corning_96_wellplate_360ul_flat>", "red", ""},
		{"a well of what is in a block", "steps:\n  - pick_up_tip: {from: tips.A‸", "<wells_of_opentrons_96_tiprack_300ul>", "red", "A"},
		{"the names of a loop", "steps:\n  - for: i, w in plate\n    do:\n      - transfer: {from: red, to: ‸", "i w plate", "", ""},
		{"behind a loop", "steps:\n  - for: w in plate\n    home:\n  - transfer: {from: red, to: ‸", "plate", "w", ""},
		{"a result", "steps:\n  - ask: {message: how much, type: volume}\n    as: much\n  - transfer: {from: red, to: plate.A1, volume: ‸", "much R", "", ""},
		{"a liquid of a recipe", "steps:\n  - formulate: {volumes: {‸", "red", "plate to", ""},
		{"a variable", "vars: {done: 0}\nsteps:\n  - set:\n      d‸", "done", "red", "d"},
		{"in the middle", "steps:\n  - transfer: {from: r‸, to: plate.A1}\n", "red plate", "to", "r"},
		{"behind a dot", "steps:\n  - transfer: {from: plate.co‸", "<method>", "red plate", "co"},
		{"in an expression", "steps:\n  - transfer: {from: red, to: plate.A1, volume: R + ‸", "R <function>", "p300", ""},
		{"words", "params:\n  X: {type: ‸", "volume choice table", "red", ""},
		{"words in a block", "params:\n  X:\n    type: vol‸", "volume", "red", "vol"},
		{"a kind of labware", "labware:\n  more:\n    type: ‸", "<labware_type>", "red <function>", ""},
		{"a kind of pipette", "pipettes:\n  p20: {type: ‸", "<pipette_type>", "red", ""},
		{"a mount", "pipettes:\n  p20: {mount: ‸", "left right", "red", ""},
		{"an element of a list", "pipettes:\n  p20: {tips: [‸", "tips plate p300", "R", ""},
		{"the origin of a height", "steps:\n  - aspirate: {from: plate.A1, at: ‸", "top bottom liquid", "", ""},
		{"steps in a loop", "steps:\n  - for: w in plate\n    do:\n      - ‸", "transfer mix", "steps", ""},
		{"a comment", "steps: # tr‸", "", "transfer steps", ""},
		{"text of several lines", "description: |\n  it does ‸", "", "steps name", ""},
		{"behind text of several lines", "description: |\n  it does: that\nst‸", "steps", "transfer", "st"},
		{"behind braces", "steps:\n  - home: {}\n  - ‸", "transfer", "steps", ""},
		{"nothing that is known", "steps:\n  - nonsense: {‸", "", "to transfer", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, after, _ := strings.Cut(head+c.text, "‸")
			from, options := complete.At(before+after, len(before), known)
			if got := before[from:]; got != c.from {
				t.Errorf("it replaces %q, not %q", got, c.from)
			}
			var labels []string
			for _, o := range options {
				labels = append(labels, o.Label)
			}
			for want := range strings.FieldsSeq(c.has) {
				if !slices.Contains(labels, want) {
					t.Errorf("%s is not in %v", want, labels)
				}
			}
			for bad := range strings.FieldsSeq(c.hasNot) {
				if slices.Contains(labels, bad) {
					t.Errorf("%s is in %v", bad, labels)
				}
			}
		})
	}
}

// Whatever is written, somebody may ask what can stand anywhere in it.
func TestAnywhere(t *testing.T) {
	pieces := []string{"steps:", "\n", "  ", "- ", "{", "}", "[", "]", ", ", ": ", "transfer", "'", `"`, "#", " ", "|", "from", "ä", "plate.A1", "-", "("}
	rapid.Check(t, func(t *rapid.T) {
		text := head + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, "text"), "")
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		if from, _ := complete.At(text, at, known); from < 0 || from > at {
			t.Fatalf("it replaces from %d at %d", from, at)
		}
	})
}
