// Package interpreter turns a workflow into the ordered atomic steps that it
// stands for: Prepare resolves names and types once per version of the files,
// Expand is a pure function from parameters to steps.
//
// It owns the meaning of the language. It does no input or output and knows no
// particular robot: what is true of one is asked of a Machine.
package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Prepared is a workflow with its names, types and expressions resolved. It is
// immutable and serves any number of expansions at once.
type Prepared struct {
	workflow *spec.Workflow
	bundle   *spec.Bundle
	machine  Machine
	deck     *program.Deck // liquids without their wells
	params   []param
	lets     []binding
	vars     []binding
	require  []requirement
	liquids  []liquid
	defaults defaults
	nodes    []*node
	finally  []*node
	timeout  *timeout
	budget   *budget // nil for most
	outputs  []output
	slots    int
	lives    []*live     // of the workflow and those it calls; of a called one none
	all      []scenario  // what lives may answer
	kept     []keptTips  // of the workflow and those it calls; of a called one none
	timeouts []diag.Span // likewise
	ignores  []diag.Ignore
	ignored  []bool // which of them kept something from being told before any step
}

type binding struct {
	name string
	slot int
	expr *eval.Expr
}

// requirement is what must hold, and what is said where it does not.
type requirement struct {
	that    *eval.Expr
	message *eval.Template
}

func (p *preparer) requirement(c spec.Check) requirement {
	return requirement{p.expr(c.That), p.text(c.Message)}
}

// broken is what is said where a requirement does not hold: its message, or
// otherwise with the condition.
func (r *requirement) broken(env *eval.Env, otherwise string) string {
	if r.message != nil {
		if text, fault := r.message.Eval(env); fault == nil {
			return text
		}
	}
	return otherwise + ": " + r.that.Source().Text
}

type liquid struct {
	decl     *spec.Liquid
	contains []contained
	in       []*eval.Expr
	volumes  []*eval.Expr
	tip      *eval.Expr
	refill   refilling
}

// preparer carries what is known while a workflow is prepared.
type preparer struct {
	p       *Prepared
	scope   *eval.Scope
	list    diag.List
	names   map[string]diag.Span
	vars    map[string]eval.Type
	missing []string // variables that are set and not declared
	lists   map[string]bool

	measuring []instrument
	taken     map[program.Place]placed // what holds one thing, and holds it
	moduleAt  []diag.Span

	incomplete bool // some labware is not known; that has been reported

	inHandler int // steps of on_error around what is prepared

	said    *levels // of the workflow that is prepared
	calls   *calls
	chain   []string          // the files from the workflow to the one that is prepared
	layouts []program.Nozzles // that the pipettes are declared with, by index into the deck's
	only    int               // the pipette of a called workflow that has one, or -1
}

// Files are what stands in other files of a bundle, decoded: the workflows that
// are called, also indirectly, and the liquid classes.
type Files struct {
	Called  []*spec.Workflow
	Classes []*spec.LiquidClass
	Ignores []diag.Ignore // what comments in any of the files say is not to be told
}

// Prepare resolves a decoded workflow of a bundle for a machine. Prepared is
// nil if the list has errors. Every problem that does not depend on the values
// of parameters is found, in one go.
func Prepare(w *spec.Workflow, b *spec.Bundle, m Machine, files Files) (*Prepared, diag.List) {
	p := &preparer{
		p:     &Prepared{workflow: w, bundle: b, machine: m, deck: &program.Deck{}, ignores: files.Ignores},
		scope: eval.NewScope(), names: map[string]diag.Span{}, vars: map[string]eval.Type{},
		taken: map[program.Place]placed{}, calls: &calls{called: map[string]*spec.Workflow{}, classes: map[string]*spec.LiquidClass{}, made: map[string]*class{}}, said: &levels{}, chain: []string{w.File}, only: -1,
	}
	for _, c := range files.Called {
		p.calls.called[c.File] = c
	}
	for _, c := range files.Classes {
		p.calls.classes[c.File] = c
	}
	p.modules()
	p.labware()
	p.pipettes()
	p.declareLiquids()
	p.components()
	p.params()
	p.lets()
	p.liquids()
	p.variables()
	p.instruments()
	p.requirements()
	p.levels()
	p.defaults()
	p.last(w.Finally)
	p.p.budget = p.budget(&w.Budget)
	p.p.nodes, p.p.timeout = p.steps(w.Steps), p.timeout(w.Timeout)
	p.outputs()
	if p.p.lives = p.calls.lives; len(p.p.lives) > 0 {
		p.p.all = append(p.p.scenarios(), p.failing()...)
	}
	p.p.kept, p.p.timeouts = p.calls.kept, p.calls.timeouts
	p.p.slots = p.scope.Slots()
	p.missed()
	p.explainOrder()
	if p.calls.n > 0 {
		p.list = once(p.list)
	}
	if p.list.HasErrors() {
		p.list = slices.DeleteFunc(p.list, func(d diag.Diagnostic) bool { return d.Code == diag.NeverDone })
		return nil, oneCause(p.list)
	}
	p.unused()
	p.p.ignored = make([]bool, len(p.p.ignores))
	return p.p, p.list.Ignoring(p.p.ignores, p.p.ignored)
}

// missed drops what comes of a variable that is not declared: that it is
// missing was said where it is set.
func (p *preparer) missed() {
	p.list = slices.DeleteFunc(p.list, func(d diag.Diagnostic) bool {
		name, unknown := strings.CutSuffix(d.Message, " is not declared")
		return unknown && d.Code == diag.UnknownName && slices.Contains(p.missing, name)
	})
}

// explainOrder says of names that are used above their declaration where that
// is. Constants and variables can use those above them.
func (p *preparer) explainOrder() {
	for i := range p.list {
		d := &p.list[i]
		if d.Code != diag.UnknownName {
			continue
		}
		if name := strings.TrimSuffix(d.Message, " is not declared"); p.p.inFinally(d.Span) && p.names[name].File != "" {
			d.Message = "`finally` does not know " + name + ": the step that gives it may not have been done"
			d.Help = "keep what it gives in a variable, with set:, and read that"
			continue
		}
		for name, at := range p.names {
			if d.Message == name+" is not declared" && at.Start.Offset > d.Span.Start.Offset {
				d.Message = name + " is declared further down, and can be used only below that"
				d.Related, d.Help = []diag.Related{{Span: at, Message: name + " is declared here"}}, "move its declaration up"
			}
		}
	}
}

func (p *preparer) add(d diag.Diagnostic) { p.list = append(p.list, d) }

func (p *preparer) fail(code *diag.Code, at diag.Span, message, help string) {
	p.add(diag.Diagnostic{Code: code, Span: at, Message: message, Help: help})
}

// declare takes a name in the one namespace; slot is -1 for a name without a
// value of its own.
func (p *preparer) declare(name spec.Word, t eval.Type, what string, valued bool) int {
	slot := -1
	var err error
	if valued {
		slot, err = p.scope.Declare(name.Value, t, what)
	} else {
		err = p.scope.Reserve(name.Value, what)
	}
	if err != nil {
		p.nameTaken(name, err)
		if p.scope.Has(name.Value) {
			return -1
		}
		slot = p.scope.Shadow(name.Value, what)
	}
	p.names[name.Value] = name.Span
	return slot
}

func (p *preparer) nameTaken(name spec.Word, err error) {
	d := diag.Diagnostic{Code: diag.NameTaken, Span: name.Span, Message: err.Error(), Help: "choose another name; names are unique in a workflow"}
	if first, ok := p.names[name.Value]; ok {
		d.Related = []diag.Related{{Span: first, Message: "the other " + name.Value + " is here"}}
	}
	p.add(d)
}

// compile checks an expression that was written; an unset one gives nil.
func (p *preparer) compile(e spec.Expr, want eval.Type) *eval.Expr {
	if !e.IsSet() {
		return nil
	}
	x, list := eval.Compile(e.Scalar, p.scope, p.p.deck, want)
	p.list = append(p.list, list...)
	return x
}

func (p *preparer) text(t spec.Text) *eval.Template {
	if !t.Set {
		return nil
	}
	x, list := eval.CompileTemplate(t.Scalar, p.scope, p.p.deck)
	p.list = append(p.list, list...)
	return x
}

// wanted is the type an expression must have where it stands.
func wanted(w spec.Want) eval.Type {
	if d, ok := w.Dim(); ok {
		return eval.Of(d)
	}
	switch w {
	case spec.WantNumber:
		return eval.Type{Kind: eval.Number}
	case spec.WantInteger:
		return eval.Type{Kind: eval.Integer}
	case spec.WantCondition:
		return eval.Type{Kind: eval.Bool}
	case spec.WantWell:
		return eval.Type{Kind: eval.Well}
	case spec.WantWells:
		return eval.Type{Kind: eval.Wells}
	}
	return eval.Type{}
}

func (p *preparer) expr(e spec.Expr) *eval.Expr { return p.compile(e, wanted(e.Want)) }

// place resolves a well that stands where plain words are taken as well. A
// misspelt word is reported as one.
func (p *preparer) place(e spec.Expr, words ...string) *eval.Expr {
	name := strings.TrimSpace(e.Text)
	if _, declared := p.names[name]; e.IsSet() && !declared && spec.IsName(name) {
		d := diag.Diagnostic{
			Code: diag.UnknownWord, Span: e.Whole(), Message: name + " is neither a word that this key knows nor the name of a place",
			Help: "write " + strings.Join(words, ", ") + ", or a place such as plate.A1",
		}
		if near, ok := diag.Nearest(name, words); ok {
			d.Help = "did you mean " + near + "?"
			d.Edits = []diag.Edit{{Span: e.Whole(), New: near}}
		}
		p.add(d)
		return nil
	}
	return p.expr(e)
}

func (p *preparer) exprs(e spec.Exprs) []*eval.Expr {
	out := make([]*eval.Expr, 0, len(e.Items))
	for _, item := range e.Items {
		want := wanted(item.Want)
		if item.Want == spec.WantVolume && !e.Many {
			want = eval.Many(want)
		}
		out = append(out, p.compile(item, want))
	}
	return out
}

// definition finds what a labware is. An unknown one is reported once; nil
// then stands for it, about which nothing more is said.
func (p *preparer) definition(l *spec.Labware) *program.Labware {
	ref := l.Type.Value
	if !l.Type.IsSet() {
		return nil
	}
	if spec.IsFileReference(ref) {
		return p.ownDefinition(l)
	}
	if def, ok := p.p.machine.Labware(ref); ok {
		return def
	}
	d := diag.Diagnostic{
		Code: diag.UnknownLabware, Span: l.Type.Span, Message: "there is no labware " + ref + " in the standard catalogue",
		Help: "`ot2flow labware list` shows what there is; for a definition of your own write its file, such as ./labware/my_rack.json",
	}
	if near := p.p.machine.NearestLabware(ref); near != "" {
		d.Help = "did you mean " + near + "?"
		d.Edits = []diag.Edit{{Span: l.Type.Span, New: near}}
	}
	p.add(d)
	return nil
}

func (p *preparer) ownDefinition(l *spec.Labware) *program.Labware {
	f, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, l.Type.Value)
	if !ok {
		return nil // the bundle's loading has said so
	}
	def, list := p.p.machine.ParseLabware(f.Name, f.Data)
	if p.lists == nil {
		p.lists = map[string]bool{}
	}
	if !p.lists[f.Name] {
		p.list = append(p.list, list...)
		p.lists[f.Name] = true
	}
	return def
}

func (p *preparer) pipettes() {
	mounts := map[string]*spec.Pipette{}
	for i := range p.p.workflow.Pipettes {
		d := &p.p.workflow.Pipettes[i]
		p.declare(d.Name, eval.Type{}, "pipette", false)
		out := program.Pipette{Name: d.Name.Value, Mount: d.Mount.Value, Model: p.model(d), Refill: d.Refill != ""}
		if other := mounts[d.Mount.Value]; other != nil && d.Mount.IsSet() {
			p.add(diag.Diagnostic{
				Code: diag.MountTaken, Span: d.Mount.Span, Message: "the " + d.Mount.Value + " mount already holds " + other.Name.Value,
				Related: []diag.Related{{Span: other.Mount.Span, Message: other.Name.Value + " is put there here"}}, Help: "an OT-2 has a left and a right mount, one pipette on each",
			})
		}
		mounts[d.Mount.Value] = d
		out.Racks = p.racks(d, out.Model)
		p.declareLayout(d, i, out.Model)
		p.p.deck.Pipettes = append(p.p.deck.Pipettes, out)
	}
}

func (p *preparer) model(d *spec.Pipette) *program.PipetteModel {
	if !d.Type.IsSet() {
		return nil
	}
	m, ok := p.p.machine.Pipette(d.Type.Value)
	if !ok {
		out := diag.Diagnostic{
			Code: diag.UnknownPipette, Span: d.Type.Span, Message: "there is no pipette " + d.Type.Value,
			Help: "the pipettes of an OT-2 are " + strings.Join(p.p.machine.PipetteNames(), ", "),
		}
		if near, found := diag.Nearest(d.Type.Value, p.p.machine.PipetteNames()); found {
			out.Help = "did you mean " + near + "?"
			out.Edits = []diag.Edit{{Span: d.Type.Span, New: near}}
		}
		p.add(out)
		return nil
	}
	return m
}

func (p *preparer) racks(d *spec.Pipette, m *program.PipetteModel) []int {
	var out []int
	for _, name := range d.Tips {
		i, ok := p.labwareIndex(name.Value)
		if !ok {
			p.unknownName(diag.UnknownName, name, "labware", p.labwareNames())
			continue
		}
		def := p.p.deck.Labware[i].Def
		if def != nil && !def.IsTipRack {
			p.fail(diag.NotATipRack, name.Span, name.Value+" is "+article(def.DisplayName)+", not a tip rack", "name a tip rack of the labware section")
			continue
		}
		if slices.Contains(out, i) {
			p.fail(diag.NoEffect, name.Span, name.Value+" stands twice among the tips of "+d.Name.Value, "remove one of the two")
			continue
		}
		out = append(out, i)
		p.compatible(name, m, def)
	}
	return out
}

// compatible reports a standard rack whose tips do not fit the pipette. Racks
// of the user's own are taken on trust.
func (p *preparer) compatible(name spec.Word, m *program.PipetteModel, def *program.Labware) {
	if m == nil || def == nil || def.Namespace != "opentrons" {
		return
	}
	for _, fits := range m.Tips {
		if fits == def.LoadName {
			return
		}
	}
	p.fail(diag.TipsDoNotFit, name.Span, "the tips of "+name.Value+" ("+def.LoadName+") do not fit a "+m.Name,
		"racks that fit: "+strings.Join(m.Tips, ", "))
}

// unknownName reports a name that none of the candidates has.
func (p *preparer) unknownName(code *diag.Code, name spec.Word, what string, candidates []string) {
	candidates = named(candidates)
	d := diag.Diagnostic{Code: code, Span: name.Span, Message: "there is no " + what + " " + name.Value}
	if near, ok := diag.Nearest(name.Value, candidates); ok {
		d.Help = "did you mean " + near + "?"
		d.Edits = []diag.Edit{{Span: name.Span, New: near}}
	} else if len(candidates) > 0 {
		d.Help = "there is " + strings.Join(candidates, ", ")
	} else if section, is := sectionOf[what]; is {
		d.Help = "declare it under " + section + ":"
	}
	p.add(d)
}

// sectionOf is where things are declared.
var sectionOf = map[string]string{
	"variable": "vars", "pipette": "pipettes", "labware": "labware", "module": "modules", "liquid": "liquids", "instrument": "instruments",
}

func (p *preparer) declareLiquids() {
	for i := range p.p.workflow.Liquids {
		l := &p.p.workflow.Liquids[i]
		p.declare(l.Name, eval.Type{}, "liquid", false)
		p.p.deck.Liquids = append(p.p.deck.Liquids, program.Liquid{Name: l.Name.Value, Description: l.Description.Scalar.Text, Color: l.Color.Scalar.Text, Tip: program.None, Distinct: l.Distinct.On})
	}
}

func (p *preparer) lets() {
	for _, b := range p.p.workflow.Let {
		p.p.lets = append(p.p.lets, p.bind(b, "constant"))
	}
}

func (p *preparer) variables() {
	for _, b := range p.p.workflow.Vars {
		out := p.bind(b, "variable")
		p.p.vars = append(p.p.vars, out)
		if t, _, ok := p.scope.Lookup(b.Name.Value); ok {
			p.vars[b.Name.Value] = t
		}
	}
}

func (p *preparer) bind(b spec.Binding, what string) binding {
	x := p.expr(b.Value)
	t := eval.Type{}
	if x != nil {
		t = x.Type()
	}
	return binding{b.Name.Value, p.declare(b.Name, t, what, true), x}
}

func (p *preparer) liquids() {
	for i := range p.p.workflow.Liquids {
		l := &p.p.workflow.Liquids[i]
		p.p.liquids = append(p.p.liquids, liquid{decl: l, in: p.exprs(l.In), volumes: p.exprs(l.Volume), tip: p.expr(l.Tip), refill: p.refilling(&l.Refill), contains: p.contained(l)})
	}
}

func (p *preparer) requirements() {
	for _, c := range p.p.workflow.Require {
		p.p.require = append(p.p.require, p.requirement(c))
	}
}
