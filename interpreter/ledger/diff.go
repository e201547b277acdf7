package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Change is one difference between two ledgers, for people and for programs.
// What is empty is not there.
type Change struct {
	Place  string
	Well   string // or several, or places of tips; empty: the labware itself
	Before string
	After  string
}

// Diff returns what is different in after, in the order of places and wells.
// Wells that changed alike are one change, their names joined by spaces.
func Diff(before, after *Ledger) []Change {
	var places []string
	for _, l := range []*Ledger{before, after} {
		for i := range l.Labware {
			places = append(places, l.Labware[i].Place)
		}
	}
	slices.SortFunc(places, comparePlaces)
	var out []Change
	for _, place := range slices.Compact(places) {
		out = append(out, diffLabware(place, before.At(place), after.At(place))...)
	}
	out = append(out, diffList("module", before.Modules, after.Modules, func(m Module) string { return m.Slot }, func(m Module) string { return m.Text() })...)
	out = append(out, diffList("pipette", before.Pipettes, after.Pipettes, func(p Pipette) string { return p.Mount }, func(p Pipette) string { return p.Text() })...)
	for i := range after.Away {
		if b := &after.Away[i]; !slices.ContainsFunc(before.Away, b.is) {
			out = append(out, Change{Place: "taken away", Before: b.Title(), After: "away, with " + plural(b.Wells, "1 well", strconv.Itoa(len(b.Wells))+" wells") + " in use"})
		}
	}
	return append(out, diffList("offset", before.Offsets, after.Offsets, func(o Offset) string { return o.Place + " " + Loaded(o.Definition) }, func(o Offset) string { return o.Text() })...)
}

// is reports whether it is the same labware that was taken away.
func (b *Labware) is(o Labware) bool {
	return b.Run == o.Run && b.Name == o.Name && b.Number == o.Number
}

// Title names labware that was taken away: plate#1.
func (b *Labware) Title() string { return b.Name + "#" + strconv.Itoa(b.Number) }

func diffLabware(place string, a, b *Labware) []Change {
	var out []Change
	if kind(a) != kind(b) {
		out = append(out, Change{Place: place, Before: kind(a), After: kind(b)})
		if b == nil {
			return out
		}
		a = nil
	}
	var wells []string
	for _, l := range []*Labware{a, b} {
		if l == nil {
			continue
		}
		for i := range l.Wells {
			wells = append(wells, l.Wells[i].Well)
		}
		for i := range l.Tips {
			wells = append(wells, l.Tips[i].Well)
		}
	}
	slices.SortFunc(wells, compareWells)
	alike := map[[2]string]int{} // where a change stands in out
	for _, w := range slices.Compact(wells) {
		c := Change{place, w, a.says(w), b.says(w)}
		if c.Before == c.After {
			continue
		}
		key := [2]string{c.Before, c.After}
		if i, ok := alike[key]; ok {
			out[i].Well += " " + w
			continue
		}
		alike[key] = len(out)
		out = append(out, c)
	}
	return out
}

func kind(b *Labware) string {
	if b == nil {
		return ""
	}
	return Loaded(b.Definition)
}

// says is what a well holds or what is at a place of tips.
func (b *Labware) says(well string) string {
	if b == nil {
		return ""
	}
	if t := b.tip(well); t != nil {
		return "tip " + t.State + unsure(t.Unsure)
	}
	if w := b.well(well); w != nil {
		return w.Text()
	}
	return ""
}

func unsure(is bool) string {
	if is {
		return ", unsure"
	}
	return ""
}

// Text says what the well holds.
func (w *Well) Text() string {
	if w.Unknown != "" {
		return "an unknown amount of " + w.Unknown + ", " + quantity.Volume.Text(-w.NL) + " taken" + unsure(w.Unsure)
	}
	return Contents(w.Parts) + unsure(w.Unsure)
}

// Text says what the module is set to.
func (m *Module) Text() string {
	s := &m.State
	var out []string
	off := int32(-1 << 31)
	if s.Target != off {
		out = append(out, "at "+quantity.Temperature.Text(int64(s.Target)))
	}
	if s.LidTarget != off {
		out = append(out, "lid at "+quantity.Temperature.Text(int64(s.LidTarget)))
	}
	if s.RPM > 0 {
		out = append(out, fmt.Sprintf("shaking at %d rpm", s.RPM))
	}
	if s.Engaged {
		out = append(out, "magnets raised")
	}
	for _, part := range []struct {
		name string
		is   uint8
	}{{"lid", uint8(s.Lid)}, {"latch", uint8(s.Latch)}} {
		if part.is > 0 {
			out = append(out, part.name+[...]string{"", " open", " closed"}[part.is])
		}
	}
	return m.Model + " " + strings.Join(out, ", ")
}

// Text says what may hang on the pipette.
func (p *Pipette) Text() string {
	if p.Tip == "" {
		return p.Model + ": something may hang on it"
	}
	return p.Model + ": a tip of " + Loaded(p.Tip) + " may hang on it"
}

func diffList[T any](what string, before, after []T, key, text func(T) string) []Change {
	var out []Change
	find := func(list []T, k string) string {
		if i := slices.IndexFunc(list, func(t T) bool { return key(t) == k }); i >= 0 {
			return text(list[i])
		}
		return ""
	}
	var keys []string
	for _, t := range slices.Concat(before, after) {
		keys = append(keys, key(t))
	}
	slices.SortFunc(keys, comparePlaces)
	for _, k := range slices.Compact(keys) {
		if c := (Change{what + " " + k, "", find(before, k), find(after, k)}); c.Before != c.After {
			out = append(out, c)
		}
	}
	return out
}
