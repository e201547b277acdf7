package program

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The JSON form ot2flow.plan/1: written by append, because a program can have
// a million steps. Lengths are mm, volumes µL, rates µL/s, times s.

// Format is the name and version of the JSON form.
const Format = "ot2flow.plan/1"

// Hash returns the fingerprint of a plan: SHA-256 over deck, definitions of the
// user's own, operations and end. Plans with the same fingerprint do the same
// on the robot; where steps come from does not enter.
func (p *Plan) Hash() string {
	h := sha256.New()
	buf := p.Deck.appendJSON(nil)
	for i := range p.Deck.Labware {
		if own := p.Deck.Labware[i].Def.JSON; own != nil {
			sum := sha256.Sum256(own)
			buf = append(buf, sum[:]...)
		}
	}
	for i := range p.Steps {
		buf = p.Steps[i].appendOp(buf, p.Deck)
		buf = append(buf, '\n')
		if len(buf) > 1<<15 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(p.End.appendJSON(buf, p.Deck))
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Write writes the plan as JSON, one step a line. With files, those it was
// made from are inside, so that it can be applied elsewhere.
func (p *Plan) Write(w io.Writer, files bool) error {
	b := append([]byte(nil), "{\"format\": \""+Format+"\",\n \"workflow\": "...)
	b = p.Workflow.appendJSON(b)
	b = append(b, ",\n"...)
	b = p.Deck.appendJSON(b)
	b = append(b, " \"steps\": ["...)
	for i := range p.Steps {
		b = append(b, comma(i)...)
		b = append(b, "\n  "...)
		b = p.Steps[i].AppendJSON(b, p.Deck)
		if len(b) > 1<<16 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	b = append(b, "],\n \"end\": "...)
	b = p.End.appendJSON(b, p.Deck)
	b = p.appendLimits(b)
	b = p.appendDeferred(b)
	b = append(b, ",\n \"needs\": "...)
	b = p.Needs.appendJSON(b, p.Deck)
	b = p.appendOutputs(b)
	if p.Ended != "" {
		b = append(b, ",\n \"ended\": "...)
		b = AppendString(b, p.Ended)
	}
	if p.Failed != "" {
		b = append(b, ",\n \"failed\": "...)
		b = AppendString(b, p.Failed)
	}
	b = append(b, ",\n \"estimate_s\": "...)
	b = quantity.AppendDecimal(b, p.EstimateMS, 1000)
	b = append(b, ",\n \"fingerprint\": "...)
	b = AppendString(b, p.Fingerprint)
	if files {
		b = appendFiles(b, p.Files)
	}
	_, err := w.Write(append(b, "}\n"...))
	return err
}

// appendOutputs writes what the workflow returns, if it says anything about it.
func (p *Plan) appendOutputs(b []byte) []byte {
	if len(p.Outputs) == 0 {
		return b
	}
	b = append(b, ",\n \"outputs\": {"...)
	for i, o := range p.Outputs {
		b = append(append(b, comma(i)...), "\n  "...)
		b = AppendString(b, o.Name)
		b = append(b, `: {"type": `...)
		b = AppendString(b, o.Type)
		b = append(b, `, "value": `...)
		b = append(append(b, o.Value...), '}')
	}
	return append(b, '}')
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func (w *Workflow) appendJSON(b []byte) []byte {
	b = append(b, `{"name": `...)
	b = AppendString(b, w.Name)
	b = append(b, `, "file": `...)
	b = AppendString(b, w.File)
	return w.appendParams(b)
}

func (w *Workflow) appendParams(b []byte) []byte {
	b = append(b, `, "params": {`...)
	for i, p := range w.Params {
		b = append(b, separator(i)...)
		b = AppendString(b, p.Name)
		b = append(b, ": "...)
		b = AppendString(b, p.Value)
	}
	return append(b, "}}"...)
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}

func (d *Deck) appendJSON(b []byte) []byte {
	if len(d.Modules) > 0 {
		b = append(b, ` "modules": [`...)
		for i := range d.Modules {
			b = append(append(b, comma(i)...), "\n  "...)
			b = d.Modules[i].appendJSON(b)
		}
		b = append(b, "],\n"...)
	}
	b = append(b, ` "labware": [`...)
	for i := range d.Labware {
		b = append(append(b, comma(i)...), "\n  "...)
		b = d.Labware[i].appendJSON(b, d)
	}
	b = append(b, "],\n \"pipettes\": ["...)
	for i := range d.Pipettes {
		b = append(append(b, comma(i)...), "\n  "...)
		b = d.appendPipette(b, &d.Pipettes[i])
	}
	b = append(b, "],\n \"liquids\": ["...)
	for i := range d.Liquids {
		b = append(append(b, comma(i)...), "\n  "...)
		b = d.appendLiquid(b, &d.Liquids[i])
	}
	return d.appendLeft(append(b, "],\n"...))
}

func (m *Module) appendJSON(b []byte) []byte {
	b = field(append(b, '{'), "name", m.Name, true)
	b = field(b, "type", m.Model.Name, false)
	return append(field(b, "slot", m.Slot, false), '}')
}

// appendPlace appends where a labware stands, as a member of an object:
// "slot": "3", "module": "mag", "on": "plate_adapter" or "off_deck": true.
func (d *Deck) appendPlace(b []byte, p Place) []byte {
	switch p.On {
	case OnModule:
		return field(b, "module", d.Modules[p.Index].Name, true)
	case OnLabware:
		return field(b, "on", d.Labware[p.Index].Name, true)
	case OffDeck:
		return append(b, `"off_deck": true`...)
	case OnSlot:
	}
	return field(b, "slot", SlotName(p), true)
}

func (p *Placed) appendJSON(b []byte, d *Deck) []byte {
	b = field(append(b, '{'), "name", p.Name, true)
	b = field(b, "load_name", p.Def.LoadName, false)
	b = field(b, "namespace", p.Def.Namespace, false)
	b = append(b, `, "version": `...)
	b = strconv.AppendInt(b, int64(p.Def.Version), 10)
	b = d.appendPlace(append(b, ", "...), p.On)
	if p.Def.JSON != nil {
		b = field(b, "file", p.Type, false)
	}
	if p.EvaporationNL > 0 {
		b = quantity.AppendDecimal(append(b, `, "evaporation_uL_per_h": `...), p.EvaporationNL, 1000)
	}
	if p.Keep != p.Def.IsTipRack {
		b = strconv.AppendBool(append(b, `, "keep": `...), p.Keep)
	}
	if p.Exchange {
		b = append(b, `, "exchange": "ask"`...)
	}
	return append(b, '}')
}

func (d *Deck) appendPipette(b []byte, p *Pipette) []byte {
	b = field(append(b, '{'), "name", p.Name, true)
	b = field(b, "type", p.Model.Name, false)
	b = field(b, "mount", p.Mount, false)
	b = append(b, `, "tips": [`...)
	for i, r := range p.Racks {
		b = AppendString(append(b, separator(i)...), d.Labware[r].Name)
	}
	b = append(b, ']')
	if p.Refill {
		b = append(b, `, "refill": "ask"`...)
	}
	return append(b, '}')
}

func (d *Deck) appendLiquid(b []byte, l *Liquid) []byte {
	b = field(append(b, '{'), "name", l.Name, true)
	if l.Color != "" {
		b = field(b, "color", l.Color, false)
	}
	if l.Description != "" {
		b = field(b, "description", l.Description, false)
	}
	b = append(b, `, "wells": {`...)
	for i, w := range l.Wells {
		b = AppendString(append(b, separator(i)...), d.WellName(w))
		b = append(b, ": "...)
		if l.VolumeNL[i] < 0 {
			b = append(b, "null"...)
		} else {
			b = quantity.AppendDecimal(b, l.VolumeNL[i], 1000)
		}
	}
	b = append(b, '}')
	b = d.appendContains(b, l)
	if l.Tip != None {
		b = field(b, "tip", d.WellName(l.Tip), false)
	}
	if l.Distinct {
		b = append(b, `, "distinct": true`...)
	}
	if l.Kept {
		b = append(b, `, "kept": true`...)
	}
	return append(b, '}')
}

func field(b []byte, key, value string, first bool) []byte {
	if !first {
		b = append(b, ", "...)
	}
	b = append(append(append(b, '"'), key...), `": `...)
	return AppendString(b, value)
}

// AppendJSON appends the step as one JSON object.
func (s *Step) AppendJSON(b []byte, d *Deck) []byte {
	b = append(b, `{"n": `...)
	b = strconv.AppendInt(b, int64(s.N), 10)
	b = field(b, "id", s.ID(), false)
	b = append(b, ", "...)
	op := s.appendOp(b, d)
	b = append(op, `, "origin": {"file": `...)
	at := s.Where()
	b = AppendString(b, at.File)
	b = append(b, `, "line": `...)
	b = strconv.AppendInt(b, int64(at.Start.Line), 10)
	b = append(b, `, "column": `...)
	b = strconv.AppendInt(b, int64(at.Start.Column), 10)
	b = append(b, `, "frames": [`...)
	for i, f := range s.Frame.Sites() {
		b = AppendString(append(b, separator(i)...), f)
	}
	return append(b, "]}}"...)
}

// appendOp appends the fields that say what is done, without braces.
func (s *Step) appendOp(b []byte, d *Deck) []byte {
	op := &s.Op
	has := op.Kind.Info().Fields
	b = field(b, "op", op.Kind.String(), true)
	if has&HasPipette != 0 && len(d.Pipettes) > 0 {
		b = field(b, "pipette", d.Pipettes[op.Pipette].Name, false)
	}
	if has&HasNozzles != 0 {
		b = field(b, "nozzles", op.Nozzles.String(), false)
	}
	switch {
	case has&HasTrash != 0 && op.Trash:
		b = append(b, `, "trash": true`...)
	case has&HasWell != 0 && op.Well != None:
		b = field(b, "labware", d.Labware[op.Well.Labware].Name, false)
		b = field(b, "well", d.Well(op.Well).Name, false)
		if has&HasAt != 0 {
			b = op.At.appendJSON(append(b, `, "at": `...))
		}
	}
	if has&HasLiquid != 0 {
		b = field(b, "liquid", d.Liquids[op.Liquid].Name, false)
	}
	if has&HasModule != 0 {
		b = field(b, "module", d.Modules[op.Module].Name, false)
	}
	if has&(HasMove|HasLabware) != 0 {
		b = field(b, "labware", d.Labware[op.Well.Labware].Name, false)
	}
	if has&HasMove != 0 {
		b = append(d.appendPlace(append(b, `, "to": {`...), op.To), '}')
	}
	b = decimal(b, "temperature_C", int64(op.Temperature), has&HasTemperature != 0)
	b = decimal(b, "rpm", int64(op.RPM)*1000, has&HasRPM != 0)
	b = decimal(b, "height_mm", int64(op.At.Z), has&HasHeight != 0)
	if has&HasOnOff != 0 {
		b = strconv.AppendBool(append(b, `, "on": `...), op.On)
	}
	b = decimal(b, "volume_uL", op.Volume, has&HasVolume != 0 || has&HasHold != 0 && op.Volume > 0)
	b = decimal(b, "correction_uL", op.Correction, has&HasCorrection != 0 && op.Correction != 0)
	b = decimal(b, "flow_rate_uL_s", op.Rate, has&HasRate != 0)
	b = decimal(b, "speed_mm_s", op.Speed, has&HasSpeed != 0 && op.Speed > 0)
	b = decimal(b, "push_out_uL", op.PushOut, has&HasPushOut != 0 && op.HasPush)
	b = decimal(b, "over_mm", int64(op.Over), has&HasWay != 0 && op.Over > 0)
	if has&HasWay != 0 && op.Direct {
		b = append(b, `, "direct": true`...)
	}
	if has&HasHoming != 0 && op.Home != OwnHoming {
		b = strconv.AppendBool(append(b, `, "home": `...), op.Home == WithHoming)
	}
	if has&HasTouch != 0 {
		b = op.Touch.appendJSON(b)
	}
	b = decimal(b, "duration_s", op.Duration, has&HasDuration != 0 || has&HasHold != 0 && op.Duration > 0)
	if has&HasText != 0 {
		b = field(b, "message", s.Text, false)
	}
	if s.Live != nil {
		b = s.Live.appendJSON(b)
	}
	if s.Protocol != nil {
		b = s.Protocol.appendJSON(b, d)
	}
	return b
}

// decimal appends a field in thousandths of its unit.
func decimal(b []byte, key string, thousandths int64, has bool) []byte {
	if !has {
		return b
	}
	b = append(append(append(b, `, "`...), key...), `": `...)
	return quantity.AppendDecimal(b, thousandths, 1000)
}

func (p Position) appendJSON(b []byte) []byte {
	b = append(append(append(b, `{"from": "`...), p.From.String()...), `", "x_mm": `...)
	b = quantity.AppendDecimal(b, int64(p.X), 1000)
	b = append(b, `, "y_mm": `...)
	b = quantity.AppendDecimal(b, int64(p.Y), 1000)
	b = append(b, `, "z_mm": `...)
	return append(quantity.AppendDecimal(b, int64(p.Z), 1000), '}')
}

// sideNames are the names of a touch's sides, by bit.
var sideNames = [...]string{"left", "right", "front", "back"}

func (t Touch) appendJSON(b []byte) []byte {
	b = append(b, `, "touch": {"radius": `...)
	b = quantity.AppendDecimal(b, int64(t.Radius), 1000)
	b = append(b, `, "sides": [`...)
	n := 0
	for i, name := range sideNames {
		if t.Sides&(1<<i) != 0 {
			b = AppendString(append(b, separator(n)...), name)
			n++
		}
	}
	return append(b, "]}"...)
}

func (e *End) appendJSON(b []byte, d *Deck) []byte {
	b = append(strconv.AppendBool(append(b, `{"homes": `...), e.Homes), `, "drops_tip": `...)
	if len(e.DropsTip) == 0 {
		return append(b, "null}"...)
	}
	b = append(b, '[')
	for i, r := range e.DropsTip {
		b = AppendString(append(b, separator(i)...), d.WellName(r))
	}
	return append(b, "]}"...)
}

func (n *Needs) appendJSON(b []byte, d *Deck) []byte {
	b = append(b, `{"tips": {`...)
	for i, c := range n.Tips {
		b = AppendString(append(b, separator(i)...), d.Labware[c.Index].Name)
		b = strconv.AppendInt(append(b, ": "...), c.Amount, 10)
	}
	b = append(b, `}, "liquids": {`...)
	for i, c := range n.Liquids {
		b = AppendString(append(b, separator(i)...), d.Liquids[c.Index].Name)
		b = append(b, `: {"volume_uL": `...)
		b = append(quantity.AppendDecimal(b, c.Amount, 1000), '}')
	}
	b = append(b, '}')
	b = d.appendCounts(b, "racks", n.Racks)
	b = d.appendCounts(b, "labware", n.Labware)
	if len(n.Refills) > 0 {
		b = append(b, `, "refills": {`...)
		for i, c := range n.Refills {
			b = AppendString(append(b, separator(i)...), d.Liquids[c.Index].Name)
			b = append(b, `: {"volume_uL": `...)
			b = append(quantity.AppendDecimal(b, c.Amount, 1000), '}')
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendCounts appends how many of labware there are, if it is more than what stands
// on the deck.
func (d *Deck) appendCounts(b []byte, key string, list []Count) []byte {
	if len(list) == 0 {
		return b
	}
	b = append(append(append(b, `, "`...), key...), `": {`...)
	for i, c := range list {
		b = AppendString(append(b, separator(i)...), d.Labware[c.Index].Name)
		b = strconv.AppendInt(append(b, ": "...), c.Amount, 10)
	}
	return append(b, '}')
}

// JoinFiles returns what Write wrote without files as Write would have written
// it with files.
func JoinFiles(plan []byte, files []File) []byte {
	const end = "}\n"
	return append(appendFiles(bytes.TrimSuffix(plan, []byte(end)), files), end...)
}

// FillIn returns what Write wrote of a plan without parameters and outputs as it
// would have written it with them.
func FillIn(plan []byte, params []Param, outputs []Output) []byte {
	// Quotes and the ends of lines are escaped in whatever else is in it.
	head, rest, _ := bytes.Cut(plan, []byte(`, "params": {}}`))
	middle, end, _ := bytes.Cut(rest, []byte(",\n \"estimate_s\": "))
	b := (&Workflow{Params: params}).appendParams(append([]byte(nil), head...))
	b = (&Plan{Outputs: outputs}).appendOutputs(append(b, middle...))
	return append(append(b, ",\n \"estimate_s\": "...), end...)
}

// FilesOf returns the files that Write wrote into a plan.
func FilesOf(plan []byte) ([]File, error) {
	var in planJSON
	if err := json.Unmarshal(plan, &in); err != nil {
		return nil, err
	}
	return in.files(), nil
}

func appendFiles(b []byte, files []File) []byte {
	b = append(b, ",\n \"files\": ["...)
	for i, f := range files {
		b = append(append(b, comma(i)...), "\n  {"...)
		b = field(b, "name", f.Name, true)
		if utf8.Valid(f.Data) {
			b = append(field(b, "content", string(f.Data), false), '}')
		} else {
			b = append(field(b, "base64", base64.StdEncoding.EncodeToString(f.Data), false), '}')
		}
	}
	return append(b, ']')
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Bytes that are not UTF-8 become the
// replacement character.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, r, size)
		i += size
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, r rune, size int) []byte {
	switch {
	case r == utf8.RuneError && size == 1:
		return append(b, `\ufffd`...)
	case r == '"' || r == '\\':
		return append(b, '\\', byte(r))
	case r == '\n':
		return append(b, `\n`...)
	case r == '\t':
		return append(b, `\t`...)
	case r == '\r':
		return append(b, `\r`...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
}
