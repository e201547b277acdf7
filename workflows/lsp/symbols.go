package lsp

import (
	"github.com/ot2flow/ot2flow/spec"
)

// Kinds of symbols in the protocol.
const (
	symbolSection  = 2  // Module
	symbolName     = 13 // Variable
	symbolConstant = 14
	symbolThing    = 19 // Object
	symbolStep     = 24 // Event
	symbolResult   = 7  // Property
)

var symbolOf = map[string]int{"params": symbolName, "vars": symbolName, "let": symbolConstant, "outputs": symbolResult}

// symbols are the sections of a document with the names and steps in them.
func (s *server) symbols(d *document, _ *params) (any, error) {
	d.read()
	out := []documentSymbol{}
	o := d.outline
	for i := range o.Mentions {
		m := &o.Mentions[i]
		if !m.Key || m.Up >= 0 || m.Step >= 0 {
			continue
		}
		section := d.symbol(m.Text.Text, "", symbolSection, m)
		if m.Text.Text == "steps" || m.Text.Text == "finally" {
			section.Children = d.steps(-1, i)
		} else if declaring[m.Text.Text] != "" || m.Text.Text == "outputs" {
			kind := symbolOf[m.Text.Text]
			if kind == 0 {
				kind = symbolThing
			}
			for k := i + 1; k < len(o.Mentions); k++ {
				if c := &o.Mentions[k]; c.Key && c.Up == i {
					section.Children = append(section.Children, d.symbol(c.Text.Text, d.valueOf(k), kind, c))
				}
			}
		} else if i+1 < len(o.Mentions) && !o.Mentions[i+1].Key && o.Mentions[i+1].Up == i {
			section.Detail = short(o.Mentions[i+1].Text.Text)
		}
		out = append(out, section)
	}
	return out, nil
}

func (d *document) symbol(name, detail string, kind int, m *spec.Mention) documentSymbol {
	if name == "" {
		name = "…" // a symbol has to have a name
	}
	return documentSymbol{Name: name, Detail: detail, Kind: kind, Range: d.rangeOf(m.Span), SelectionRange: d.rangeOf(m.Text.Whole())}
}

// valueOf is the single value of a key, or that of its type.
func (d *document) valueOf(key int) string {
	o := d.outline
	for k := key + 1; k < len(o.Mentions) && o.Mentions[k].Span.Start.Offset <= o.Mentions[key].Span.End.Offset; k++ {
		m := &o.Mentions[k]
		if !m.Key && (m.Up == key || m.Field != nil && m.Field.Key == "type" && o.Mentions[m.Up].Up == key) {
			return short(m.Text.Text)
		}
	}
	return ""
}

// steps are the steps in a step, or, where that is -1, below a key of the file.
func (d *document) steps(up, below int) []documentSymbol {
	o := d.outline
	var out []documentSymbol
	for i := range o.Steps {
		step := &o.Steps[i]
		if step.Up != up || up < 0 && o.Mentions[step.First].Up != below {
			continue
		}
		name, detail := "", ""
		for k := step.First; k < len(o.Mentions) && o.Mentions[k].Span.Start.Offset <= step.Span.End.Offset; k++ {
			m := &o.Mentions[k]
			if m.Step != i || m.Up < 0 && m.Key || m.Field == nil {
				continue
			}
			isOwn := m.Key && m.Up == o.Mentions[step.First].Up
			switch {
			case isOwn && isStepKey(m.Field.Key):
				detail = m.Field.Key
			case !m.Key && isModifier(o, m) && (m.Field.Key == "name" || m.Field.Key == "id" && name == ""):
				name = short(m.Text.Text)
			}
		}
		if name == "" {
			name, detail = detail, ""
		}
		if name == "" {
			name = "…"
		}
		r := d.rangeOf(step.Span)
		out = append(out, documentSymbol{Name: name, Detail: detail, Kind: symbolStep, Range: r, SelectionRange: textRange{r.Start, r.Start}, Children: d.steps(i, 0)})
	}
	return out
}

func isStepKey(key string) bool {
	for _, k := range spec.StepKinds() {
		if k.Key == key {
			return true
		}
	}
	return false
}
