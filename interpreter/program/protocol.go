package program

import (
	"encoding/json"
	"slices"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Protocol is an existing protocol of the vendor that a step carries out as it
// is, and what is known of what it does.
type Protocol struct {
	File   string         // of the bundle
	SHA256 string         // of the file, in hexadecimal
	Params []Param        // run-time parameters and their values as JSON, in the order written
	Tables []ProtocolFile // run-time parameters that are CSV files, by name
	Does   []Op           // what it does to wells, tips, labware and modules, from its analysis
	Digest string         // of what a recorded analysis says; empty where there is none
	Wells  []ProtocolWell // what wells hold afterwards, where the workflow says it
	Tips   []WellRef      // places whose tips it uses up, where the workflow says it
	Knows  ProtocolSource // where what it does is known from
}

// ProtocolFile is a file that a protocol gets under the name of a parameter.
type ProtocolFile struct {
	Param  string
	File   string // of the bundle
	SHA256 string // of the file, in hexadecimal
}

// ProtocolSource says where it is known from what a protocol does.
type ProtocolSource uint8

// The sources. Of a protocol of which nothing is known, nobody knows afterwards
// what is in any well or at any place of a tip rack.
const (
	FromNowhere ProtocolSource = iota
	FromAnalysis
	FromWorkflow
)

var sourceNames = [...]string{"nothing", "analysis", "workflow"}

// String returns the name of the source in plan.json.
func (s ProtocolSource) String() string { return sourceNames[s] }

// ProtocolWell is what a well holds behind a protocol: nL by liquid, as
// Content.Parts has it.
type ProtocolWell struct {
	Well  WellRef
	Parts []int64
}

// Do carries out a step, and returns what it touched. Of a protocol that is all
// it touched, each well and place once.
func (s *State) Do(step *Step) *Touched {
	if step.Protocol == nil {
		return s.Apply(&step.Op)
	}
	p, m := step.Protocol, merger{wells: map[WellRef]int{}, tips: map[WellRef]int{}}
	for i := range p.Does {
		m.add(s.Apply(&p.Does[i]))
	}
	switch p.Knows {
	case FromWorkflow:
		s.leaveAsSaid(p, &m)
	case FromNowhere:
		s.forget(&m)
	case FromAnalysis:
	}
	s.Apply(&Op{Kind: EndRun, Well: None}) // a run of its own, which puts away what is on
	for i := range s.Mounts {
		s.Mounts[i].Nozzles, s.Mounts[i].Last = AllNozzles, None // the next one begins so
	}
	m.out.Module, m.out.Labware, m.out.TipFrom, m.out.Beside, m.out.Pipette = NoModule, -1, None, m.beside, 0
	return &m.out
}

// merger makes one Touched of several.
type merger struct {
	out         Touched
	wells, tips map[WellRef]int
	beside      WellRef
}

func (m *merger) add(t *Touched) {
	if m.out.Faults == 0 {
		m.beside = t.Beside
		m.out.Missing = t.Missing
	}
	m.out.Faults |= t.Faults
	m.out.Moved += t.Moved
	for i := range t.Wells {
		d := &t.Wells[i]
		k, known := m.wells[d.Well]
		if !known {
			k = len(m.out.Wells)
			m.wells[d.Well] = k
			first := *d
			first.Before.Parts = slices.Clone(d.Before.Parts)
			first.Moved = 0
			m.out.Wells = append(m.out.Wells, first)
		}
		w := &m.out.Wells[k]
		w.Moved += d.Moved
		w.Faults |= d.Faults
		w.Missing = max(w.Missing, d.Missing)
	}
	for _, d := range t.Tips {
		m.tip(d)
	}
}

func (m *merger) tip(d TipDelta) {
	if _, known := m.tips[d.Place]; !known {
		m.tips[d.Place] = len(m.out.Tips)
		m.out.Tips = append(m.out.Tips, d)
	}
}

// well notes a well before it is set to something.
func (m *merger) well(r WellRef, c *Content) *Delta {
	d := Delta{Well: r, Before: *c}
	d.Before.Parts = slices.Clone(c.Parts)
	m.out.Wells = append(m.out.Wells, d)
	return &m.out.Wells[len(m.out.Wells)-1]
}

// leaveAsSaid does what the workflow says that the protocol does.
func (s *State) leaveAsSaid(p *Protocol, m *merger) {
	for i := range p.Wells {
		w := &p.Wells[i]
		c := s.content(w.Well)
		d := m.well(w.Well, c)
		sum := int64(0)
		for k, v := range w.Parts {
			c.Parts[k] = v
			sum += v
		}
		if !c.Unknown {
			d.Moved = c.Volume - sum
		}
		m.out.Moved += d.Moved
		c.Volume, c.Unknown, c.Of, c.Touched = sum, false, 0, c.Touched || sum > 0
	}
	for _, r := range p.Tips {
		was := s.tips[r.Labware][r.Well]
		if was == TipOut {
			m.out.Faults |= TipMissing
			m.beside = r
			continue
		}
		m.tip(TipDelta{r, was})
		s.tips[r.Labware][r.Well] = TipOut
	}
}

// forget makes everything unknown that a protocol may have touched of which
// nothing is known.
func (s *State) forget(m *merger) {
	for i := range s.wells {
		for w := range s.wells[i] {
			c := &s.wells[i][w]
			m.well(WellRef{int16(i), int16(w)}, c)
			clear(c.Parts)
			c.Volume, c.Unknown, c.Of, c.Touched = 0, true, s.width-1, true
		}
		for w := range s.tips[i] {
			m.tip(TipDelta{WellRef{int16(i), int16(w)}, s.tips[i][w]})
			s.tips[i][w] = TipUnknown
		}
	}
}

// IsForgotten reports whether nobody knows what is in a well, nor which liquid,
// because a protocol may have touched it of which nothing is known.
func (s *State) IsForgotten(c *Content) bool { return c.Unknown && c.Of == s.width-1 }

// AnyLiquid is how plans and ledgers name what is in a well of which nobody
// knows what it holds.
const AnyLiquid = "?"

// LiquidName is the name of the liquid with an index, and of the one behind the
// last, which stands for what nobody knows, "?".
func (d *Deck) LiquidName(i int) string {
	if i >= len(d.Liquids) {
		return AnyLiquid
	}
	return d.Liquids[i].Name
}

// FirstProtocol returns the first step that is a protocol of its own, or nil. A
// plan with one is more than one run on the robot.
func (p *Plan) FirstProtocol() *Step {
	for i := range p.Steps {
		if p.Steps[i].Protocol != nil {
			return &p.Steps[i]
		}
	}
	return nil
}

// Protocols lists the ordinals of the steps that are protocols of their own.
func (p *Plan) Protocols() []int {
	var out []int
	for i := range p.Steps {
		if p.Steps[i].Protocol != nil {
			out = append(out, i+1)
		}
	}
	return out
}

// appendJSON writes what is known of a protocol.
func (p *Protocol) appendJSON(b []byte, d *Deck) []byte {
	b = field(append(b, `, "protocol": {`...), "file", p.File, true)
	b = field(b, "sha256", p.SHA256, false)
	b = append(b, `, "params": {`...)
	for i, v := range p.Params {
		b = append(AppendString(append(b, separator(i)...), v.Name), ": "...)
		b = append(b, v.Value...)
	}
	b = append(b, '}')
	for i, t := range p.Tables {
		between := ", "
		if i == 0 {
			between = `, "tables": {`
		}
		b = AppendString(append(b, between...), t.Param)
		b = field(append(b, ": {"...), "file", t.File, true)
		b = append(field(b, "sha256", t.SHA256, false), '}')
	}
	if len(p.Tables) > 0 {
		b = append(b, '}')
	}
	b = field(b, "known_from", p.Knows.String(), false)
	if p.Digest != "" {
		b = field(b, "analysis", p.Digest, false)
	}
	if len(p.Does) > 0 {
		b = append(b, `, "does": [`...)
		for i := range p.Does {
			step := Step{Op: p.Does[i]}
			b = append(step.appendOp(append(append(b, separator(i)...), '{'), d), '}')
		}
		b = append(b, ']')
	}
	if p.Knows == FromWorkflow {
		b = p.appendLeft(b, d)
	}
	return append(b, '}')
}

func (p *Protocol) appendLeft(b []byte, d *Deck) []byte {
	b = append(b, `, "leaves": {"wells": {`...)
	for i, w := range p.Wells {
		b = append(AppendString(append(b, separator(i)...), d.WellName(w.Well)), ": {"...)
		n := 0
		for k, v := range w.Parts {
			if v == 0 || k >= len(d.Liquids) {
				continue
			}
			b = append(AppendString(append(b, separator(n)...), d.Liquids[k].Name), ": "...)
			b = quantity.AppendDecimal(b, v, 1000)
			n++
		}
		b = append(b, '}')
	}
	b = append(b, `}, "tips": [`...)
	for i, r := range p.Tips {
		b = AppendString(append(b, separator(i)...), d.WellName(r))
	}
	return append(b, "]}"...)
}

type protocolJSON struct {
	File   string          `json:"file"`
	SHA256 string          `json:"sha256"`
	Params json.RawMessage `json:"params"`
	Tables json.RawMessage `json:"tables"`
	Knows  string          `json:"known_from"`
	Digest string          `json:"analysis"`
	Does   []stepJSON      `json:"does"`
	Leaves *struct {
		Wells json.RawMessage `json:"wells"`
		Tips  []string        `json:"tips"`
	} `json:"leaves"`
}

// protocol reads what is known of a protocol, and nothing for any other step.
func (r *reader) protocol(kind Kind, data json.RawMessage) *Protocol {
	wanted := kind == RunProtocol
	switch {
	case !wanted && len(data) == 0:
		return nil
	case !wanted:
		r.fail("only protocols have the key protocol")
		return nil
	}
	var in protocolJSON
	if err := json.Unmarshal(data, &in); err != nil {
		r.fail("its key protocol cannot be read: %v", err)
		return nil
	}
	out := &Protocol{File: in.File, SHA256: in.SHA256, Digest: in.Digest}
	k := slices.Index(sourceNames[:], in.Knows)
	if k < 0 {
		r.fail("there is no source %q of what a protocol does", in.Knows)
		return nil
	}
	out.Knows = ProtocolSource(k)
	r.pairs(in.Params, func(name string, v json.RawMessage) { out.Params = append(out.Params, Param{name, string(v)}) })
	r.pairs(in.Tables, func(name string, v json.RawMessage) {
		f := ProtocolFile{Param: name}
		var is struct{ File, SHA256 string }
		if json.Unmarshal(v, &is) != nil || is.File == "" {
			r.fail("tables.%s of a protocol names no file", name)
		}
		f.File, f.SHA256 = is.File, is.SHA256
		out.Tables = append(out.Tables, f)
	})
	for i := range in.Does {
		step := &in.Does[i]
		kind, ok := LookupKind(step.Op)
		if !ok || kind == EndRun || kind == RunProtocol || kind.Info().Fields&HasLive != 0 {
			r.fail("a protocol does not do %q", step.Op)
			return out
		}
		r.fields(step, kind)
		out.Does = append(out.Does, r.op(step, kind))
	}
	if in.Leaves != nil {
		r.leaves(out, in.Leaves.Wells, in.Leaves.Tips)
	}
	return out
}

func (r *reader) leaves(out *Protocol, wells json.RawMessage, tips []string) {
	r.pairs(wells, func(name string, v json.RawMessage) {
		w := ProtocolWell{Well: r.wellName(name), Parts: make([]int64, len(r.plan.Deck.Liquids)+1)}
		r.pairs(v, func(liquid string, n json.RawMessage) {
			k := slices.IndexFunc(r.plan.Deck.Liquids, func(l Liquid) bool { return l.Name == liquid })
			if k < 0 {
				r.fail("there is no liquid %q", liquid)
				return
			}
			w.Parts[k] = r.number(json.Number(n), "leaves")
		})
		out.Wells = append(out.Wells, w)
	})
	for _, name := range tips {
		out.Tips = append(out.Tips, r.wellName(name))
	}
}
