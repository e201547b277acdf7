package check

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// modules: what modules can be set to, and in which order things can be done
// with them and with the labware on them.
type modules struct{}

func (modules) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	has := op.Kind.Info().Fields
	switch {
	case has&program.HasModule != 0:
		setting(t, r, op, t.After.Deck.Modules[op.Module].Model)
		order(t, r, op)
	case has&program.HasMove != 0:
		moved(t, r, op)
	case has&program.HasLabware != 0:
		exchanged(t, r, int(op.Well.Labware))
	case has&program.HasPipette != 0 && has&program.HasWell != 0 && op.Kind != program.EndRun && !op.Trash && op.Well != program.None:
		reached(t, r, int(op.Well.Labware))
	}
}

func (modules) End(*program.State, *Report) {}

// evaporates is the block temperature, in m°C, above which samples that are held
// under an open lid do not stay what they are.
const evaporates = 45_000

// setting: what the module can be set to.
func setting(t *program.Transition, r *Report, op *program.Op, m *program.ModuleModel) {
	switch op.Kind {
	case program.SetTemperature:
		within(r, m, "", int64(op.Temperature), m.Temperature, quantity.Temperature)
		if m.StepC > 0 && int64(op.Temperature)%m.StepC != 0 && m.Temperature.Holds(int64(op.Temperature)) {
			r.Add(program.AboutSetting, diag.Diagnostic{
				Code: diag.ModuleRange, Message: "a " + m.Type.String() + " can be set to whole degrees only, and this asks for " + quantity.Temperature.Text(int64(op.Temperature)),
				Help: "round it, for example round(t)",
			})
		}
		if op.Volume != 0 && !m.BlockNL.Holds(op.Volume) {
			r.Add(program.AboutVolume, diag.Diagnostic{
				Code: diag.ModuleRange, Message: "a block can be told of up to " + quantity.Volume.Text(m.BlockNL.Max) + " in the fullest well, and this says " + quantity.Volume.Text(op.Volume),
				Help: "give what the fullest well holds",
			})
		}
		if m.Type == program.Thermocycler && op.Duration > 0 && op.Temperature > evaporates && t.After.Module(int(op.Module)).Lid != program.Closed {
			name, lid := t.After.Deck.Modules[op.Module].Name, "is open"
			if t.After.Module(int(op.Module)).Lid == program.NotKnown {
				lid = "was not closed by this workflow"
			}
			r.Add(program.AboutStep, diag.Diagnostic{
				Code: diag.LidOpen, Severity: diag.Warning, Message: name + " holds " + quantity.Temperature.Text(int64(op.Temperature)) + ", and its lid " + lid,
				Help: "close it first: thermocycler: {lid: closed}",
			})
		}
	case program.SetLidTemperature:
		within(r, m, "the lid of ", int64(op.Temperature), m.Lid, quantity.Temperature)
	case program.Shake:
		within(r, m, "", int64(op.RPM)*1000, program.Range{Min: m.Rotation.Min * 1000, Max: m.Rotation.Max * 1000}, quantity.Rotation)
	case program.Engage:
		if !m.Magnet.Holds(int64(op.At.Z)) {
			r.Add(program.AboutSetting, diag.Diagnostic{
				Code: diag.ModuleRange, Message: "the magnets of a " + m.DisplayName + " rise from " + quantity.Length.Text(m.Magnet.Min) + " to " + quantity.Length.Text(m.Magnet.Max) + ", and this asks for " + quantity.Length.Text(int64(op.At.Z)),
				Help: "heights count from the plane the labware stands on",
			})
		}
	default: // nothing is set
	}
}

// within reports a setting out of the module's range. What is out of the range
// of whole numbers came here as below 0.
func within(r *Report, m *program.ModuleModel, part string, v int64, can program.Range, dim quantity.Dim) {
	if can.Holds(v) {
		return
	}
	asked := ", and this asks for " + dim.Text(v)
	if dim == quantity.Rotation && v < 0 {
		asked = ", in whole numbers"
	}
	r.Add(program.AboutSetting, diag.Diagnostic{
		Code: diag.ModuleRange, Message: part + "a " + m.DisplayName + " can be set to " + dim.Text(can.Min) + " to " + dim.Text(can.Max) + asked,
		Help: "write a value in that range",
	})
}

// order: what a module must have been told before.
func order(t *program.Transition, r *Report, op *program.Op) {
	m, name := t.After.Module(int(op.Module)), t.After.Deck.Modules[op.Module].Name
	add := func(code *diag.Code, message, help string) {
		r.Add(program.AboutStep, diag.Diagnostic{Code: code, Message: message, Help: help})
	}
	switch op.Kind {
	case program.WaitTemperature:
		if m.Target == program.NoTarget {
			add(diag.NoTarget, "waits for the temperature of "+name+", and none is set", "set one first, with set: or block:")
		}
	case program.WaitLidTemperature:
		if m.LidTarget == program.NoTarget {
			add(diag.NoTarget, "waits for the temperature of the lid of "+name+", and none is set", "set one first, with lid_temperature:")
		}
	case program.Shake, program.StopShaking:
		if m.Latch != program.Closed {
			add(diag.LatchState, name+" is to "+shakes(op.Kind)+" while its latch "+notClosed(m.Latch), "close it first: heater_shaker: {latch: closed, …}")
		}
	case program.OpenLatch:
		if m.RPM > 0 {
			add(diag.Shaking, "the latch of "+name+" is to open while it shakes", "stop it first: heater_shaker: {deactivate: shaker, latch: open}")
		}
	default: // goes at any time
	}
}

func shakes(k program.Kind) string {
	if k == program.StopShaking {
		return "stop shaking"
	}
	return "shake"
}

func notClosed(s program.Threefold) string {
	if s == program.Open {
		return "is open"
	}
	return "was not closed by this workflow"
}

// reached: what a pipette can get at.
func reached(t *program.Transition, r *Report, labware int) {
	s := t.After
	name := s.Deck.Labware[labware].Name
	if s.SlotOf(labware) == 0 {
		r.Add(program.AboutTo, diag.Diagnostic{Code: diag.OffTheDeck, Message: name + " is not on the deck at this point", Help: "bring it first: move_labware: {labware: " + name + ", to: 1}"})
		return
	}
	if on := s.LabwareAt(program.Place{On: program.OnLabware, Index: int16(labware)}); on >= 0 {
		r.Add(program.AboutTo, diag.Diagnostic{Code: diag.OffTheDeck, Message: s.Deck.Labware[on].Name + " stands on " + name + ", so that no pipette gets at it", Help: "work in " + s.Deck.Labware[on].Name + ", or move that away first"})
		return
	}
	i := s.ModuleUnder(labware)
	if i < 0 {
		return
	}
	m := &s.Deck.Modules[i]
	if m.Model.Type == program.Thermocycler && s.Module(i).Lid != program.Open {
		r.Add(program.AboutTo, diag.Diagnostic{Code: diag.LidClosed, Message: "works in " + name + ", and the lid of " + m.Name + " " + notOpen(s.Module(i).Lid), Help: "open it first: thermocycler: {lid: open}"})
	}
}

func notOpen(s program.Threefold) string {
	if s == program.Closed {
		return "is closed"
	}
	return "was not opened by this workflow"
}

// moved: where a hand can take labware from, and put it.
func moved(t *program.Transition, r *Report, op *program.Op) {
	s, i, from := t.After, int(op.Well.Labware), t.Touched.Place
	d, name := s.Deck, s.Deck.Labware[int(op.Well.Labware)].Name
	add := func(code *diag.Code, message, help string) {
		r.Add(program.AboutStep, diag.Diagnostic{Code: code, Message: message, Help: help})
	}
	if from == op.To {
		add(diag.MoveRefused, name+" is to be moved to "+d.PlaceName(op.To)+", where it is", "remove this step")
		return
	}
	if op.To.On == program.OnLabware && stacked(s, int(op.To.Index), i) {
		add(diag.MoveRefused, name+" is to be moved onto itself, or onto what stands on it", "name another place")
		return
	}
	if on := s.LabwareAt(program.Place{On: program.OnLabware, Index: int16(i)}); on >= 0 {
		add(diag.MoveRefused, d.Labware[on].Name+" stands on "+name+", which is to be moved", "move "+d.Labware[on].Name+" away first")
	}
	if other := otherAt(s, op.To, i); other >= 0 {
		add(diag.MoveRefused, name+" is to be moved to "+d.PlaceName(op.To)+", which holds "+d.Labware[other].Name, "move "+d.Labware[other].Name+" away first")
	}
	if op.To.On == program.OnLabware {
		under := &d.Labware[op.To.Index]
		if why, help := Standing(name, d.Labware[i].Def, under); why != "" {
			add(diag.DoesNotFit, why, help)
		}
	}
	for _, end := range [...]program.Place{from, op.To} {
		if m := moduleOf(s, end); m >= 0 {
			handReaches(s, m, name, "moved", add)
		}
	}
}

// exchanged: where a hand can put a new labware in the place of another.
func exchanged(t *program.Transition, r *Report, labware int) {
	s := t.After
	name := s.Deck.Labware[labware].Name
	add := func(code *diag.Code, message, help string) {
		r.Add(program.AboutStep, diag.Diagnostic{Code: code, Message: message, Help: help})
	}
	if s.SlotOf(labware) == 0 {
		add(diag.OffTheDeck, name+" is full and to be exchanged, and is not on the deck at this point", "bring it first: move_labware: {labware: "+name+", to: 1}")
	}
	if on := s.LabwareAt(program.Place{On: program.OnLabware, Index: int16(labware)}); on >= 0 {
		add(diag.MoveRefused, s.Deck.Labware[on].Name+" stands on "+name+", which is full and to be exchanged", "move "+s.Deck.Labware[on].Name+" away first")
	}
	if m := s.ModuleUnder(labware); m >= 0 {
		handReaches(s, m, name, "exchanged", add)
	}
}

// stacked reports whether a labware stands on another, or on something that
// does, or is it.
func stacked(s *program.State, labware, on int) bool {
	for range s.Deck.Labware {
		if labware == on {
			return true
		}
		at := s.Place(labware)
		if at.On != program.OnLabware {
			return false
		}
		labware = int(at.Index)
	}
	return true
}

// otherAt finds another labware at a place.
func otherAt(s *program.State, at program.Place, than int) int {
	for i := range s.Deck.Labware {
		if i != than && at.On != program.OffDeck && s.Place(i) == at {
			return i
		}
	}
	return -1
}

// moduleOf is the module a place is on, or -1.
func moduleOf(s *program.State, p program.Place) int {
	switch p.On {
	case program.OnModule:
		return int(p.Index)
	case program.OnLabware:
		return s.ModuleUnder(int(p.Index))
	case program.OnSlot, program.OffDeck:
	}
	return -1
}

// handReaches: whether a hand can put labware onto a module, or take it away.
func handReaches(s *program.State, module int, name, moved string, add func(*diag.Code, string, string)) {
	m, is := &s.Deck.Modules[module], s.Module(module)
	switch m.Model.Type {
	case program.HeaterShaker:
		switch {
		case is.RPM > 0:
			add(diag.Shaking, name+" is to be "+moved+" while "+m.Name+" shakes", "stop it first: heater_shaker: {deactivate: shaker, latch: open}")
		case is.Latch != program.Open:
			add(diag.LatchState, name+" is to be "+moved+" while the latch of "+m.Name+" "+latchNotOpen(is.Latch), "open it first: heater_shaker: {latch: open}")
		}
	case program.Thermocycler:
		if is.Lid != program.Open {
			add(diag.LidClosed, name+" is to be "+moved+", and the lid of "+m.Name+" "+notOpen(is.Lid), "open it first: thermocycler: {lid: open}")
		}
	case program.MagneticModule:
		if is.Engaged {
			add(diag.MoveRefused, name+" is to be "+moved+" while the magnets of "+m.Name+" are up", "lower them first: magnet: disengage")
		}
	case program.TemperatureModule:
	}
}

func latchNotOpen(s program.Threefold) string {
	if s == program.Closed {
		return "is closed"
	}
	return "was not opened by this workflow"
}

// Standing says why a labware does not stand on another, and what to do, or "".
func Standing(name string, def *program.Labware, on *program.Placed) (why, help string) {
	if def.IsAdapter {
		return name + " is an adapter, and adapters do not stand on other labware", "put it in a slot or on a module"
	}
	if _, ok := def.Sinks(on.Def.LoadName); ok {
		return "", ""
	}
	help = "its definition names nothing that it stands on; put it in a slot or on a module"
	names := ""
	for i, s := range def.Under() {
		if i > 0 {
			names += ", "
		}
		names += s
	}
	if names != "" {
		help = "its definition says it stands on " + names
	}
	return name + " (" + def.LoadName + ") is not made to stand on " + on.Name + " (" + on.Def.LoadName + ")", help
}
