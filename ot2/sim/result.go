package sim

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Result is what a simulation came to.
type Result struct {
	Outcome     Outcome
	Steps       int   // carried out
	DurationMS  int64 // by the time model
	Deck        *program.Deck
	Wells       []Well                // that hold or held something, in deck order; then those of what was taken away
	Tips        []program.Count       // new tips used, per rack (index into Deck.Labware)
	Drawn       []program.Count       // nL that left the wells declared to hold it, per liquid (index into Deck.Liquids); what came back does not count
	Modules     []program.ModuleState // what they are told in the end, by index into Deck.Modules
	TrashNL     int64                 // liquid that went into the trash
	Diagnostics diag.List
	Failure     *Failure // of a step on the robot that Failed; else nil
	Outputs     []program.Output
}

// Well is what a well holds in the end.
type Well struct {
	Ref      program.WellRef
	Number   int // which of the labware it is of, where that was taken away; 0: the one that stands there
	Content  program.Content
	Contains []program.Share
}

// Fail says that the program came to no good end, though every step was carried
// out: a step beside the robot has failed, or the workflow judged so.
func (r *Result) Fail(d diag.Diagnostic) {
	r.Outcome, r.Outputs = Failed, nil
	r.Diagnostics = append(r.Diagnostics, d)
}

// Result returns what has happened so far. It is a snapshot: later steps do
// not change it.
func (w *World) Result() *Result {
	told := w.told()
	r := &Result{Outcome: told.outcome, Steps: w.steps, DurationMS: (w.now + 500) / 1000, Deck: w.deck, Failure: told.failure}
	for i := range w.deck.Modules {
		r.Modules = append(r.Modules, *w.state.Module(i))
	}
	for i := range w.deck.Labware {
		r.Wells = append(r.Wells, w.wellsOf(i)...)
	}
	r.Wells = append(r.Wells, WellsAway(w.state)...)
	used := w.used.Result()
	r.Tips, r.Drawn = used.Tips, used.Liquids
	for _, v := range w.waste {
		r.TrashNL += v
	}
	if told.failure != nil {
		r.Diagnostics = diag.List{told.failure.diagnostic()}
	}
	return r
}

func (w *World) wellsOf(labware int) []Well {
	var out []Well
	for i := range w.deck.Labware[labware].Def.Wells {
		ref := program.WellRef{Labware: int16(labware), Well: int16(i)}
		c, ok := w.state.Content(ref)
		if !ok || !c.Touched {
			continue
		}
		kept := *c
		kept.Parts, kept.Batches = slices.Clone(c.Parts), slices.Clone(c.Batches)
		out = append(out, Well{ref, 0, kept, w.state.Composition(ref)})
	}
	return out
}

// WellsAway are the wells of labware that was taken away.
func WellsAway(s *program.State) []Well {
	var out []Well
	away := s.Away()
	for i := range away {
		a := &away[i]
		for k := range a.Wells {
			if a.Wells[k].Touched {
				out = append(out, Well{program.WellRef{Labware: int16(a.Labware), Well: int16(k)}, s.Number(i), a.Wells[k], s.CompositionOf(a, k)})
			}
		}
	}
	return out
}

// Format names the form that AppendJSON writes.
const Format = "ot2flow.simulation/1"

// AppendJSON appends the result as ot2flow.simulation/1. A well of the first
// plate, which was taken away, is plate#1.A1. The volume of a well
// whose amount nobody declared is null; change_uL says by how much it changed.
func (r *Result) AppendJSON(b []byte) []byte {
	b = append(b, "{\n  \"format\": \""+Format+"\",\n  \"result\": \""+r.Outcome.String()+"\",\n  \"steps\": "...)
	b = appendInt(b, r.Steps)
	b = append(b, ",\n  \"duration_s\": "...)
	b = quantity.AppendDecimal(b, r.DurationMS, 1000)
	b = append(b, ",\n  \"wells\": {"...)
	for i := range r.Wells {
		b = append(b, separator(i)...)
		b = r.Wells[i].appendJSON(b, r.Deck)
	}
	b = append(b, closing(len(r.Wells))...)
	b = append(b, "},\n  \"tips\": {"...)
	for i, c := range r.Tips {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(b, r.Deck.Labware[c.Index].Name)
		b = append(b, ": "...)
		b = appendInt(b, int(c.Amount))
	}
	b = append(b, '}')
	b = r.appendModules(b)
	b = append(b, ",\n  \"outputs\": {"...)
	for i, o := range r.Outputs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(b, o.Name)
		b = append(append(b, ": "...), r.output(&o)...)
	}
	b = append(b, "},\n  \"diagnostics\": "...)
	b = appendDiagnostics(b, r.Diagnostics)
	return append(b, "\n}\n"...)
}

// output is the value of an output: null after a run that did not come to its
// end.
func (r *Result) output(o *program.Output) string {
	if r.Outcome != OK {
		return "null"
	}
	return o.Value
}

func separator(i int) string {
	if i == 0 {
		return "\n    "
	}
	return ",\n    "
}

func closing(n int) string {
	if n == 0 {
		return ""
	}
	return "\n  "
}

func (w *Well) appendJSON(b []byte, d *program.Deck) []byte {
	b = program.AppendString(b, d.NumberedWell(w.Ref, w.Number))
	b = append(b, `: {"volume_uL": `...)
	b = appendVolume(b, &w.Content)
	if w.Content.Unknown {
		b = append(b, `, "change_uL": `...)
		b = quantity.AppendDecimal(b, w.Content.Volume, 1000)
	}
	b = append(b, `, "liquids": {`...)
	first := true
	for i, v := range w.Content.Parts {
		unknown := w.Content.Unknown && i == w.Content.Of
		if v == 0 && !unknown {
			continue
		}
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = program.AppendString(b, liquidName(d, i))
		b = append(b, ": "...)
		if unknown {
			b = append(b, "null"...)
			continue
		}
		b = quantity.AppendDecimal(b, v, 1000)
	}
	b = append(b, '}')
	return append(appendContains(b, d, w.Contains), '}')
}

// appendContains appends the concentrations in a well, if there are any, null
// where they are not known.
func appendContains(b []byte, d *program.Deck, list []program.Share) []byte {
	if len(list) == 0 {
		return b
	}
	for i, s := range list {
		between := `, "contains": {`
		if i > 0 {
			between = ", "
		}
		c := &d.Components[s.Component]
		unit, per := c.Unit()
		b = program.AppendString(append(b, between...), c.Name)
		b = program.AppendString(append(b, `: {"unit": `...), unit)
		b = append(b, `, "concentration": `...)
		if s.Unknown {
			b = append(b, "null}"...)
			continue
		}
		b = append(quantity.AppendDecimal(b, s.N, per), '}')
	}
	return append(b, '}')
}

// liquidName returns the name of a part; the last is what no declaration names.
func liquidName(d *program.Deck, part int) string {
	if part < len(d.Liquids) {
		return d.Liquids[part].Name
	}
	return "(undeclared)"
}

// appendDiagnostics appends the array that ot2flow.diagnostics/1 has, so that
// a finding looks the same wherever it is.
func appendDiagnostics(b []byte, list diag.List) []byte {
	if len(list) == 0 {
		return append(b, "[]"...)
	}
	var whole bytes.Buffer
	var report struct{ Diagnostics json.RawMessage }
	if err := diag.JSON(&whole, list); err != nil {
		return append(b, "[]"...)
	}
	if err := json.Unmarshal(whole.Bytes(), &report); err != nil {
		return append(b, "[]"...)
	}
	return append(b, report.Diagnostics...)
}
