package labware

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// The grid of a rack with 8 rows of 12 places, in µm: where A1 is, and how far
// the next place is.
const (
	gridX      = 14_380
	gridY      = 74_240
	gridStep   = 9_000
	padRows    = "ABCDEFGH"
	padColumns = 12
)

// padWidest is how wide a place that is only there to be counted may be.
const padWidest = 5_000

// Pad returns a tip rack's definition with all 96 places, which robot software
// from 8.3 on expects of every tip rack. The places that are there stay where
// they are; the others are put on the usual grid of 9 mm, as deep as the first
// one. They are there to be counted only: nothing stands in them, and whoever
// writes a workflow must not pick up there. The version is one higher, so that
// the two definitions are not taken for one another; everything else stays as
// it was written.
//
// The list is what Parse finds; with errors in it nothing is returned. An error
// says why the definition cannot be padded.
func Pad(file string, data []byte) ([]byte, diag.List, error) {
	l, list := Parse(file, data)
	if l == nil {
		return nil, list, nil
	}
	missing := []string{}
	switch {
	case !l.IsTipRack:
		return nil, list, fmt.Errorf("%s is no tip rack; robots take it as it is", l.DisplayName)
	case len(l.Wells) == 0:
		return nil, list, fmt.Errorf("%s has no place at all", l.DisplayName)
	}
	for i := range l.Wells {
		if w := &l.Wells[i]; !strings.Contains(padRows, w.Row) || w.Column > padColumns {
			return nil, list, fmt.Errorf("%s has a place %s, which no rack with 8 rows of %d has", l.DisplayName, w.Name, padColumns)
		}
	}
	for c := 1; c <= padColumns; c++ {
		for _, r := range padRows {
			if name := string(r) + strconv.Itoa(c); !hasWell(l.Well(name)) {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil, list, fmt.Errorf("%s has all 96 places already", l.DisplayName)
	}
	first := &l.Wells[0]
	r := reader{data: l.JSON}
	root := r.read()
	var wells []string
	for _, name := range missing {
		row := int64(name[0] - 'A')
		column, err := strconv.ParseInt(name[1:], 10, 64)
		if err != nil {
			return nil, list, err
		}
		wells = append(wells, fmt.Sprintf(`    %q: {"x": %s, "y": %s, "z": %s, "depth": %s, "shape": "circular", "diameter": %s, "totalLiquidVolume": %s}`,
			name, decimal(gridX+gridStep*(column-1)), decimal(gridY-gridStep*row), decimal(first.Z), decimal(first.Depth), decimal(padWidest), decimal(first.MaxNL)))
	}
	group := `    {"wells": ` + quotedList(missing) + `, "metadata": {}}`
	return apply(l.JSON,
		replace(root.get("version"), strconv.Itoa(l.Version+1)),
		replace(root.get("ordering"), fullOrdering()),
		extend(root.get("wells"), len(root.get("wells").members), strings.Join(wells, ",\n")),
		extend(root.get("groups"), len(root.get("groups").items), group),
	), list, nil
}

func hasWell(_ int, ok bool) bool { return ok }

func fullOrdering() string {
	var out []string
	for c := 1; c <= padColumns; c++ {
		var names []string
		for _, r := range padRows {
			names = append(names, string(r)+strconv.Itoa(c))
		}
		out = append(out, "    "+quotedList(names))
	}
	return "[\n" + strings.Join(out, ",\n") + "\n  ]"
}

// change puts text in the place of a stretch of the file.
type change struct {
	at   span
	text string
}

func replace(n *node, text string) change { return change{n.span, text} }

// extend adds to the end of a group or list that has so many members.
func extend(n *node, members int, text string) change {
	if members > 0 {
		text = ",\n" + text
	}
	return change{span{n.span.end - 1, n.span.end - 1}, text + "\n  "}
}

// apply makes the changes, which do not overlap. What is blank before an
// extension goes, so that the comma stands behind the last member.
func apply(data []byte, changes ...change) []byte {
	slices.SortFunc(changes, func(a, b change) int { return a.at.start - b.at.start })
	var out []byte
	last := 0
	for _, c := range changes {
		out = append(out, data[last:c.at.start]...)
		if c.at.start == c.at.end {
			out = bytes.TrimRight(out, " \t\r\n")
		}
		out = append(out, c.text...)
		last = c.at.end
	}
	return append(out, data[last:]...)
}
