package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Definitions finds the labware and pipettes that a stored plan names.
type Definitions interface {
	Labware(ref string) (*Labware, bool)
	Module(name string) (*ModuleModel, bool)
	ParseLabware(file string, data []byte) (*Labware, diag.List)
	Pipette(name string) (*PipetteModel, bool)
}

type planJSON struct {
	Format   string `json:"format"`
	Workflow struct {
		Name   string          `json:"name"`
		File   string          `json:"file"`
		Params json.RawMessage `json:"params"`
	} `json:"workflow"`
	Outputs json.RawMessage `json:"outputs"`
	Modules []struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Slot string `json:"slot"`
	} `json:"modules"`
	Labware []struct {
		Name      string `json:"name"`
		LoadName  string `json:"load_name"`
		Namespace string `json:"namespace"`
		Version   int    `json:"version"`
		placeJSON
		File string `json:"file"`
	} `json:"labware"`
	Pipettes []struct {
		Name  string   `json:"name"`
		Type  string   `json:"type"`
		Mount string   `json:"mount"`
		Tips  []string `json:"tips"`
	} `json:"pipettes"`
	Liquids []struct {
		Name        string          `json:"name"`
		Color       string          `json:"color"`
		Description string          `json:"description"`
		Wells       json.RawMessage `json:"wells"`
		Tip         string          `json:"tip"`
	} `json:"liquids"`
	Steps []stepJSON `json:"steps"`
	End   struct {
		Homes    bool     `json:"homes"`
		DropsTip []string `json:"drops_tip"`
	} `json:"end"`
	Deferred    []deferredJSON `json:"deferred"`
	Outlook     *outlookJSON   `json:"outlook"`
	Needs       needsJSON      `json:"needs"`
	Estimate    json.Number    `json:"estimate_s"`
	Fingerprint string         `json:"fingerprint"`
	Files       []struct {
		Name    string `json:"name"`
		Content string `json:"content"`
		Base64  []byte `json:"base64"`
	} `json:"files"`
}

type needsJSON struct {
	Tips    json.RawMessage `json:"tips"`
	Liquids json.RawMessage `json:"liquids"`
}

// placeJSON is where a labware stands: one of its members is there.
type placeJSON struct {
	Slot    string `json:"slot"`
	Module  string `json:"module"`
	On      string `json:"on"`
	OffDeck bool   `json:"off_deck"`
}

type stepJSON struct {
	N       int    `json:"n"`
	ID      string `json:"id"`
	Op      string `json:"op"`
	Pipette string `json:"pipette"`
	Labware string `json:"labware"`
	Well    string `json:"well"`
	Trash   bool   `json:"trash"`
	Nozzles string `json:"nozzles"`
	At      *struct {
		From string      `json:"from"`
		X    json.Number `json:"x_mm"`
		Y    json.Number `json:"y_mm"`
		Z    json.Number `json:"z_mm"`
	} `json:"at"`
	Volume  json.Number `json:"volume_uL"`
	Correct json.Number `json:"correction_uL"`
	Rate    json.Number `json:"flow_rate_uL_s"`
	Speed   json.Number `json:"speed_mm_s"`
	PushOut json.Number `json:"push_out_uL"`
	Touch   *struct {
		Radius json.Number `json:"radius"`
		Sides  []string    `json:"sides"`
	} `json:"touch"`
	Duration    json.Number     `json:"duration_s"`
	Module      string          `json:"module"`
	To          *placeJSON      `json:"to"`
	Temperature json.Number     `json:"temperature_C"`
	RPM         json.Number     `json:"rpm"`
	Height      json.Number     `json:"height_mm"`
	SwitchedOn  *bool           `json:"on"`
	Message     string          `json:"message"`
	Live        json.RawMessage `json:"live"`
	Origin      struct {
		File   string   `json:"file"`
		Line   int      `json:"line"`
		Column int      `json:"column"`
		Frames []string `json:"frames"`
	} `json:"origin"`
}

// IsPlan reports whether data looks like a plan's JSON rather than a workflow.
func IsPlan(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n\ufeff"), []byte("{")) && bytes.Contains(data[:min(len(data), 4096)], []byte(`"ot2flow.plan/`))
}

// Read reads a plan from its JSON. What is read back and written again is the
// same, byte by byte. A plan whose operations do not match its fingerprint was
// changed after it was made, and is refused.
func Read(data []byte, defs Definitions) (*Plan, error) {
	var in planJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, readError(err, data)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows after the end of the plan")
	}
	if in.Format != Format {
		return nil, fmt.Errorf("its format is %q, and this version of ot2flow reads %q", in.Format, Format)
	}
	r := &reader{in: &in, defs: defs, plan: &Plan{Fingerprint: in.Fingerprint, Deck: &Deck{}}, frames: map[string]*Frame{}, names: map[string]bool{}}
	r.read()
	if r.err != nil {
		return nil, r.err
	}
	if got := r.plan.Hash(); got != in.Fingerprint {
		return nil, errors.New("its steps do not match its fingerprint: it was changed after it was made; make a new plan from the workflow")
	}
	return r.plan, nil
}

func readError(err error, data []byte) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	offset := int64(-1)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset = typ.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is not a whole plan: the file ends in the middle")
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if offset < 0 {
		return errors.New(text)
	}
	return fmt.Errorf("line %d: %s", 1+bytes.Count(data[:min(int(offset), len(data))], []byte("\n")), text)
}

// reader builds a plan from its wire form. The first error stays.
type reader struct {
	in     *planJSON
	defs   Definitions
	plan   *Plan
	frames map[string]*Frame
	names  map[string]bool
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) read() {
	in, p := r.in, r.plan
	p.Workflow.Name, p.Workflow.File = in.Workflow.Name, in.Workflow.File
	r.pairs(in.Workflow.Params, func(k string, v json.RawMessage) {
		var s string
		if json.Unmarshal(v, &s) != nil {
			r.fail("workflow.params.%s is no text", k)
		}
		p.Workflow.Params = append(p.Workflow.Params, Param{k, s})
	})
	for _, f := range in.Files {
		data := []byte(f.Content)
		if f.Base64 != nil {
			data = f.Base64
		}
		p.Files = append(p.Files, File{f.Name, data})
	}
	r.pairs(in.Outputs, func(k string, v json.RawMessage) {
		var o struct {
			Type  string          `json:"type"`
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(v, &o) != nil || o.Value == nil {
			r.fail("outputs.%s cannot be read", k)
		}
		p.Outputs = append(p.Outputs, Output{k, o.Type, string(o.Value)})
	})
	r.modules()
	r.labware()
	r.pipettes()
	r.liquids()
	for i := range in.Steps {
		if in.Steps[i].N != i+1 {
			r.fail("step %d is numbered %d", i+1, in.Steps[i].N)
		}
		p.Steps = append(p.Steps, r.step(&in.Steps[i]))
		if r.err != nil {
			return
		}
	}
	p.End.Homes = in.End.Homes
	for _, name := range in.End.DropsTip {
		p.End.DropsTip = append(p.End.DropsTip, r.wellName(name))
	}
	p.Needs = r.needs(&in.Needs)
	r.outlook()
	p.EstimateMS = r.number(in.Estimate, "estimate_s")
}

// pairs walks a JSON object in the order it is written.
func (r *reader) pairs(raw json.RawMessage, f func(string, json.RawMessage)) {
	if len(raw) == 0 {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		r.fail("a mapping is wanted where %.40s stands", raw)
		return
	}
	for dec.More() {
		var value json.RawMessage
		key, err := dec.Token()
		if err != nil || dec.Decode(&value) != nil {
			r.fail("%.40s cannot be read", raw)
			return
		}
		name, _ := key.(string)
		f(name, value)
	}
}

// number reads an amount in thousandths of its unit; none is 0.
func (r *reader) number(n json.Number, what string) int64 {
	v := r.signed(n, what)
	if v < 0 {
		r.fail("%s: %s is below 0", what, n)
	}
	return v
}

func (r *reader) signed(n json.Number, what string) int64 {
	if n == "" {
		return 0
	}
	v, err := quantity.Scaled(n.String(), 1000)
	if err != nil {
		r.fail("%s: %s: %v", what, n, err)
	}
	return v
}

// offset reads a distance in a well, in mm.
func (r *reader) offset(n json.Number, what string) int32 {
	v := r.signed(n, what)
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail("%s: %s mm is out of this robot's world", what, n)
	}
	return int32(v)
}

// index finds a thing of the deck by its name.
func (r *reader) index(what, name string, n int, nameOf func(int) string) int {
	for i := range n {
		if nameOf(i) == name {
			return i
		}
	}
	r.fail("there is no %s %s", what, name)
	return 0
}

func (r *reader) moduleIndex(name string) int8 {
	return int8(r.index("module", name, len(r.plan.Deck.Modules), func(i int) string { return r.plan.Deck.Modules[i].Name }))
}

func (r *reader) labwareIndex(name string) int {
	return r.index("labware", name, len(r.plan.Deck.Labware), func(i int) string { return r.plan.Deck.Labware[i].Name })
}

func (r *reader) pipetteIndex(name string) int8 {
	return int8(r.index("pipette", name, len(r.plan.Deck.Pipettes), func(i int) string { return r.plan.Deck.Pipettes[i].Name }))
}

func (r *reader) liquidIndex(name string) int {
	return r.index("liquid", name, len(r.plan.Deck.Liquids), func(i int) string { return r.plan.Deck.Liquids[i].Name })
}

func (r *reader) modules() {
	for _, m := range r.in.Modules {
		model, ok := r.defs.Module(m.Type)
		if !ok {
			r.fail("the module %s is not known here", m.Type)
			return
		}
		r.unique("module", m.Name)
		if r.slot(m.Slot).Index == 0 {
			return
		}
		r.plan.Deck.Modules = append(r.plan.Deck.Modules, Module{Name: m.Name, Model: model, Slot: m.Slot})
	}
	if len(r.plan.Deck.Modules) > maxSlots {
		r.fail("it has %d modules, more than any deck", len(r.plan.Deck.Modules))
	}
}

// maxSlots is how many slots a deck has at most.
const maxSlots = 99

func (r *reader) slot(name string) Place {
	p := SlotPlace(name)
	if p.Index < 1 || p.Index > maxSlots {
		r.fail("%q is no slot", name)
	}
	return p
}

func (r *reader) place(in *placeJSON) Place {
	given := 0
	for _, is := range [...]bool{in.Slot != "", in.Module != "", in.On != "", in.OffDeck} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		r.fail("a labware stands in one place: in a slot, on a module, on another labware, or off the deck")
	case in.OffDeck:
		return Place{On: OffDeck}
	case in.Module != "":
		return Place{OnModule, int16(r.moduleIndex(in.Module))}
	case in.On != "":
		return Place{OnLabware, int16(r.labwareIndex(in.On))}
	}
	return r.slot(in.Slot)
}

func (r *reader) labware() {
	for _, l := range r.in.Labware {
		placed := Placed{Name: l.Name, Type: l.LoadName}
		ref := fmt.Sprintf("%s/%s/%d", l.Namespace, l.LoadName, l.Version)
		if l.File != "" {
			placed.Type, placed.Def = l.File, r.own(l.File)
		} else if def, ok := r.defs.Labware(ref); ok {
			placed.Def = def
		}
		if placed.Def == nil || placed.Def.URI() != ref {
			r.fail("the labware %s of %s is not known here", ref, l.Name)
			return
		}
		r.unique("labware", l.Name)
		r.plan.Deck.Labware = append(r.plan.Deck.Labware, placed)
	}
	// What stands on other labware may come before that.
	for i := range r.plan.Deck.Labware {
		r.plan.Deck.Labware[i].On = r.place(&r.in.Labware[i].placeJSON)
	}
	if r.err != nil {
		return
	}
	r.plan.Deck.NameSlots()
	if len(r.plan.Deck.Labware) > math.MaxInt8 {
		r.fail("it has %d labware, more than any deck", len(r.plan.Deck.Labware))
	}
}

// unique refuses a name that two things of the deck have.
func (r *reader) unique(what, name string) {
	if r.names[name] {
		r.fail("the name %s of a %s is taken", name, what)
	}
	r.names[name] = true
}

func (r *reader) own(file string) *Labware {
	for _, f := range r.plan.Files {
		if f.Name == strings.TrimPrefix(file, "./") {
			def, list := r.defs.ParseLabware(f.Name, f.Data)
			if list.HasErrors() {
				r.fail("%s: %s", f.Name, list[0].Message)
			}
			return def
		}
	}
	r.fail("the definition %s is not inside the plan; make the plan with --out, which puts it in", file)
	return nil
}

func (r *reader) pipettes() {
	for _, p := range r.in.Pipettes {
		m, ok := r.defs.Pipette(p.Type)
		if !ok {
			r.fail("the pipette %s is not known here", p.Type)
			return
		}
		out := Pipette{Name: p.Name, Mount: p.Mount, Model: m}
		for _, name := range p.Tips {
			out.Racks = append(out.Racks, r.rack(name))
		}
		r.unique("pipette", p.Name)
		r.plan.Deck.Pipettes = append(r.plan.Deck.Pipettes, out)
	}
	if len(r.plan.Deck.Pipettes) > 2 {
		r.fail("it has %d pipettes, and a robot two mounts", len(r.plan.Deck.Pipettes))
	}
}

func (r *reader) rack(name string) int {
	i := r.labwareIndex(name)
	if r.err == nil && !r.plan.Deck.Labware[i].Def.IsTipRack {
		r.fail("%s is no tip rack", name)
	}
	return i
}

func (r *reader) well(labware, name string) WellRef {
	i := r.labwareIndex(labware)
	if r.err != nil {
		return None
	}
	w, ok := r.plan.Deck.Labware[i].Def.Well(name)
	if !ok {
		r.fail("%s has no well %s", labware, name)
		return None
	}
	return WellRef{int16(i), int16(w)}
}

func (r *reader) wellName(s string) WellRef {
	labware, well, _ := strings.Cut(s, ".")
	return r.well(labware, well)
}

func (r *reader) liquids() {
	for _, l := range r.in.Liquids {
		out := Liquid{Name: l.Name, Color: l.Color, Description: l.Description, Tip: None}
		r.pairs(l.Wells, func(name string, v json.RawMessage) {
			out.Wells = append(out.Wells, r.wellName(name))
			volume := int64(-1)
			if string(v) != "null" {
				volume = r.number(json.Number(v), name)
			}
			out.VolumeNL = append(out.VolumeNL, volume)
		})
		if l.Tip != "" {
			out.Tip = r.wellName(l.Tip)
		}
		r.unique("liquid", l.Name)
		r.plan.Deck.Liquids = append(r.plan.Deck.Liquids, out)
	}
}

func (r *reader) needs(in *needsJSON) (out Needs) {
	r.pairs(in.Tips, func(name string, v json.RawMessage) {
		out.Tips = append(out.Tips, Count{r.labwareIndex(name), r.number(json.Number(v), name) / 1000})
	})
	r.pairs(in.Liquids, func(name string, v json.RawMessage) {
		var amount struct {
			Volume json.Number `json:"volume_uL"`
		}
		if json.Unmarshal(v, &amount) != nil {
			r.fail("needs.liquids.%s cannot be read", name)
		}
		out.Liquids = append(out.Liquids, Count{r.liquidIndex(name), r.number(amount.Volume, name)})
	})
	return out
}

func (r *reader) step(in *stepJSON) Step {
	kind, ok := LookupKind(in.Op)
	if !ok || kind == EndRun {
		r.fail("step %d: there is no operation %q", in.N, in.Op)
		return Step{}
	}
	r.fields(in, kind)
	op := Op{Kind: kind, Trash: in.Trash, Well: None, HasPush: in.PushOut != ""}
	if in.Pipette != "" {
		op.Pipette = r.pipetteIndex(in.Pipette)
	}
	if in.Nozzles != "" {
		op.Nozzles = r.nozzles(in, op.Pipette)
	}
	if in.Well != "" {
		op.Well = r.well(in.Labware, in.Well)
	}
	if in.At != nil {
		op.At = Position{r.origin(in.At.From), r.offset(in.At.X, "x_mm"), r.offset(in.At.Y, "y_mm"), r.offset(in.At.Z, "z_mm")}
	}
	op.Volume, op.Rate = r.number(in.Volume, "volume_uL"), r.number(in.Rate, "flow_rate_uL_s")
	op.Speed, op.PushOut = r.number(in.Speed, "speed_mm_s"), r.number(in.PushOut, "push_out_uL")
	op.Correction = r.signed(in.Correct, "correction_uL")
	op.Duration = r.number(in.Duration, "duration_s")
	if in.Touch != nil {
		op.Touch = r.touch(in)
	}
	if in.Module != "" {
		op.Module = r.moduleIndex(in.Module)
	}
	if in.To != nil {
		op.Well, op.To = WellRef{int16(r.labwareIndex(in.Labware)), 0}, r.place(in.To)
	}
	if in.SwitchedOn != nil {
		op.On = *in.SwitchedOn
	}
	op.Temperature, op.RPM = r.offset(in.Temperature, "temperature_C"), r.offset(in.RPM, "rpm")/1000
	if in.Height != "" {
		op.At.Z = r.offset(in.Height, "height_mm")
	}
	out := Step{N: in.N, Op: op, Text: in.Message}
	var err error
	if out.Live, err = readLive(kind, in.Live); err != nil {
		r.fail("step %d: %v", in.N, err)
	}
	out.Frame, out.Seq = r.frame(in, kind)
	if r.err == nil && out.ID() != in.ID {
		r.fail("step %d: the id %q does not fit its operation and its origin", in.N, in.ID)
	}
	return out
}

// fields refuses a step that lacks what its operation cannot be without, or
// has what would have no effect on it.
func (r *reader) fields(in *stepJSON, kind Kind) {
	has := kind.Info().Fields
	well := in.Well != ""
	for _, f := range [...]struct {
		name         string
		given        bool
		field        Fields
		must, mayNot bool
	}{
		{"pipette", in.Pipette != "", HasPipette, true, false},
		{"trash", in.Trash, HasTrash, false, well},
		{"well", well, HasWell, !in.Trash, in.Trash},
		{"labware", in.Labware != "", HasWell | HasMove, well || has&HasMove != 0, !well && has&HasMove == 0},
		{"to", in.To != nil, HasMove, true, false},
		{"module", in.Module != "", HasModule, true, false},
		{"temperature_C", in.Temperature != "", HasTemperature, true, false},
		{"rpm", in.RPM != "", HasRPM, true, false},
		{"height_mm", in.Height != "", HasHeight, true, false},
		{"on", in.SwitchedOn != nil, HasOnOff, true, false},
		{"at", in.At != nil, HasAt, well, !well},
		{"volume_uL", in.Volume != "", HasVolume | HasHold, has&HasVolume != 0, false},
		{"correction_uL", in.Correct != "", HasCorrection, false, false},
		{"flow_rate_uL_s", in.Rate != "", HasRate, true, false},
		{"speed_mm_s", in.Speed != "", HasSpeed, false, false},
		{"push_out_uL", in.PushOut != "", HasPushOut, false, false},
		{"touch", in.Touch != nil, HasTouch, true, false},
		{"duration_s", in.Duration != "", HasDuration | HasHold, has&HasDuration != 0, false},
		{"nozzles", in.Nozzles != "", HasNozzles, true, false},
		{"message", in.Message != "", HasText, false, false},
	} {
		switch {
		case f.given && (has&f.field == 0 || f.mayNot):
			r.fail("step %d: %q has no meaning for this %s", in.N, f.name, kind)
		case !f.given && f.must && has&f.field != 0:
			r.fail("step %d: %q is missing for %s", in.N, f.name, kind)
		}
	}
}

func (r *reader) nozzles(in *stepJSON, pipette int8) Nozzles {
	n, ok := LookupNozzles(in.Nozzles)
	if !ok {
		r.fail("step %d: there is no nozzle layout %q", in.N, in.Nozzles)
	}
	if r.err == nil && n != AllNozzles && !r.plan.Deck.IsMulti(int(pipette)) {
		r.fail("step %d: %s has one nozzle only", in.N, in.Pipette)
	}
	return n
}

func (r *reader) touch(in *stepJSON) Touch {
	radius := r.number(in.Touch.Radius, "radius")
	if radius > 1000 {
		r.fail("step %d: the radius of a touch is at most 1", in.N)
	}
	out := Touch{Radius: int16(radius)}
	for _, s := range in.Touch.Sides {
		i := slices.Index(sideNames[:], s)
		if i < 0 {
			r.fail("step %d: a well has no side %q", in.N, s)
			continue
		}
		out.Sides |= 1 << i
	}
	return out
}

func (r *reader) origin(s string) Origin {
	for _, o := range [...]Origin{Top, Bottom, Center} {
		if o.String() == s {
			return o
		}
	}
	r.fail("there is no origin %q", s)
	return Top
}

// frame rebuilds the frames of a step from its id and origin. Steps of one
// origin share them.
func (r *reader) frame(in *stepJSON, kind Kind) (*Frame, int) {
	prefix, last := "", in.ID
	if i := strings.LastIndexByte(in.ID, '/'); i >= 0 {
		prefix, last = in.ID[:i], in.ID[i+1:]
	}
	seq := 1
	if number, ok := strings.CutPrefix(last, kind.String()+"-"); ok {
		seq, _ = strconv.Atoi(number) // a wrong one gives another id, which is refused
	}
	o := &in.Origin
	key := fmt.Sprintf("%s\x00%s\x00%d\x00%d\x00%s", prefix, o.File, o.Line, o.Column, strings.Join(o.Frames, "\x00"))
	f, ok := r.frames[key]
	if !ok {
		f = framesOf(in)
		if f != nil {
			f.Label = prefix
		}
		r.frames[key] = f
	}
	return f, seq - 1
}

// framesOf rebuilds the frames of a step from its origin. Only of the innermost
// step of the language it is known where it stands.
func framesOf(in *stepJSON) *Frame {
	var f *Frame
	for i, text := range in.Origin.Frames {
		at := diag.Pos{Line: in.Origin.Line, Column: in.Origin.Column}
		span := diag.Span{File: in.Origin.File, Start: at, End: at}
		if i < len(in.Origin.Frames)-1 {
			span = diag.Span{}
		}
		f = frameOf(f, text, span)
	}
	return f
}

// frameOf rebuilds the frames of one step of the language from what Sites says
// of it: path [loop] [loop]: name. It goes piece by piece and leaves nothing
// out, so that Sites says the same again whatever the pieces look like.
func frameOf(parent *Frame, text string, at diag.Span) *Frame {
	n := pathEnd(text)
	f, rest := &Frame{Parent: parent, Site: &Site{Path: text[:n], Span: at}}, text[n:]
	for rest != "" {
		loop, ok := strings.CutPrefix(rest, " [")
		end := noteEnd(loop)
		name := strings.TrimPrefix(rest, ": ")
		n := strings.Index(name+" [", " [")
		switch {
		case ok && end >= 0:
			f, rest = &Frame{Parent: f, Note: note(loop[:end])}, loop[end+1:]
		case ok || n == 0:
			return &Frame{Parent: parent, Site: &Site{Path: text, Span: at}}
		default:
			f, rest = &Frame{Parent: f, Title: name[:n]}, name[n:]
		}
	}
	return f
}

func pathEnd(text string) int {
	return min(strings.Index(text+" [", " ["), strings.Index(text+": ", ": "))
}

// noteEnd finds the bracket after a note; -1 if there is none.
func noteEnd(s string) int {
	for i := range len(s) {
		if rest := s[i+1:]; s[i] == ']' && (rest == "" || strings.HasPrefix(rest, " [") || strings.HasPrefix(rest, ": ")) {
			return i
		}
	}
	return -1
}

// note is what a loop was at, as it was written into the plan.
type note string

// String returns the note.
func (n note) String() string { return string(n) }

// LookupKind finds an operation by its name in plan.json.
func LookupKind(name string) (Kind, bool) {
	for k := range Kind(Kinds) {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}
