package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// planText is the plan as people read it.
type planText struct {
	w     *bufio.Writer
	plan  *program.Plan
	color bool
	steps bool
	fold  bool // what is done alike is one line
	known *service.Known

	accounts []quota.Account // of the quotas that a run of the plan counts in
}

func (t *planText) all() {
	t.head()
	t.deck()
	t.before()
	switch {
	case t.steps && t.fold:
		t.folded()
	case t.steps:
		t.list()
	}
	t.moves()
	t.supplies()
	t.summary()
	t.after()
	t.quotas()
	t.outputs()
}

// outputs shows what the workflow returns.
func (t *planText) outputs() {
	if len(t.plan.Outputs) == 0 {
		return
	}
	t.f("\n%s\n", t.bold("Outputs"))
	for _, o := range t.plan.Outputs {
		t.f(margin+"%-14s %s\n", o.Name, o.Type)
	}
}

func (t *planText) f(format string, args ...any) { fmt.Fprintf(t.w, format, args...) }

func (t *planText) head() {
	t.f("%s  (%s)\n", t.bold(t.plan.Workflow.Name), t.plan.Workflow.File)
	var params []string
	for _, p := range t.plan.Workflow.Params {
		params = append(params, p.Name+" = "+p.Value)
	}
	if len(params) > 0 {
		t.f("  with %s\n", strings.Join(params, ", "))
	}
}

func (t *planText) bold(s string) string {
	if !t.color {
		return s
	}
	return "\x1b[1m" + s + "\x1b[0m"
}

func (t *planText) dim(s string) string {
	if !t.color {
		return s
	}
	return "\x1b[2m" + s + "\x1b[0m"
}

// deck shows what must stand where before the run.
func (t *planText) deck() {
	d := t.plan.Deck
	t.f("\n%s\n", t.bold("Deck before"))
	for i := range d.Modules {
		m := &d.Modules[i]
		t.f("  slot %-3s %-10s %s\n", m.Slot, m.Name, m.Model.DisplayName)
	}
	for i := range d.Labware {
		l := &d.Labware[i]
		t.f("  %s %-10s %s%s\n", slotText(l), l.Name, l.Def.DisplayName, onText(d, l))
	}
	for i := range d.Pipettes {
		p := &d.Pipettes[i]
		t.f("  %-8s %-10s %s%s\n", p.Mount, p.Name, p.Model.DisplayName, racks(d, p))
	}
	for i := range d.Liquids {
		l := &d.Liquids[i]
		t.f("  %s   %-10s %s\n", patch(t.color, l.Color), l.Name, wellsOf(d, l))
	}
}

// slotText is the slot a labware is in, as wide as all are.
func slotText(l *program.Placed) string {
	if l.Slot == "" {
		return "off deck"
	}
	return fmt.Sprintf("slot %-3s", l.Slot)
}

// onText says what a labware stands on, where that is not the deck.
func onText(d *program.Deck, l *program.Placed) string {
	if l.On.On == program.OnModule || l.On.On == program.OnLabware {
		return ", on " + d.PlaceName(l.On)
	}
	return ""
}

func racks(d *program.Deck, p *program.Pipette) string {
	var names []string
	for _, r := range p.Racks {
		names = append(names, d.Labware[r].Name)
	}
	if len(names) == 0 {
		return ""
	}
	return ", tips from " + strings.Join(names, ", ")
}

func wellsOf(d *program.Deck, l *program.Liquid) string {
	var b strings.Builder
	for i, w := range l.Wells {
		if i == 4 && len(l.Wells) > 5 {
			fmt.Fprintf(&b, " … (%d wells)", len(l.Wells))
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(d.WellName(w))
		if l.VolumeNL[i] >= 0 {
			b.WriteString(" " + quantity.Volume.Text(l.VolumeNL[i]))
		} else {
			b.WriteString(" (amount not declared)")
		}
	}
	if l.Tip != program.None {
		b.WriteString(", own tip " + d.WellName(l.Tip))
	}
	return b.String()
}

// list shows every atomic step, under the step of the workflow it comes from.
func (t *planText) list() {
	t.f("\n%s\n", t.bold("Steps"))
	wide := len(strconv.Itoa(len(t.plan.Steps)))
	var frame *program.Frame
	for i := range t.plan.Steps {
		s := &t.plan.Steps[i]
		if s.Frame != frame {
			frame = s.Frame
			if title := t.title(s); title != "" {
				t.f("  %s\n", t.dim(title))
			}
		}
		t.f("  %*d  %s\n", wide, s.N, depict.Sentence(s, t.plan.Deck))
	}
}

// folded shows what is done by the steps of the workflow, in lines that a person reads.
func (t *planText) folded() {
	t.f("\n%s\n", t.bold("Steps"))
	for _, p := range depict.Folded(t.plan, ot2.NewTimer(t.plan.Deck)) {
		title := p.Path
		if p.Title != "" {
			title += ": " + p.Title
		}
		t.f("  %-60s %s\n", title, t.dim(fmt.Sprintf("line %d, %s, %s", p.Line, plural(p.Steps, "step"), clock(p.TimeUS/1000))))
		for _, line := range p.Lines {
			times := ""
			if line.Times > 1 {
				times = fmt.Sprintf(", %d times", line.Times)
			}
			t.f("      %s%s\n", line.Text, times)
		}
	}
}

// title says which step of the workflow, and which iteration, steps are from.
func (t *planText) title(s *program.Step) string {
	at := s.Where()
	id := s.ID()
	place := fmt.Sprintf("line %d", at.Start.Line)
	if at.File != t.plan.Workflow.File {
		place = at.File + ", " + place
	}
	title := fmt.Sprintf("%s  (%s)", strings.TrimSuffix(id, "/"+id[strings.LastIndexByte(id, '/')+1:]), place)
	return strings.Join(append([]string{title}, s.Frame.Titles()...), "  ")
}

// summary shows what the plan needs, how long it takes, and how it ends.
func (t *planText) summary() {
	p := t.plan
	t.f("\n%s\n", t.bold("Deck after"))
	state, _ := p.Timeline(func(*program.Transition) error { return nil })
	wells := newWellTable(t.w, p.Deck, t.color)
	wells.of(state)
	wells.print()
	t.needs("Needs", &p.Needs)
	if p.Outlook == nil {
		t.f("\n%s, about %s on the robot\n", plural(len(p.Steps), "step"), clock(p.EstimateMS))
	} else {
		t.outlook()
	}
	if p.Ended != "" {
		t.f("%s\n", p.Ended)
	}
	for _, r := range p.End.DropsTip {
		t.f("at the end the robot drops the tip from %s into the trash\n", p.Deck.WellName(r))
	}
	t.f("%s\n", t.dim(p.Fingerprint))
}

// quotas shows what the plan takes of quotas.
func (t *planText) quotas() {
	for i := range t.accounts {
		if i == 0 {
			t.f("\n%s\n", t.bold("Quotas"))
		}
		t.f("  %s\n", &t.accounts[i])
	}
}

// drift shows where the robot is otherwise than it was left.
func (t *planText) drift(list []ledger.Drift) {
	for i := range list {
		if i == 0 {
			t.f("\n%s\n", t.bold("Otherwise than it was left"))
		}
		t.f("  %s\n", &list[i])
	}
}

// needs shows which tips and liquids are needed, and nothing where none are.
func (t *planText) needs(title string, n *program.Needs) {
	if len(n.Tips) == 0 && len(n.Liquids) == 0 && len(n.Labware) == 0 {
		return
	}
	d := t.plan.Deck
	t.f("\n%s\n", t.bold(title))
	for _, c := range n.Tips {
		more := ""
		if racks := inCounts(n.Racks, c.Index); racks > 0 {
			more = fmt.Sprintf(" out of %d racks", racks)
		}
		t.f("  %-9s %s%s\n", d.Labware[c.Index].Name, plural(int(c.Amount), "tip"), more)
	}
	for _, c := range n.Labware {
		t.f("  %-9s %d of them: one on the deck, and %d to exchange it for\n", d.Labware[c.Index].Name, c.Amount, c.Amount-1)
	}
	for _, c := range n.Liquids {
		more := ""
		if later := inCounts(n.Refills, c.Index); later > 0 {
			more = "; have " + quantity.Volume.Text(later) + " at hand to fill up with"
		}
		t.f("  %-9s %s%s\n", d.Liquids[c.Index].Name, quantity.Volume.Text(c.Amount), more)
	}
}

// inCounts is the amount in a list of what an index names, 0 where it is not there.
func inCounts(list []program.Count, index int) int64 {
	for _, c := range list {
		if c.Index == index {
			return c.Amount
		}
	}
	return 0
}

// outlook shows what depends on results that only a run brings.
func (t *planText) outlook() {
	o := t.plan.Outlook
	t.f("\n%s\n", t.bold("Deferred: known once the results before are"))
	for _, d := range o.Deferred {
		often := ""
		if d.AtMost > 0 {
			often = fmt.Sprintf(", at most %d times", d.AtMost)
		}
		t.f("  %-28s line %-4d likely %s%s\n", d.Path, d.Where.Start.Line, plural(d.Steps, "step"), often)
	}
	t.needs("Needs, likely in all", &o.Needs)
	t.f("\n%s certain; likely %d in all, about %s on the robot\n", plural(len(t.plan.Steps), "step"), o.Steps, clock(o.EstimateMS))
}

// clock renders a time as people say it: "1 h 15 min", "57 s".
func clock(ms int64) string { return service.Clock(ms) }

// before says what a person has to see to before a plan, and what is taken to be
// there.
func (t *planText) before() {
	if t.known == nil {
		return
	}
	list := t.known.Ledger().Before(t.plan.Deck)
	t.f("\n%s\n", t.bold("According to "+t.known.Source()))
	if len(list) == 0 {
		t.f("  nothing is known of what stands on the deck; everything is taken to be as the workflow says\n")
	}
	for _, line := range list {
		t.f("  %s\n", line)
	}
}

// after says what is left of tips and stocks that stay.
func (t *planText) after() {
	if t.known == nil {
		return
	}
	state, _ := t.plan.Timeline(func(*program.Transition) error { return nil })
	state.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	for i, line := range ledger.Remaining(program.NewState(t.plan.Deck), state) {
		if i == 0 {
			t.f("\n%s\n", t.bold("Left in what stays"))
		}
		t.f("  %s\n", line)
	}
}
