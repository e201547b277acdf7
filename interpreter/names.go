package interpreter

import "slices"

// The names of what there is. A called workflow sees what stands for none of its
// own as a thing without a name, so that indexes are the same for everybody.

// namesOf lists the names of n things, "" for those that have none here.
func namesOf(n int, name func(int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = name(i)
	}
	return out
}

// named leaves out things without a name, which nobody can mean.
func named(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
}

// indexOf is where a name stands, -1 where it is nobody's.
func indexOf(names []string, name string) int {
	if name == "" {
		return -1
	}
	return slices.Index(names, name)
}

func (p *preparer) labwareNames() []string {
	return namesOf(len(p.p.deck.Labware), func(i int) string { return p.p.deck.Labware[i].Name })
}

func (p *preparer) moduleNames() []string {
	return namesOf(len(p.p.deck.Modules), func(i int) string { return p.p.deck.Modules[i].Name })
}

func (p *preparer) pipetteNames() []string {
	return namesOf(len(p.p.deck.Pipettes), func(i int) string { return p.p.deck.Pipettes[i].Name })
}

func (p *preparer) liquidNames() []string {
	return namesOf(len(p.p.deck.Liquids), func(i int) string { return p.p.deck.Liquids[i].Name })
}

func (p *preparer) componentNames() []string {
	return namesOf(len(p.p.deck.Components), func(i int) string { return p.p.deck.Components[i].Name })
}

func (p *preparer) labwareIndex(name string) (int, bool) {
	i := indexOf(p.labwareNames(), name)
	return i, i >= 0
}

func (p *preparer) moduleIndex(name string) (int, bool) {
	i := indexOf(p.moduleNames(), name)
	return i, i >= 0
}
