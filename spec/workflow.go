package spec

import (
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Workflow is a workflow file as written, with the position of everything.
// Nothing in it is evaluated.
type Workflow struct {
	File        string // Bundle name of the file
	Span        diag.Span
	Name        Scalar
	Description Text
	Params      []Param
	Require     []Check
	Let, Vars   []Binding
	Modules     []Module
	Labware     []Labware
	Pipettes    []Pipette
	Liquids     []Liquid
	Instruments []Instrument
	Defaults    Defaults
	Steps       []*Step
	Timeout     Expr
	Budget      Budget
	Finally     []*Step
	Outputs     []Output
}

// Expr is the source of an expression where Want is wanted.
type Expr struct {
	Scalar
	Want Want
	Neg  bool // the value is taken negative: the 5 mm of `top - 5 mm`
}

// IsSet reports whether the key was written.
func (e *Expr) IsSet() bool { return e.Want != NoWant }

// Want is what an expression is wanted for. It decides the type it must have.
type Want uint8

// The wants, each named after the shared definition of its shape.
const (
	NoWant Want = iota
	WantAny
	WantVolume
	WantDuration
	WantLength
	WantSpeed
	WantRate
	WantNumber
	WantInteger
	WantCondition
	WantWell
	WantWells
	WantList
	WantTemperature
	WantRotation
	WantConcentration
)

// Dim returns the physical dimension a quantity is wanted in.
func (w Want) Dim() (quantity.Dim, bool) {
	switch w {
	case WantVolume:
		return quantity.Volume, true
	case WantDuration:
		return quantity.Time, true
	case WantLength:
		return quantity.Length, true
	case WantSpeed:
		return quantity.Speed, true
	case WantRate:
		return quantity.FlowRate, true
	case WantTemperature:
		return quantity.Temperature, true
	case WantRotation:
		return quantity.Rotation, true
	}
	return quantity.Number, false
}

// Exprs is one expression or a list of them.
type Exprs struct {
	Items []Expr
	Many  bool // written as a YAML list
	Span  diag.Span
}

// IsSet reports whether the key was written.
func (e *Exprs) IsSet() bool { return len(e.Items) > 0 }

// Text is a template: text with ${ expressions }.
type Text struct {
	Scalar
	Set bool
}

// Word is a plain word out of a list, or a name.
type Word struct {
	Value string
	Span  diag.Span
}

// IsSet reports whether the key was written.
func (w *Word) IsSet() bool { return w.Value != "" }

// Param declares a parameter.
type Param struct {
	Name        Word
	Type        Word
	Of          Word // of a list: the type of its elements
	In          Word // the labware a well is looked for in
	Columns     []Column
	Extra       Word // what becomes of undeclared columns: ignore, error
	Description Text
	Default     Written
	Example     Written
	Min, Max    Given
	Choices     []Given
	Span        diag.Span
}

// Column declares a column of a table.
type Column struct {
	Name        Word
	Type        Word
	Header      Given
	Unit        Word
	In          Word // a labware, or row. and the column that names one
	Default     Given
	Min, Max    Given
	Choices     []Given
	Noise       Given // of what an instrument gives
	Description Text
	Span        diag.Span
}

// Written is a value written out: one value, or, where Many, a list of values
// or of the rows of a table.
type Written struct {
	Given
	Many  bool
	Items []WrittenItem
	Span  diag.Span
}

// WrittenItem is one value of a list, or, where IsRow, a row.
type WrittenItem struct {
	Given
	IsRow bool
	Cells []WrittenCell
	Span  diag.Span
}

// WrittenCell is the value of one column in a row.
type WrittenCell struct {
	Column Word
	Value  Given
}

// Given is a value written without an expression, such as a default.
type Given struct {
	Scalar
	Set bool
}

// Check is a condition that must hold, and what to say if it does not.
type Check struct {
	That    Expr
	Message Text
	Span    diag.Span
}

// Binding gives a name to an expression.
type Binding struct {
	Name  Word
	Value Expr
}

// Argument is what a call gives for a name of the called workflow: an
// expression, or, where Many, a list of expressions or of rows of them.
type Argument struct {
	Binding
	Many  bool
	Items []ArgumentItem
	Span  diag.Span // of the value
}

// ArgumentItem is one value of a list, or, where IsRow, a row of a table with
// its values under the names of their columns.
type ArgumentItem struct {
	Value Expr
	IsRow bool
	Cells []Binding
	Span  diag.Span
}

// Output is what a workflow returns under one name.
type Output struct {
	Name        Word
	Value       Expr
	Type        Word // empty: that of the value
	Description Text
	Span        diag.Span
}

// Labware places a labware on the deck.
type Labware struct {
	Name    Word
	Type    Word
	Slot    Word // a slot or OffDeck
	Module  Word // the name of a module
	Adapter Word // a load name or a file, or alone the name of a labware
	// Evaporation is a volume per hour or minute, as it is written; see
	// EvaporationRate.
	Evaporation Given
	Keep        Switch
	Exchange    string // ask, or empty
	Span        diag.Span
}

// Pipette says what is on a mount, and which racks it takes tips from.
type Pipette struct {
	Name     Word
	Type     Word
	Mount    Word
	Tips     []Word
	Nozzles  Word
	Refill   string // ask, or empty
	Defaults Defaults
	Span     diag.Span
}

// Liquid declares a liquid and where it stands.
type Liquid struct {
	Name        Word
	In          Exprs
	Volume      Exprs
	Color       Given
	Description Text
	Tip         Expr
	Distinct    Switch
	LiquidClass Scalar
	Defaults    Defaults
	Contains    []Components
	Refill      Refill
	Span        diag.Span
}

// Refill says how a liquid is filled up where it runs out.
type Refill struct {
	Set   bool
	To    Expr // up to which volume, in each well
	Below Expr // what has to stay in each well
	Span  diag.Span
}

// Components is what a liquid holds of one component: one concentration, or one
// for each of its wells.
type Components struct {
	Name  Word
	Value Exprs
}

// Step is one step with its modifiers.
type Step struct {
	Path    string // steps[2].do[0]; with an id, the id in place of its segment
	Key     string // of the body: transfer
	KeyAt   diag.Span
	ID      Word
	Name    Text
	If      Expr
	Else    []*Step
	For     For
	Repeat  Expr
	While   Expr // asked before each pass
	Until   Expr // asked after each pass
	AtMost  Expr
	As      Word // a name for what the step returns
	Timeout Expr // over all attempts
	Retry   Retry
	OnError OnError
	Body    Body
	Span    diag.Span // from the step's first key to its end
	Broken  bool      // a part of it was refused, and is missing in Body
}

// For is `w in plate.first(24)` or `i, w in wells`.
type For struct {
	Index, Name Word
	In          Expr
	Set         bool
}

// Height is a point in a well: an origin and what is added to it.
type Height struct {
	From    string // top, bottom, center, liquid; empty where the key was not written
	X, Y, Z Expr
	Span    diag.Span
}

// IsSet reports whether the key was written.
func (h *Height) IsSet() bool { return h.From != "" }

// Mixing is `3 x 50 uL`.
type Mixing struct {
	Set, None     bool
	Short         bool // written as 3 x 50 uL
	Times, Volume Expr
	At            Height
	Rate          Expr
	EachChunk     Expr // a condition
	Span          diag.Span
}

// TouchTip is how a tip touches the sides of a well.
type TouchTip struct {
	Set    bool
	None   bool // false or none: not touched
	Short  bool // true
	At     Height
	Speed  Expr
	Sides  []Word
	Radius Expr
	Span   diag.Span
}

// BlowOut is where and how a tip is emptied past its end.
type BlowOut struct {
	Set, None   bool
	Short       bool   // a place alone
	Word        string // source, destination, trash; empty where In is a well
	In          Expr
	At          Height
	Rate, Speed Expr
	Span        diag.Span
}

// Tip is which tip a liquid step uses, and what becomes of it.
type Tip struct {
	Set   bool
	Short bool   // not a mapping
	Use   string // new, once, per_source, per_destination, dedicated, current; empty where From is a place
	From  Expr
	Match string // source
	Then  string // trash, return, keep; empty where not written, or a place
	Put   Expr   // the place of `then`
	Span  diag.Span
}

// LiquidKeys are the keys every liquid step takes.
type LiquidKeys struct {
	Pipette     Word
	Nozzles     Word
	Tip         Tip
	Split       Word
	LiquidClass Scalar // a name or a file; empty where not written
	Handling
}

// Body is what a step does: a closed sum, one type per step kind.
type Body interface {
	fields() []Field
}

type (
	// Transfer moves liquid from places to places, pair by pair.
	Transfer struct {
		From, To, Volume Exprs
		ToTrash          bool // instead of To
		Order            Order
		LiquidKeys
	}
	// Mix draws and gives in the same place, several times.
	Mix struct {
		In       Exprs
		Volume   Expr
		Times    Expr
		At       Height
		Rate     Expr
		Pipette  Word
		Nozzles  Word
		Tip      Tip
		TouchTip TouchTip
		BlowOut  BlowOut
		Order    Word

		LiquidClass Scalar
	}
	// Formulate brings named liquids together in each of the wells.
	Formulate struct {
		To           Exprs
		Volumes      []Binding // per well
		Rows         Expr      // a table
		Target       []Binding // concentrations
		From         Exprs     // paired with To
		Total        Expr
		Diluent      Exprs
		ByWell       bool
		Order        []Word // liquids
		BelowMinimum Word
		LiquidKeys
	}
	// PickUpTip picks up a tip.
	PickUpTip struct {
		From    Expr
		Pipette Word
		Nozzles Word
	}
	// Aspirate draws with the tip that is on.
	Aspirate struct {
		From, Volume Expr
		At           Height
		Rate, Speed  Expr
		Pipette      Word
	}
	// Dispense gives from the tip.
	Dispense struct {
		To, Volume  Expr
		At          Height
		Rate, Speed Expr
		PushOut     Expr
		Pipette     Word
	}
	// AirGap draws air.
	AirGap struct {
		Volume  Expr
		In      Expr
		At      Height
		Rate    Expr
		Pipette Word
	}
	// TouchSides touches the sides of a well.
	TouchSides struct {
		In Expr
		TouchTip
		Pipette Word
	}
	// BlowOutNow empties the tip past the plunger's end.
	BlowOutNow struct {
		BlowOut
		Pipette Word
	}
	// DropTip drops the tip.
	DropTip struct {
		In      Expr // unset: the trash
		Home    Expr
		Pipette Word
	}
	// ReturnTip puts the tip back.
	ReturnTip struct {
		At      Height
		Home    Expr
		Pipette Word
	}
	// MoveTo moves the tip to a well.
	MoveTo struct {
		To      Expr
		At      Height
		Over    Expr
		Direct  Expr
		Speed   Expr
		Pipette Word
	}
	// Home homes all axes.
	Home struct{}
	// Delay waits.
	Delay struct{ For Expr }
	// Pause waits for a person.
	Pause struct{ Message Text }
	// Comment writes into the run's log.
	Comment struct{ Message Text }
	// Assert is the step `check`: a condition that must hold where it stands.
	Assert struct{ Check }
	// Call does the steps of another workflow.
	Call struct {
		Workflow Scalar
		With     []Argument
	}
	// Fail says why the program must not come here.
	Fail struct{ Message Text }
	// Do does several steps as one.
	Do struct{ Steps []*Step }
	// Set gives variables new values.
	Set struct{ Values []Binding }
)
