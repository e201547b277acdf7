package ledger

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The forms that other programs read: ot2flow.state/1, ot2flow.changes/1 and
// ot2flow.drift/1.

// AppendJSON appends the ledger of that name as ot2flow.state/1.
func (l *Ledger) AppendJSON(b []byte, name string) []byte {
	b = append(b, "{\"format\": \"ot2flow.state/1\",\n \"ledger\": "...)
	b = append(program.AppendString(b, name), ",\n \"labware\": ["...)
	for i := range l.Labware {
		b = append(append(b, comma(i)...), "\n  "...)
		b = l.Labware[i].appendJSON(b)
	}
	for i := range l.Away {
		between := ", "
		if i == 0 {
			between = "],\n \"away\": ["
		}
		b = append(append(b, between...), "\n  "...)
		b = l.Away[i].appendJSON(b)
	}
	b = append(b, "],\n \"modules\": ["...)
	for i := range l.Modules {
		m := &l.Modules[i]
		b = texts(append(b, comma(i)...), "slot", m.Slot, "model", m.Model, "set", strings.TrimPrefix(m.Text(), m.Model+" "), "run", m.Run)
	}
	b = append(b, "],\n \"pipettes\": ["...)
	for i := range l.Pipettes {
		p := &l.Pipettes[i]
		b = texts(append(b, comma(i)...), "mount", p.Mount, "model", p.Model, "tip", p.Tip, "run", p.Run)
	}
	b = append(b, "],\n \"tools\": ["...)
	for i := range l.Tools {
		t := &l.Tools[i]
		b = texts(append(b, comma(i)...), "mount", t.Mount, "model", t.Model, "serial", t.Serial, "run", t.Run)
	}
	b = append(b, "],\n \"offsets\": ["...)
	for i := range l.Offsets {
		o := &l.Offsets[i]
		b = texts(append(b, comma(i)...), "place", o.Place, "definition", o.Definition)
		b = b[:len(b)-1]
		for k, v := range []int64{o.X, o.Y, o.Z} {
			b = append(b, []string{`, "x_mm": `, `, "y_mm": `, `, "z_mm": `}[k]...)
			b = quantity.AppendDecimal(b, v, 1000)
		}
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

// texts appends an object of texts, by key and value; empty ones are left out.
func texts(b []byte, pairs ...string) []byte {
	b = append(b, '{')
	n := 0
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		b = append(append(append(b, comma(n)...), '"'), pairs[i]...)
		b = program.AppendString(append(b, `": `...), pairs[i+1])
		n++
	}
	return append(b, '}')
}

func (b *Labware) appendJSON(out []byte) []byte {
	out = texts(out, "place", b.Place, "definition", b.Definition, "name", b.Name, "run", b.Run)
	out = out[:len(out)-1]
	if b.Number > 0 {
		out = strconv.AppendInt(append(out, ", \"number\": "...), int64(b.Number), 10)
	}
	out = append(out, ", \"tips\": {"...)
	for i, t := range b.Tips {
		out = program.AppendString(append(out, comma(i)...), t.Well)
		out = program.AppendString(append(out, ": "...), t.State)
	}
	out = append(out, "}, \"wells\": {"...)
	for i := range b.Wells {
		w := &b.Wells[i]
		out = append(append(out, comma(i)...), "\n    "...)
		out = program.AppendString(out, w.Well)
		out = quantity.AppendDecimal(append(out, `: {"volume_uL": `...), w.NL, 1000)
		out = append(out, `, "liquids": {`...)
		for k, p := range w.Parts {
			out = program.AppendString(append(out, comma(k)...), p.Liquid)
			out = quantity.AppendDecimal(append(out, ": "...), p.NL, 1000)
		}
		out = append(out, '}')
		if w.Unknown != "" {
			out = program.AppendString(append(out, `, "undeclared": `...), w.Unknown)
		}
		if w.Unsure {
			out = append(out, `, "unsure": true`...)
		}
		out = append(out, '}')
	}
	return append(out, "}}"...)
}

// AppendDrift appends where a robot is otherwise than the ledger of a name says as
// ot2flow.drift/1.
func AppendDrift(b []byte, name string, list []Drift) []byte {
	b = append(b, "{\"format\": \"ot2flow.drift/1\",\n \"ledger\": "...)
	b = append(program.AppendString(b, name), ",\n \"drift\": ["...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		d := &list[i]
		b = texts(append(b, "\n  "...), "place", d.Place, "was", d.Was, "is", d.Is, "do", d.Do)
	}
	return append(b, "]}\n"...)
}

// AppendChanges appends what a run changed in the ledger of a name as
// ot2flow.changes/1.
func AppendChanges(b []byte, name, run string, list []Change) []byte {
	b = append(b, "{\"format\": \"ot2flow.changes/1\",\n \"ledger\": "...)
	b = program.AppendString(append(program.AppendString(b, name), ",\n \"run\": "...), run)
	b = append(b, ",\n \"changes\": ["...)
	for i, c := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = texts(append(b, "\n  "...), "place", c.Place, "wells", c.Well, "before", c.Before, "after", c.After)
	}
	return append(b, "]}\n"...)
}
