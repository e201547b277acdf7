package sim

import (
	"math"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// SpreadFormat names the form that Spread.AppendJSON writes.
const SpreadFormat = "ot2flow.repeats/1"

// AppendJSON appends the spread as ot2flow.repeats/1: volumes in µL,
// concentrations in the unit that stands beside them, all with six significant
// digits.
func (s *Spread) AppendJSON(b []byte) []byte {
	b = append(b, "{\n  \"format\": \""+SpreadFormat+"\",\n  \"runs\": "...)
	b = appendInt(b, s.Runs)
	b = append(b, ",\n  \"seed\": "...)
	b = strconv.AppendUint(b, s.Seed, 10)
	b = append(b, ",\n  \"failed\": "...)
	b = appendInt(b, s.Failed)
	b = append(b, ",\n  \"mishaps\": ["...)
	for i := range s.Mishaps {
		b = append(b, separator(i)...)
		b = s.Mishaps[i].appendJSON(b, s.Deck)
	}
	b = append(b, closing(len(s.Mishaps))...)
	b = append(b, ']')
	if len(s.Ways) > 0 {
		b = s.appendValues(s.appendWays(b))
	}
	b = append(b, ",\n  \"wells\": {"...)
	for i := range s.Wells {
		b = append(b, separator(i)...)
		b = s.Wells[i].appendJSON(b, s.Deck)
	}
	b = append(b, closing(len(s.Wells))...)
	b = append(b, "},\n  \"borrowed\": {"...)
	first := true
	for i := range s.Deck.Pipettes {
		if of, ok := s.Borrowed[i]; ok {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = append(program.AppendString(b, s.Deck.Pipettes[i].Name), ": "...)
			b = program.AppendString(b, of)
		}
	}
	return append(b, "}\n}\n"...)
}

// appendWays appends what there is of workflows that react.
func (s *Spread) appendWays(b []byte) []byte {
	b = append(b, ",\n  \"ways\": ["...)
	for i, w := range s.Ways {
		b = append(append(b, separator(i)...), `{"steps": `...)
		b = append(appendInt(b, w.Steps), `, "runs": `...)
		b = append(appendInt(b, w.Runs), '}')
	}
	b = append(append(b, closing(len(s.Ways))...), "],\n  \"endings\": ["...)
	for i := range s.Endings {
		e := &s.Endings[i]
		b = append(append(b, separator(i)...), `{"runs": `...)
		b = append(appendInt(b, e.Runs), `, "code": `...)
		b = append(program.AppendString(b, e.Code), `, "message": `...)
		b = append(program.AppendString(b, e.Message), `, "file": `...)
		b = append(program.AppendString(b, e.Where.File), `, "line": `...)
		b = append(appendInt(b, e.Where.Start.Line), '}')
	}
	return append(append(b, closing(len(s.Endings))...), ']')
}

func (h *Happened) appendJSON(b []byte, d *program.Deck) []byte {
	b = append(b, `{"kind": "`+h.Mishap.String()+`", "runs": `...)
	b = appendInt(b, h.Runs)
	at := h.Frame.Where()
	if h.Check != nil {
		b = program.AppendString(append(b, `, "that": `...), h.Check.That)
		b = program.AppendString(append(b, `, "message": `...), h.Message)
		b = strconv.AppendBool(append(b, `, "exact": `...), h.Exact)
	} else {
		b = program.AppendString(append(b, `, "well": `...), d.WellName(h.Well))
		b = append(b, `, "worst_uL": `...)
		b = appendFloat(b, h.WorstNL/1000)
	}
	b = append(b, `, "step": `...)
	b = appendInt(b, h.Step)
	b = append(b, `, "times": `...)
	b = appendInt(b, h.Times)
	b = program.AppendString(append(b, `, "file": `...), at.File)
	b = append(b, `, "line": `...)
	b = appendInt(b, at.Start.Line)
	b = append(b, `, "in": [`...)
	for i, loop := range h.Frame.Loops(at.File) {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(b, loop)
	}
	return append(b, "]}"...)
}

func (w *WellSpread) appendJSON(b []byte, d *program.Deck) []byte {
	b = program.AppendString(b, d.NumberedWell(w.Well, w.Number))
	b = append(b, `: {`...)
	if w.Unknown {
		b = append(b, `"change_uL": `...)
	} else {
		b = append(b, `"volume_uL": `...)
	}
	b = w.Volume.appendJSON(b, 1000)
	b = append(b, `, "liquids": {`...)
	for i := range w.Liquids {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(b, d.Liquids[w.Liquids[i].Index].Name)
		b = w.Liquids[i].appendJSON(append(b, ": "...), 1000)
	}
	b = append(b, `}, "contains": {`...)
	for i := range w.Contains {
		if i > 0 {
			b = append(b, ", "...)
		}
		unit, per := d.Components[w.Contains[i].Index].Unit()
		b = program.AppendString(b, d.Components[w.Contains[i].Index].Name)
		b = program.AppendString(append(b, `: {"unit": `...), unit)
		b = append(b, `, "concentration": `...)
		b = append(w.Contains[i].appendJSON(b, float64(per)), '}')
	}
	return append(b, "}}"...)
}

func (d *Distribution) appendJSON(b []byte, per float64) []byte {
	b = append(b, `{"target": `...)
	b = appendFloat(b, d.Target/per)
	for _, v := range []struct {
		name  string
		value float64
	}{{"mean", d.Mean / per}, {"sd", d.SD / per}, {"cv_percent", 100 * d.CV()}, {"min", d.Min / per}, {"p5", d.P5 / per}, {"median", d.Median / per}, {"p95", d.P95 / per}, {"max", d.Max / per}} {
		b = append(b, `, "`+v.name+`": `...)
		b = appendFloat(b, v.value)
	}
	b = append(b, `, "runs": `...)
	return append(appendInt(b, d.Runs), '}')
}

func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', 5, 64), 64)
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}
