package program

import (
	"cmp"
	"slices"
	"strconv"
)

// The plain facts of a robot and its deck that expansion, checks and the
// simulator need. Lengths are micrometres, volumes nanolitres, rates nL/s.

// Labware is a definition: geometry and the facts that rules read.
type Labware struct {
	Namespace, LoadName string
	Version             int
	DisplayName         string
	Category            string // wellPlate, tubeRack, tipRack, reservoir, trash, …
	IsTipRack           bool
	TipLength           int64 // µm, tip racks only
	TipOverlap          int64 // µm, the definition's nominal one
	TouchTipDisabled    bool
	CenterMultichannel  bool // 8-channel pipettes stand centred in each well
	IsAdapter           bool // other labware is made to stand on it
	StandsOn            []Sunk
	MagnetHeight        int64 // µm above the plane it stands on that magnets rise to by default; NoMagnetHeight where there is none
	X, Y, Z             int64 // outer size
	Wells               []Well
	Columns             [][]int // indices into Wells, column by column, each from the back: the definition's ordering
	JSON                []byte  // the definition itself, for users' own; nil for the standard catalogue
	index               map[string]int
}

// Sunk is a labware (by load name) or a module (by the robot's name) that a
// labware is made to stand on, and how far it sinks into it.
type Sunk struct {
	On string
	By int64 // µm
}

// NoMagnetHeight is the MagnetHeight of a labware that says nothing of magnets.
const NoMagnetHeight = -1 << 31

// Well is one well, tube or tip place of a labware.
type Well struct {
	Name     string // A1
	Row      string // A
	Column   int    // 1, counted as people do
	X, Y, Z  int64  // centre of the bottom, from the labware's front left corner
	Depth    int64
	Round    bool
	Diameter int64 // of a round one
	XSize    int64 // of a rectangular one
	YSize    int64
	MaxNL    int64  // nominal capacity; tip places: what the tip holds
	Shape    string // flat, u, v or empty where the definition says nothing
}

// CompareRows compares the letters of rows: B comes after A, and AA after Z.
func CompareRows(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// URI returns namespace/loadName/version.
func (l *Labware) URI() string { return l.Namespace + "/" + l.LoadName + "/" + strconv.Itoa(l.Version) }

// Well returns the index of the well called name, such as "A1".
func (l *Labware) Well(name string) (int, bool) {
	if l.index == nil {
		for i := range l.Wells {
			if l.Wells[i].Name == name {
				return i, true
			}
		}
		return 0, false
	}
	i, ok := l.index[name]
	return i, ok
}

// Index builds the name index; whoever makes a Labware calls it once before
// sharing it.
func (l *Labware) Index() {
	l.index = make(map[string]int, len(l.Wells))
	for i := range l.Wells {
		l.index[l.Wells[i].Name] = i
	}
}

// PipetteModel is what is known of a kind of pipette.
type PipetteModel struct {
	Name                        string // p300_single_gen2
	DisplayName                 string
	Channels                    int
	MinNL, MaxNL                int64
	Aspirate, Dispense, BlowOut int64    // default flow rates, nL/s
	Tips                        []string // load names of the tip racks it takes
	ReturnTipPermille           int64    // how deep a returned tip is put, in thousandths of its length below the rack's top
	TipOverlap                  int64    // µm
}

// Slot is a place on the deck.
type Slot struct {
	Name string // "1" … "11"
	X, Y int64  // front left corner
}

// Placed is a labware on the deck under the name the workflow gives it.
type Placed struct {
	Name string
	Slot string // that it is in, with whatever is under it; empty off the deck
	On   Place  // before the first step
	Def  *Labware
	Type string // as written in the workflow: a load name or a file
	// EvaporationNL is how much each of its wells loses in an hour while it is
	// open, in nL. The state of the deck knows nothing of that.
	EvaporationNL int64
	// Keep says that it stays on the robot between runs, so that what is Left in
	// it counts. What a plan begins with is in Left whatever stands here.
	Keep bool
	// Exchange says that a person puts a new one in its place where none of its
	// wells is empty any more and one is asked for.
	Exchange bool
}

// Pipette is a pipette on a mount under the name the workflow gives it.
type Pipette struct {
	Name  string
	Mount string // left or right
	Model *PipetteModel
	Racks []int // indices into Deck.Labware, in the order tips are taken
	// Refill says that a person brings new racks where no tip is left.
	Refill bool
}

// Liquid is a declared liquid.
type Liquid struct {
	Name        string
	Description string
	Color       string // "#rrggbb" or empty
	Wells       []WellRef
	VolumeNL    []int64 // per well of Wells; -1 where the amount was not declared
	Tip         WellRef // the tip kept for it; None if there is none
	// Contains is how much of each of Deck.Components it holds: nothing, one value
	// for all wells, or one per well. In base units, as State.Concentration has it.
	Contains [][]int64
	// Distinct says that each of its wells is a source of its own; otherwise they
	// are one pool.
	Distinct bool
	// Kept says that it is no liquid of the workflow: an earlier run left it, and
	// what it contains is not known.
	Kept bool
}

// Deck is everything on the robot before the first step.
type Deck struct {
	Modules  []Module
	Labware  []Placed
	Pipettes []Pipette
	Liquids  []Liquid
	// Components are what the liquids contain, in the order they are declared in.
	Components []Component
	// Left is what earlier runs left on it.
	Left Left
}

// WellRef names a well by indices into Deck.Labware and its definition's
// Wells. None names no well.
type WellRef struct {
	Labware int16
	Well    int16
}

// None is the WellRef of no well.
var None = WellRef{-1, -1}

// WellName renders r as plate.A1.
func (d *Deck) WellName(r WellRef) string {
	if r == None {
		return ""
	}
	l := &d.Labware[r.Labware]
	return l.Name + "." + l.Def.Wells[r.Well].Name
}

// Well returns the facts of the well r names.
func (d *Deck) Well(r WellRef) *Well { return &d.Labware[r.Labware].Def.Wells[r.Well] }

// IsTool reports whether what a pipette took from a place is a tool, such as a
// sensor: it came from a rack that the pipette takes no plain tips from. Nobody
// wants it in the trash.
func (d *Deck) IsTool(pipette int, from WellRef) bool {
	return from != None && !slices.Contains(d.Pipettes[pipette].Racks, int(from.Labware))
}
