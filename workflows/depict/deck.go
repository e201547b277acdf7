package depict

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// The deck of an OT-2 is drawn in tenths of a millimetre, seen from above: slot 1 at
// the front left, 12 (the trash) at the back right. Slots are 132.5 mm by 90.5 mm
// apart, and hold labware of 127.76 mm by 85.48 mm (Opentrons' deck definition
// ot2_standard). Here there is more room between the rows, for the names.
const (
	slotX, slotY = 1325, 1000
	bedX, bedY   = 1278, 855
	deckX, deckY = 3*slotX - (slotX - bedX), 4 * slotY
	trashSlot    = 12
)

// Deck draws a deck as it stands: what tips are left, what is in the wells, and where
// the step is that has begun or comes next; nil is none. The picture is SVG with
// classes, which a style sheet gives their colours: slot, labware, label, wells, tips,
// at.
func Deck(s *program.State, step *program.Step) string {
	p := &picture{state: s, places: make([]program.Place, len(s.Deck.Labware))}
	for i := range p.places {
		p.places[i] = s.Place(i)
	}
	taken := map[int]bool{}
	for _, place := range p.places {
		if place.On != program.OffDeck {
			taken[SlotOf(s.Deck, p.places, place)] = true
		}
	}
	p.f(`<svg class="deck" viewBox="0 0 %d %d" role="img" aria-label="The deck of the robot, seen from above">`, deckX, deckY)
	for slot := 1; slot <= trashSlot; slot++ {
		x, y := corner(slot)
		p.f(`<rect class="slot" x="%d" y="%d" width="%d" height="%d" rx="40"/>`, x, y, bedX, bedY)
		text := strconv.Itoa(slot)
		if slot == trashSlot {
			text = "trash"
		}
		if taken[slot] {
			continue // what stands there says where that is
		}
		p.f(`<text class="slotname" x="%d" y="%d">%s</text>`, x+40, y+bedY+100, text)
	}
	p.modules()
	p.stacked(-1)
	p.at(step)
	p.b.WriteString("</svg>")
	return p.b.String()
}

type picture struct {
	b      strings.Builder
	state  *program.State
	places []program.Place
}

func (p *picture) f(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// corner is the top left corner of a slot in the picture.
func corner(slot int) (x, y int) {
	return (slot - 1) % 3 * slotX, (3 - (slot-1)/3) * slotY
}

// modules names what stands in a slot under the labware.
func (p *picture) modules() {
	for i := range p.state.Deck.Modules {
		m := &p.state.Deck.Modules[i]
		slot, err := strconv.Atoi(m.Slot)
		if err != nil {
			continue
		}
		x, y := corner(slot)
		text := m.Name
		if is := ModuleState(p.state.Module(i)); is != "" {
			text += ": " + is
		}
		p.f(`<g class="module"><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="40"/></g>`, html.EscapeString(text), x-15, y-15, bedX+30, bedY+30)
	}
}

// stacked draws labware from below to above: what stands on the deck and on modules
// first (-1), then what stands on that.
func (p *picture) stacked(on int) {
	for i, place := range p.places {
		above := place.On == program.OnLabware && int(place.Index) == on
		if below := on < 0 && (place.On == program.OnSlot || place.On == program.OnModule); !above && !below {
			continue
		}
		p.labware(i)
		p.stacked(i)
	}
}

// labware draws one, with its wells.
func (p *picture) labware(i int) {
	slot := SlotOf(p.state.Deck, p.places, p.places[i])
	if slot == 0 {
		return
	}
	x, y := corner(slot)
	l := &p.state.Deck.Labware[i]
	kind := "labware"
	if l.Def.IsTipRack {
		kind = "labware rack"
	}
	p.f(`<g class="%s" transform="translate(%d %d)"><rect width="%d" height="%d" rx="30"/>`, kind, x, y, bedX, bedY)
	if l.Def.IsTipRack {
		p.tips(i)
	} else {
		p.wells(i)
	}
	if !slices.Contains(p.places, program.Place{On: program.OnLabware, Index: int16(i)}) {
		p.f(`<text class="label" x="40" y="%d">%d %s</text>`, bedY+100, slot, html.EscapeString(l.Name))
	}
	p.b.WriteString("</g>")
}

// place is where a well of a labware is in the picture of it, and its half sizes.
func place(w *program.Well) (x, y, rx, ry int) {
	x, y = int(w.X/100), bedY-int(w.Y/100)
	if w.Round {
		return x, y, int(w.Diameter / 200), int(w.Diameter / 200)
	}
	return x, y, int(w.XSize / 200), int(w.YSize / 200)
}

// shape draws a well into a path.
func shape(b *strings.Builder, x, y, rx, ry int, round bool) {
	if round {
		fmt.Fprintf(b, "M%d %da%d %d 0 1 0 %d 0a%d %d 0 1 0 %d 0", x-rx, y, rx, rx, 2*rx, rx, rx, -2*rx)
		return
	}
	fmt.Fprintf(b, "M%d %dh%dv%dh%dz", x-rx, y-ry, 2*rx, 2*ry, -2*rx)
}

// tips draws the places of a rack, one path for all in the same state.
func (p *picture) tips(i int) {
	def := p.state.Deck.Labware[i].Def
	paths := map[program.TipState]*strings.Builder{}
	left := 0
	for w := range def.Wells {
		t := p.state.Tip(program.WellRef{Labware: int16(i), Well: int16(w)})
		if t == program.TipNew {
			left++
		}
		if paths[t] == nil {
			paths[t] = &strings.Builder{}
		}
		x, y, rx, ry := place(&def.Wells[w])
		shape(paths[t], x, y, rx, ry, def.Wells[w].Round)
	}
	p.f(`<title>%s: %d of %d tips are new</title>`, html.EscapeString(p.state.Deck.Labware[i].Name), left, len(def.Wells))
	for _, t := range []program.TipState{program.TipNew, program.TipOut, program.TipUsed, program.TipUnknown} {
		if paths[t] != nil {
			p.f(`<path class="tips %s" d="%s"/>`, t, paths[t])
		}
	}
}

// wells draws what is in the wells of a labware: the more, the larger.
func (p *picture) wells(i int) {
	def := p.state.Deck.Labware[i].Def
	var empty strings.Builder
	for w := range def.Wells {
		x, y, rx, ry := place(&def.Wells[w])
		shape(&empty, x, y, rx, ry, def.Wells[w].Round)
	}
	p.f(`<path class="wells" d="%s"/>`, &empty)
	for w := range def.Wells {
		c, ok := p.state.Content(program.WellRef{Labware: int16(i), Well: int16(w)})
		if ok && (c.Volume > 0 || c.Unknown) {
			p.content(i, w, c)
		}
	}
}

// content draws what is in a well. Its area says how full the well is; one of which
// nobody knows how full it is has a broken outline.
func (p *picture) content(i, w int, c *program.Content) {
	def := p.state.Deck.Labware[i].Def
	x, y, rx, ry := place(&def.Wells[w])
	level := 0.5
	if most := def.Wells[w].MaxNL; !c.Unknown && most > 0 {
		level = min(1, max(0.06, float64(c.Volume)/float64(most)))
	}
	grow := 0.35 + 0.6*math.Sqrt(level)
	class := "liquid"
	if c.Unknown {
		class = "liquid unknown"
	}
	fill := ""
	if color := p.color(c); color != "" {
		fill = ` fill="` + color + `"`
	}
	rx, ry = max(1, int(float64(rx)*grow)), max(1, int(float64(ry)*grow))
	title := html.EscapeString(p.state.Deck.Labware[i].Name + "." + def.Wells[w].Name + ": " + Line(Content(p.state.Deck, c)))
	if def.Wells[w].Round {
		p.f(`<circle class="%s" cx="%d" cy="%d" r="%d"%s><title>%s</title></circle>`, class, x, y, rx, fill, title)
		return
	}
	p.f(`<rect class="%s" x="%d" y="%d" width="%d" height="%d"%s><title>%s</title></rect>`, class, x-rx, y-ry, 2*rx, 2*ry, fill, title)
}

// color is that of what a well holds. An amount that nobody declared is that of its
// liquid.
func (p *picture) color(c *program.Content) string {
	if color := Mixed(p.state.Deck, c); color != "" {
		return color
	}
	if c.Unknown && c.Of < len(p.state.Deck.Liquids) {
		return p.state.Deck.Liquids[c.Of].Color
	}
	return ""
}

// at marks the wells that a step is about.
func (p *picture) at(step *program.Step) {
	if step == nil || step.Op.Well == program.None {
		return
	}
	r := step.Op.Well
	slot := SlotOf(p.state.Deck, p.places, p.places[r.Labware])
	def := p.state.Deck.Labware[r.Labware].Def
	if slot == 0 || step.Op.Kind == program.MoveLabware || int(r.Well) >= len(def.Wells) {
		return
	}
	wells := []int16{r.Well}
	if step.Op.Kind.Info().Fields&program.HasPipette != 0 && p.state.Deck.IsMulti(int(step.Op.Pipette)) {
		wells = p.state.Reach(int(step.Op.Pipette), p.state.Mounts[step.Op.Pipette].Nozzles, r)
	}
	left, top := corner(slot)
	var b strings.Builder
	for _, w := range wells {
		if w >= 0 {
			x, y, rx, ry := place(&def.Wells[w])
			shape(&b, left+x, top+y, rx+12, ry+12, def.Wells[w].Round)
		}
	}
	p.f(`<path class="at" d="%s"><title>%s</title></path>`, &b, html.EscapeString(Line(Sentence(step, p.state.Deck))))
}
