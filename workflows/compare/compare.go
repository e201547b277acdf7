// Package compare says what is otherwise for the robot, and for who sets it up, in one
// plan than in another. Names that a workflow gives to things do not matter, nor do its
// colours, comments in the file, and the way in which steps are written.
package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// Changed is something that is otherwise: empty where it is in one of the two only.
type Changed struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Amount is how much is used of something: nL of a liquid, or tips of a rack.
type Amount struct {
	Name          string
	Before, After int64
}

// Difference is what is otherwise in plan B than in plan A.
type Difference struct {
	A, B    *program.Plan
	Params  []Changed // what the runs are given; no difference for the robot by itself
	Deck    []Changed // what stands where, with the liquids
	Hunks   []Hunk
	Whole   bool // too many steps differ: Hunks are not the fewest that there could be
	Course  []Changed
	Tips    []Amount // all that are used, those that are as many in both, too
	Liquids []Amount
	Wells   []Changed // what is in them at the end
	// Unknown says why it is not known whether all of it is the same; empty where it is.
	Unknown string
}

// Same reports whether it makes no difference to the robot, nor to who sets it up.
func (d *Difference) Same() bool {
	return len(d.Deck) == 0 && len(d.Hunks) == 0 && len(d.Course) == 0 && d.Unknown == ""
}

// Steps counts the steps that only A has, and those that only B has.
func (d *Difference) Steps() (removed, added int) {
	for i := range d.Hunks {
		removed, added = removed+len(d.Hunks[i].Before), added+len(d.Hunks[i].After)
	}
	return removed, added
}

// Plans compares two plans.
func Plans(a, b *program.Plan) *Difference {
	d := &Difference{A: a, B: b, Params: Params(a.Workflow.Params, b.Workflow.Params)}
	d.deck()
	d.Hunks, d.Whole = hunks(a, b)
	d.course()
	needs := func(p *program.Plan) *program.Needs {
		if p.Outlook != nil {
			return &p.Outlook.Needs
		}
		return &p.Needs
	}
	rack := func(p *program.Plan, i int) string { return p.Deck.Labware[i].Name }
	liquid := func(p *program.Plan, i int) string { return p.Deck.Liquids[i].Name }
	d.Tips = d.amounts(needs(a).Tips, needs(b).Tips, rack)
	d.Liquids = d.amounts(needs(a).Liquids, needs(b).Liquids, liquid)
	d.wells()
	d.unknown()
	return d
}

// notGiven is what stands for a parameter that only one of two runs is given.
const notGiven = "(not given)"

// Params compares what two runs are given, in the order of the second.
func Params(was, is []program.Param) []Changed {
	var out []Changed
	for _, p := range is {
		i := slices.IndexFunc(was, func(o program.Param) bool { return o.Name == p.Name })
		switch {
		case i < 0:
			out = append(out, Changed{p.Name, notGiven, p.Value})
		case was[i].Value != p.Value:
			out = append(out, Changed{p.Name, was[i].Value, p.Value})
		}
	}
	for _, p := range was {
		if !slices.ContainsFunc(is, func(o program.Param) bool { return o.Name == p.Name }) {
			out = append(out, Changed{p.Name, p.Value, notGiven})
		}
	}
	return out
}

// thing is one thing of a deck: where it stands, what a robot sees of it, its name, and
// what people are told.
type thing struct{ place, key, name, text string }

// deck compares what stands where.
func (d *Difference) deck() {
	before, after := things(d.A.Deck), things(d.B.Deck)
	for i := range before {
		d.Deck = append(d.Deck, unlike(before[i], after[i])...)
	}
	left := func(deck *program.Deck) string {
		plain := deck.ByPlace()
		var b strings.Builder
		for _, t := range deck.Left.Tips {
			fmt.Fprintln(&b, plain.WellName(t.Place), t.State)
		}
		for _, w := range deck.Left.Wells {
			fmt.Fprintln(&b, plain.WellName(w.Well), w.Volume, w.Parts, w.Unknown)
		}
		return b.String()
	}
	if left(d.A.Deck) != left(d.B.Deck) {
		d.Deck = append(d.Deck, Changed{"what earlier runs left", leftText(d.A.Deck), leftText(d.B.Deck)})
	}
}

func leftText(d *program.Deck) string {
	if d.Left.IsZero() {
		return "nothing"
	}
	return fmt.Sprintf("%d used places of tips, %d wells", len(d.Left.Tips), len(d.Left.Wells))
}

// things are what stands on a deck: modules, labware, pipettes, liquids.
func things(d *program.Deck) [4][]thing {
	plain := d.ByPlace()
	modules, labware, pipettes, liquids := plain.Inventory()
	var out [4][]thing
	for i := range d.Modules {
		out[0] = append(out[0], thing{plain.Modules[i].Name, modules[i], d.Modules[i].Name, d.Modules[i].Model.DisplayName})
	}
	for i := range d.Labware {
		out[1] = append(out[1], thing{plain.Labware[i].Name, labware[i], d.Labware[i].Name, d.Labware[i].Def.DisplayName})
	}
	for i := range d.Pipettes {
		p := &d.Pipettes[i]
		text := p.Model.DisplayName
		for k, r := range plain.Pipettes[i].Racks {
			text += []string{", tips from ", ", then "}[min(k, 1)] + plain.Labware[r].Name
		}
		out[2] = append(out[2], thing{plain.Pipettes[i].Name, pipettes[i], p.Name, text})
	}
	for i := range d.Liquids {
		out[3] = append(out[3], thing{"liquid " + d.Liquids[i].Name, liquids[i], d.Liquids[i].Name, wellsText(plain, &plain.Liquids[i])})
	}
	return out
}

// wellsText says where a liquid is, and how much: the wells of equal volume together.
func wellsText(d *program.Deck, l *program.Liquid) string {
	var out []string
	for i := 0; i < len(l.Wells); {
		k := i + 1
		for k < len(l.Wells) && l.VolumeNL[k] == l.VolumeNL[i] && l.Wells[k].Labware == l.Wells[i].Labware {
			k++
		}
		volume := "an amount that is not declared"
		if l.VolumeNL[i] >= 0 {
			volume = quantity.Volume.Text(l.VolumeNL[i])
		}
		switch k - i {
		case 1:
			out = append(out, volume+" in "+d.WellName(l.Wells[i]))
		default:
			out = append(out, fmt.Sprintf("%s in each of %d wells from %s to %s", volume, k-i, d.WellName(l.Wells[i]), d.WellName(l.Wells[k-1])))
		}
		i = k
	}
	return strings.Join(out, ", ")
}

// unlike are the things of two lists that are otherwise: what is in both is left out,
// and what is in the same place is one change.
func unlike(before, after []thing) []Changed {
	rest := slices.Clone(after)
	var gone []thing
	for _, b := range before {
		if i := slices.IndexFunc(rest, func(a thing) bool { return a.key == b.key }); i >= 0 {
			rest = slices.Delete(rest, i, i+1)
		} else {
			gone = append(gone, b)
		}
	}
	var out []Changed
	for _, b := range gone {
		i := slices.IndexFunc(rest, func(a thing) bool { return a.place == b.place })
		if i < 0 {
			out = append(out, Changed{b.place, b.text, ""})
			continue
		}
		c := Changed{b.place, b.text, rest[i].text}
		if c.Before == c.After { // what people are told is not all there is to it
			c.Before, c.After = b.key, rest[i].key
		}
		out = append(out, c)
		rest = slices.Delete(rest, i, i+1)
	}
	for _, a := range rest {
		out = append(out, Changed{a.place, "", a.text})
	}
	return out
}

// course compares how a run ends, and how long it may take.
func (d *Difference) course() {
	add := func(what, before, after string) {
		if before != after {
			d.Course = append(d.Course, Changed{what, before, after})
		}
	}
	end := func(p *program.Plan) string {
		var b strings.Builder
		plain := p.Deck.ByPlace()
		for _, r := range p.End.DropsTip {
			b.WriteString("the tip from " + plain.WellName(r) + " is dropped; ")
		}
		if p.End.Homes {
			b.WriteString("the robot homes")
		}
		return strings.TrimSuffix(b.String(), "; ")
	}
	limits := func(p *program.Plan) string {
		var out []string
		for i := range p.Limits {
			text, _, _ := strings.Cut(p.Limits[i].String(), " in line")
			out = append(out, text)
		}
		return strings.Join(out, ", ")
	}
	add("at the end", end(d.A), end(d.B))
	add("time limits", limits(d.A), limits(d.B))
	add("ends early", d.A.Ended, d.B.Ended)
	add("fails", d.A.Failed, d.B.Failed)
}

// amounts puts together what is used of the same: by name, which is what people know it
// by, and where there is no other of that name.
func (d *Difference) amounts(a, b []program.Count, name func(*program.Plan, int) string) []Amount {
	var out []Amount
	for _, c := range a {
		out = append(out, Amount{name(d.A, c.Index), c.Amount, 0})
	}
	for _, c := range b {
		n := name(d.B, c.Index)
		i := slices.IndexFunc(out, func(o Amount) bool { return o.Name == n })
		if i < 0 {
			out, i = append(out, Amount{Name: n}), len(out)
		}
		out[i].After += c.Amount
	}
	return out
}

// Total is the sum of amounts.
func Total(list []Amount) (before, after int64) {
	for _, a := range list {
		before, after = before+a.Before, after+a.After
	}
	return before, after
}

// wells compares what is in the wells at the end, by where they are.
func (d *Difference) wells() {
	if len(d.Hunks) == 0 && len(d.Deck) == 0 {
		return
	}
	type well struct{ name, text, key string }
	contents := func(p *program.Plan) (map[string]well, []string) {
		state, _ := p.Timeline(func(*program.Transition) error { return nil }) // it only fails where f does
		plain := p.Deck.ByPlace()
		out := map[string]well{}
		var order []string
		for i := range p.Deck.Labware {
			for k := range p.Deck.Labware[i].Def.Wells {
				r := program.WellRef{Labware: int16(i), Well: int16(k)}
				c, ok := state.Content(r)
				if !ok || !c.Touched {
					continue
				}
				at := plain.WellName(r)
				out[at] = well{p.Deck.WellName(r), contentText(p.Deck, c), depict.Content(plain, c)}
				order = append(order, at)
			}
		}
		return out, order
	}
	before, first := contents(d.A)
	after, second := contents(d.B)
	for _, at := range second {
		if b, is := before[at], after[at]; b.key != is.key && b.text != is.text {
			d.Wells = append(d.Wells, Changed{is.name, b.text, is.text})
		}
	}
	for _, at := range first {
		if _, there := after[at]; !there {
			d.Wells = append(d.Wells, Changed{before[at].name, before[at].text, ""})
		}
	}
}

// contentText says what a well holds: "180 uL (red 100 uL, blue 80 uL)".
func contentText(d *program.Deck, c *program.Content) string {
	text := depict.Line(depict.Content(d, c))
	volume := quantity.Volume.Text(c.Volume)
	if parts, ok := strings.CutPrefix(text, volume+" "); ok && strings.Contains(parts, ", ") {
		return volume + " (" + parts + ")"
	}
	return text
}

// unknown finds out whether anything depends on what only a run brings, and comes of
// other files or values.
func (d *Difference) unknown() {
	if d.A.Outlook == nil && d.B.Outlook == nil || sameFiles(d.A.Files, d.B.Files) && len(d.Params) == 0 {
		return
	}
	d.Unknown = "what is done behind the steps that are listed depends on results that only a run brings, and the workflow or what it is given is another: whether that is the same is not known before"
}

// sameFiles reports whether two lists of files hold the same, whatever the first, the
// workflow itself, is called.
func sameFiles(a, b []program.File) bool {
	data := func(list []program.File) [][]byte {
		var out [][]byte
		for _, f := range list {
			out = append(out, f.Data)
		}
		slices.SortFunc(out, func(x, y []byte) int { return cmp.Or(cmp.Compare(len(x), len(y)), bytes.Compare(x, y)) })
		return out
	}
	return len(a) > 0 && slices.EqualFunc(data(a), data(b), bytes.Equal)
}
