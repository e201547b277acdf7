package interpreter

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Liquid classes.

// class is a liquid class, resolved for the pipettes of a deck.
type class struct {
	name string
	all  []handling            // by pipette
	tips []map[string]handling // by pipette, by the load name of the rack; most are nil
}

// of is what the class says for a pipette with tips of a rack, as said by a
// level.
func (c *class) of(pip int, rack string, by level) *handling {
	if c == nil {
		return nil
	}
	h, ok := c.tips[pip][rack]
	if !ok {
		h = c.all[pip]
	}
	h = h.saidBy(by)
	return &h
}

// class resolves a `liquid_class` that is written; none says that it cancels.
func (p *preparer) class(s spec.Scalar) (c *class, none bool) {
	ref := strings.TrimSpace(s.Text)
	switch {
	case ref == "":
		return nil, false
	case ref == "none":
		return nil, true
	}
	decl, key := p.classFile(ref, s)
	if decl == nil {
		return nil, false
	}
	if made, ok := p.calls.made[key]; ok {
		return made, false
	}
	c = p.makeClass(decl)
	p.calls.made[key] = c
	return c, false
}

// classFile finds what a liquid class is. An unknown one is reported.
func (p *preparer) classFile(ref string, s spec.Scalar) (decl *spec.LiquidClass, key string) {
	if spec.IsClassFile(ref) {
		f, ok := p.p.bundle.ReferencedFrom(p.p.workflow.File, ref)
		if !ok {
			return nil, "" // the bundle's loading has said so
		}
		return p.calls.classes[f.Name], f.Name
	}
	if c, ok := p.p.machine.LiquidClass(ref); ok {
		return c, ref
	}
	names := p.p.machine.LiquidClasses()
	d := diag.Diagnostic{
		Code: diag.UnknownName, Span: s.Whole(), Message: "there is no liquid class " + ref,
		Help: "there is " + strings.Join(names, ", ") + "; for one of your own write its file, such as ./honey.yaml",
	}
	if near, ok := diag.Nearest(ref, names); ok {
		d.Help = "did you mean " + near + "?"
		d.Edits = []diag.Edit{{Span: s.Whole(), New: near}}
	}
	p.add(d)
	return nil, ""
}

// makeClass resolves a class for every pipette of the deck. A class speaks of no
// wells, so that its expressions see no names.
func (p *preparer) makeClass(decl *spec.LiquidClass) *class {
	q := &preparer{p: &Prepared{workflow: p.p.workflow, bundle: p.p.bundle, machine: p.p.machine, deck: &program.Deck{}}, scope: eval.NewScope(), names: map[string]diag.Span{}, calls: p.calls, only: -1}
	general := q.handling(&decl.Handling)
	parts := make([]handling, len(decl.Pipettes))
	tips := make([][]handling, len(decl.Pipettes))
	for i := range decl.Pipettes {
		d := &decl.Pipettes[i]
		parts[i] = q.handling(&d.Handling)
		for k := range d.Tips {
			tips[i] = append(tips[i], q.handling(&d.Tips[k].Handling))
		}
		q.knownPipette(d.Name)
	}
	c := &class{name: decl.Name.Value}
	for i := range p.p.deck.Pipettes {
		h, racks := general, map[string]handling(nil)
		if m := p.p.deck.Pipettes[i].Model; m != nil {
			size, _, _ := strings.Cut(m.Name, "_")
			for _, name := range []string{size, m.Name} { // the exact name over the size
				for k := range decl.Pipettes {
					if decl.Pipettes[k].Name.Value != name {
						continue
					}
					h = parts[k].over(&h)
					for j := range decl.Pipettes[k].Tips {
						if racks == nil {
							racks = map[string]handling{}
						}
						rack := decl.Pipettes[k].Tips[j].Name.Value
						before := racks[rack]
						racks[rack] = tips[k][j].over(&before)
					}
				}
			}
		}
		for rack, t := range racks {
			racks[rack] = t.over(&h)
		}
		c.all, c.tips = append(c.all, h), append(c.tips, racks)
	}
	p.list = append(p.list, q.list...)
	return c
}

// knownPipette reports a pipette of a class that there is none of.
func (p *preparer) knownPipette(name spec.Word) {
	var known []string
	for _, n := range p.p.machine.PipetteNames() {
		size, _, _ := strings.Cut(n, "_")
		if name.Value == n || name.Value == size {
			return
		}
		known = append(known, n)
		if !slices.Contains(known, size) {
			known = append(known, size)
		}
	}
	p.unknownName(diag.UnknownPipette, name, "pipette", known)
}
