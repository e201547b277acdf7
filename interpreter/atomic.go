package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The single operations of a pipette.

// chosen is a pipette written in a step: its index, or -1 where none was.
type chosen struct {
	index int
	at    diag.Span
}

func (p *preparer) pipette(w spec.Word) chosen {
	if !w.IsSet() {
		return chosen{p.only, diag.Span{}}
	}
	i := indexOf(p.pipetteNames(), w.Value)
	if i < 0 {
		p.unknownName(diag.UnknownName, w, "pipette", p.pipetteNames())
	}
	return chosen{max(0, i), w.Span}
}

// current returns the pipette a single operation uses: the one named, the only
// one, or the one a tip is on.
func (x *expansion) current(c chosen) (int, bool) {
	if c.index >= 0 {
		return c.index, true
	}
	on := -1
	for i := range x.state.Mounts {
		if x.state.Mounts[i].On {
			if on >= 0 {
				on = -2
				break
			}
			on = i
		}
	}
	switch {
	case len(x.deck.Pipettes) == 0:
		x.add(diag.Diagnostic{Code: diag.NoPipette, Span: x.blameStep, Message: "this needs a pipette, and the workflow has none", Help: "declare one: pipettes: {p300: {type: p300_single_gen2, mount: right, tips: [tips]}}"})
		return 0, false
	case len(x.deck.Pipettes) == 1:
		return 0, true
	case on >= 0:
		return on, true
	}
	x.add(diag.Diagnostic{
		Code: diag.WhichPipette, Span: x.blameStep, Message: "two pipettes are mounted, and it is not clear which one is meant",
		Help: "add pipette: " + x.deck.Pipettes[0].Name + " or pipette: " + x.deck.Pipettes[1].Name,
	})
	return 0, false
}

// single is what single operations at a well have in common.
type single struct {
	kind        program.Kind
	pipette     chosen
	well        *eval.Expr
	at          height
	otherwise   program.Position
	rate, speed *eval.Expr
}

func (p *preparer) single(kind program.Kind, pip spec.Word, well spec.Expr, at spec.Height, otherwise program.Position, rate, speed spec.Expr) single {
	return single{kind, p.pipette(pip), p.expr(well), p.height(&at), otherwise, p.expr(rate), p.expr(speed)}
}

// op evaluates what the operations have in common; without a well it is that
// where the tip is. change is how much liquid it adds to the well.
func (s *single) op(x *expansion, needWell bool, change int64) (program.Op, bool) {
	pip, ok := x.current(s.pipette)
	if !ok {
		return program.Op{}, false
	}
	op := program.Op{Kind: s.kind, Pipette: int8(pip), Well: x.state.Mounts[pip].Last}
	if s.well != nil {
		op.Well, ok = x.well(s.well)
	} else if needWell && op.Well == program.None {
		x.add(diag.Diagnostic{Code: diag.WhichWell, Span: x.blameStep, Message: "it is not clear which well is meant: the tip is at none", Help: "name it: in: plate.A1"})
		return op, false
	}
	var okAt, okRate, okSpeed bool
	op.At, okAt = x.position(&s.at, s.otherwise, int(op.Pipette), op.Well, change)
	op.Rate, okRate = x.quantity(s.rate, x.rate(pip, s.kind))
	op.Speed, okSpeed = x.quantity(s.speed, 0)
	return op, ok && okAt && okRate && okSpeed && x.positive(s.rate, op.Rate, "flow rate") && x.positive(s.speed, op.Speed, "speed")
}

// positive reports a rate or speed that is not above 0.
func (x *expansion) positive(e *eval.Expr, v int64, what string) bool {
	if e == nil || v > 0 {
		return true
	}
	x.addAt(e, diag.Diagnostic{Code: diag.BadRate, Message: "a " + what + " must be above 0", Help: "write for example " + map[string]string{"speed": "100 mm/s", "flow rate": "50 uL/s"}[what]})
	return false
}

// rate is the pipette's default flow rate for an operation, in nL/s.
func (x *expansion) rate(pip int, k program.Kind) int64 {
	m := x.deck.Pipettes[pip].Model
	switch k {
	case program.Aspirate, program.AirGap:
		return m.Aspirate
	case program.Dispense:
		return m.Dispense
	case program.BlowOut:
		return m.BlowOut
	}
	return 0
}

type pickUp struct {
	pipette chosen
	nozzles layouts
	from    *eval.Expr
}

func (b *pickUp) expand(x *expansion, f *program.Frame) {
	pip, ok := x.current(b.pipette)
	if !ok {
		return
	}
	place := program.None
	if b.from != nil {
		x.blame[program.AboutTip] = b.from
		if place, ok = x.well(b.from); !ok {
			return
		}
	}
	n := program.AllNozzles
	if x.deck.IsMulti(pip) {
		n = b.nozzles.of(pip)
	}
	x.pickUp(pip, n, place, f)
}

type plunge struct {
	single
	volume, pushOut *eval.Expr
	about           program.Aspect
}

func (b *plunge) expand(x *expansion, f *program.Frame) {
	x.blame[program.AboutVolume], x.blame[b.about] = b.volume, b.well
	v, okVolume := x.quantity(b.volume, 0)
	change := v
	if b.kind == program.Aspirate {
		change = -v
	}
	op, ok := b.op(x, true, change)
	if !ok || !okVolume {
		return
	}
	if b.kind == program.Aspirate && x.refillAt(&op, v, f) {
		if op, ok = b.op(x, true, change); !ok {
			return
		}
	}
	op.Volume = v
	if b.pushOut != nil {
		op.HasPush = true
		if op.PushOut, ok = x.quantity(b.pushOut, 0); !ok || !x.notNegative(op.PushOut, b.pushOut) {
			return
		}
	}
	if x.volumeOK(v, b.volume) {
		x.emit(op, "", f, nil)
	}
}

// volumeOK reports a single operation's volume that is not above 0.
func (x *expansion) volumeOK(v int64, e *eval.Expr) bool {
	if v > 0 {
		return true
	}
	x.addAt(e, diag.Diagnostic{Code: diag.BadVolume, Message: "a volume of " + quantity.Volume.Text(v) + " cannot be moved", Help: "give a volume above 0, or do the step only if there is one: if: … > 0 uL"})
	return false
}

// notNegative reports a volume below 0 where none at all would be right.
func (x *expansion) notNegative(v int64, e *eval.Expr) bool {
	if v >= 0 {
		return true
	}
	x.addAt(e, diag.Diagnostic{Code: diag.BadVolume, Message: "this volume is negative: " + quantity.Volume.Text(v), Help: "write 0 uL or more"})
	return false
}

type touchNow struct {
	pipette chosen
	in      *eval.Expr
	touch   touching
}

func (b *touchNow) expand(x *expansion, f *program.Frame) {
	s := single{kind: program.TouchTip, pipette: b.pipette, well: b.in, otherwise: top0}
	x.blame[program.AboutTo] = b.in
	op, ok := s.op(x, true, 0)
	if !ok {
		return
	}
	x.touchTip(&b.touch, &cycle{pip: int(op.Pipette), at: f}, op.Well)
}

type blowOutNow struct {
	single
	trash bool
}

func (b *blowOutNow) expand(x *expansion, f *program.Frame) {
	s := b.single
	if x.last {
		if s.pipette.index = x.holding(s.pipette); s.pipette.index < 0 {
			return
		}
	}
	x.blame[program.AboutTo] = b.well
	op, ok := s.op(x, !b.trash, 0)
	if !ok {
		return
	}
	if b.well == nil && !b.at.set {
		op.At = x.state.Mounts[op.Pipette].At
	}
	if b.trash {
		op.Trash, op.Well, op.At = true, program.None, program.Position{}
	}
	x.emit(op, "", f, nil)
}

type dropTip struct {
	pipette  chosen
	in, home *eval.Expr
}

func (b *dropTip) expand(x *expansion, f *program.Frame) {
	if x.last {
		x.putAway(b, f)
		return
	}
	pip, ok := x.current(b.pipette)
	if !ok {
		return
	}
	homing, ok := x.homing(b.home)
	if !ok {
		return
	}
	if b.in == nil {
		x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Trash: true, Well: program.None, Home: homing}, "", f, nil)
		return
	}
	x.blame[program.AboutTo] = b.in
	if place, ok := x.well(b.in); ok {
		x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Well: place, At: x.dropPosition(pip, place), Home: homing}, "", f, nil)
	}
}

type returnTip struct {
	pipette chosen
	at      height
	home    *eval.Expr
}

func (b *returnTip) expand(x *expansion, f *program.Frame) {
	if x.last {
		for pip := range x.state.Mounts {
			if x.state.Mounts[pip].On && b.pipette.means(pip) {
				x.returnTip(b, pip, f)
			}
		}
		return
	}
	if pip, ok := x.current(b.pipette); ok {
		x.returnTip(b, pip, f)
	}
}

func (x *expansion) returnTip(b *returnTip, pip int, f *program.Frame) {
	place := x.state.Mounts[pip].From
	at, ok := x.position(&b.at, x.dropPosition(pip, place), pip, place, 0)
	if homing, fine := x.homing(b.home); ok && fine {
		x.emit(program.Op{Kind: program.ReturnTip, Pipette: int8(pip), Well: place, At: at, Home: homing}, "", f, nil)
	}
}

// dropPosition is how deep the robot puts a tip into a rack: a fraction of the
// tip's length below the place's top that depends on the pipette (Opentrons:
// return tip depth). Robot software 8.2 and later refuses its own depth where
// the place is shallower than that, so it is never more than the place's.
func (x *expansion) dropPosition(pip int, place program.WellRef) program.Position {
	if place == program.None {
		return top0
	}
	def := x.deck.Labware[place.Labware].Def
	depth := def.TipLength * x.deck.Pipettes[pip].Model.ReturnTipPermille / 1000
	return program.Position{From: program.Top, Z: -int32(min(depth, x.deck.Well(place).Depth))}
}

type moveTo struct {
	single
	over, direct *eval.Expr
}

func (b *moveTo) expand(x *expansion, f *program.Frame) {
	x.blame[program.AboutTo] = b.well
	op, ok := b.op(x, true, 0)
	over, okOver := x.quantity(b.over, 0)
	direct, okDirect := x.holds(b.direct)
	if !ok || !okOver || !okDirect || !x.way(b, over, direct) {
		return
	}
	op.Over, op.Direct = int32(over), direct
	x.emit(op, "", f, nil)
}

// way reports what cannot be said of the way to a place.
func (x *expansion) way(b *moveTo, over int64, direct bool) bool {
	switch {
	case b.over != nil && (over <= 0 || over > maxOver):
		x.addAt(b.over, diag.Diagnostic{Code: diag.OutOfBounds, Message: "a tip travels between 0 mm and " + quantity.Length.Text(maxOver) + " above the deck", Help: "write for example over: 90 mm"})
	case b.over != nil && direct:
		x.addAt(b.over, diag.Diagnostic{Code: diag.NoEffect, Message: "a straight line leads over nothing", Help: "leave out either over or direct"})
	default:
		return true
	}
	return false
}

// maxOver is more than any gantry is high, in µm.
const maxOver = 1_000_000

// holds evaluates a condition; one that is not written does not hold.
func (x *expansion) holds(e *eval.Expr) (holds, ok bool) {
	if e == nil {
		return false, true
	}
	v, ok := x.eval(e)
	return ok && v.Bool(), ok
}

// homing evaluates whether a plunger is homed.
func (x *expansion) homing(e *eval.Expr) (program.Homing, bool) {
	if e == nil {
		return program.OwnHoming, true
	}
	home, ok := x.holds(e)
	return program.HomingIf(home), ok
}
