package lsp

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// hover says what stands at a place: what a key means, what a name is, what wells hold at
// that step, and why something is wrong.
func (s *server) hover(d *document, p *params) (any, error) {
	d.read()
	at := d.offset(p.Position)
	var said []string
	span := textRange{p.Position, p.Position}
	if i, ok := d.outline.Place(at); ok {
		m := &d.outline.Mentions[i]
		span = d.rangeOf(m.Text.Whole())
		if m.Key && m.Field != nil {
			said = append(said, keyText(m.Field))
		} else {
			said, span = s.word(d, m, at)
		}
	}
	c := s.now(d)
	for i := range c.Diagnostics {
		f := &c.Diagnostics[i]
		if absolute(f.Span.File, d.path) == d.path && f.Span.Start.Offset <= at && at <= f.Span.End.Offset && f.Code != nil {
			said = append(said, "**"+f.Code.String()+"**\n\n"+f.Code.Explain)
		}
	}
	if len(said) == 0 {
		return nil, nil
	}
	return hover{markdown(strings.Join(said, "\n\n---\n\n")), &span}, nil
}

// keyText is what the table of the language says of a key.
func keyText(f *spec.Field) string {
	text := "**" + f.Key + "**"
	if noun := f.Slot.Shape.Noun; noun != "" {
		text += " · " + noun
	}
	if f.Required {
		text += " · needed"
	}
	text += "\n\n" + f.Doc
	if f.Example != "" {
		text += "\n\n```yaml\n" + f.Key + ": " + f.Example + "\n```"
	}
	return text
}

// word says what a word of a value is: a name of the file, or a function.
func (s *server) word(d *document, m *spec.Mention, at int) ([]string, textRange) {
	whole := m.Text.Whole()
	start, end := at, at
	inWord := func(i int) bool {
		return i >= whole.Start.Offset && i < whole.End.Offset && (d.data[i] == '_' || spec.IsName("_"+string(d.data[i])))
	}
	for inWord(start - 1) {
		start--
	}
	for inWord(end) {
		end++
	}
	word := string(d.data[start:end])
	if u, ok := d.names.at(start); ok && start < end {
		return s.name(d, m, u), d.rangeOf(u.at)
	}
	if text, ok := workflows.ExplainFunction(word); ok && end < len(d.data) && d.data[end] == '(' {
		return []string{"```\n" + text + "```"}, d.between(start, end)
	}
	if start > whole.Start.Offset && d.data[start-1] == '.' { // a well of a labware, or a method
		from := start - 1
		for inWord(from - 1) {
			from--
		}
		if u, ok := d.names.at(from); ok {
			if text := s.contents(d, m, d.names.declared[u.of].name, word); text != "" {
				return []string{text}, d.between(from, end)
			}
		}
	}
	for _, o := range workflows.Known("labware_type") {
		if o.Label == m.Text.Text && o.Detail != "" {
			return []string{"**" + o.Label + "**\n\n" + o.Detail}, d.rangeOf(whole)
		}
	}
	return nil, d.between(start, end)
}

// name says what a name of the file is, and, of what is on the deck, what it holds.
func (s *server) name(d *document, m *spec.Mention, u *use) []string {
	decl := &d.names.declared[u.of]
	line := strings.TrimSpace(string(d.data[decl.all.Start.Offset:decl.all.End.Offset]))
	if decl.what == "result" || decl.what == "loop variable" || strings.Count(line, "\n") > 8 {
		line, _, _ = strings.Cut(line, "\n")
	}
	out := []string{fmt.Sprintf("**%s** · %s, line %d\n\n```yaml\n%s\n```", decl.name, decl.what, decl.at.Start.Line, line)}
	well := ""
	if rest := d.data[min(u.at.End.Offset, len(d.data)):]; len(rest) > 1 && rest[0] == '.' {
		end := 1
		for end < len(rest) && spec.IsName("_"+string(rest[end])) {
			end++
		}
		well = string(rest[1:end])
	}
	if text := s.contents(d, m, decl.name, well); text != "" {
		out = append(out, text)
	}
	if plan := s.now(d).Plan(); plan != nil && decl.what == "parameter" {
		for _, p := range plan.Workflow.Params {
			if p.Name == decl.name {
				out = append(out, "by default, or as its example: "+p.Value)
			}
		}
	}
	return out
}

// wellsShown is how many wells of a labware are listed.
const wellsShown = 12

// contents says what wells hold before and behind the step that a place is in; where it
// is in none, at the beginning and at the end. They are a well of a labware, or all of its
// wells, or those of a liquid.
func (s *server) contents(d *document, m *spec.Mention, name, well string) string {
	plan := s.now(d).Plan()
	if plan == nil {
		return ""
	}
	refs := wellsOf(plan.Deck, name, well)
	if len(refs) == 0 {
		return ""
	}
	first, last := stepsOf(plan, d, m.Step)
	if first == 0 && m.Step >= 0 {
		return "the step is not done with the defaults and examples"
	}
	state := program.NewState(plan.Deck)
	before, after := []string{}, []string{}
	look := func() []string {
		var out []string
		for _, r := range refs {
			text := "empty"
			if c, ok := state.Content(r); ok && c.Touched && (c.Volume != 0 || c.Unknown) {
				text = depict.Line(depict.Content(plan.Deck, c))
			}
			out = append(out, text)
		}
		return out
	}
	for i := range plan.Steps {
		n := i + 1
		if n == first {
			before = look()
		}
		state.Do(&plan.Steps[i])
		if n == last {
			after = look()
			break
		}
	}
	head := "| well | before this step | behind it |\n|---|---|---|\n"
	if m.Step < 0 {
		head = "| well | at first | in the end |\n|---|---|---|\n"
		if len(plan.Steps) == 0 {
			before = look()
			after = before
		}
	}
	var b strings.Builder
	b.WriteString(head)
	shown := 0
	for i, r := range refs {
		if len(refs) > 1 && before[i] == "empty" && after[i] == "empty" {
			continue
		}
		if shown++; shown > wellsShown {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", plan.Deck.WellName(r), before[i], after[i])
	}
	if shown == 0 {
		return name + " is empty, before this step and behind it"
	}
	if shown > wellsShown {
		fmt.Fprintf(&b, "\nand %d more wells", shown-wellsShown)
	}
	if plan.Outlook != nil {
		b.WriteString("\nas far as it is certain before the run")
	}
	return b.String()
}

// wellsOf are the wells that a name stands for.
func wellsOf(d *program.Deck, name, well string) []program.WellRef {
	for i := range d.Labware {
		l := &d.Labware[i]
		if l.Name != name || l.Def.IsTipRack {
			continue
		}
		if k, ok := l.Def.Well(well); ok {
			return []program.WellRef{{Labware: int16(i), Well: int16(k)}}
		}
		var out []program.WellRef
		for k := range l.Def.Wells {
			out = append(out, program.WellRef{Labware: int16(i), Well: int16(k)})
		}
		return out
	}
	for i := range d.Liquids {
		if d.Liquids[i].Name == name {
			return d.Liquids[i].Wells
		}
	}
	return nil
}

// stepsOf are the first and the last step of a plan that come from a step of the file, all
// of them for none; 0 where it is not done.
func stepsOf(plan *program.Plan, d *document, step int) (first, last int) {
	if step < 0 {
		return min(1, len(plan.Steps)), len(plan.Steps)
	}
	at := d.outline.Steps[step].Span
	for i := range plan.Steps {
		if comesFrom(plan.Steps[i].Frame, at, plan.Workflow.File) {
			if first == 0 {
				first = i + 1
			}
			last = i + 1
		}
	}
	return first, last
}

// comesFrom reports whether a step, or one that it is in, stands at a place of a file.
func comesFrom(f *program.Frame, at diag.Span, file string) bool {
	for ; f != nil; f = f.Parent {
		if f.Site != nil && f.Site.Span.File == file && at.Start.Offset <= f.Site.Span.Start.Offset && f.Site.Span.Start.Offset < at.End.Offset {
			return true
		}
	}
	return false
}
