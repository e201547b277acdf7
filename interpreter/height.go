package interpreter

import (
	"math"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Heights in a well, also those from the surface of the liquid.

// height is a resolved `at`.
type height struct {
	set     bool
	from    program.Origin
	liquid  bool // from the surface of the liquid instead
	x, y, z *eval.Expr
	neg     bool
	by      level
	at      diag.Span
}

var (
	bottom1mm = program.Position{From: program.Bottom, Z: 1000}
	top5mm    = program.Position{From: program.Top, Z: 5000}
	top0      = program.Position{From: program.Top}
)

func (p *preparer) height(h *spec.Height) height {
	out := height{set: h.IsSet(), liquid: h.From == "liquid", at: h.Span, x: p.expr(h.X), y: p.expr(h.Y), z: p.expr(h.Z), neg: h.Z.Neg}
	switch h.From {
	case "bottom":
		out.from = program.Bottom
	case "center":
		out.from = program.Center
	}
	return out
}

// position works out a point in a well; change is how much liquid the operation
// there adds to the well, below 0 what it takes.
func (x *expansion) position(h *height, otherwise program.Position, pip int, well program.WellRef, change int64) (program.Position, bool) {
	x.blame[program.AboutHeight] = h.z
	if !h.set {
		return otherwise, true
	}
	px, ok1 := x.quantity(h.x, 0)
	py, ok2 := x.quantity(h.y, 0)
	pz, ok3 := x.quantity(h.z, 0)
	if h.neg {
		pz = -pz
	}
	for _, v := range [...]int64{px, py, pz} {
		if v > 1_000_000 || v < -1_000_000 {
			x.add(diag.Diagnostic{Code: diag.BadHeight, Span: x.blameStep, Message: "a height of " + quantity.Length.Text(v) + " is out of this robot's world", Help: "heights are some millimetres"})
			return otherwise, false
		}
	}
	at := program.Position{From: h.from, X: int32(px), Y: int32(py), Z: int32(pz)}
	if !h.liquid || !ok1 || !ok2 || !ok3 {
		return at, ok1 && ok2 && ok3
	}
	level, ok := x.surface(h, pip, well, change, pz < 0)
	at.From, at.Z = program.Bottom, max(level+at.Z, bottom1mm.Z)
	return at, ok
}

// surface is how high the liquid stands in a well, in µm: at its lowest during an
// operation where something below it is wanted, and otherwise at its highest.
// Walls are taken to be straight. In a well that narrows the liquid stands higher.
// Of the wells that the tips of a pipette are in together it is that of the lowest,
// or the highest; change is what each tip does.
func (x *expansion) surface(h *height, pip int, well program.WellRef, change int64, below bool) (int32, bool) {
	if _, ok := x.state.Content(well); !ok || !x.deck.IsMulti(pip) {
		return x.surfaceIn(h, well, change, below)
	}
	reach := x.state.Reach(pip, x.state.Mounts[pip].Nozzles, well)
	found, level := false, int32(0)
	for i, w := range reach {
		if w < 0 || slices.Contains(reach[:i], w) {
			continue
		}
		sharing := int64(0)
		for _, other := range reach[i:] {
			if other == w {
				sharing++
			}
		}
		one, ok := x.surfaceIn(h, program.WellRef{Labware: well.Labware, Well: w}, change*sharing, below)
		switch {
		case !ok:
			return 0, false
		case !found, below && one < level, !below && one > level:
			found, level = true, one
		}
	}
	return level, true
}

// surfaceIn is surface for one well.
func (x *expansion) surfaceIn(h *height, well program.WellRef, change int64, below bool) (int32, bool) {
	c, ok := x.state.Content(well)
	if !ok {
		x.add(diag.Diagnostic{Code: diag.BadHeight, Span: h.at, Message: "a height from the liquid is asked for where no liquid can be", Help: "count it from top, bottom or center"})
		return 0, false
	}
	if c.Unknown {
		x.add(diag.Diagnostic{
			Code: diag.Undecidable, Span: h.at, Message: "the height of the liquid in " + x.deck.WellName(well) + " is not known: nothing says how much of " + x.deck.LiquidName(c.Of) + " there is",
			Help: "declare the amount under liquids with volume:, or count the height from top or bottom",
		})
		return 0, false
	}
	volume := max(0, c.Volume)
	if below == (change < 0) {
		volume = max(0, volume+change)
	}
	w := x.deck.Well(well)
	area := float64(w.XSize) * float64(w.YSize)
	if w.Round {
		area = math.Pi / 4 * float64(w.Diameter) * float64(w.Diameter)
	}
	if area <= 0 {
		return 0, true
	}
	return int32(min(float64(volume)*1e6/area, float64(w.Depth)) + 0.5), true // 1 nL is 1e6 µm³
}
