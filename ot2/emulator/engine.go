package emulator

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// engine is what a run knows of the robot and its deck: what was loaded, what
// is on the pipettes, where they are, and what the wells hold. It begins empty.
type engine struct {
	newID       func() string
	timerOf     func(*program.Deck) program.Timer
	attached    map[string]attached // by mount
	virtual     bool                // an analysis: every pipette is there
	appliances  []*appliance        // that are connected
	lights      *bool               // of the deck
	clock       func() time.Time
	pipettes    []*pipette
	modules     []*fitted
	labware     []*placed
	liquids     []liquid
	definitions map[string]*program.Labware // users' own, by URI
	offsets     []*labwareOffset
	switchSide  bool // of the trash, where the next tip is dropped

	// The deck in the form of a program, made anew when something was loaded:
	// what happened since the start happens again on it.
	deck  program.Deck
	past  []program.Op
	stale bool
	state *program.State
	timer program.Timer
}

// pipette is a loaded pipette.
type pipette struct {
	id, name, mount string
	model           *program.PipetteModel
	index           int // in the deck
	tip             *tip
	volume          float64 // µL drawn, where known
	known           bool
	drew            bool // something, since the tip is on
	ready           bool // the plunger is where an aspirate begins
	spot            spot
	nozzles         nozzles
}

type tip struct {
	maxNL, length, diameter int64
}

// spot is where a pipette's end is.
type spot struct {
	known   bool
	trash   bool
	labware *placed
	well    int
	air     bool // at or above the rim of the well
	point   command.Vector
}

// placed is a loaded labware.
type placed struct {
	id, display string
	def         *program.Labware
	at          place
	offset      *labwareOffset
	index       int // in the deck
}

// liquid is one a protocol declares.
type liquid struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	Color       string `json:"displayColor,omitempty"`
}

// labwareOffset shifts labware of one definition at one place.
type labwareOffset struct {
	ID       string          `json:"id"`
	Created  stamp           `json:"createdAt"`
	URI      string          `json:"definitionUri"`
	Location json.RawMessage `json:"location"`
	Vector   position        `json:"vector"`
}

// position is a point as the robot writes it.
type position struct {
	X number `json:"x"`
	Y number `json:"y"`
	Z number `json:"z"`
}

func positionOf(v command.Vector) position { return position{number(v.X), number(v.Y), number(v.Z)} }

// newEngine is that of a run, or with virtual that of an analysis, to which
// every pipette and every module is there.
func (e *Emulator) newEngine(virtual bool) *engine {
	o := &e.options
	return &engine{
		newID: o.NewID, timerOf: o.Timer, attached: e.pipettes, virtual: virtual,
		appliances: e.appliances, lights: &e.lights, clock: e.now,
		definitions: map[string]*program.Labware{}, stale: true,
	}
}

// declare tells of the liquids of a protocol.
func (g *engine) declare(liquids []liquid) {
	g.liquids = liquids
	for i := range liquids {
		l := &liquids[i]
		g.deck.Liquids = append(g.deck.Liquids, program.Liquid{Name: l.ID, Description: l.Description, Color: l.Color, Tip: program.None})
	}
}

// world returns the state of the deck as it is now.
func (g *engine) world() *program.State {
	if !g.stale {
		return g.state
	}
	g.stale = false
	deck := g.deck
	deck.Pipettes, deck.Labware, deck.Liquids = slices.Clone(deck.Pipettes), slices.Clone(deck.Labware), slices.Clone(deck.Liquids)
	deck.Modules = slices.Clone(deck.Modules)
	g.state, g.timer = program.NewState(&deck), g.timerOf(&deck)
	for i := range g.past {
		g.timer.Duration(&g.past[i])
		g.state.Apply(&g.past[i])
	}
	return g.state
}

func (g *engine) do(op program.Op) {
	g.world().Apply(&op)
	g.past = append(g.past, op)
}

// end is what a robot does at the end of a played run: it drops what tips are
// on, and homes.
func (g *engine) end() {
	g.do(program.Op{Kind: program.EndRun, Well: program.None})
	for _, p := range g.pipettes {
		p.tip, p.known, p.ready, p.spot = nil, false, false, spot{}
	}
}

// work is a command that can be carried out.
type work struct {
	ops    []program.Op // what happens on the deck; for the time it takes, and for the wells
	result any
	then   func() // what else changes when it is done
	waits  bool   // for somebody to press play
	late   bool   // it was cut off when it had taken effect
}

func (g *engine) pipette(id string) (*pipette, *failure) {
	for _, p := range g.pipettes {
		if p.id == id {
			return p, nil
		}
	}
	return nil, unplanned("KeyError", "'"+id+"'")
}

func (g *engine) loaded(id string) (*placed, *failure) {
	for _, l := range g.labware {
		if l.id == id {
			return l, nil
		}
	}
	return nil, fails("LabwareNotLoadedError", "Labware "+id+" not found.")
}

func (g *engine) wellOf(labwareID, name string) (*placed, int, *failure) {
	l, bad := g.loaded(labwareID)
	if bad != nil {
		return nil, 0, bad
	}
	i, there := l.def.Well(name)
	if !there {
		return nil, 0, fails("WellDoesNotExistError", name+" does not exist in "+labwareID+".")
	}
	return l, i, nil
}

// prepare checks a command as the robot does, and says what it comes to.
func (g *engine) prepare(kind string, p *params) (work, *failure) {
	switch kind {
	case "loadPipette":
		return g.loadPipette(p)
	case "loadLabware":
		return g.loadLabware(p)
	case "reloadLabware":
		return g.reloadLabware(p)
	case "loadModule":
		return g.loadModule(p)
	case "loadLiquid":
		return g.loadLiquid(p)
	case "moveLabware":
		return g.moveLabware(p)
	case "pickUpTip":
		return g.pickUpTip(p)
	case "dropTip":
		return g.dropTip(p)
	case "dropTipInPlace":
		return g.dropTipInPlace(p)
	case "aspirate", "aspirateInPlace":
		return g.aspirate(p, kind == "aspirate")
	case "dispense", "dispenseInPlace":
		return g.dispense(p, kind == "dispense")
	case "blowout", "blowOutInPlace":
		return g.blowOut(p, kind == "blowout")
	case "touchTip":
		return g.touchTip(p)
	case "prepareToAspirate":
		return g.prepareToAspirate(p)
	case "moveToWell":
		return g.moveToWell(p)
	case "moveToAddressableArea":
		return g.moveToArea(p, 0)
	case "moveToAddressableAreaForDropTip":
		return g.moveToAreaForDropTip(p)
	case "moveToCoordinates":
		return g.moveTo(p, func(command.Vector) command.Vector { return p.coordinates }, true)
	case "moveRelative":
		return g.moveTo(p, func(from command.Vector) command.Vector { return shifted(from, p.axis, p.distance) }, false)
	case "savePosition":
		return g.savePosition(p)
	case "home":
		return work{ops: []program.Op{{Kind: program.Home, Well: program.None}}, result: object{}, then: g.lose}, nil
	case "retractAxis":
		return work{result: object{}, then: g.lose}, nil
	case "getTipPresence":
		_, bad := g.pipette(p.pipetteID)
		return work{result: object{"status": "unknown"}}, bad
	case "verifyTipPresence", "configureForVolume":
		_, bad := g.pipette(p.pipetteID)
		return work{result: object{}}, bad
	case "configureNozzleLayout":
		return g.configureNozzles(p)
	case "waitForDuration":
		d := int64(math.Round(max(p.seconds, 0) * 1000))
		return work{ops: []program.Op{{Kind: program.Delay, Duration: d, Well: program.None}}, result: object{}}, nil
	case "waitForResume", "pause":
		return work{result: object{}, waits: true}, nil
	case "comment", "custom", "setStatusBar":
		return work{result: object{}}, nil
	case "setRailLights":
		return g.setRailLights(p)
	case "liquidProbe", "tryLiquidProbe":
		return work{}, unplanned("KeyError", "'t300'") // what 8.2 says, having no sensor
	}
	if slices.Contains(moduleCommands, kind) {
		return g.module(kind, p)
	}
	return work{}, &failure{"HardwareNotSupportedError", "4003", "This command is supported by OT-3 only.", nil}
}

// duration is how long w takes after everything before it, in µs.
func (g *engine) duration(w *work) int64 {
	g.world()
	var sum int64
	for i := range w.ops {
		sum += g.timer.Duration(&w.ops[i])
	}
	return sum
}

// finish carries w out.
func (g *engine) finish(w *work) {
	for _, op := range w.ops {
		g.do(op)
	}
	if w.then != nil {
		w.then()
	}
}

// lose forgets where the pipettes are.
func (g *engine) lose() {
	for _, p := range g.pipettes {
		p.spot = spot{}
	}
}

func pipetteNames() []string {
	return append(ot2.PipetteNames(), "p50_single_flex", "p50_multi_flex", "p1000_single_flex", "p1000_multi_flex", "p1000_96")
}

func (g *engine) loadPipette(p *params) (work, *failure) {
	model, known := ot2.Pipette(p.pipetteName)
	if !known {
		return work{}, fails("InvalidSpecificationForRobotTypeError", "Cannot load a Flex pipette on an OT-2.")
	}
	if !g.virtual {
		on, there := g.attached[p.mount]
		switch {
		case !there:
			return work{}, otherPipette(p, "None")
		case on.model.Name != p.pipetteName && on.model.Name != successor(p.pipetteName):
			return work{}, otherPipette(p, serialModel(on.model))
		}
		model = on.model
	}
	id := cmp.Or(p.pipetteID, g.newID())
	return work{result: object{"pipetteId": id}, then: func() { g.mountPipette(id, p, model) }}, nil
}

// successor is the pipette that is taken for an older one.
func successor(name string) string {
	switch name {
	case "p10_single":
		return "p20_single_gen2"
	case "p10_multi":
		return "p20_multi_gen2"
	}
	return name + "_gen2"
}

func otherPipette(p *params, have string) *failure {
	side := map[string]string{"left": "LEFT", "right": "RIGHT"}[p.mount]
	return &failure{"FailedToLoadPipetteError", "3010", "mount " + side + ": expected instrument " + p.pipetteName + " but got " + have, nil}
}

func (g *engine) mountPipette(id string, p *params, model *program.PipetteModel) {
	loaded := &pipette{id: id, name: p.pipetteName, mount: p.mount, model: model, index: -1, nozzles: allOf(model)}
	for i := range g.deck.Pipettes {
		if g.deck.Pipettes[i].Mount == p.mount {
			loaded.index = i
		}
	}
	if loaded.index < 0 {
		loaded.index = len(g.deck.Pipettes)
		g.deck.Pipettes = append(g.deck.Pipettes, program.Pipette{Name: id, Mount: p.mount, Model: model})
		g.stale = true
	}
	g.pipettes = append(slices.DeleteFunc(g.pipettes, func(o *pipette) bool { return o.id == id }), loaded)
}

// definition finds what a protocol or a run calls namespace/loadName/version.
func (g *engine) definition(p *params) (*program.Labware, *failure) {
	uri := p.namespace + "/" + p.loadName + "/" + strconv.Itoa(p.version)
	if def, there := g.definitions[uri]; there {
		return def, nil
	}
	if p.namespace == "opentrons" {
		if def, there := labware.Lookup(uri); there {
			return def, nil
		}
	}
	return nil, unplanned("FileNotFoundError", `Labware "`+p.loadName+`" not found with version `+strconv.Itoa(p.version)+` in namespace "`+p.namespace+`".`)
}

func noArea(name string) *failure {
	return fails("AreaNotInDeckConfigurationError", name+" not provided by deck configuration.")
}

// named is a place under the name a slot has.
func named(p place) place {
	if slot, is := slotOf(p.area); is {
		return place{slot: slot}
	}
	return p
}

func (g *engine) loadLabware(p *params) (work, *failure) {
	at := named(p.at)
	if at.slot == ot2.TrashSlot {
		return work{}, noArea(at.slot)
	}
	def, bad := g.definition(p)
	if bad == nil {
		bad = g.free(at)
	}
	if bad == nil && at.labware != "" {
		bad = g.stacks(def, at.labware)
	}
	if bad != nil {
		return work{}, bad
	}
	l := &placed{id: cmp.Or(p.labwareID, g.newID()), display: p.display, def: def, at: at, offset: g.offsetFor(def, at)}
	result := object{"labwareId": l.id, "definition": json.RawMessage(labware.JSON(def))}
	if l.offset != nil {
		result["offsetId"] = l.offset.ID
	}
	return work{result: result, then: func() { g.put(l) }}, nil
}

func (g *engine) put(l *placed) {
	l.index = len(g.deck.Labware)
	for _, before := range g.labware {
		if before.id == l.id {
			g.deck.Labware[before.index].Name += " (before)"
		}
	}
	g.labware = append(slices.DeleteFunc(g.labware, func(o *placed) bool { return o.id == l.id }), l)
	g.deck.Labware = append(g.deck.Labware, program.Placed{Name: l.id, On: g.ground(l.at), Def: l.def})
	g.deck.NameSlots()
	g.stale = true
}

func (g *engine) reloadLabware(p *params) (work, *failure) {
	l, bad := g.loaded(p.labwareID)
	if bad != nil {
		return work{}, bad
	}
	result, found := object{"labwareId": l.id}, g.offsetFor(l.def, l.at)
	if found != nil {
		result["offsetId"] = found.ID
	}
	return work{result: result, then: func() { l.offset = found }}, nil
}

func (g *engine) loadLiquid(p *params) (work, *failure) {
	at := slices.IndexFunc(g.liquids, func(l liquid) bool { return l.ID == p.liquidID })
	if at < 0 {
		return work{}, fails("LiquidDoesNotExistError", "Supplied liquidId: "+p.liquidID+" does not exist in the loaded liquids.")
	}
	l, bad := g.loaded(p.labwareID)
	if bad != nil {
		return work{}, bad
	}
	if l.def.IsTipRack {
		return work{}, fails("LabwareIsTipRackError", "Given labware: "+l.id+" is a tiprack. Can not load liquid.")
	}
	for _, name := range slices.Sorted(maps.Keys(p.volumes)) {
		if _, there := l.def.Well(name); !there {
			return work{}, fails("WellDoesNotExistError", name+" does not exist in "+l.id+".")
		}
	}
	return work{result: object{}, then: func() {
		to := &g.deck.Liquids[at]
		for i := range l.def.Wells {
			if v, given := p.volumes[l.def.Wells[i].Name]; given {
				to.Wells = append(to.Wells, program.WellRef{Labware: int16(l.index), Well: int16(i)})
				to.VolumeNL = append(to.VolumeNL, nL(v))
			}
		}
		g.stale = true
	}}, nil
}

// nL is a volume as programs count it.
func nL(uL float64) int64 { return int64(math.Round(uL * 1000)) }
