package papers

import (
	"fmt"
	"html"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// deckStyle gives the parts of a deck's picture the colours that they have on white paper,
// and that a printer without colours still tells apart.
const deckStyle = `
.deck text { font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.deck .slot { fill: none; stroke: #bbb; stroke-width: 6; }
.deck .slotname { font-size: 105px; fill: #777; }
.deck .module rect { fill: none; stroke: #b06a00; stroke-width: 10; stroke-dasharray: 40 20; }
.deck .labware > rect:first-child { fill: #f6f6f4; stroke: #666; stroke-width: 6; }
.deck .label { font-size: 105px; fill: #111; }
.deck .wells { fill: #fff; stroke: #666; stroke-opacity: 0.6; stroke-width: 4; }
.deck .tips.new { fill: #8a8f98; }
.deck .tips.out { fill: none; stroke: #bbb; stroke-width: 4; }
.deck .tips.used { fill: none; stroke: #8a8f98; stroke-width: 9; }
.deck .tips.unknown { fill: none; stroke: #c00; stroke-width: 6; stroke-dasharray: 10 8; }
.deck .liquid:not([fill]) { fill: #9fb4c7; }
.deck .liquid { stroke: #111; stroke-opacity: 0.5; stroke-width: 3; }
.deck .liquid.unknown { stroke-dasharray: 12 8; stroke-opacity: 1; stroke-width: 6; }
`

// deckWidth and deckHeight are the size of depict's picture; legendLine is the height of a
// line of the legend below it, in the same units.
const (
	deckWidth, deckHeight = 3928, 4000
	legendLine            = 150
)

// Deck is the deck of a plan before its first step as an SVG picture: labware, tips, and
// the liquids in their colours, with a line for each below.
func Deck(plan *program.Plan) []byte {
	d := plan.Deck
	var b strings.Builder
	height := deckHeight + 120 + legendLine*len(d.Liquids)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-60 -60 %d %d" width="%d" height="%d">`+"\n", deckWidth+120, height+60, (deckWidth+120)/4, (height+60)/4)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(plan.Workflow.Name), deckStyle)
	b.WriteString(`<rect x="-60" y="-60" width="100%" height="100%" fill="#fff"/>` + "\n")
	picture := depict.Deck(program.NewState(d), nil)
	b.WriteString(strings.Replace(picture, "<svg ", fmt.Sprintf(`<svg width="%d" height="%d" overflow="visible" `, deckWidth, deckHeight), 1))
	b.WriteString("\n<g class=\"deck\">\n")
	for i := range d.Liquids {
		l := &d.Liquids[i]
		y := deckHeight + 160 + i*legendLine
		color := l.Color
		if color == "" {
			color = "#9fb4c7"
		}
		fmt.Fprintf(&b, `<circle class="liquid" cx="60" cy="%d" r="45" fill="%s"/><text class="label" x="140" y="%d">%s</text>`+"\n", y-35, color, y, html.EscapeString(l.Name+": "+stands(d, l)))
	}
	b.WriteString("</g>\n</svg>\n")
	return []byte(b.String())
}

// stands says where a liquid is, and how much of it.
func stands(d *program.Deck, l *program.Liquid) string {
	if len(l.Wells) == 0 {
		return "nowhere"
	}
	text := depict.WellNames(d, l.Wells)
	each := ""
	if len(l.Wells) > 1 {
		each = " each"
	}
	for i := range l.VolumeNL {
		if l.VolumeNL[i] != l.VolumeNL[0] {
			return text + ", different volumes"
		}
	}
	if len(l.VolumeNL) == 0 || l.VolumeNL[0] < 0 {
		return text + ", volume not declared"
	}
	return text + ", " + quantity.Volume.Text(l.VolumeNL[0]) + each
}
