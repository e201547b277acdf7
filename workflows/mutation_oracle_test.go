package workflows_test

import (
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// oracle follows what wells and tips hold, by a few lines of its own: it knows neither
// the rules nor the state that they read. It says of a program whether it goes wrong.
type oracle struct {
	trace []string
	wrong string // the first thing

	deck  *program.Deck
	blind bool // something happens that it does not follow
	wells map[program.WellRef]*held
	used  map[program.WellRef]bool // places of tips that were taken
	on    []tipOn
}

type held struct {
	volume  int64
	unknown bool
}

type tipOn struct {
	on     bool
	from   []program.WellRef
	most   int64
	liquid int64
	air    int64
}

func (o *oracle) fail(format string, args ...any) {
	if o.wrong == "" && !o.blind {
		o.wrong = fmt.Sprintf(format, args...)
	}
}

// begin takes what is declared.
func (o *oracle) begin(s *program.State) {
	o.deck, o.wells, o.used = s.Deck, map[program.WellRef]*held{}, map[program.WellRef]bool{}
	o.on = make([]tipOn, len(o.deck.Pipettes))
	for i := range o.deck.Liquids {
		l := &o.deck.Liquids[i]
		for k, w := range l.Wells {
			if o.wells[w] == nil {
				o.wells[w] = &held{}
			}
			o.wells[w].volume += l.VolumeNL[k]
			o.wells[w].unknown = o.wells[w].unknown || l.VolumeNL[k] < 0
		}
	}
	o.blind = len(o.deck.Left.Wells) > 0
}

// Step follows one step.
func (o *oracle) Step(t *program.Transition) error {
	if o.deck == nil {
		o.begin(t.After)
	}
	op := &t.Step.Op
	o.trace = append(o.trace, o.line(t))
	if op.Kind.Info().Fields&program.HasPipette != 0 && op.Kind != program.EndRun {
		o.pipette(t, op)
	}
	switch op.Kind {
	case program.RunProtocol, program.NewTips, program.Refill, program.Exchange:
		o.blind = true
	default:
	}
	return nil
}

// line is a step as text, by names, so that the order of declarations does not matter.
func (o *oracle) line(t *program.Transition) string {
	op := t.Step.Op
	where, module, pipette := "", "", ""
	has := op.Kind.Info().Fields
	if has&program.HasWell != 0 && op.Well != program.None && !op.Trash {
		where = o.deck.WellName(op.Well)
	}
	if has&program.HasMove != 0 {
		where = o.deck.Labware[op.Well.Labware].Name
	}
	if has&program.HasPipette != 0 {
		pipette = o.deck.Pipettes[op.Pipette].Name
	}
	if has&program.HasModule != 0 {
		module = o.deck.Modules[op.Module].Name
	}
	op.Well, op.Module, op.Pipette, op.Liquid = program.None, 0, 0, 0
	return fmt.Sprintf("%s %s %s %s %+v %s", op.Kind, pipette, where, module, op, t.Step.Text)
}

func (o *oracle) pipette(t *program.Transition, op *program.Op) {
	m := &o.on[op.Pipette]
	model := o.deck.Pipettes[op.Pipette].Model
	under := []program.WellRef{op.Well}
	if model.Channels > 1 && op.Well != program.None && !op.Trash {
		under = nil
		for _, w := range t.After.Reach(int(op.Pipette), t.After.Mounts[op.Pipette].Nozzles, op.Well) {
			if w < 0 {
				o.fail("a channel is over nothing")
				return
			}
			under = append(under, program.WellRef{Labware: op.Well.Labware, Well: w})
		}
	}
	if o.deck.Labware != nil && op.Well != program.None && !op.Trash {
		o.depth(op)
	}
	switch op.Kind {
	case program.PickUpTip:
		if m.on {
			o.fail("a second tip")
		}
		for _, w := range under {
			if o.used[w] {
				o.fail("no tip at %s", o.deck.WellName(w))
			}
			o.used[w] = true
		}
		*m = tipOn{on: true, from: under, most: min(model.MaxNL, o.deck.Well(op.Well).MaxNL)}
		return
	case program.ConfigureNozzles, program.Prepare:
		return
	default:
	}
	if !m.on {
		o.fail("no tip on for %s", op.Kind)
		return
	}
	switch op.Kind {
	case program.Aspirate:
		if op.Volume < model.MinNL {
			o.fail("draws %s", quantity.Volume.Text(op.Volume))
		}
		m.liquid += op.Volume
		for _, w := range under {
			o.take(w, op.Volume)
		}
	case program.AirGap:
		m.air += op.Volume
	case program.Dispense:
		v := op.Volume - min(m.air, op.Volume)
		m.air -= min(m.air, op.Volume)
		if v > m.liquid {
			o.fail("gives more than is held")
			v = m.liquid
		}
		m.liquid -= v
		o.give(op, under, v)
	case program.BlowOut:
		o.give(op, under, m.liquid)
		m.liquid, m.air = 0, 0
	case program.DropTip, program.ReturnTip:
		if m.liquid > 0 {
			o.fail("liquid in a tip that is put away")
		}
		if op.Kind == program.ReturnTip {
			for _, w := range m.from {
				o.used[w] = false
			}
		}
		*m = tipOn{}
	default:
	}
	if m.liquid+m.air > m.most && m.on {
		o.fail("too much in a tip")
	}
}

func (o *oracle) depth(op *program.Op) {
	w := o.deck.Well(op.Well)
	z := int64(op.At.Z)
	switch op.At.From {
	case program.Top:
		z += w.Depth
	case program.Center:
		z += w.Depth / 2
	case program.Bottom:
	}
	if z < 0 {
		o.fail("below the bottom")
	}
}

func (o *oracle) take(w program.WellRef, v int64) {
	at := o.wells[w]
	if at == nil {
		o.fail("draws from %s, which is empty", o.deck.WellName(w))
		return
	}
	if at.volume -= v; at.volume < 0 && !at.unknown {
		o.fail("draws more than %s holds", o.deck.WellName(w))
		at.volume = 0
	}
}

func (o *oracle) give(op *program.Op, under []program.WellRef, v int64) {
	if op.Trash || v == 0 || op.Well == program.None {
		return
	}
	for _, w := range under {
		if o.wells[w] == nil {
			o.wells[w] = &held{}
		}
		at := o.wells[w]
		if at.volume += v; at.volume > o.deck.Well(w).MaxNL && !at.unknown {
			o.fail("%s overflows", o.deck.WellName(w))
		}
	}
}

func (o *oracle) end(*program.State) {
	for i := range o.on {
		if o.on[i].on {
			o.fail("a tip is on at the end")
		}
	}
}
