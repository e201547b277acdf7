package depict

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/ledger"
)

// Ledger says what stands on a robot, in rows of four cells: where, what, what is known
// of it, and from which run.
func Ledger(l *ledger.Ledger) [][4]string {
	var out [][4]string
	add := func(cells ...string) { out = append(out, [4]string(append(cells, "", "")[:4])) }
	inside := func(b, blank *ledger.Labware) {
		for _, change := range ledger.Diff(&ledger.Ledger{Labware: []ledger.Labware{*blank}}, &ledger.Ledger{Labware: []ledger.Labware{*b}}) {
			add("", Wells(change.Well), change.After)
		}
	}
	for i := range l.Labware {
		b := &l.Labware[i]
		by := "set by hand"
		if b.Run != "" {
			by = "run " + b.Run
		}
		add("slot "+b.Place, b.Name, ledger.Loaded(b.Definition), by)
		blank := *b
		blank.Tips, blank.Wells = nil, nil
		inside(b, &blank)
	}
	for i := range l.Away {
		b := &l.Away[i]
		add("taken away", b.Title(), ledger.Loaded(b.Definition), "run "+b.Run)
		inside(b, &ledger.Labware{Place: b.Place, Definition: b.Definition})
	}
	rest := *l
	rest.Labware, rest.Away = nil, nil
	for _, change := range ledger.Diff(&ledger.Ledger{}, &rest) {
		add(change.Place, change.After)
	}
	for _, tool := range l.Tools {
		add(cmp.Or(tool.Mount, "module"), tool.Model+" "+tool.Serial, "", "run "+tool.Run)
	}
	return out
}

// Wells shortens a list of places.
func Wells(list string) string {
	all := strings.Fields(list)
	if len(all) > 6 {
		return fmt.Sprintf("%s … %s (%d)", strings.Join(all[:4], " "), all[len(all)-1], len(all))
	}
	return list
}
