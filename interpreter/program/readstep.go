package program

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// The steps of a stored plan, and where they come from.

func (r *reader) step(in *stepJSON) Step {
	kind, ok := LookupKind(in.Op)
	if !ok || kind == EndRun {
		r.fail("step %d: there is no operation %q", in.N, in.Op)
		return Step{}
	}
	r.fields(in, kind)
	out := Step{N: in.N, Op: r.op(in, kind), Text: in.Message, Protocol: r.protocol(kind, in.Protocol)}
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

// op reads an operation.
func (r *reader) op(in *stepJSON, kind Kind) Op {
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
	if in.Liquid != "" {
		op.Liquid = int16(r.liquidIndex(in.Liquid))
	}
	if in.Module != "" {
		op.Module = r.moduleIndex(in.Module)
	}
	if in.To != nil {
		op.Well, op.To = WellRef{int16(r.labwareIndex(in.Labware)), 0}, r.place(in.To)
	}
	if kind.Info().Fields&HasLabware != 0 {
		op.Well = WellRef{int16(r.labwareIndex(in.Labware)), 0}
		if r.err == nil && r.plan.Deck.Labware[op.Well.Labware].Def.IsTipRack {
			r.fail("step %d: %s is a tip rack", in.N, in.Labware)
		}
	}
	if in.SwitchedOn != nil {
		op.On = *in.SwitchedOn
	}
	op.Direct, op.Over = in.Direct, r.offset(in.Over, "over_mm")
	if in.Home != nil {
		op.Home = HomingIf(*in.Home)
	}
	op.Temperature, op.RPM = r.offset(in.Temperature, "temperature_C"), r.offset(in.RPM, "rpm")/1000
	if in.Height != "" {
		op.At.Z = r.offset(in.Height, "height_mm")
	}
	return op
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
		{"labware", in.Labware != "", HasWell | HasMove | HasLabware, well || has&(HasMove|HasLabware) != 0, !well && has&(HasMove|HasLabware) == 0},
		{"to", in.To != nil, HasMove, true, false},
		{"liquid", in.Liquid != "", HasLiquid, true, false},
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
		{"over_mm", in.Over != "", HasWay, false, false},
		{"direct", in.Direct, HasWay, false, false},
		{"home", in.Home != nil, HasHoming, false, false},
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
