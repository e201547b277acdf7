package ot2

import (
	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Rules returns the rules that are true of an OT-2 only, in the form of the
// rules of package check.
func Rules() []check.Rule {
	return []check.Rule{speeds{}, refusals{}, partial{}, besideModules{}, &reach{labware: -1}}
}

// speeds: what the gantry can do. The robot slows a faster move down without a
// word (OT-2: 600 mm/s at most, in x).
type speeds struct{}

const maxSpeed = 600_000 // µm/s

func (speeds) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	if op.Kind.Info().Fields&program.HasSpeed == 0 || op.Speed <= maxSpeed {
		return
	}
	r.Add(program.AboutStep, diag.Diagnostic{
		Code: diag.BadRate, Message: "the gantry of an OT-2 moves at 600 mm/s at most, and this asks for " + quantity.Quantity{Dim: quantity.Speed, N: op.Speed}.String(),
		Help: "write a lower speed; 400 mm/s is usual",
	})
}

func (speeds) End(*program.State, *check.Report) {}

// refusals: what the robot's software refuses, some of it only in the middle of
// a run.
type refusals struct{}

func (refusals) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	switch op.Kind {
	case program.TouchTip:
		touchRefused(t, r)
	case program.Dispense:
		left := &t.After.Mounts[op.Pipette]
		if n := left.Held.Volume + left.Air; op.HasPush && op.PushOut > 0 && n > 0 {
			r.Add(program.AboutVolume, diag.Diagnostic{
				Code: diag.PushOutRefused, Message: "a push-out needs a dispense that empties the tip",
				Label: quantity.Volume.Text(n) + " stay in the tip", Help: "leave push_out away here, or dispense everything",
			})
		} else if op.HasPush {
			pushedTooFar(t, r)
		}
	}
}

func (refusals) End(*program.State, *check.Report) {}

// pushedTooFar reports a push-out that is longer than the plunger's way. The
// vendor's analysis lets it pass, because it knows no plunger.
func pushedTooFar(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	p := &t.After.Deck.Pipettes[op.Pipette]
	if most := MaxPushOut(p.Model); op.PushOut > most {
		r.Add(program.AboutVolume, diag.Diagnostic{
			Code: diag.PushOutRefused, Message: "the push-out is more than " + p.Name + " can",
			Label: quantity.Volume.Text(op.PushOut) + "; a " + p.Model.Name + " pushes out at most " + quantity.Volume.Text(most),
			Help:  "write a smaller push_out; blow_out goes as far as the plunger can",
		})
	}
}

// touchRefused reports labware that must not be touched. The vendor's Python
// leaves such a touch out without a word; its engine refuses it.
func touchRefused(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	if op.Well == program.None {
		return
	}
	l := &t.After.Deck.Labware[op.Well.Labware]
	switch {
	case l.Def.IsTipRack:
		r.Add(program.AboutTo, diag.Diagnostic{
			Code: diag.TouchRefused, Message: "touches the sides of " + t.After.Deck.WellName(op.Well) + ", a place in a tip rack",
			Help: "touch the sides of a well",
		})
	case l.Def.TouchTipDisabled:
		r.Add(program.AboutTo, diag.Diagnostic{
			Code: diag.TouchRefused, Message: l.Name + " must not be touched with a tip",
			Notes: []string{"the definition of " + l.Def.LoadName + " has the quirk touchTipDisabled"}, Help: "leave touch_tip out, or touch the sides of other labware",
		})
	}
}
