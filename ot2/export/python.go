// Package export writes plans in forms that other programs and people read.
// What a robot is uploaded, which is also the JSON export, is package command's.
package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// Python returns a plan as an Opentrons Python protocol of apiLevel 2.16, the
// first that has all that plans need and knows the trash as a place of its
// own; robot software 7.1 and later runs it. Every call is written out, under
// comments that name the file and the line it comes from. Definitions of the
// user's own are inside, so that the file needs no other. Equal plans give
// equal bytes.
func Python(p *program.Plan) ([]byte, error) {
	w := &python{plan: p, deck: p.Deck, taken: map[string]bool{}, definitions: map[string]string{}}
	for _, name := range reserved {
		w.taken[name] = true
	}
	if err := w.names(); err != nil {
		return nil, err
	}
	w.load()
	for i := range p.Steps {
		w.step(&p.Steps[i])
		if err := w.module(p.Steps, i); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	w.head(&out)
	out.Write(w.body.Bytes())
	w.embed(&out)
	return out.Bytes(), nil
}

// reserved are the words of Python, and the names the file uses itself.
var reserved = strings.Fields(`False None True and as assert async await break class continue def del elif else except
finally for from global if import in is lambda nonlocal not or pass raise return try while with yield
json metadata protocol protocol_api requirements run Point`)

// python writes one protocol. The body comes first, because the head says only
// what the body needs.
type python struct {
	plan        *program.Plan
	deck        *program.Deck
	body        bytes.Buffer
	taken       map[string]bool
	labware     []string // variables, by index into the deck
	pipettes    []string
	modules     []string
	definitions map[string]string // constants, by URI
	constants   []*program.Labware
	rates       []rates // per pipette, as last set
	title       string
	layouts     bool    // a nozzle layout is used
	points      bool    // a Point is needed
	offDeck     bool    // so is the place beside the robot
	targets     []int32 // m°C, by module: what it was last told
}

// rates are the flow rates a pipette is set to; 0 before the first.
type rates struct{ aspirate, dispense, blowOut int64 }

// names gives everything on the deck a variable, and every definition of the
// user's own a constant.
func (w *python) names() error {
	for i := range w.deck.Modules {
		w.modules = append(w.modules, w.variable(w.deck.Modules[i].Name))
	}
	w.targets = make([]int32, len(w.deck.Modules))
	for i := range w.deck.Labware {
		w.labware = append(w.labware, w.variable(w.deck.Labware[i].Name))
	}
	for i := range w.deck.Pipettes {
		w.pipettes = append(w.pipettes, w.variable(w.deck.Pipettes[i].Name))
	}
	w.rates = make([]rates, len(w.deck.Pipettes))
	for i := range w.deck.Labware {
		def := w.deck.Labware[i].Def
		if def.JSON == nil || w.definitions[def.URI()] != "" {
			continue
		}
		if !json.Valid(def.JSON) {
			return fmt.Errorf("the definition of %s is no JSON", w.deck.Labware[i].Name)
		}
		w.definitions[def.URI()] = w.variable(strings.ToUpper(def.LoadName))
		w.constants = append(w.constants, def)
	}
	return nil
}

// variable makes a name that Python takes and nothing else has.
func (w *python) variable(name string) string {
	out := strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		out = "_" + out
	}
	for w.taken[out] {
		out += "_"
	}
	w.taken[out] = true
	return out
}

// line writes a line of the function.
func (w *python) line(format string, args ...any) {
	w.body.WriteString("    ")
	fmt.Fprintf(&w.body, format, args...)
	w.body.WriteByte('\n')
}

func (w *python) head(out *bytes.Buffer) {
	wf := &w.plan.Workflow
	fmt.Fprintf(out, "# %s\n#\n# Made by ot2flow from %s: change that, and export again.\n", printable(wf.Name), printable(wf.File))
	for _, p := range wf.Params {
		fmt.Fprintf(out, "#   %s = %s\n", printable(p.Name), printable(p.Value))
	}
	fmt.Fprintf(out, "# %s\n\n", printable(w.plan.Fingerprint))
	if len(w.constants) > 0 {
		out.WriteString("import json\n\n")
	}
	if w.layouts {
		out.WriteString("from opentrons.protocol_api import ALL, PARTIAL_COLUMN, SINGLE\n")
	}
	if w.offDeck {
		out.WriteString("from opentrons import protocol_api\n")
	}
	if w.points {
		out.WriteString("from opentrons.types import Point\n")
	}
	if w.layouts || w.points || w.offDeck {
		out.WriteByte('\n')
	}
	fmt.Fprintf(out, "metadata = {\"protocolName\": %s, \"description\": %s}\n", quoted(wf.Name), quoted("made by ot2flow from "+wf.File))
	fmt.Fprintf(out, "requirements = {\"robotType\": \"OT-2\", \"apiLevel\": \"%s\"}\n\n\ndef run(protocol):\n", w.level())
}

// level is the oldest level of the vendor's Python that has all the calls.
func (w *python) level() string {
	if w.layouts {
		return "2.20"
	}
	return "2.16"
}

// embed writes the user's definitions, after the steps because nobody wants to
// read past them. A quote inside is written as JSON can write it, so that none
// ends the literal.
func (w *python) embed(out *bytes.Buffer) {
	for _, def := range w.constants {
		text := strings.ReplaceAll(strings.ToValidUTF8(string(bytes.TrimSpace(def.JSON)), "\uFFFD"), "'", `\u0027`)
		fmt.Fprintf(out, "\n\n%s = json.loads(r'''\n%s\n''')\n", w.definitions[def.URI()], text)
	}
}

// load puts everything on the deck.
func (w *python) load() {
	w.line("# What stands on the deck.")
	for i := range w.deck.Modules {
		m := &w.deck.Modules[i]
		w.line("%s = protocol.load_module(%s, %s)", w.modules[i], quoted(m.Model.RobotName), quoted(m.Slot))
	}
	for _, i := range command.LoadOrder(w.deck) {
		w.loadLabware(i)
	}
	for i := range w.deck.Pipettes {
		p := &w.deck.Pipettes[i]
		w.line("%s = protocol.load_instrument(%s, %s)", w.pipettes[i], quoted(p.Model.Name), quoted(p.Mount))
	}
	for i := range w.deck.Liquids {
		w.liquid(&w.deck.Liquids[i])
	}
}

// liquid shows a liquid on the robot's screen. Amounts that were not declared
// are left out: the robot knows no unknown.
func (w *python) liquid(l *program.Liquid) {
	color := "None"
	if l.Color != "" {
		color = quoted(l.Color)
	}
	variable := w.variable(l.Name)
	w.line("%s = protocol.define_liquid(%s, description=%s, display_color=%s)", variable, quoted(l.Name), quoted(l.Description), color)
	for k, ref := range l.Wells {
		if l.VolumeNL[k] >= 0 {
			w.line("%s.load_liquid(%s, %s)", w.well(ref), variable, number(l.VolumeNL[k]))
		}
	}
}

func (w *python) well(ref program.WellRef) string {
	return fmt.Sprintf("%s[%s]", w.labware[ref.Labware], quoted(w.deck.Well(ref).Name))
}

// at is a point in a well.
func (w *python) at(ref program.WellRef, p program.Position) string {
	x, y, z := int64(p.X), int64(p.Y), int64(p.Z)
	out := w.well(ref) + "." + p.From.String()
	if p.From != program.Center && z != 0 {
		out += "(" + number(z) + ")"
		z = 0
	} else {
		out += "()"
	}
	if x == 0 && y == 0 && z == 0 {
		return out
	}
	w.points = true
	return fmt.Sprintf("%s.move(Point(%s, %s, %s))", out, number(x), number(y), number(z))
}

// step writes the calls of a step, under a title where the step begins another
// part of the workflow.
func (w *python) step(s *program.Step) {
	if t := title(s); t != w.title {
		w.title = t
		w.body.WriteByte('\n')
		w.line("# %s", printable(t))
	}
	op := &s.Op
	switch op.Kind {
	case program.Home:
		w.line("protocol.home()")
	case program.Delay:
		w.line("protocol.delay(seconds=%s)", number(op.Duration))
	case program.Pause:
		w.line("protocol.pause(%s)", messageOf(s))
	case program.NewTips:
		w.line("protocol.pause(%s)", messageOf(s))
		for _, rack := range w.deck.Pipettes[op.Pipette].Racks {
			w.line("%s.reset()", w.labware[rack])
		}
	case program.Refill, program.Exchange:
		w.line("protocol.pause(%s)", messageOf(s))
	case program.Comment:
		w.line("protocol.comment(%s)", quoted(s.Text))
	case program.EndRun: // the robot's own
	default:
		if op.Kind.Info().Fields&program.HasPipette != 0 {
			w.act(op)
		}
	}
}

func messageOf(s *program.Step) string {
	if s.Text == "" {
		return ""
	}
	return quoted(s.Text)
}

// title names the place of the workflow: file, line, the steps of the language
// down to the part, and what the loops around it are at.
func title(s *program.Step) string {
	at := s.Where()
	id := s.ID()
	out := fmt.Sprintf("%s line %d: %s", at.File, at.Start.Line, id[:max(strings.LastIndexByte(id, '/'), 0)])
	for _, l := range s.Frame.Loops(at.File) {
		out += ", " + l
	}
	return out
}

// act writes the calls of an operation of a pipette.
func (w *python) act(op *program.Op) {
	pip := w.pipettes[op.Pipette]
	if op.Kind == program.ConfigureNozzles {
		w.nozzles(pip, op.Nozzles)
		return
	}
	place := "protocol.fixed_trash"
	if !op.Trash && op.Well != program.None {
		place = w.at(op.Well, op.At)
	}
	// A gantry speed is given to moves only: the way there is one of its own.
	if op.Speed != 0 && op.Kind != program.MoveTo && op.Kind != program.TouchTip {
		w.line("%s.move_to(%s, speed=%s)", pip, place, number(op.Speed))
	}
	r := &w.rates[op.Pipette]
	switch op.Kind {
	case program.PickUpTip:
		if op.At == (program.Position{}) {
			place = w.well(op.Well)
		}
		w.line("%s.pick_up_tip(%s)", pip, place)
	case program.Aspirate:
		w.rate(pip, "aspirate", &r.aspirate, op.Rate)
		w.line("%s.aspirate(%s, %s)", pip, number(op.Volume+op.Correction), place)
	case program.AirGap:
		w.rate(pip, "aspirate", &r.aspirate, op.Rate)
		w.line("%s.aspirate(%s, %s)  # air", pip, number(op.Volume), place)
	case program.Dispense:
		w.rate(pip, "dispense", &r.dispense, op.Rate)
		w.line("%s.dispense(%s, %s%s)", pip, number(op.Volume+op.Correction), place, pushOut(op))
	case program.BlowOut:
		w.rate(pip, "blow_out", &r.blowOut, op.Rate)
		w.line("%s.blow_out(%s)", pip, place)
	case program.TouchTip:
		w.touch(pip, op)
	case program.DropTip, program.ReturnTip:
		if op.Trash {
			place = "" // the robot spreads the tips it drops where it is not told the place
		}
		w.line("%s.drop_tip(%s)", pip, arguments(place, homeAfter(op)))
	case program.Prepare:
		w.line("%s.prepare_to_aspirate()", pip)
	case program.MoveTo:
		w.move(pip, op, op.At)
	}
}

// homeAfter is the argument that says whether the plunger is homed.
func homeAfter(op *program.Op) string {
	return [...]string{program.OwnHoming: "", program.WithHoming: "home_after=True", program.WithoutHoming: "home_after=False"}[op.Home]
}

// arguments joins those that are not empty.
func arguments(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}

func (w *python) nozzles(pip string, n program.Nozzles) {
	w.layouts = true
	l := n.Layout()
	primary, last := program.Nozzle(l.Primary), program.Nozzle(l.Last)
	switch {
	case n == program.AllNozzles:
		w.line("%s.configure_nozzle_layout(style=ALL)", pip)
	case primary == last:
		w.line("%s.configure_nozzle_layout(style=SINGLE, start=%s)", pip, quoted(primary))
	default:
		w.line("%s.configure_nozzle_layout(style=PARTIAL_COLUMN, start=%s, end=%s)", pip, quoted(primary), quoted(last))
	}
}

// rate sets a flow rate where it is another than the last.
func (w *python) rate(pip, what string, now *int64, rate int64) {
	if *now == rate {
		return
	}
	*now = rate
	w.line("%s.flow_rate.%s = %s", pip, what, number(rate))
}

func pushOut(op *program.Op) string {
	if !op.HasPush {
		return ""
	}
	return ", push_out=" + number(op.PushOut)
}

func (w *python) move(pip string, op *program.Op, to program.Position) {
	over, direct, speed := "", "", ""
	if op.Over != 0 {
		over = "minimum_z_height=" + number(int64(op.Over))
	}
	if op.Direct {
		direct = "force_direct=True"
	}
	if op.Speed != 0 {
		speed = "speed=" + number(op.Speed)
	}
	w.line("%s.move_to(%s)", pip, arguments(w.at(op.Well, to), direct, over, speed))
}

// touch is one call where that can say it, and otherwise moves out and back.
func (w *python) touch(pip string, op *program.Op) {
	if !command.OneTouch(op) {
		for _, p := range command.Touches(op, w.deck) {
			w.move(pip, op, p)
		}
		return
	}
	radius := ""
	if op.Touch.Radius != program.AllSides.Radius {
		radius = ", radius=" + number(int64(op.Touch.Radius))
	}
	w.line("%s.touch_tip(%s%s, v_offset=%s, speed=%s)", pip, w.well(op.Well), radius, belowTop(w.deck.Well(op.Well), op.At), number(op.Speed))
}

// belowTop is a height counted from the top of the well, in mm. The middle of
// a well can be half a µm.
func belowTop(well *program.Well, p program.Position) string {
	halves := 2 * int64(p.Z)
	switch p.From {
	case program.Bottom:
		halves -= 2 * well.Depth
	case program.Center:
		halves -= well.Depth
	case program.Top:
	}
	return strconv.FormatFloat(float64(halves)/2000, 'f', -1, 64)
}

// number renders thousandths as a decimal.
func number(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	if n%1000 == 0 {
		return sign + strconv.FormatInt(n/1000, 10)
	}
	return sign + strings.TrimRight(fmt.Sprintf("%d.%03d", n/1000, n%1000), "0")
}

// quoted is text as a literal. What Go escapes, and how, Python reads alike,
// for text without broken characters.
func quoted(s string) string { return strconv.Quote(strings.ToValidUTF8(s, "\uFFFD")) }

// printable is text that stays within a comment.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}
