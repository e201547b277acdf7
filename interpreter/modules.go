package interpreter

import (
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The steps that set modules, have labware moved, and switch the lights. The
// keys of a step act in a fixed order, whatever the order they are written in:
// what closes comes first, what opens comes last.

// module finds the module that a step means: the one named, or the only one of
// the type. It is NoModule where there is none, as reported.
func (p *preparer) module(t program.ModuleType, w spec.Word, at diag.Span) int8 {
	if w.IsSet() {
		return p.namedModule(t, w)
	}
	found := program.NoModule
	for i := range p.p.deck.Modules {
		m := &p.p.deck.Modules[i]
		switch {
		case m.Model == nil:
			return program.NoModule // its type is not known, as reported
		case m.Model.Type != t || m.Name == "":
		case found >= 0:
			p.fail(diag.WhichModule, at, "there are two of the type "+t.String()+", and it is not clear which one is meant", "add module: "+p.p.deck.Modules[found].Name+" or module: "+m.Name)
			return program.NoModule
		default:
			found = int8(i)
		}
	}
	if found < 0 {
		p.fail(diag.WhichModule, at, "this needs a "+t.String()+", and the workflow declares none", "declare it: modules: {"+exampleModule[t]+"}")
	}
	return found
}

var exampleModule = [program.ModuleTypes]string{
	"temp: {type: temperature_module_gen2, slot: 1}", "hs: {type: heater_shaker_gen1, slot: 1}",
	"mag: {type: magnetic_module_gen2, slot: 1}", "tc: {type: thermocycler_gen2, slot: 7}",
}

func (p *preparer) namedModule(t program.ModuleType, w spec.Word) int8 {
	i, ok := p.moduleIndex(w.Value)
	if !ok {
		p.unknownName(diag.UnknownName, w, "module", p.moduleNames())
		return program.NoModule
	}
	m := p.p.deck.Modules[i].Model
	if m == nil {
		return program.NoModule
	}
	if m.Type != t {
		p.fail(diag.WhichModule, w.Span, w.Value+" is a "+m.Type.String()+", and this step is for a "+t.String(), "name a "+t.String())
		return program.NoModule
	}
	return int8(i)
}

// setting is one operation on a module, with what it is given.
type setting struct {
	kind        program.Kind
	temperature *eval.Expr
	rpm         *eval.Expr
	height      *eval.Expr
	time        *eval.Expr // of a Delay, or how long a block is held
	volume      *eval.Expr
}

// settings are operations on one module, one after the other.
type settings struct {
	module int8
	list   []setting
}

func (b *settings) expand(x *expansion, f *program.Frame) {
	for i := range b.list {
		b.list[i].expand(x, b.module, f)
	}
}

func (s *setting) expand(x *expansion, module int8, f *program.Frame) {
	op := program.Op{Kind: s.kind, Well: program.None, Module: module}
	if s.kind == program.Delay {
		op.Module = 0
		if ms, ok := x.quantity(s.time, 0); ok {
			x.wait(ms, s.time, f, nil)
		}
		return
	}
	x.blame = [program.Aspects]*eval.Expr{program.AboutVolume: s.volume}
	ok := true
	for _, e := range [...]*eval.Expr{s.temperature, s.rpm, s.height} {
		if e == nil {
			continue
		}
		x.blame[program.AboutSetting] = e
		v, known := x.quantity(e, 0)
		if known && (v > math.MaxInt32 || v < -math.MaxInt32) {
			x.addAt(e, diag.Diagnostic{Code: diag.ModuleRange, Message: "no module can be set to that", Help: "write for example 37 C, 500 rpm or 6 mm"})
			known = false
		}
		ok = ok && known
		switch e {
		case s.temperature:
			op.Temperature = int32(v)
		case s.rpm:
			op.RPM = int32(v / 1000)
			if v%1000 != 0 {
				op.RPM = -1 // no whole number: refused as out of range
			}
		case s.height:
			op.At = program.Position{From: program.Bottom, Z: int32(v)}
		}
	}
	var okTime, okVolume bool
	op.Duration, okTime = x.quantity(s.time, 0)
	op.Volume, okVolume = x.quantity(s.volume, 0)
	if op.Duration < 0 {
		x.addAt(s.time, diag.Diagnostic{Code: diag.BadDuration, Message: "a hold cannot be negative", Help: "write how long to hold, such as 30 s"})
		return
	}
	if ok && okTime && okVolume {
		x.emit(op, "", f, nil)
	}
}

func (p *preparer) temperature(b *spec.Temperature, at diag.Span) body {
	out := &settings{module: p.module(program.TemperatureModule, b.Module, at)}
	set := p.expr(b.Set)
	switch {
	case b.Deactivate.Set && !b.Deactivate.On:
		p.fail(diag.NoEffect, b.Deactivate.Span, "`deactivate: false` has no effect", "leave it out")
	case b.Deactivate.Set:
		out.list = append(out.list, setting{kind: program.StopTemperature})
	case !b.Set.IsSet() && b.Wait.Set && !b.Wait.On:
		p.fail(diag.NoEffect, b.Wait.Span, "`wait: false` has no effect without `set`", "say what to set")
	}
	out.list = append(out.list, reach(set, b.Set.IsSet(), b.Wait, program.SetTemperature, program.WaitTemperature)...)
	return out.known()
}

// known is the settings where it is known of which module.
func (b *settings) known() body {
	if b.module == program.NoModule {
		return nil
	}
	return b
}

// reach is a temperature to set and to wait for, as the keys say. A wait goes
// without saying where something is set.
func reach(set *eval.Expr, isSet bool, wait spec.Switch, telling, waiting program.Kind) []setting {
	var out []setting
	if isSet && set != nil {
		out = append(out, setting{kind: telling, temperature: set})
	}
	if isSet && !wait.Set || wait.On {
		out = append(out, setting{kind: waiting})
	}
	return out
}

func (p *preparer) heaterShaker(b *spec.HeaterShaker, at diag.Span) body {
	out := &settings{module: p.module(program.HeaterShaker, b.Module, at)}
	add := func(kind program.Kind) { out.list = append(out.list, setting{kind: kind}) }
	if b.Latch.Value == "closed" {
		add(program.CloseLatch)
	}
	if b.Wait.Set && !b.Wait.On && !b.Set.IsSet() {
		p.fail(diag.NoEffect, b.Wait.Span, "`wait: false` has no effect without `set`", "say what to set")
	}
	out.list = append(out.list, reach(p.expr(b.Set), b.Set.IsSet(), b.Wait, program.SetTemperature, program.WaitTemperature)...)
	if e := p.expr(b.Shake); e != nil {
		out.list = append(out.list, setting{kind: program.Shake, rpm: e})
	}
	if e := p.expr(b.Hold); e != nil {
		out.list = append(out.list, setting{kind: program.Delay, time: e})
	}
	off := b.Deactivate.Value
	if off == "shaker" || off == "all" || b.Shake.IsSet() && b.Hold.IsSet() {
		add(program.StopShaking)
	}
	if off == "heater" || off == "all" {
		add(program.StopTemperature)
	}
	if b.Latch.Value == "open" {
		add(program.OpenLatch)
	}
	return out.known()
}

// magnet is a body of its own because the default height is that of the labware
// that stands on the module at that point.
type magnet struct {
	module         int8
	up             bool
	height, offset *eval.Expr
}

func (p *preparer) magnet(b *spec.Magnet, at diag.Span) body {
	out := &magnet{p.module(program.MagneticModule, b.Module, at), b.Action.Value != "disengage", p.expr(b.Height), p.expr(b.Offset)}
	if out.module == program.NoModule {
		return nil
	}
	return out
}

func (b *magnet) expand(x *expansion, f *program.Frame) {
	s := setting{kind: program.Disengage}
	if !b.up {
		s.expand(x, b.module, f)
		return
	}
	s = setting{kind: program.Engage, height: b.height}
	if b.height != nil {
		s.expand(x, b.module, f)
		return
	}
	on := x.state.LabwareAt(program.Place{On: program.OnModule, Index: int16(b.module)})
	name := x.deck.Modules[b.module].Name
	switch {
	case on < 0:
		x.add(diag.Diagnostic{Code: diag.MagnetHeight, Span: x.blameStep, Message: "there is no labware on " + name + " to say how high its magnets go", Help: "write a height: magnet: {height: 6 mm}"})
		return
	case x.deck.Labware[on].Def.MagnetHeight == program.NoMagnetHeight:
		x.add(diag.Diagnostic{Code: diag.MagnetHeight, Span: x.blameStep, Message: "the definition of " + x.deck.Labware[on].Name + " does not say how high the magnets of " + name + " go", Help: "write a height: magnet: {height: 6 mm}"})
		return
	}
	x.blame = [program.Aspects]*eval.Expr{program.AboutSetting: b.offset}
	more, ok := x.quantity(b.offset, 0)
	if at := x.deck.Labware[on].Def.MagnetHeight + more; ok && at == int64(int32(at)) {
		x.emit(program.Op{Kind: program.Engage, Well: program.None, Module: b.module, At: program.Position{From: program.Bottom, Z: int32(at)}}, "", f, nil)
	}
}

// cycler is the body of `thermocycler`. A profile becomes one step after the
// other, each a temperature to set with how long it is held and the wait for
// it: that is what the robot does inside of a profile, people see which cycle a
// run is at, and a run that was interrupted can go on in the middle.
type cycler struct {
	settings
	profile []profileStep
	volume  *eval.Expr
	after   []setting
}

type profileStep struct {
	setting
	repeat *eval.Expr
	do     []profileStep
}

func (p *preparer) thermocycler(b *spec.Thermocycler, at diag.Span) body {
	out := &cycler{settings: settings{module: p.module(program.Thermocycler, b.Module, at)}, volume: p.expr(b.Volume)}
	add := func(kind program.Kind) { out.list = append(out.list, setting{kind: kind}) }
	if b.Lid.Value == "closed" {
		add(program.CloseLid)
	}
	waits := b.Wait
	if !b.LidTemperature.IsSet() {
		waits = spec.Switch{} // a bare wait is for the block
	}
	out.list = append(out.list, reach(p.expr(b.LidTemperature), b.LidTemperature.IsSet(), waits, program.SetLidTemperature, program.WaitLidTemperature)...)
	waits = b.Wait
	if b.LidTemperature.IsSet() && !b.Block.IsSet() {
		waits = spec.Switch{}
	}
	if !b.LidTemperature.IsSet() && !b.Block.IsSet() && b.Wait.Set && !b.Wait.On {
		p.fail(diag.NoEffect, b.Wait.Span, "`wait: false` has no effect without a temperature", "say what to set")
	}
	block := reach(p.expr(b.Block), b.Block.IsSet(), waits, program.SetTemperature, program.WaitTemperature)
	if len(block) > 0 && block[0].kind == program.SetTemperature {
		block[0].time, block[0].volume = p.expr(b.Hold), out.volume
	}
	out.list = append(out.list, block...)
	out.profile = p.profile(b.Profile)
	off := b.Deactivate.Value
	if off == "block" || off == "all" {
		out.after = append(out.after, setting{kind: program.StopTemperature})
	}
	if off == "lid" || off == "all" {
		out.after = append(out.after, setting{kind: program.StopLidTemperature})
	}
	if b.Lid.Value == "open" {
		out.after = append(out.after, setting{kind: program.OpenLid})
	}
	if out.module == program.NoModule {
		return nil
	}
	return out
}

func (p *preparer) profile(steps []spec.ProfileStep) []profileStep {
	var out []profileStep
	for i := range steps {
		s := &steps[i]
		out = append(out, profileStep{
			setting: setting{kind: program.SetTemperature, temperature: p.expr(s.Temperature), time: p.expr(s.Hold)},
			repeat:  p.expr(s.Repeat), do: p.profile(s.Do),
		})
	}
	return out
}

func (b *cycler) expand(x *expansion, f *program.Frame) {
	b.settings.expand(x, f)
	for i := range b.profile {
		inner := f
		if b.profile[i].repeat == nil {
			inner = x.newFrame(f, "profile-"+itoa(i+1))
		}
		b.held(x, &b.profile[i], inner)
	}
	for i := range b.after {
		b.after[i].expand(x, b.module, f)
	}
}

// held expands one item of a profile.
func (b *cycler) held(x *expansion, s *profileStep, f *program.Frame) {
	if s.repeat == nil {
		at := s.setting
		at.volume = b.volume
		at.expand(x, b.module, f)
		x.emit(program.Op{Kind: program.WaitTemperature, Well: program.None, Module: b.module}, "", f, nil)
		return
	}
	v, ok := x.eval(s.repeat)
	if !ok {
		return
	}
	times := v.Int()
	if times < 1 || times > MaxSteps {
		x.addAt(s.repeat, diag.Diagnostic{Code: diag.BadCount, Message: "repeats " + strconv.FormatInt(times, 10) + " times", Help: "write a number from 1 to " + itoa(MaxSteps)})
		return
	}
	for i := range int(times) {
		cycle := x.newFrame(f, "cycle-"+itoa(i+1))
		cycle.Note = &cycleNote{i, int(times), s.repeat.Source().Whole().Start.Line}
		for k := range s.do {
			if x.halted() {
				return
			}
			b.held(x, &s.do[k], cycle)
		}
	}
}

// cycleNote tells people which cycle of a profile a step is in.
type cycleNote struct{ i, n, line int }

// Line is where the repetition is written.
func (c *cycleNote) Line() int { return c.line }

// String renders the note: "cycle 2 of 35".
func (c *cycleNote) String() string { return "cycle " + itoa(c.i+1) + " of " + itoa(c.n) }

type moveLabware struct {
	labware int
	to      program.Place
	text    *eval.Template
}

func (p *preparer) moveLabware(b *spec.MoveLabware) body {
	out := &moveLabware{labware: -1, text: p.text(b.Message)}
	i, ok := p.labwareIndex(b.Labware.Value)
	if b.Labware.IsSet() && !ok {
		p.unknownName(diag.UnknownName, b.Labware, "labware", p.labwareNames())
	}
	to, known := p.destination(b.To)
	if !ok || !known {
		return nil
	}
	out.labware, out.to = i, to
	return out
}

// destination resolves the place labware is moved to.
func (p *preparer) destination(w spec.Word) (program.Place, bool) {
	if !w.IsSet() {
		return program.Place{}, false
	}
	if w.Value == spec.OffDeck {
		return program.Place{On: program.OffDeck}, true
	}
	if slices.Contains(slotNames, w.Value) {
		at := program.SlotPlace(w.Value)
		if m := p.p.deck.ModuleAt(int(at.Index)); m >= 0 {
			p.fail(diag.SlotTaken, w.Span, "slot "+w.Value+" is taken by the module "+p.p.deck.Modules[m].Name, "to put it onto the module, name that: to: "+p.p.deck.Modules[m].Name)
			return at, false
		}
		return at, true
	}
	if i, ok := p.moduleIndex(w.Value); ok {
		return program.Place{On: program.OnModule, Index: int16(i)}, true
	}
	if i, ok := p.labwareIndex(w.Value); ok {
		return program.Place{On: program.OnLabware, Index: int16(i)}, true
	}
	p.unknownName(diag.UnknownName, w, "slot, module or labware", slices.Concat(p.moduleNames(), p.labwareNames(), []string{spec.OffDeck}))
	return program.Place{}, false
}

func (b *moveLabware) expand(x *expansion, f *program.Frame) {
	text := ""
	if b.text != nil {
		var ok bool
		if text, ok = x.text(b.text); !ok {
			return
		}
	}
	x.emit(program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: int16(b.labware)}, To: b.to}, text, f, nil)
}

type lights struct{ on bool }

func (b lights) expand(x *expansion, f *program.Frame) {
	x.emit(program.Op{Kind: program.Lights, Well: program.None, On: b.on}, "", f, nil)
}
