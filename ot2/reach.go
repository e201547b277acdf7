package ot2

import (
	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// reach: how high the gantry can lift a tip. The two rules are those with which
// the robot's software plans a movement (package opentrons, 8.2.0 to 8.8.2,
// motion_planning.waypoints: DestinationOutOfBoundsError, ArcOutOfBoundsError);
// the robot finds out in the middle of a run. Inside one well it checks nothing
// and drives against its end; here the same holds there.
type reach struct {
	pipette int8
	labware int16           // where the gantry is, or -1
	at      program.WellRef // where the end of the tip is; None where that is not known
	z       int64           // and how high above the deck
	base    []int64
	lifted  []lifted // by pipette
	tallest int16    // the labware that reaches up the most, or -1 for a module
	top     int64
}

// lifted is how high a pipette lifts a tip from a place, or without one.
type lifted struct {
	from program.WellRef
	most int64
}

// zMargin is what the robot's software keeps free above where a tip goes and
// above what it passes over, in µm.
const zMargin = 1000

func (c *reach) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	has := op.Kind.Info().Fields
	if has&program.HasMove != 0 || op.Kind == program.Home {
		c.labware, c.at = -1, program.None // from here it travels over everything
	}
	if c.base == nil || has&program.HasMove != 0 {
		c.look(t.After)
	}
	if has&program.HasPipette == 0 || op.Kind == program.EndRun || has&(program.HasWell|program.HasTrash) == 0 {
		return
	}
	most := c.most(t)
	if op.Trash || op.Well == program.None {
		if op.Trash {
			c.labware, c.at = -1, program.None
			c.over(t, r, most)
		}
		return
	}
	z := c.to(t, r, most)
	switch {
	case op.Direct:
		c.straight(t, r, z)
	case int64(op.Over) > most:
		c.travels(t, r, most)
	}
	c.at, c.z = op.Well, z
	if c.pipette != op.Pipette || c.labware != op.Well.Labware {
		c.over(t, r, most)
	}
	c.pipette, c.labware = op.Pipette, op.Well.Labware
}

func (*reach) End(*program.State, *check.Report) {}

// most is how high the end of what is on the pipette goes. It is worked out
// where a tip comes or goes, and remembered between.
func (c *reach) most(t *program.Transition) int64 {
	op := &t.Step.Op
	model := t.After.Deck.Pipettes[op.Pipette].Model
	switch op.Kind {
	case program.PickUpTip, program.DropTip, program.ReturnTip:
		return MaxHeight(model, tipLength(t)) - zMargin
	default:
	}
	if c.lifted == nil {
		c.lifted = make([]lifted, len(t.After.Deck.Pipettes))
	}
	l := &c.lifted[op.Pipette]
	if from := t.After.Mounts[op.Pipette].From; l.most == 0 || l.from != from {
		*l = lifted{from, MaxHeight(model, tipLength(t)) - zMargin}
	}
	return l.most
}

// look finds how high everything on the deck stands.
func (c *reach) look(s *program.State) {
	c.base, c.tallest, c.top = c.base[:0], -1, 0
	for i := range s.Deck.Modules {
		c.top = max(c.top, s.Deck.Modules[i].Model.Height)
	}
	for i := range s.Deck.Labware {
		c.base = append(c.base, Base(s, i))
		if s.SlotOf(i) == 0 {
			continue
		}
		if top := topOf(s, i); top > c.top {
			c.tallest, c.top = int16(i), top
		}
	}
}

// to reports a place that is higher than the tip comes, and returns how high it
// is above the deck.
func (c *reach) to(t *program.Transition, r *check.Report, most int64) int64 {
	op := &t.Step.Op
	deck := t.After.Deck
	w := deck.Well(op.Well)
	z := c.base[op.Well.Labware] + w.Z + height(w, op.At)
	if z <= most {
		return z
	}
	name := deck.Pipettes[op.Pipette].Name
	r.Add(program.AboutHeight, diag.Diagnostic{
		Code: diag.OutOfReach, Message: name + " cannot be lifted that high over " + deck.WellName(op.Well),
		Label: quantity.Length.Text(z) + " above the deck; " + with(t, name) + " goes up to " + quantity.Length.Text(most),
		Help:  "stay " + quantity.Length.Text(z-most) + " lower",
	})
	return z
}

// travels reports a way that is to lead higher than the tip comes.
func (c *reach) travels(t *program.Transition, r *check.Report, most int64) {
	name := t.After.Deck.Pipettes[t.Step.Op.Pipette].Name
	r.Add(program.AboutHeight, diag.Diagnostic{
		Code: diag.OutOfReach, Message: name + " cannot travel that high",
		Label: quantity.Length.Text(int64(t.Step.Op.Over)) + " above the deck; " + with(t, name) + " goes up to " + quantity.Length.Text(most),
		Help:  "over: at most " + quantity.Length.Text(most),
	})
}

// straight reports a straight line that may lead through something: one from a
// well to another has to begin and end above both, and above everything on the
// deck unless they are of the same labware. The robot's software looks at
// nothing on such a way.
func (c *reach) straight(t *program.Transition, r *check.Report, z int64) {
	op := &t.Step.Op
	if c.at == op.Well && c.pipette == op.Pipette {
		return
	}
	deck := t.After.Deck
	d := diag.Diagnostic{Code: diag.DirectWay, Message: "the straight line to " + deck.WellName(op.Well) + " may lead through something"}
	known := c.at != program.None && c.pipette == op.Pipette
	clear, over := c.top, "everything on the deck"
	if known && c.at.Labware == op.Well.Labware {
		clear, over = topOf(t.After, int(op.Well.Labware)), deck.Labware[op.Well.Labware].Name
	}
	switch {
	case z < clear:
		d.Label = "it ends " + quantity.Length.Text(z) + " above the deck, and " + over + " is up to " + quantity.Length.Text(clear) + " high"
	case known && c.z < clear:
		d.Label = "it begins in " + deck.WellName(c.at) + ", " + quantity.Length.Text(c.z) + " above the deck, and " + over + " is up to " + quantity.Length.Text(clear) + " high"
	default:
		return
	}
	d.Help = "leave direct out, or move up in the one well and down in the other, and straight between them"
	r.Add(program.AboutStep, d)
}

// over reports a way that leads over something higher than the tip comes: the
// gantry passes over everything on the deck, wherever it goes.
func (c *reach) over(t *program.Transition, r *check.Report, most int64) {
	if c.top <= most {
		return
	}
	deck := t.After.Deck
	name, what := deck.Pipettes[t.Step.Op.Pipette].Name, "a module"
	if c.tallest >= 0 {
		what = deck.Labware[c.tallest].Name
	}
	r.Add(program.AboutStep, diag.Diagnostic{
		Code: diag.OutOfReach, Message: name + " cannot pass over " + what,
		Label: what + " is " + quantity.Length.Text(c.top) + " high; " + with(t, name) + " passes over " + quantity.Length.Text(most),
		Help:  "the gantry clears everything on the deck on its way: take lower labware, a shorter tip, or move it off the deck",
	})
}

// with is the pipette with what is on it.
func with(t *program.Transition, name string) string {
	if tipLength(t) > 0 {
		return name + " with its tip"
	}
	return name
}
