package depict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// A plan has thousands of steps and a person wants to read some lines. Folded is what the
// steps that come from one step of the workflow do together: what is done alike, to well
// after well, is one line.

// Part is a step of the workflow, at the outermost level, and what is done in it.
type Part struct {
	Path   string // steps[2], or its id
	Title  string // the name it was given; of a loop, the first one
	Line   int
	Lines  []Fold
	Steps  int
	TimeUS int64 // of the robot, by its time model
}

// Fold is what is done alike.
type Fold struct {
	Text  string
	Times int // how often, where it is one thing again and again
}

// Folded folds the steps of a plan. What is done in turn, as in a loop over several
// steps, is listed in the order in which it first comes.
func Folded(plan *program.Plan, timer program.Timer) []Part {
	var out []Part
	f := folder{deck: plan.Deck, held: map[int8]drawn{}}
	for i := range plan.Steps {
		s := &plan.Steps[i]
		path, title, line := outermost(s.Frame)
		if len(out) == 0 || out[len(out)-1].Path != path {
			f.end(out)
			out = append(out, Part{Path: path, Title: title, Line: line})
		}
		p := &out[len(out)-1]
		p.Steps++
		p.TimeUS += timer.Duration(&s.Op)
		f.see(s)
	}
	f.end(out)
	return out
}

// outermost is the step of the workflow itself that a frame is in.
func outermost(f *program.Frame) (path, title string, line int) {
	for ; f != nil; f = f.Parent {
		if f.Title != "" {
			title = f.Title
		}
		if f.Site != nil {
			path, line = f.Site.Path, f.Site.Span.Start.Line
		}
	}
	return path, title, line
}

// drawn is what a tip holds, and from where.
type drawn struct {
	from program.WellRef
	site string
}

// group is what is done alike so far: liquid from and to wells, or a sentence again and
// again.
type group struct {
	key      string
	volume   int64
	from, to []program.WellRef
	trash    bool
	text     string
	times    int
}

type folder struct {
	deck   *program.Deck
	held   map[int8]drawn
	groups []*group
}

// silent are operations that go with what liquid does, and say nothing more to a person
// who pipettes.
func silent(k program.Kind) bool {
	switch k {
	case program.PickUpTip, program.DropTip, program.ReturnTip, program.BlowOut, program.TouchTip, program.AirGap, program.MoveTo, program.Prepare, program.ConfigureNozzles, program.Home, program.EndRun:
		return true
	}
	return false
}

// shortWait is a wait that nobody takes for a step of its own, in ms: a tip is left to drip.
const shortWait = 5000

func (f *folder) see(s *program.Step) {
	op := &s.Op
	site := s.Frame.Path()
	switch {
	case op.Kind == program.Aspirate:
		f.held[op.Pipette] = drawn{op.Well, site}
	case op.Kind == program.Dispense:
		h := f.held[op.Pipette]
		if h.from == op.Well && !op.Trash {
			f.add(site+" mix "+quantity.Volume.Text(op.Volume), op, op.Well, op.Well)
			return
		}
		f.add(fmt.Sprintf("%s %v %v", site, op.Volume, op.Trash), op, h.from, op.Well)
	case !silent(op.Kind) && (op.Kind != program.Delay || op.Duration >= shortWait):
		text := Line(Sentence(s, f.deck))
		f.group(site+" "+text, func(g *group) { g.text = text }).times++
	}
}

func (f *folder) group(key string, make func(*group)) *group {
	i := slices.IndexFunc(f.groups, func(g *group) bool { return g.key == key })
	if i < 0 {
		g := &group{key: key}
		make(g)
		f.groups = append(f.groups, g)
		return g
	}
	return f.groups[i]
}

func (f *folder) add(key string, op *program.Op, from, to program.WellRef) {
	g := f.group(key, func(g *group) { g.volume, g.trash = op.Volume, op.Trash })
	g.from, g.to = append(g.from, from), append(g.to, to)
	g.times++
}

// end puts what is folded into the last of the parts.
func (f *folder) end(parts []Part) {
	if len(parts) > 0 {
		for _, g := range f.groups {
			parts[len(parts)-1].Lines = append(parts[len(parts)-1].Lines, g.fold(f.deck))
		}
	}
	f.groups = nil
}

func (g *group) fold(d *program.Deck) Fold {
	if g.text != "" {
		return Fold{g.text, g.times}
	}
	volume := quantity.Volume.Text(g.volume)
	from, to := distinct(g.from), distinct(g.to)
	switch {
	case g.trash:
		return Fold{volume + " from " + WellNames(d, from) + " into the trash", again(g.times, len(from))}
	case slices.Equal(g.from, g.to):
		return Fold{fmt.Sprintf("mix %d × %s in %s", g.times/len(to), volume, WellNames(d, to)), 1}
	case len(from) == 1 && len(to) > 1:
		return Fold{volume + " from " + WellNames(d, from) + " to each of " + WellNames(d, to), again(g.times, len(to))}
	case len(to) == 1 && len(from) > 1:
		return Fold{volume + " from each of " + WellNames(d, from) + " to " + WellNames(d, to), again(g.times, len(from))}
	case len(to) > 1:
		return Fold{volume + " each from " + WellNames(d, from) + " to " + WellNames(d, to) + ", " + pairs(d, g), again(g.times, max(len(from), len(to)))}
	}
	return Fold{volume + " from " + WellNames(d, from) + " to " + WellNames(d, to), g.times}
}

// again is how often something is done, of so many.
func again(times, of int) int {
	if of > 0 && times%of == 0 {
		return times / of
	}
	return 1
}

// pairs says how the first wells go together.
func pairs(d *program.Deck, g *group) string {
	var out []string
	for i := range g.from {
		if i == 2 {
			out = append(out, "…")
			break
		}
		out = append(out, shortPlace(d, g.from[i])+" → "+shortPlace(d, g.to[i]))
	}
	return strings.Join(out, ", ")
}

func shortPlace(d *program.Deck, r program.WellRef) string {
	if r == program.None {
		return "the tip"
	}
	return d.Well(r).Name
}

func distinct(list []program.WellRef) []program.WellRef {
	var out []program.WellRef
	for _, r := range list {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// WellNames names wells, labware by labware, and of many in one labware the first and the
// last: "plate.A1 … H12 (96 wells)".
func WellNames(d *program.Deck, list []program.WellRef) string {
	var out []string
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Labware == list[0].Labware {
			n++
		}
		text := d.WellName(list[0])
		switch {
		case text == "":
			text = "the tip"
		case n > 4:
			text = fmt.Sprintf("%s … %s (%d wells)", text, d.Well(list[n-1]).Name, n)
		default:
			for _, r := range list[1:n] {
				text += " " + d.Well(r).Name
			}
		}
		out, list = append(out, text), list[n:]
	}
	return strings.Join(out, ", ")
}
