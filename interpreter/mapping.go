package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What a called workflow declares stands for something of ours.

// hidden is our deck without names: the same things at the same indexes.
func hidden(d *program.Deck) *program.Deck {
	out := &program.Deck{Modules: slices.Clone(d.Modules), Labware: slices.Clone(d.Labware), Pipettes: slices.Clone(d.Pipettes), Liquids: slices.Clone(d.Liquids), Components: d.Components}
	for i := range out.Modules {
		out.Modules[i].Name = ""
	}
	for i := range out.Labware {
		out.Labware[i].Name = ""
	}
	for i := range out.Pipettes {
		out.Pipettes[i].Name = ""
	}
	for i := range out.Liquids {
		out.Liquids[i].Name = ""
	}
	return out
}

// mapping gives what a called workflow declares its place on our deck.
type mapping struct {
	p, q *preparer // the caller's, the called one's
	call *spec.Call
	file string
	at   diag.Span
	used map[string]bool // names under `with`

	ofPipettes, ofLiquids []stand
}

// stand says which of ours a pipette or liquid of the called workflow stands for,
// by index.
type stand struct{ theirs, ours int }

// given returns what `with` says of a name.
func (m *mapping) given(name string) (*spec.Argument, bool) {
	for i := range m.call.With {
		if m.call.With[i].Name.Value == name {
			m.used[name] = true
			return &m.call.With[i], true
		}
	}
	return nil, false
}

// ours finds which of our things of a sort a name of the called workflow stands
// for: the one under `with`, or that of the same name. It is -1 where there is
// none; given says that `with` names one, even if wrongly.
func (m *mapping) ours(name spec.Word, what string, candidates []string) (index int, given bool) {
	v, given := m.given(name.Value)
	if !given {
		return slices.Index(candidates, name.Value), false
	}
	if v.Many {
		m.p.fail(diag.CallMismatch, v.Span, name.Value+" is a "+what+" of "+m.file+", and this is a list", "write one name, without brackets")
		return -1, true
	}
	if !v.Value.IsSet() {
		return -1, true // refused, as reported
	}
	text := strings.TrimSpace(v.Value.Text)
	i := slices.Index(candidates, text)
	if i < 0 && spec.IsName(text) {
		m.p.unknownName(diag.UnknownName, spec.Word{Value: text, Span: v.Value.Whole()}, what, candidates)
	} else if i < 0 {
		m.p.fail(diag.CallMismatch, v.Value.Whole(), name.Value+" is a "+what+" of "+m.file+", and this is no name of one of ours", "write the name alone")
	}
	return i, true
}

// claimed reports that two names of the called workflow stand for one thing of
// ours.
func (m *mapping) claimed(by map[int]string, i int, name spec.Word) bool {
	other, again := by[i]
	if !again {
		by[i] = name.Value
		return false
	}
	m.p.fail(diag.CallMismatch, m.where(name.Value), other+" and "+name.Value+" of "+m.file+" would stand for the same thing here", "they are two things there: name another one for one of them")
	return true
}

// where is where the call says what a name stands for, or the call.
func (m *mapping) where(name string) diag.Span {
	if v, ok := m.given(name); ok {
		return v.Span
	}
	return m.at
}

// labware finds the place of each labware. One that stands for none of ours is
// wrong only where the steps name it: a liquid's own rack need not be here.
func (m *mapping) labware() {
	ours := m.p.labwareNames()
	claims := map[int]string{}
	for i := range m.q.p.workflow.Labware {
		l := &m.q.p.workflow.Labware[i]
		k, _ := m.ours(l.Name, "labware", ours)
		if k < 0 {
			k = m.rackOf(l.Name.Value, claims)
		}
		if k < 0 || m.claimed(claims, k, l.Name) {
			m.q.names[l.Name.Value] = l.Name.Span
			_ = m.q.scope.Absent(l.Name.Value, "labware", "say in the call which of ours it is: with: {"+l.Name.Value+": …}")
			continue
		}
		m.q.declare(l.Name, eval.Type{}, "labware", false)
		m.q.p.deck.Labware[k].Name = l.Name.Value
		m.fits(l, k)
	}
}

// modules finds the module each one of the called workflow stands for. Its type
// must be the same but for the generation, which the steps do not name.
func (m *mapping) modules() {
	ours := m.p.moduleNames()
	claims := map[int]string{}
	for i := range m.q.p.workflow.Modules {
		d := &m.q.p.workflow.Modules[i]
		k, given := m.ours(d.Name, "module", ours)
		m.q.declare(d.Name, eval.Type{}, "module", false)
		if k < 0 || m.claimed(claims, k, d.Name) {
			if k < 0 && !given {
				m.p.add(diag.Diagnostic{
					Code: diag.CallMismatch, Span: m.at, Message: "the module " + d.Name.Value + " of " + m.file + " stands for none of ours",
					Related: []diag.Related{{Span: d.Name.Span, Message: d.Name.Value + " is declared here"}}, Help: "say which it is: with: {" + d.Name.Value + ": …}",
				})
			}
			continue
		}
		m.q.p.deck.Modules[k].Name = d.Name.Value
		theirs, ok := m.p.p.machine.Module(d.Type.Value)
		if model := m.p.p.deck.Modules[k].Model; ok && model != nil && model.Type != theirs.Type {
			m.p.fail(diag.CallMismatch, m.where(d.Name.Value), ours[k]+" is a "+model.Type.String()+", and "+d.Name.Value+" of "+m.file+" is a "+theirs.Type.String(), "name a "+theirs.Type.String())
		}
	}
}

// rackOf is the rack of ours that a tip rack of the called workflow stands for
// where nothing else says so: the one at its place among those of the pipette.
func (m *mapping) rackOf(name string, claims map[int]string) int {
	for i := range m.q.p.workflow.Pipettes {
		d := &m.q.p.workflow.Pipettes[i]
		at := slices.IndexFunc(d.Tips, func(w spec.Word) bool { return w.Value == name })
		pip := m.pipette(d)
		if at < 0 || pip < 0 || at >= len(m.p.p.deck.Pipettes[pip].Racks) {
			continue
		}
		if k := m.p.p.deck.Pipettes[pip].Racks[at]; claims[k] == "" {
			return k
		}
	}
	return -1
}

// fits reports a labware of ours that has other wells than the one it is to
// stand for.
func (m *mapping) fits(l *spec.Labware, k int) {
	theirs, ours := m.q.definition(l), m.p.p.deck.Labware[k].Def
	if theirs == nil || ours == nil {
		return
	}
	same := theirs.IsTipRack == ours.IsTipRack && len(theirs.Wells) == len(ours.Wells)
	for i := range theirs.Wells {
		if _, ok := ours.Well(theirs.Wells[i].Name); !ok {
			same = false
		}
	}
	if same {
		return
	}
	m.p.add(diag.Diagnostic{
		Code: diag.CallMismatch, Span: m.where(l.Name.Value),
		Message: m.p.p.deck.Labware[k].Name + " is " + article(ours.DisplayName) + ", and cannot stand for the " + theirs.DisplayName + " that " + l.Name.Value + " is in " + m.file,
		Related: []diag.Related{{Span: l.Name.Span, Message: l.Name.Value + " is declared here"}}, Help: "name a labware with the same wells",
	})
}

// pipette is our pipette that one of the called workflow stands for: the one
// under `with`, that of the same name, or the only one of the same type.
func (m *mapping) pipette(d *spec.Pipette) int {
	ours := m.p.p.deck.Pipettes
	sameType := func(i int) bool { return ours[i].Model != nil && ours[i].Model.Name == d.Type.Value }
	if v, given := m.given(d.Name.Value); given {
		return slices.IndexFunc(ours, func(p program.Pipette) bool { return p.Name != "" && p.Name == strings.TrimSpace(v.Value.Text) })
	}
	found := -1
	for i := range ours {
		switch {
		case !sameType(i):
		case ours[i].Name == d.Name.Value:
			return i
		case found >= 0:
			found = -2
		case found == -1:
			found = i
		}
	}
	return max(found, -1)
}

func (m *mapping) pipettes() {
	claims := map[int]string{}
	for i := range m.q.p.workflow.Pipettes {
		d := &m.q.p.workflow.Pipettes[i]
		m.q.declare(d.Name, eval.Type{}, "pipette", false)
		k := m.pipette(d)
		if k < 0 {
			m.noPipette(d)
			continue
		}
		if m.claimed(claims, k, d.Name) {
			continue
		}
		m.q.p.deck.Pipettes[k].Name = d.Name.Value
		m.ofPipettes = append(m.ofPipettes, stand{i, k})
		m.q.declareLayout(d, k, m.p.p.deck.Pipettes[k].Model)
		if len(m.q.p.workflow.Pipettes) == 1 {
			m.q.only = k
		}
		if model := m.p.p.deck.Pipettes[k].Model; model != nil && d.Type.IsSet() && model.Name != d.Type.Value {
			m.p.fail(diag.CallMismatch, m.where(d.Name.Value), m.p.p.deck.Pipettes[k].Name+" is a "+model.Name+", and "+d.Name.Value+" of "+m.file+" is a "+d.Type.Value, "name a pipette of the same type")
		}
	}
}

func (m *mapping) noPipette(d *spec.Pipette) {
	if v, given := m.given(d.Name.Value); given {
		if v.Many {
			m.p.fail(diag.CallMismatch, v.Span, d.Name.Value+" is a pipette of "+m.file+", and this is a list", "write one name, without brackets")
		} else if v.Value.IsSet() {
			m.p.unknownName(diag.UnknownName, spec.Word{Value: strings.TrimSpace(v.Value.Text), Span: v.Value.Whole()}, "pipette", m.p.pipetteNames())
		}
		return
	}
	if !d.Type.IsSet() {
		return
	}
	m.p.add(diag.Diagnostic{
		Code: diag.CallMismatch, Span: m.at, Message: m.file + " works with a " + d.Type.Value + ", and it is not clear which of our pipettes that is",
		Related: []diag.Related{{Span: d.Name.Span, Message: d.Name.Value + " is declared here"}}, Help: "mount one, or say which it is: with: {" + d.Name.Value + ": …}",
	})
}

func (m *mapping) liquids() {
	ours := m.p.liquidNames()
	claims := map[int]string{}
	for i := range m.q.p.workflow.Liquids {
		l := &m.q.p.workflow.Liquids[i]
		k, given := m.ours(l.Name, "liquid", ours)
		if k >= 0 && !m.claimed(claims, k, l.Name) {
			m.q.declare(l.Name, eval.Type{}, "liquid", false)
			m.q.p.deck.Liquids[k].Name, m.q.p.deck.Liquids[k].Distinct = l.Name.Value, l.Distinct.On
			m.ofLiquids = append(m.ofLiquids, stand{i, k})
			continue
		}
		m.q.names[l.Name.Value] = l.Name.Span
		_ = m.q.scope.Absent(l.Name.Value, "liquid", "say in the call which of ours it is: with: {"+l.Name.Value+": …}")
		if k < 0 && !given {
			m.p.add(diag.Diagnostic{
				Code: diag.CallMismatch, Span: m.at, Message: "the liquid " + l.Name.Value + " of " + m.file + " stands for none of ours",
				Related: []diag.Related{{Span: l.Name.Span, Message: l.Name.Value + " is declared here"}}, Help: "say which it is: with: {" + l.Name.Value + ": …}",
			})
		}
	}
}

// levels lays what the called workflow says of handling its liquids and with its
// pipettes over what we say of them.
func (m *mapping) levels() {
	q, far := m.q, m.p.said
	l := &levels{slices.Clone(far.liquids), slices.Clone(far.classes), slices.Clone(far.noClass), slices.Clone(far.pipettes), far.any}
	q.said = l
	for _, s := range m.ofLiquids {
		d := &q.p.workflow.Liquids[s.theirs]
		l.liquids[s.ours] = q.handling(&d.Defaults.Handling).saidBy(byLiquid).over(&far.liquids[s.ours])
		c, none := q.class(d.LiquidClass)
		if c != nil || none {
			l.classes[s.ours], l.noClass[s.ours] = c, none
		}
		l.any = l.any || d.Defaults.Set || c != nil
	}
	for _, s := range m.ofPipettes {
		d := &q.p.workflow.Pipettes[s.theirs]
		l.pipettes[s.ours] = q.handling(&d.Defaults.Handling).saidBy(byPipette).over(&far.pipettes[s.ours])
		l.any = l.any || d.Defaults.Set
	}
}

// unknown reports names under `with` that the called workflow does not have.
func (m *mapping) unknown() {
	w := m.q.p.workflow
	names := slices.Concat(
		namesOf(len(w.Params), func(i int) string { return w.Params[i].Name.Value }),
		namesOf(len(w.Labware), func(i int) string { return w.Labware[i].Name.Value }),
		namesOf(len(w.Liquids), func(i int) string { return w.Liquids[i].Name.Value }),
		namesOf(len(w.Pipettes), func(i int) string { return w.Pipettes[i].Name.Value }),
		namesOf(len(w.Modules), func(i int) string { return w.Modules[i].Name.Value }),
	)
	for _, v := range m.call.With {
		if m.used[v.Name.Value] || slices.Contains(names, v.Name.Value) || !v.Name.IsSet() {
			continue
		}
		d := diag.Diagnostic{Code: diag.UnknownName, Span: v.Name.Span, Message: m.file + " has no parameter, labware, liquid, pipette or module named " + v.Name.Value, Help: "it has " + strings.Join(names, ", ")}
		if len(names) == 0 {
			d.Help = "it declares none, so remove `with`"
		}
		if near, ok := diag.Nearest(v.Name.Value, names); ok {
			d.Help, d.Edits = "did you mean "+near+"?", []diag.Edit{{Span: v.Name.Span, New: near}}
		}
		m.p.add(d)
	}
}
