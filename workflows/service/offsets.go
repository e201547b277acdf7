package service

import (
	"context"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// Labware offsets: where they are kept is the ledger, and the robot is given
// those of a plan's labware with every run.

// shift has a robot's runs begin with the offsets of what a plan uses. It is
// done before anything is opened.
func (p *Place) shift(ctx context.Context, b *book, plan *program.Plan) error {
	if p.robot == nil {
		return nil
	}
	l, err := b.store.Ledger(ctx, p.key(), ot2.Machine{})
	if err != nil {
		return cannot("%v", err)
	}
	var list []robot.Offset
	p.Offsets = nil
	for i := range l.Offsets {
		o := &l.Offsets[i]
		if slices.ContainsFunc(plan.Deck.Labware, func(l program.Placed) bool { return l.Def.URI() == o.Definition }) {
			list = append(list, offsetOf(plan.Deck, o))
			p.Offsets = append(p.Offsets, "slot "+ledger.Slot(o.Place)+": "+ledger.Loaded(o.Definition)+" has the offset "+o.Text())
		}
	}
	p.robot.Shift(list)
	return nil
}

// offsetOf is an offset as the robot looks for it: by the slot, and by its own
// names of the module and of the adapter.
func offsetOf(d *program.Deck, o *ledger.Offset) robot.Offset {
	parts := strings.Split(o.Place, "/")
	out := robot.Offset{Definition: o.Definition, Slot: parts[0], X: o.X, Y: o.Y, Z: o.Z}
	for _, under := range parts[1:] {
		for i := range d.Modules {
			if d.Modules[i].Model.Name == under {
				out.Module = d.Modules[i].Model.RobotName
			}
		}
		for i := range d.Labware {
			if d.Labware[i].Def.LoadName == under {
				out.Adapter = d.Labware[i].Def.URI()
			}
		}
	}
	return out
}
