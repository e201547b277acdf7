package ot2

import (
	"github.com/ot2flow/ot2flow/interpreter/check"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Rules returns the rules that are true of an OT-2 only, in the form of the
// rules of package check.
func Rules() []check.Rule { return []check.Rule{speeds{}} }

// speeds: what the gantry can do. The robot slows a faster move down without a
// word (OT-2: 600 mm/s at most, in x).
type speeds struct{}

const maxSpeed = 600_000 // µm/s

func (speeds) See(t *program.Transition, r *check.Report) {
	op := &t.Step.Op
	if op.Kind.Info().Fields&program.HasSpeed == 0 || op.Speed <= maxSpeed {
		return
	}
	r.Add(program.AboutStep, diag.Diagnostic{Code: diag.BadRate, Message: "the gantry of an OT-2 moves at 600 mm/s at most, and this asks for " + quantity.Quantity{Dim: quantity.Speed, N: op.Speed}.String(),
		Help: "write a lower speed; 400 mm/s is usual"})
}

func (speeds) End(*program.State, *check.Report) {}
