package interpreter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Existing protocols as steps. What one does to the deck is known from its
// recorded analysis, or from what the workflow says that it leaves.

// foreign is a resolved `protocol`.
type foreign struct {
	decl      *spec.Protocol
	file      *spec.File
	recording *program.Recording
	params    []binding
	tables    []program.ProtocolFile
	wells     []leftWells
	tips      []*eval.Expr
}

type leftWells struct {
	in      []*eval.Expr
	liquids []int
	volumes []*eval.Expr
}

func (p *preparer) protocol(d *spec.Protocol) body {
	b := &foreign{decl: d}
	f, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, d.File.Text)
	if d.File.Text == "" || !ok {
		return nil // the bundle's loading has said so
	}
	b.file = f
	if d.Analysis.Text != "" {
		b.recording = p.recording(d, f)
	}
	for _, v := range d.Params {
		b.params = append(b.params, binding{name: v.Name.Value, expr: p.expr(v.Value)})
	}
	for _, t := range d.Tables {
		if data, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, t.File.Text); ok {
			b.tables = append(b.tables, program.ProtocolFile{Param: t.Name.Value, File: data.Name, SHA256: data.Hash})
		}
	}
	slices.SortFunc(b.tables, func(a, b program.ProtocolFile) int { return cmp.Compare(a.Param, b.Param) })
	if path.Ext(f.Name) == ".json" && len(d.Params)+len(d.Tables) > 0 {
		p.fail(diag.NoEffect, d.File.Whole(), "a protocol in JSON has no run-time parameters", "leave params and tables out, or make it a protocol in Python")
	}
	if d.Leaves != nil {
		for i := range d.Leaves.Wells {
			b.wells = append(b.wells, p.leftWells(&d.Leaves.Wells[i]))
		}
		b.tips = p.exprs(d.Leaves.Tips)
	}
	return b
}

// recording reads the recorded analysis of a protocol; nil where it is of no use.
func (p *preparer) recording(d *spec.Protocol, f *spec.File) *program.Recording {
	data, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, d.Analysis.Text)
	if !ok {
		return nil
	}
	r, err := p.p.machine.Analysis(data.Data)
	switch {
	case err != nil:
		p.fail(diag.BadAnalysis, d.Analysis.Whole(), err.Error(), "record it: python -m opentrons.cli analyze --json-output "+path.Base(data.Name)+" "+path.Base(f.Name))
		return nil
	case r.Main != "" && r.Main != path.Base(f.Name):
		p.fail(diag.BadAnalysis, d.Analysis.Whole(), "this is the analysis of "+r.Main+", not of "+path.Base(f.Name), "record it: python -m opentrons.cli analyze --json-output "+path.Base(data.Name)+" "+path.Base(f.Name))
		return nil
	case len(r.Unheard) > 0 && d.Leaves == nil:
		p.fail(diag.BadAnalysis, d.Analysis.Whole(), "the protocol does something of which ot2flow does not know what it does to the deck: "+strings.Join(r.Unheard, ", "), "say with `leaves` what it does to wells and tips")
		return nil
	}
	return r
}

func (p *preparer) leftWells(w *spec.LeftWells) leftWells {
	out := leftWells{in: p.exprs(w.In)}
	for _, h := range w.Holds {
		i := p.liquidNamed(h.Name)
		if e := p.expr(h.Value); i >= 0 && e != nil {
			out.liquids, out.volumes = append(out.liquids, i), append(out.volumes, e)
		}
	}
	return out
}

func (p *preparer) liquidNamed(name spec.Word) int {
	var names []string
	for i := range p.p.deck.Liquids {
		if names = append(names, p.p.deck.Liquids[i].Name); names[i] == name.Value {
			return i
		}
	}
	if name.IsSet() {
		p.unknownName(diag.UnknownName, name, "liquid", names)
	}
	return -1
}

// expand shows the protocol as one step.
func (b *foreign) expand(x *expansion, f *program.Frame) {
	b.bare(x)
	out := &program.Protocol{File: b.file.Name, SHA256: b.file.Hash, Tables: b.tables}
	ok := b.values(x, out)
	if b.recording != nil {
		ok = b.recorded(x, out) && ok
	}
	if b.decl.Leaves != nil {
		ok = b.left(x, out) && ok
	}
	if !ok {
		x.over = true // what follows would begin with a deck of which nothing is known
		return
	}
	x.emitProtocol(out, f)
	x.tellAgain(f)
}

// tellAgain tells the modules what they are set to: the next run on the robot
// knows of nothing that they were told in the ones before.
func (x *expansion) tellAgain(f *program.Frame) {
	for i := range x.deck.Modules {
		m := *x.state.Module(i)
		tell := func(so bool, op program.Op) {
			if so {
				op.Module, op.Well = int8(i), program.None
				x.emit(op, "", f, nil)
			}
		}
		tell(m.Latch == program.Closed, program.Op{Kind: program.CloseLatch})
		tell(m.Latch == program.Open, program.Op{Kind: program.OpenLatch})
		tell(m.Lid == program.Closed, program.Op{Kind: program.CloseLid})
		tell(m.Lid == program.Open, program.Op{Kind: program.OpenLid})
		tell(m.Target != program.NoTarget, program.Op{Kind: program.SetTemperature, Temperature: m.Target})
		tell(m.LidTarget != program.NoTarget, program.Op{Kind: program.SetLidTemperature, Temperature: m.LidTarget})
		tell(m.RPM > 0, program.Op{Kind: program.Shake, RPM: m.RPM})
		tell(m.Engaged, program.Op{Kind: program.Engage, At: program.Position{Z: m.Magnet}})
	}
}

// bare makes sure that no tip is on: the run before the protocol ends, and the
// robot then throws into the trash what is on.
func (b *foreign) bare(x *expansion) {
	x.finishTip()
	for i := range x.state.Mounts {
		m := &x.state.Mounts[i]
		if !m.On {
			continue
		}
		name := x.deck.Pipettes[i].Name
		x.add(diag.Diagnostic{
			Code: diag.HasTip, Span: x.blameStep, Message: "a protocol begins while a tip is on " + name,
			Help: "put it away before, because the protocol is a run of its own: drop_tip: or return_tip:",
		})
		x.state.Apply(&program.Op{Kind: program.DropTip, Pipette: int8(i), Trash: true, Well: program.None})
	}
}

// values are the run-time parameters as the robot takes them.
func (b *foreign) values(x *expansion, out *program.Protocol) bool {
	ok := true
	for i := range b.params {
		p := &b.params[i]
		v, fine := x.eval(p.expr)
		if !fine {
			ok = false
			continue
		}
		text, fine := parameter(v)
		if !fine {
			ok = false
			x.addAt(p.expr, diag.Diagnostic{Code: diag.TypeMismatch, Message: "a protocol takes no " + v.Type().String() + " as a parameter", Help: "give a number, a quantity, a text, true or false"})
			continue
		}
		out.Params = append(out.Params, program.Param{Name: p.name, Value: text})
	}
	// The order in which they are written means nothing.
	slices.SortFunc(out.Params, func(a, b program.Param) int { return cmp.Compare(a.Name, b.Name) })
	return ok
}

// parameter is a value as a protocol takes it.
func parameter(v eval.Value) (string, bool) {
	switch v.Kind() {
	case eval.Bool, eval.Integer, eval.Number:
		return v.String(), true
	case eval.Quantity:
		return v.Quantity().Decimal(), true
	case eval.Text, eval.Well, eval.Color:
		return string(program.AppendString(nil, v.String())), true
	}
	return "", false
}

// recorded takes what the protocol does from its analysis.
func (b *foreign) recorded(x *expansion, out *program.Protocol) bool {
	r, at := b.recording, b.decl.Analysis.Whole()
	for i := range out.Params {
		if name := out.Params[i].Name; !slices.ContainsFunc(r.Params, func(p program.RecordedParam) bool { return p.Name == name }) {
			x.add(diag.Diagnostic{Code: diag.BadAnalysis, Span: at, Message: "the protocol has no parameter " + name + ", as its analysis says", Help: "remove it from params, or record the analysis anew"})
			return false
		}
	}
	for _, t := range out.Tables {
		if !slices.ContainsFunc(r.Params, func(p program.RecordedParam) bool { return p.Name == t.Param && p.Table != "" }) {
			x.add(diag.Diagnostic{Code: diag.BadAnalysis, Span: at, Message: "the protocol has no parameter " + t.Param + " that is a table, as its analysis says", Help: "remove it from tables, or record the analysis anew"})
			return false
		}
	}
	for i := range r.Params {
		p := &r.Params[i]
		if p.Table != "" {
			if !b.sameTable(x, p, at) {
				return false
			}
			continue
		}
		want := valueOf(out.Params, p)
		if sameJSON(p.Value, want) {
			continue
		}
		x.add(diag.Diagnostic{
			Code: diag.BadAnalysis, Span: at, Message: "the analysis was recorded with " + p.Name + " = " + p.Value + ", and the step has " + want,
			Help: "record it with that value: python -m opentrons.cli analyze --rtp-values '{" + strconv.Quote(p.Name) + ": " + want + "}'; or say with `leaves` what the protocol does, and leave the analysis out",
		})
		return false
	}
	does, differs := r.On(x.state)
	if len(differs) > 0 {
		x.add(diag.Diagnostic{
			Code: diag.OtherDeck, Span: b.decl.File.Whole(), Message: program.Differs(path.Base(b.file.Name), differs),
			Help: "declare the deck of the workflow as the protocol has it, or change the protocol",
		})
		return false
	}
	out.Digest = program.DigestOf(does, x.deck)
	if b.decl.Leaves != nil {
		return true
	}
	out.Does, out.Knows = does, program.FromAnalysis
	b.replay(x, does)
	return true
}

// sameTable reports whether the step has the CSV file that the analysis was recorded
// with. That what is in it is the same the robot's own analysis shows.
func (b *foreign) sameTable(x *expansion, p *program.RecordedParam, at diag.Span) bool {
	i := slices.IndexFunc(b.tables, func(t program.ProtocolFile) bool { return t.Param == p.Name })
	switch {
	case i < 0:
		x.add(diag.Diagnostic{Code: diag.BadAnalysis, Span: at, Message: "the analysis was recorded with the table " + p.Table + " for " + p.Name + ", and the step has none", Help: "name it: tables: {" + p.Name + ": " + p.Table + "}"})
	case path.Base(b.tables[i].File) != p.Table:
		name := path.Base(b.tables[i].File)
		x.add(diag.Diagnostic{
			Code: diag.BadAnalysis, Span: at, Message: "the analysis was recorded with the table " + p.Table + " for " + p.Name + ", and the step has " + name,
			Help: "record it with that: python -m opentrons.cli analyze --rtp-files '{" + strconv.Quote(p.Name) + ": " + strconv.Quote(name) + "}'",
		})
	default:
		return true
	}
	return false
}

// valueOf is what a step has for a parameter of a protocol, as JSON.
func valueOf(given []program.Param, p *program.RecordedParam) string {
	for i := range given {
		if given[i].Name == p.Name {
			return given[i].Value
		}
	}
	return p.Default
}

// sameJSON compares values, of which numbers can be written in many ways.
func sameJSON(a, b string) bool {
	var v, w any
	return json.Unmarshal([]byte(a), &v) == nil && json.Unmarshal([]byte(b), &w) == nil && v == w || bytes.Equal([]byte(a), []byte(b))
}

// replay looks whether the deck is as the protocol needs it: whether there is
// liquid where it draws, and a tip where it takes one.
func (b *foreign) replay(x *expansion, does []program.Op) {
	state := x.state.Clone()
	name := path.Base(b.file.Name)
	say := func(code *diag.Code, message, help string) {
		x.add(diag.Diagnostic{Code: code, Span: b.decl.File.Whole(), Message: name + " " + message, Help: help})
	}
	for i := range does {
		op := &does[i]
		t := state.Apply(op)
		volume := quantity.Volume.Text(op.Volume)
		switch f := t.Faults; {
		case f&program.TipMissing != 0 && state.Tip(t.Beside) == program.TipUnknown:
			say(diag.Forgotten, "takes the tip at "+x.deck.WellName(t.Beside)+", and nobody knows whether there is one", "say what the protocol before leaves: leaves: {tips: …}")
		case f&program.TipMissing != 0:
			say(diag.TipMissing, "takes the tip at "+x.deck.WellName(t.Beside)+", which is not there any more", "a protocol begins with full racks: give it a rack that nothing else uses")
		case f&program.Forgotten != 0:
			say(diag.Forgotten, "draws from "+x.deck.WellName(op.Well)+", and nobody knows what that holds", "say what the protocol before leaves: leaves: {wells: …}")
		case f&program.Short != 0:
			say(diag.OverAspirate, "draws "+volume+" from "+x.deck.WellName(op.Well)+", which does not hold as much by then", "declare what stands there under liquids, or fill it before")
		case f&program.Overflow != 0:
			say(diag.Overflow, "gives "+volume+" into "+x.deck.WellName(op.Well)+", which overflows", "empty it before, or change the protocol")
		default:
			continue
		}
		return // what follows from it is no news
	}
}

// left takes what the protocol does from what the workflow says.
func (b *foreign) left(x *expansion, out *program.Protocol) bool {
	out.Knows = program.FromWorkflow
	ok := true
	seen := map[program.WellRef]bool{}
	for i := range b.wells {
		w := &b.wells[i]
		parts, sum := make([]int64, len(x.deck.Liquids)+1), int64(0)
		for k, e := range w.volumes {
			v, fine := x.quantity(e, 0)
			if fine && v < 0 {
				x.addAt(e, diag.Diagnostic{Code: diag.BadVolume, Message: "a well cannot hold " + quantity.Volume.Text(v), Help: "write a volume from 0 uL on"})
				fine = false
			}
			ok = ok && fine
			parts[w.liquids[k]] += v
			sum += v
		}
		for _, r := range x.wellsOf(w.in, &ok) {
			if ok = b.holds(x, r, sum, seen) && ok; ok {
				out.Wells = append(out.Wells, program.ProtocolWell{Well: r, Parts: parts})
			}
		}
	}
	out.Tips = x.wellsOf(b.tips, &ok)
	for _, r := range out.Tips {
		if !x.deck.Labware[r.Labware].Def.IsTipRack {
			x.add(diag.Diagnostic{Code: diag.NotATipRack, Span: b.decl.Leaves.Tips.Span, Message: x.deck.WellName(r) + " is no place for a tip", Help: "name places of a tip rack"})
			return false
		}
		if x.state.Tip(r) == program.TipOut {
			x.add(diag.Diagnostic{Code: diag.TipMissing, Span: b.decl.Leaves.Tips.Span, Message: "the protocol is said to use the tip at " + x.deck.WellName(r) + ", which is not there any more", Help: "a protocol begins with full racks: give it a rack that nothing else uses"})
			return false
		}
	}
	return ok
}

// holds makes sure that a well can hold what is said of it.
func (b *foreign) holds(x *expansion, r program.WellRef, sum int64, seen map[program.WellRef]bool) bool {
	d := diag.Diagnostic{Span: b.decl.Leaves.Span}
	most := x.deck.Well(r).MaxNL
	switch {
	case x.deck.Labware[r.Labware].Def.IsTipRack:
		d.Code, d.Message, d.Help = diag.NoLiquidHere, x.deck.WellName(r)+" is a place for a tip and holds no liquid", "name a well of a plate, a rack of tubes or a reservoir"
	case sum > most:
		d.Code, d.Message, d.Help = diag.Overflow, x.deck.WellName(r)+" is said to hold "+quantity.Volume.Text(sum)+" afterwards; it holds at most "+quantity.Volume.Text(most), "correct the volumes"
	case seen[r]:
		d.Code, d.Message, d.Help = diag.NoEffect, "what "+x.deck.WellName(r)+" holds is said twice", "name each well once"
	default:
		seen[r] = true
		return true
	}
	x.add(d)
	return false
}

// wellsOf evaluates expressions for wells.
func (x *expansion) wellsOf(list []*eval.Expr, ok *bool) []program.WellRef {
	var out []program.WellRef
	for _, e := range list {
		v, fine := x.eval(e)
		if *ok = *ok && fine; fine {
			out = append(out, v.Wells(x.deck)...)
		}
	}
	return out
}
