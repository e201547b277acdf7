package robot

// Offset is how far labware of a definition stands from where that says, at one
// place. The robot adds it to every movement there.
type Offset struct {
	Definition string // namespace/load name/version
	Slot       string
	Module     string // the robot's name of the module it stands on; empty for none
	Adapter    string // the definition of the labware it stands on; empty for none
	X, Y, Z    int64  // µm: to the right, to the back, up
}

// Shift has the runs that are opened from now on begin with offsets, whether
// they are uploaded or handed over step by step.
func (r *Robot) Shift(list []Offset) { r.offsets = list }

type offsetJSON struct {
	Definition string         `json:"definitionUri"`
	Location   offsetLocation `json:"location"`
	Vector     vectorJSON     `json:"vector"`
}

type offsetLocation struct {
	Slot    string `json:"slotName"`
	Module  string `json:"moduleModel,omitempty"`
	Adapter string `json:"definitionUri,omitempty"`
}

type vectorJSON struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	Z float64 `json:"z"`
}

// offsetList is the offsets as a run takes them.
func (r *Robot) offsetList() []offsetJSON {
	var out []offsetJSON
	for _, o := range r.offsets {
		out = append(out, offsetJSON{o.Definition, offsetLocation{o.Slot, o.Module, o.Adapter}, vectorJSON{float64(o.X) / 1000, float64(o.Y) / 1000, float64(o.Z) / 1000}})
	}
	return out
}
