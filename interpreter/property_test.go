package interpreter_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// randomDeck has liquids that nothing is given into, and a plate for what is
// given, so that a well of the plate ends with exactly what was asked for.
const randomDeck = `ot2flow: 1
name: random
labware:
  %s
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips, small]}
  p20: {type: p20_single_gen2, mount: left, tips: [tips20]}
liquids:
  %s
steps:
`

var (
	randomLabware = []string{
		"plate: {type: nest_96_wellplate_2ml_deep, slot: 1}",
		"trough: {type: nest_12_reservoir_15ml, slot: 2}",
		"tips: {type: opentrons_96_tiprack_300ul, slot: 3}",
		"small: {type: opentrons_96_filtertiprack_200ul, slot: 4}",
		"tips20: {type: opentrons_96_tiprack_20ul, slot: 5}",
		"named: {type: opentrons_96_tiprack_300ul, slot: 6}", // for tips that steps name: nothing else takes them
	}
	randomLiquids = []string{
		"water: {in: [trough.A1, trough.A2, trough.A3], volume: 5 mL}",
		"dye: {in: trough.A4, volume: 12 mL, tip: tips.H12, contains: {dye: 100 uM}}",
		"buffer: {in: trough.A5, volume: 12 mL, tip: small.H12}",
	}
)

// script is a random workflow: its text, and what each well of the plate is to
// hold in the end, in nL.
type script struct {
	text   strings.Builder
	wants  map[string]int64
	series []series
}

// scope is where a step stands: its wells, how often it is done, how deep in.
type scope struct {
	times  int64
	indent string
	well   string // a loop's variable
	loop   []string
}

// drawScript draws a workflow that asks for no more than there is.
func drawScript(t *rapid.T) *script {
	s := &script{wants: map[string]int64{}}
	for range rapid.IntRange(1, 4).Draw(t, "steps") {
		s.step(t, scope{times: 1, indent: "  "})
	}
	total := int64(0)
	for _, nl := range s.wants {
		if total += nl; nl > 2_000_000 || total > 4_500_000 {
			t.Skip("more than a well holds, or than there is")
		}
	}
	return s
}

func (s *script) workflow(labware, liquids []string) string {
	return fmt.Sprintf(randomDeck, strings.Join(labware, "\n  "), strings.Join(liquids, "\n  ")) + s.text.String()
}

func (s *script) step(t *rapid.T, at scope) {
	deepest := len(at.indent) > 8
	switch n := rapid.IntRange(0, 13).Draw(t, "kind"); {
	case n == 0 && !deepest:
		s.group(t, at)
	case n == 1 && !deepest && at.well == "":
		s.loop(t, at)
	case n == 2:
		s.atomic(t, at)
	case n == 3:
		s.mixed(t, at)
	case n <= 5:
		s.formulate(t, at)
	case n == 10:
		s.distribute(t, at)
	case n == 11:
		s.consolidate(t, at)
	case n == 12 && at.times == 1 && at.loop == nil:
		s.fill(t, at)
	case n == 13 && at.times == 1 && at.loop == nil && len(s.series) < 5:
		s.dilute(t, at)
	default:
		s.transfer(t, at)
	}
}

func (s *script) group(t *rapid.T, at scope) {
	times := rapid.Int64Range(1, 3).Draw(t, "times")
	fmt.Fprintf(&s.text, "%s- repeat: %d\n%s  do:\n", at.indent, times, at.indent)
	inner := at
	inner.times, inner.indent = at.times*times, at.indent+"    "
	for range rapid.IntRange(1, 2).Draw(t, "inside") {
		s.step(t, inner)
	}
}

func (s *script) loop(t *rapid.T, at scope) {
	wells := drawWells(t, 1)
	name := fmt.Sprintf("w%d", len(at.indent))
	fmt.Fprintf(&s.text, "%s- for: %s in [%s]\n%s  do:\n", at.indent, name, strings.Join(wells, ", "), at.indent)
	inner := at
	inner.indent, inner.well, inner.loop = at.indent+"    ", name, wells
	s.step(t, inner)
}

func drawWells(t *rapid.T, least int) []string {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("plate.%c%d", 'A'+rapid.IntRange(0, 2).Draw(t, "row"), rapid.IntRange(1, 4).Draw(t, "column"))
	}), least, 4).Draw(t, "wells")
}

// to draws destinations.
func (s *script) to(t *rapid.T, at scope) []string {
	if at.well != "" && rapid.Bool().Draw(t, "loop's") {
		return []string{at.well}
	}
	return drawWells(t, 1)
}

// want notes what a step asks for.
func (s *script) want(at scope, well string, nl int64) {
	each := []string{well}
	if well == at.well {
		each = at.loop
	} else {
		nl *= int64(max(1, len(at.loop)))
	}
	for _, w := range each {
		s.wants[w] += nl * at.times
	}
}

func drawVolume(t *rapid.T) int64 {
	if rapid.IntRange(0, 9).Draw(t, "none") == 0 {
		return 0
	}
	return rapid.Int64Range(31_000, 420_000).Draw(t, "nL")
}

func uL(nl int64) string { return fmt.Sprintf("%d.%03d uL", nl/1000, nl%1000) }

// keys draws the keys that steps share.
func keys(t *rapid.T) string {
	out := ""
	add := func(what string, choices ...string) {
		if c := rapid.SampledFrom(choices).Draw(t, what); c != "" {
			out += ", " + c
		}
	}
	add("split", "", "", "split: even_last_two", "split: full_then_rest", "split: even")
	add("aspirate", "", "aspirate: {air_gap: 12.5 uL}", "aspirate: {mix: 2 x 30 uL, at: bottom + 3 mm}", "aspirate: {delay: 1 s, rate: 50 uL/s}")
	add("dispense", "", "dispense: {mix: 3 x 25 uL, touch_tip: true}", "dispense: {push_out: 2 uL, at: top - 4 mm}")
	add("blow-out", "", "blow_out: destination", "blow_out: {in: trough.A12, at: top - 2 mm, speed: 100 mm/s}", "blow_out: trash")
	add("pipette", "", "pipette: p300")
	return out
}

func drawTip(t *rapid.T, dedicated bool) string {
	words := []string{"once", "new", "per_source", "per_destination", "{use: once, then: return}", "{use: new, then: return}", "{from: named.G12, then: return}"}
	if dedicated {
		words = append(words, "dedicated")
	}
	return rapid.SampledFrom(words).Draw(t, "tip")
}

func (s *script) transfer(t *rapid.T, at scope) {
	from := rapid.SampledFrom([]string{"water", "dye", "buffer", "trough.A1"}).Draw(t, "from")
	to, n := s.to(t, at), 1
	if rapid.Bool().Draw(t, "a volume each") {
		n = len(to)
	}
	var volumes []string
	for i := range to {
		if i < n {
			v := drawVolume(t)
			volumes = append(volumes, uL(v))
			s.want(at, to[i], v)
			for j := n; i == 0 && n == 1 && j < len(to); j++ {
				s.want(at, to[j], v)
			}
		}
	}
	fmt.Fprintf(&s.text, "%s- transfer: {from: %s, to: [%s], volume: [%s], tip: %s%s}\n", at.indent, from, strings.Join(to, ", "), strings.Join(volumes, ", "), drawTip(t, from == "dye"), keys(t))
}

func (s *script) formulate(t *rapid.T, at scope) {
	to := s.to(t, at)
	var volumes []string
	for _, liquid := range []string{"dye", "buffer"} {
		v := drawVolume(t)
		volumes = append(volumes, liquid+": "+uL(v))
		for _, w := range to {
			s.want(at, w, v)
		}
	}
	volumes = rapid.Permutation(volumes).Draw(t, "order")
	fmt.Fprintf(&s.text, "%s- formulate: {to: [%s], volumes: {%s}, tip: %s%s}\n", at.indent, strings.Join(to, ", "), strings.Join(volumes, ", "), drawTip(t, true), keys(t))
}

func (s *script) mixed(t *rapid.T, at scope) {
	fmt.Fprintf(&s.text, "%s- mix: {in: [trough.A1, trough.A4], volume: %s, times: %d, pipette: p300, tip: %s}\n", at.indent, uL(rapid.Int64Range(20_000, 200_000).Draw(t, "nL")),
		rapid.IntRange(1, 3).Draw(t, "times"), drawTip(t, false))
}

func (s *script) atomic(t *rapid.T, at scope) {
	v := rapid.Int64Range(20_000, 200_000).Draw(t, "nL")
	well := s.to(t, at)[0]
	s.want(at, well, v)
	fmt.Fprintf(&s.text, `%[1]s- pick_up_tip: {pipette: p300}
%[1]s- aspirate: {from: trough.A2, volume: %[2]s}
%[1]s- dispense: {to: %[3]s, volume: %[2]s}
%[1]s- move_to: {to: %[3]s}
%[1]s- delay: 1 s
%[1]s- %[4]s:
`, at.indent, uL(v), well, rapid.SampledFrom([]string{"drop_tip", "return_tip"}).Draw(t, "away"))
}

// watch is a sink that keeps its own account of what the steps do.
type watch struct {
	fail  func(string, ...any)
	ids   map[string]bool
	held  map[int8]int64
	tips  int
	total int64
}

func (w *watch) Start(s *program.State, _ []program.Param) { w.total = everything(s) }

func (w *watch) Step(t *program.Transition) error {
	s, op := t.Step, &t.Step.Op
	id := s.ID()
	if w.ids[id] {
		w.fail("two steps are %s", id)
	}
	w.ids[id] = true
	m := &t.After.Mounts[op.Pipette]
	switch op.Kind {
	case program.PickUpTip:
		w.held[op.Pipette] = 0
	case program.Aspirate, program.AirGap:
		w.held[op.Pipette] += op.Volume
		if !m.On || w.held[op.Pipette] > m.Max {
			w.fail("%s: %d nL in a tip of %d", id, w.held[op.Pipette], m.Max)
		}
		if least := t.After.Deck.Pipettes[op.Pipette].Model.MinNL; op.Kind == program.Aspirate && op.Volume < least {
			w.fail("%s: draws %d nL", id, op.Volume)
		}
	case program.BlowOut:
		w.held[op.Pipette] = 0
	case program.Dispense:
		if w.held[op.Pipette] -= op.Volume; w.held[op.Pipette] != m.Held.Volume+m.Air {
			w.fail("%s: %d nL in the tip, and the state says %d", id, w.held[op.Pipette], m.Held.Volume+m.Air)
		}
	default:
	}
	w.conserved(t)
	return nil
}

func (w *watch) conserved(t *program.Transition) {
	if n := everything(t.After); n != w.total {
		w.fail("%s: liquid of %d nL became %d", t.Step.ID(), w.total, n)
	}
	left := newTips(t.After)
	if w.tips > 0 && left > w.tips {
		w.fail("%s: new tips grew from %d to %d", t.Step.ID(), w.tips, left)
	}
	w.tips = left
}

// everything is the liquid in wells and tips; the workflows put none away.
func everything(s *program.State) int64 {
	total := int64(0)
	for i := range s.Deck.Labware {
		for j := range s.Deck.Labware[i].Def.Wells {
			c, ok := s.Content(program.WellRef{Labware: int16(i), Well: int16(j)})
			if !ok {
				continue
			}
			sum := int64(0)
			for _, p := range c.Parts {
				sum += p
			}
			if sum != c.Volume {
				return -1
			}
			total += sum
		}
	}
	for i := range s.Mounts {
		total += s.Mounts[i].Held.Volume
	}
	return total
}

func newTips(s *program.State) int {
	n := 0
	for i := range s.Deck.Labware {
		if !s.Deck.Labware[i].Def.IsTipRack {
			continue
		}
		for j := range s.Deck.Labware[i].Def.Wells {
			if s.Tip(program.WellRef{Labware: int16(i), Well: int16(j)}) == program.TipNew {
				n++
			}
		}
	}
	return n
}

// TestExpansion is what may be relied on whatever a workflow asks for.
func TestExpansion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		text := s.workflow(randomLabware, randomLiquids)
		fail := func(format string, args ...any) { t.Fatalf(format+"\n%s", append(args, text)...) }
		w := &watch{fail: fail, ids: map[string]bool{}, held: map[int8]int64{}}
		stream := sim.NewStream(ot2.Machine{}.Timer, nil)
		p := prepare(t, text)
		end, list, err := p.Prove(interpreter.Input{}, w, stream)
		if err != nil || list.HasErrors() {
			fail("%v %v", list, err)
		}
		s.ends(end.State, fail)
		result := stream.End()
		if result.Outcome != sim.OK || result.Steps != end.Steps {
			fail("lint is silent and the simulator says %v", result.Diagnostics)
		}
		if diff := cmp.Diff(contents(end.State), simulated(result)); diff != "" {
			fail("expansion and simulator end differently: %s", diff)
		}
	})
}

// ends compares the plate with what was asked for, to the nanolitre.
func (s *script) ends(state *program.State, fail func(string, ...any)) {
	for name, want := range s.wants {
		w, _ := state.Deck.Labware[0].Def.Well(strings.TrimPrefix(name, "plate."))
		if c, _ := state.Content(program.WellRef{Well: int16(w)}); c.Volume != want {
			fail("%s holds %d nL, asked for were %d", name, c.Volume, want)
		}
	}
	s.diluted(state, fail)
}

func contents(s *program.State) map[string][]int64 {
	out := map[string][]int64{}
	for i := range s.Deck.Labware {
		for j := range s.Deck.Labware[i].Def.Wells {
			r := program.WellRef{Labware: int16(i), Well: int16(j)}
			if c, ok := s.Content(r); ok && c.Touched {
				out[s.Deck.WellName(r)] = c.Parts
			}
		}
	}
	return out
}

func simulated(r *sim.Result) map[string][]int64 {
	out := map[string][]int64{}
	for i := range r.Wells {
		out[r.Deck.WellName(r.Wells[i].Ref)] = r.Wells[i].Content.Parts
	}
	return out
}

func planJSON(t fataler, text string) []byte {
	plan, list := prepare(t, text).Plan(interpreter.Input{})
	if plan == nil {
		t.Fatalf("%v\n%s", list, text)
	}
	var b bytes.Buffer
	if err := plan.Write(&b, true); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestExpansionIsPure expands twice; and once with the sections in another
// order, where an order has no meaning.
func TestExpansionIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScript(t)
		text := s.workflow(randomLabware, randomLiquids)
		if !bytes.Equal(planJSON(t, text), planJSON(t, text)) {
			t.Fatalf("two plans of\n%s", text)
		}
		turned := s.workflow(rapid.Permutation(randomLabware).Draw(t, "labware"), randomLiquids)
		if diff := cmp.Diff(operations(t, text), operations(t, turned)); diff != "" {
			t.Fatalf("the order of labware matters: %s\n%s", diff, turned)
		}
	})
}

// operations are the steps of a plan as JSON, without the lines they are from.
func operations(t fataler, text string) []string {
	plan, list := prepare(t, text).Plan(interpreter.Input{})
	if plan == nil {
		t.Fatalf("%v\n%s", list, text)
	}
	var out []string
	for i := range plan.Steps {
		line := string(plan.Steps[i].AppendJSON(nil, plan.Deck))
		before, _, _ := strings.Cut(line, `, "origin"`)
		out = append(out, before)
	}
	return out
}

// TestTimelineIsTheExpansion replays stored plans and compares every
// transition with that of the expansion they were made by.
func TestTimelineIsTheExpansion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawScript(t).workflow(randomLabware, randomLiquids)
		stored, err := program.Read(planJSON(t, text), ot2.Machine{})
		if err != nil {
			t.Fatal(err)
		}
		var expanded, replayed seen
		_, list, err := prepare(t, text).Prove(interpreter.Input{}, &expanded)
		if err != nil {
			t.Fatal(list, err)
		}
		state, err := stored.Timeline(replayed.Step)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(expanded.lines, replayed.lines); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		if len(stored.Steps) > 0 && everything(state) < 0 {
			t.Fatal("the state is not whole")
		}
		again, err := interpreter.ProvePlan(stored, ot2.Machine{})
		if err != nil || cmp.Diff(codes(list), codes(again)) != "" {
			t.Fatalf("%v: the workflow has %v, its plan %v\n%s", err, codes(list), codes(again), text)
		}
	})
}

func codes(list diag.List) map[string]bool {
	out := map[string]bool{}
	for i := range list {
		if c := list[i].Code; c != diag.NoEffect && c != diag.MostlyWaste { // of the workflow, not of what is done
			out[list[i].Code.Name] = true
		}
	}
	return out
}

// seen renders transitions.
type seen struct{ lines []string }

func (s *seen) Step(t *program.Transition) error {
	d := t.After.Deck
	line := string(t.Step.AppendJSON(nil, d)) + fmt.Sprintf(" %+v", *t.Touched)
	if c, ok := t.After.Content(t.Step.Op.Well); ok {
		line += fmt.Sprintf(" %+v", *c)
	}
	for i := range t.After.Mounts {
		line += fmt.Sprintf(" %+v", t.After.Mounts[i])
	}
	s.lines = append(s.lines, line)
	return nil
}
