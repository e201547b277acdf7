package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// planText is the plan as people read it.
type planText struct {
	w     *bufio.Writer
	plan  *program.Plan
	color bool
	steps bool
	known *service.Known

	accounts []quota.Account // of the quotas that a run of the plan counts in
}

func (t *planText) all() {
	t.head()
	t.deck()
	t.before()
	if t.steps {
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
		t.f("  %*d  %s\n", wide, s.N, sentence(s, t.plan.Deck))
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

// sentence says what a step does.
func sentence(s *program.Step, d *program.Deck) string {
	op := &s.Op
	place := d.WellName(op.Well)
	if op.Trash {
		place = "trash"
	}
	switch op.Kind {
	case program.PickUpTip:
		return "pick up tip     " + place
	case program.Aspirate:
		return "aspirate        " + quantity.Volume.Text(op.Volume) + " from " + place + height(op) + rate(op) + corrected(op)
	case program.Dispense:
		return "dispense        " + quantity.Volume.Text(op.Volume) + " into " + place + height(op) + rate(op) + corrected(op)
	case program.AirGap:
		return "air gap         " + quantity.Volume.Text(op.Volume) + " above " + place
	case program.TouchTip:
		return "touch tip       " + place + height(op)
	case program.BlowOut:
		return "blow out        " + place + height(op) + speed(op)
	case program.DropTip:
		return "drop tip        " + place + homing(op)
	case program.ReturnTip:
		return "return tip      " + place + height(op) + homing(op)
	case program.MoveTo:
		return "move to         " + place + height(op) + way(op) + speed(op)
	case program.Prepare:
		return "prepare         the plunger"
	case program.Home:
		return "home"
	case program.Delay:
		return "wait            " + quantity.Quantity{Dim: quantity.Time, N: op.Duration}.String()
	case program.Pause:
		return "pause           " + s.Text
	case program.NewTips:
		return "new tips        " + s.Text
	case program.Refill:
		return "refill          " + s.Text
	case program.Exchange:
		return "exchange        " + s.Text
	case program.Comment:
		return "comment         " + s.Text
	case program.ConfigureNozzles:
		return "nozzles         " + op.Nozzles.String()
	case program.Ask:
		return "ask             " + s.Live.Message + answers(s.Live.Fields)
	case program.Measure:
		return "measure         with " + s.Live.Instrument + sending(s.Live)
	case program.Request:
		return "request         " + s.Live.URL + sending(s.Live)
	case program.Notify:
		return "notify          " + s.Live.To + ": " + s.Live.Message
	case program.RunProtocol:
		return "protocol        " + protocolSentence(s.Protocol)
	case program.SetTemperature, program.WaitTemperature, program.StopTemperature,
		program.SetLidTemperature, program.WaitLidTemperature, program.StopLidTemperature,
		program.OpenLid, program.CloseLid, program.OpenLatch, program.CloseLatch,
		program.Shake, program.StopShaking, program.Engage, program.Disengage,
		program.MoveLabware, program.Lights:
		return moduleSentence(s, d)
	case program.EndRun:
	}
	return op.Kind.String()
}

// protocolSentence says which protocol is carried out, and what is known of it.
func protocolSentence(p *program.Protocol) string {
	out := p.File
	for i, v := range p.Params {
		separator := ", "
		if i == 0 {
			separator = " with "
		}
		out += separator + v.Name + " = " + v.Value
	}
	switch p.Knows {
	case program.FromAnalysis:
		return out + ", a run of its own; what it does is known from its analysis"
	case program.FromWorkflow:
		return out + ", a run of its own; what it leaves is said in the workflow"
	case program.FromNowhere:
	}
	return out + ", a run of its own; nobody knows what it leaves"
}

// answers says what kind of answers are wanted.
func answers(fields []program.LiveField) string {
	out := ""
	for _, f := range fields {
		out += ", " + strings.TrimSpace(f.Name+" "+f.Type)
		if f.Min != "" || f.Max != "" {
			out += " " + strings.TrimSpace(f.Min+" to "+f.Max)
		}
		if len(f.Choices) > 0 {
			out += " (" + strings.Join(f.Choices, ", ") + ")"
		}
	}
	return strings.Replace(out, ", ", ": ", 1)
}

func sending(l *program.Live) string {
	if l.Body == "" {
		return ""
	}
	return ", sending " + l.Body
}

// height renders where in a well: "bottom + 8 mm".
func height(op *program.Op) string {
	if op.Trash {
		return ""
	}
	at := op.At
	out := " at " + at.From.String()
	switch {
	case at.Z > 0:
		out += " + " + mm(at.Z)
	case at.Z < 0:
		out += " - " + mm(-at.Z)
	}
	if at.X != 0 || at.Y != 0 {
		out += fmt.Sprintf(" (x %s, y %s)", mm(at.X), mm(at.Y))
	}
	return out
}

func mm(um int32) string {
	return quantity.Length.Text(int64(um))
}

func rate(op *program.Op) string {
	return ", " + quantity.Quantity{Dim: quantity.FlowRate, N: op.Rate}.String()
}

// corrected says how far the plunger moves where that is not the volume.
func corrected(op *program.Op) string {
	if op.Correction == 0 {
		return ""
	}
	return ", plunger by " + quantity.Volume.Text(op.Volume+op.Correction)
}

func speed(op *program.Op) string {
	if op.Speed == 0 {
		return ""
	}
	return ", gantry at " + quantity.Quantity{Dim: quantity.Speed, N: op.Speed}.String()
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

// homing says whether the plunger is homed, where that was told.
func homing(op *program.Op) string {
	return [...]string{program.OwnHoming: "", program.WithHoming: ", home the plunger", program.WithoutHoming: ", leave the plunger"}[op.Home]
}

// way says how a tip gets to a place, where that was told.
func way(op *program.Op) string {
	switch {
	case op.Direct:
		return " straight"
	case op.Over > 0:
		return " over " + quantity.Length.Text(int64(op.Over))
	}
	return ""
}
