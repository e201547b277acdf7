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

// The single operations, and the steps that do not touch the robot.

// body resolves what a step does; nil where the decoder or an expression was
// refused.
func (p *preparer) body(s *spec.Step) body {
	switch b := s.Body.(type) {
	case *spec.Transfer:
		return p.transfer(b)
	case *spec.Distribute:
		return p.distribute(b)
	case *spec.Consolidate:
		return p.consolidate(b)
	case *spec.Fill:
		return p.fill(b)
	case *spec.Dilute:
		return p.dilute(b)
	case *spec.Mix:
		return p.mix(b)
	case *spec.Formulate:
		return p.formulate(b, s)
	case *spec.PickUpTip:
		pip := p.pipette(b.Pipette)
		return &pickUp{pip, p.nozzles(b.Nozzles, pip, ""), p.expr(b.From)}
	case *spec.Aspirate:
		return &plunge{single: p.single(program.Aspirate, b.Pipette, b.From, b.At, bottom1mm, b.Rate, b.Speed), volume: p.expr(b.Volume), about: program.AboutFrom}
	case *spec.Dispense:
		return &plunge{single: p.single(program.Dispense, b.Pipette, b.To, b.At, bottom1mm, b.Rate, b.Speed), volume: p.expr(b.Volume), pushOut: p.expr(b.PushOut), about: program.AboutTo}
	case *spec.AirGap:
		return &plunge{single: p.single(program.AirGap, b.Pipette, b.In, b.At, top5mm, b.Rate, spec.Expr{}), volume: p.expr(b.Volume), about: program.AboutFrom}
	case *spec.TouchSides:
		t := b.TouchTip
		t.Set = true
		return &touchNow{p.pipette(b.Pipette), p.expr(b.In), p.touch(&t)}
	case *spec.BlowOutNow:
		return &blowOutNow{single: p.single(program.BlowOut, b.Pipette, b.In, b.At, top0, b.Rate, b.Speed), trash: b.Word == "trash"}
	case *spec.DropTip:
		return &dropTip{p.pipette(b.Pipette), p.expr(b.In)}
	case *spec.ReturnTip:
		return &returnTip{p.pipette(b.Pipette), p.height(&b.At)}
	case *spec.MoveTo:
		return &moveTo{p.single(program.MoveTo, b.Pipette, b.To, b.At, top0, spec.Expr{}, b.Speed)}
	case *spec.Temperature:
		return p.temperature(b, s.KeyAt)
	case *spec.HeaterShaker:
		return p.heaterShaker(b, s.KeyAt)
	case *spec.Magnet:
		return p.magnet(b, s.KeyAt)
	case *spec.Thermocycler:
		return p.thermocycler(b, s.KeyAt)
	case *spec.MoveLabware:
		return p.moveLabware(b)
	case *spec.Lights:
		return lights{b.On}
	case *spec.Home:
		return home{}
	case *spec.Delay:
		return &delay{p.expr(b.For)}
	case *spec.Pause:
		return &message{program.Pause, p.text(b.Message)}
	case *spec.Comment:
		return &message{program.Comment, p.text(b.Message)}
	case *spec.Assert:
		return p.assertion(b)
	case *spec.Fail:
		return &failure{p.text(b.Message)}
	case *spec.Call:
		if s.Broken {
			return nil
		}
		return p.call(b, s.KeyAt)
	case *spec.Ask:
		return p.ask(b)
	case *spec.Measure:
		return p.measure(b)
	case *spec.Request:
		return p.request(b)
	case *spec.Notify:
		return p.notify(b)
	case *spec.Do:
		return &do{p.steps(b.Steps)}
	case *spec.Set:
		return p.set(b)
	}
	return nil
}

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
			Code: diag.Undecidable, Span: h.at, Message: "the height of the liquid in " + x.deck.WellName(well) + " is not known: nothing says how much of " + x.deck.Liquids[c.Of].Name + " there is",
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
	x.blame[program.AboutTo] = b.well
	op, ok := b.op(x, !b.trash, 0)
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
	pipette chosen
	in      *eval.Expr
}

func (b *dropTip) expand(x *expansion, f *program.Frame) {
	pip, ok := x.current(b.pipette)
	if !ok {
		return
	}
	if b.in == nil {
		x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Trash: true, Well: program.None}, "", f, nil)
		return
	}
	x.blame[program.AboutTo] = b.in
	if place, ok := x.well(b.in); ok {
		x.emit(program.Op{Kind: program.DropTip, Pipette: int8(pip), Well: place, At: x.dropPosition(pip, place)}, "", f, nil)
	}
}

type returnTip struct {
	pipette chosen
	at      height
}

func (b *returnTip) expand(x *expansion, f *program.Frame) {
	pip, ok := x.current(b.pipette)
	if !ok {
		return
	}
	place := x.state.Mounts[pip].From
	at, ok := x.position(&b.at, x.dropPosition(pip, place), pip, place, 0)
	if ok {
		x.emit(program.Op{Kind: program.ReturnTip, Pipette: int8(pip), Well: place, At: at}, "", f, nil)
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

type moveTo struct{ single }

func (b *moveTo) expand(x *expansion, f *program.Frame) {
	x.blame[program.AboutTo] = b.well
	if op, ok := b.op(x, true, 0); ok {
		x.emit(op, "", f, nil)
	}
}

type home struct{}

func (home) expand(x *expansion, f *program.Frame) {
	x.emit(program.Op{Kind: program.Home, Well: program.None}, "", f, nil)
}

type delay struct{ time *eval.Expr }

func (b *delay) expand(x *expansion, f *program.Frame) {
	if ms, ok := x.quantity(b.time, 0); ok {
		x.wait(ms, b.time, f, nil)
	}
}

// wait emits a delay; one of 0 is left out, a negative one reported.
func (x *expansion) wait(ms int64, e *eval.Expr, f *program.Frame, m *program.Movement) {
	if ms < 0 {
		x.addAt(e, diag.Diagnostic{Code: diag.BadDuration, Message: "a delay cannot be negative", Help: "write how long to wait, such as 5 s"})
		return
	}
	if ms > 0 {
		x.emit(program.Op{Kind: program.Delay, Well: program.None, Duration: ms}, "", f, m)
	}
}

type message struct {
	kind program.Kind
	text *eval.Template
}

func (b *message) expand(x *expansion, f *program.Frame) {
	text, ok := x.text(b.text)
	if !ok {
		return
	}
	x.emit(program.Op{Kind: b.kind, Well: program.None}, text, f, nil)
}

type do struct{ nodes []*node }

func (b *do) expand(x *expansion, f *program.Frame) {
	for _, n := range b.nodes {
		n.expand(x, f)
	}
}

type set struct{ values []binding }

func (p *preparer) set(b *spec.Set) body {
	out := &set{}
	for _, v := range b.Values {
		t, known := p.vars[v.Name.Value]
		if !known {
			p.notVariable(v.Name)
			p.expr(v.Value)
			continue
		}
		_, slot, _ := p.scope.Lookup(v.Name.Value)
		out.values = append(out.values, binding{v.Name.Value, slot, p.compile(v.Value, t)})
	}
	return out
}

func (p *preparer) notVariable(name spec.Word) {
	if first, ok := p.names[name.Value]; ok {
		p.add(diag.Diagnostic{
			Code: diag.NotAVariable, Span: name.Span, Message: name.Value + " is not a variable and keeps its value",
			Related: []diag.Related{{Span: first, Message: "it is declared here"}}, Help: "declare a variable under vars: and set that",
		})
		return
	}
	vars := p.p.workflow.Vars
	p.unknownName(diag.UnknownName, name, "variable", namesOf(len(vars), func(i int) string { return vars[i].Name.Value }))
}

func (b *set) expand(x *expansion, _ *program.Frame) {
	values := make([]eval.Value, len(b.values))
	for i, v := range b.values {
		var ok bool
		if values[i], ok = x.eval(v.expr); !ok {
			return
		}
	}
	for i, v := range b.values {
		x.env.Vars[v.slot] = values[i]
	}
}
