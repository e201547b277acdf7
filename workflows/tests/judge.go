package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// judge listens to a run, and compares it with what is expected.
type judge struct {
	file   *File
	want   *spec.Expect
	name   string
	begun  map[string]*spec.Written
	world  *sim.Stream
	params []program.Param
	end    *interpreter.End
	result *sim.Result
	bad    bool // what the test gives could not be used
	found  diag.List

	deck   *program.Deck
	steps  []string // as plans say them
	lines  []int    // where each comes from
	counts [program.Kinds]int
	last   map[program.WellRef]int // the step that last changed a well
}

// Start takes the deck.
func (j *judge) Start(begin *program.State, _ []program.Param) {
	j.deck, j.last = begin.Deck, map[program.WellRef]int{}
}

// Step keeps what a step does, and to which wells.
func (j *judge) Step(t *program.Transition) error {
	j.counts[t.Step.Op.Kind]++
	j.steps = append(j.steps, Sentence(t.Step, j.deck))
	j.lines = append(j.lines, t.Step.Where().Start.Line)
	for i := range t.Touched.Wells {
		j.last[t.Touched.Wells[i].Well] = len(j.steps)
	}
	return nil
}

// wrong reports an expectation that cannot be meant so.
func (j *judge) wrong(at diag.Span, message, help string) {
	j.found = append(j.found, diag.Diagnostic{Code: diag.TestValue, Span: at, Message: message, Help: help})
}

// differs reports what came otherwise than expected.
func (j *judge) differs(at diag.Span, message string, notes ...string) {
	d := diag.Diagnostic{Code: diag.TestFailed, Span: at, Message: message, Notes: append(notes, "in the test: "+j.name)}
	if len(j.params) > 0 && len(j.begun) > 0 {
		var with []string
		for _, p := range j.params {
			if j.begun[p.Name] != nil {
				with = append(with, p.Name+" = "+short(p.Value))
			}
		}
		d.Notes = append(d.Notes, "with "+strings.Join(with, ", "))
	}
	j.found = append(j.found, d)
}

// short keeps a value to what can be read beside others.
func short(text string) string {
	if r := []rune(text); len(r) > 60 {
		return string(r[:57]) + "…"
	}
	return text
}

func at(g *spec.Given) diag.Span { return g.Span(0, len(g.Text)) }

// findings compares what was found with what is expected to be.
func (j *judge) findings(list diag.List) {
	met := make([]bool, len(list))
	for i := range j.want.Finds {
		w := &j.want.Finds[i]
		code, ok := diag.LookupCode(w.Code.Text)
		if !ok {
			var names []string
			for _, c := range diag.Codes() {
				names = append(names, c.ID, c.Name)
			}
			near, _ := diag.Nearest(w.Code.Text, names)
			j.wrong(at(&w.Code), "there is no finding "+w.Code.Text+orMeant(near), "ot2flow explain lists all codes")
			continue
		}
		any := false
		for k := range list {
			if matches(w, code, &list[k]) {
				any, met[k] = true, true
			}
		}
		if !any {
			j.differs(w.Span, "this is not found: "+code.String()+particulars(w), foundInstead(list)...)
		}
	}
	for k := range list {
		if !met[k] {
			d := list[k]
			d.Notes = append(slices.Clone(d.Notes), "in the test: "+j.name)
			j.found = append(j.found, d)
		}
	}
}

// particulars are what is expected of a finding beside its code.
func particulars(w *spec.ExpectedFinding) string {
	out := ""
	if w.Line.Set {
		out += " in line " + w.Line.Text
	}
	if w.Message.Set {
		out += ", saying " + strconv.Quote(w.Message.Text)
	}
	return out
}

func matches(w *spec.ExpectedFinding, code *diag.Code, d *diag.Diagnostic) bool {
	return d.Code == code && (!w.Message.Set || strings.Contains(d.Message, w.Message.Text)) && (!w.Line.Set || w.Line.Text == strconv.Itoa(d.Span.Start.Line))
}

func foundInstead(list diag.List) []string {
	if len(list) == 0 {
		return []string{"nothing is found"}
	}
	var out []string
	for i := range list {
		out = append(out, fmt.Sprintf("found is %s in line %d: %s", list[i].Code, list[i].Span.Start.Line, list[i].Message))
	}
	return out
}

// compare looks at everything else that is expected of a run.
func (j *judge) compare() {
	if j.result == nil || j.bad {
		return
	}
	j.failure()
	j.stepList()
	for i := range j.want.Wells {
		j.wells(&j.want.Wells[i])
	}
	for i := range j.want.Contains {
		j.dissolved(&j.want.Contains[i])
	}
	j.amounts("liquid", j.want.Liquids, j.liquids())
	j.amounts("tip rack", j.want.Tips, j.racks())
	j.duration()
	j.outputs()
}

// failure compares how the run ends.
func (j *judge) failure() {
	w := &j.want.Fails
	failed := j.end.Failed
	switch {
	case failed == nil && w.Set:
		j.differs(at(w), "the run does not fail")
	case failed != nil && !w.Set:
		j.differs(j.want.Span, "the run fails: "+failed.Message, fmt.Sprintf("at line %d of the workflow", failed.Span.Start.Line))
	case failed != nil && !strings.Contains(failed.Message, w.Text):
		j.differs(at(w), "the run fails for another reason: "+failed.Message)
	}
}

// stepList compares how many steps there are, which, and in which order.
func (j *judge) stepList() {
	if n, ok := j.whole(&j.want.Steps); ok && n != int64(len(j.steps)) {
		j.differs(at(&j.want.Steps), fmt.Sprintf("there are %d steps, %s", len(j.steps), moreOrLess(int64(len(j.steps))-n, "")))
	}
	for i := range j.want.Counts {
		j.count(&j.want.Counts[i])
	}
	from, before := 0, ""
	for i := range j.want.Does {
		w := &j.want.Does[i]
		k := slices.IndexFunc(j.steps[from:], func(s string) bool { return begins(s, w.Text) })
		if k < 0 {
			j.missing(w, from, before)
			break // what comes behind it would be looked for in the wrong place
		}
		from, before = from+k+1, w.Text
	}
	for i := range j.want.Never {
		w := &j.want.Never[i]
		if k := slices.IndexFunc(j.steps, func(s string) bool { return begins(s, w.Text) }); k >= 0 {
			j.differs(at(w), "a step does this", j.told(k))
		}
	}
}

// told says which step the k-th is.
func (j *judge) told(k int) string {
	return fmt.Sprintf("step %d, of line %d: %s", k+1, j.lines[k], j.steps[k])
}

// missing says what is done where a step was expected: the steps of its kind behind the
// last one that was found.
func (j *judge) missing(w *spec.Given, from int, before string) {
	message := "no step does this"
	if before != "" {
		message += " behind " + strconv.Quote(before)
	}
	verb, _, _ := strings.Cut(depict.Line(w.Text), " ")
	var notes []string
	for k := from; k < len(j.steps) && len(notes) < 4; k++ {
		if strings.HasPrefix(j.steps[k], verb) {
			notes = append(notes, j.told(k))
		}
	}
	if earlier := slices.IndexFunc(j.steps[:from], func(s string) bool { return begins(s, w.Text) }); earlier >= 0 {
		notes = append(notes, "it is done earlier: "+j.told(earlier))
	}
	j.differs(at(w), message, notes...)
}

// begins reports whether a sentence begins with the words of another.
func begins(sentence, words string) bool {
	rest, ok := strings.CutPrefix(sentence, depict.Line(words))
	return ok && (rest == "" || strings.ContainsAny(rest[:1], " ,:"))
}

func (j *judge) count(w *spec.ExpectedAmount) {
	var names []string
	for k := range program.Kind(program.Kinds) {
		names = append(names, k.String())
	}
	k := slices.Index(names, w.Name.Value)
	if k < 0 {
		near, _ := diag.Nearest(w.Name.Value, names)
		j.wrong(w.Name.Span, "there is no operation "+w.Name.Value+orMeant(near), "operations are named as in plan --format json")
		return
	}
	if n, ok := j.whole(&w.Value); ok && n != int64(j.counts[k]) {
		j.differs(at(&w.Value), fmt.Sprintf("%s is done %s, %s", w.Name.Value, times(j.counts[k]), moreOrLess(int64(j.counts[k])-n, "")))
	}
}

func (j *judge) whole(g *spec.Given) (int64, bool) {
	if !g.Set {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(g.Text), 10, 64)
	if err != nil || n < 0 {
		j.wrong(at(g), g.Text+" is no whole number", "")
		return 0, false
	}
	return n, true
}

// quantity reads a value with its unit; a bare number has that of the dimension.
func (j *judge) quantity(g *spec.Given, dim quantity.Dim) (int64, bool) {
	text := strings.TrimSpace(g.Text)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += " " + dim.Unit()
	}
	q, err := quantity.Parse(text)
	if err != nil || q.Dim != dim {
		j.wrong(at(g), g.Text+" is no "+dim.String(), "write for example "+dim.Example())
		return 0, false
	}
	return q.N, true
}

// moreOrLess says how far something is off.
func moreOrLess(by int64, unit string) string {
	if by < 0 {
		return number(-by) + unit + " less than expected"
	}
	return number(by) + unit + " more than expected"
}

func volumeOff(by int64) string {
	if by < 0 {
		return quantity.Volume.Text(-by) + " less than expected"
	}
	return quantity.Volume.Text(by) + " more than expected"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// liquids is how much left the wells of each liquid.
func (j *judge) liquids() map[string]int64 {
	out := map[string]int64{}
	for i := range j.deck.Liquids {
		if !j.deck.Liquids[i].Kept {
			out[j.deck.Liquids[i].Name] = 0
		}
	}
	for _, c := range j.result.Drawn {
		out[j.deck.Liquids[c.Index].Name] = c.Amount
	}
	return out
}

// racks is how many tips were taken from each rack.
func (j *judge) racks() map[string]int64 {
	out := map[string]int64{}
	for i := range j.deck.Labware {
		if j.deck.Labware[i].Def.IsTipRack {
			out[j.deck.Labware[i].Name] = 0
		}
	}
	for _, c := range j.result.Tips {
		out[j.deck.Labware[c.Index].Name] = c.Amount
	}
	return out
}

// amounts compares what is used up of things that have names.
func (j *judge) amounts(thing string, want []spec.ExpectedAmount, is map[string]int64) {
	for i := range want {
		w := &want[i]
		used, ok := is[w.Name.Value]
		if !ok {
			names := slices.Sorted(maps.Keys(is))
			near, _ := diag.Nearest(w.Name.Value, names)
			j.wrong(w.Name.Span, "the workflow has no "+thing+" "+w.Name.Value+orMeant(near), "there are "+strings.Join(names, ", "))
			continue
		}
		if thing == "tip rack" {
			if n, ok := j.whole(&w.Value); ok && n != used {
				j.differs(at(&w.Value), fmt.Sprintf("%d tips are taken from %s, %s", used, w.Name.Value, moreOrLess(used-n, "")))
			}
		} else if n, ok := j.quantity(&w.Value, quantity.Volume); ok && n != used {
			j.differs(at(&w.Value), quantity.Volume.Text(used)+" of "+w.Name.Value+" is used, "+volumeOff(used-n))
		}
	}
}

func (j *judge) duration() {
	w := &j.want.Duration
	takes := j.result.DurationMS
	least, okMin := int64(0), false
	if w.Min.Set {
		least, okMin = j.quantity(&w.Min, quantity.Time)
	}
	if okMin && takes < least {
		j.differs(at(&w.Min), "the robot is done sooner, in "+quantity.Time.Text(rounded(takes)))
	}
	if w.Max.Set {
		if most, ok := j.quantity(&w.Max, quantity.Time); ok && takes > most {
			j.differs(at(&w.Max), "the robot takes longer, "+quantity.Time.Text(rounded(takes)))
		}
	}
}

// rounded leaves out what is less than a second.
func rounded(ms int64) int64 { return (ms + 500) / 1000 * 1000 }

// outputs compares what the workflow returns: numbers and quantities as such, and all
// else as it is written.
func (j *judge) outputs() {
	for i := range j.want.Outputs {
		w := &j.want.Outputs[i]
		k := slices.IndexFunc(j.result.Outputs, func(o program.Output) bool { return o.Name == w.Name.Value })
		if k < 0 {
			j.wrong(w.Name.Span, "the workflow returns no "+w.Name.Value, "what it returns stands under outputs")
			continue
		}
		is := j.result.Outputs[k].Value
		if want := writtenJSON(&w.Value); !sameValue(want, is) {
			j.differs(w.Value.Span, "the workflow returns "+w.Name.Value+" = "+short(plain(is)))
		}
	}
}

// plain is a value as people write it.
func plain(value string) string {
	var text string
	if json.Unmarshal([]byte(value), &text) == nil && value != "null" {
		return text
	}
	return value
}

// writtenJSON is a value of a file as JSON.
func writtenJSON(w *spec.Written) string {
	if !w.Many {
		return w.Text
	}
	var out []string
	for i := range w.Items {
		out = append(out, w.Items[i].Text)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// sameValue compares what is expected with what is returned, item by item where it is a
// list.
func sameValue(want, is string) bool {
	is = plain(is)
	if want == is {
		return true
	}
	var list []json.RawMessage
	if json.Unmarshal([]byte(is), &list) == nil && strings.HasPrefix(want, "[") {
		items := strings.Split(strings.Trim(want, "[]"), ",")
		if want == "[]" {
			items = nil
		}
		return slices.EqualFunc(items, list, func(w string, i json.RawMessage) bool { return sameValue(strings.TrimSpace(w), string(i)) })
	}
	a, okA := quantity.Parse(want)
	b, okB := quantity.Parse(is)
	if okA == nil && okB == nil {
		return a.Dim == b.Dim && a.N == b.N
	}
	x, errX := strconv.ParseFloat(want, 64)
	y, errY := strconv.ParseFloat(is, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
}

// Sentence says what a step does, as a plan says it and tests compare it.
func Sentence(s *program.Step, d *program.Deck) string { return depict.Line(depict.Sentence(s, d)) }
