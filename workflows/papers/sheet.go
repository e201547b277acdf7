package papers

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

const sheetStyle = `
@page { size: A4; margin: 14mm 14mm 16mm; }
* { box-sizing: border-box; }
body { font: 10.5pt/1.4 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #111; background: #fff; max-width: 182mm; margin: 0 auto; }
@media screen { body { padding: 12mm 0; } }
h1 { font-size: 17pt; margin: 0; } h2 { font-size: 12pt; margin: 6mm 0 1.5mm; border-bottom: 0.4mm solid #111; break-after: avoid; }
p { margin: 1mm 0; } .soft { color: #555; }
.facts { display: flex; flex-wrap: wrap; gap: 1mm 8mm; margin: 2mm 0; }
.write { border-bottom: 0.2mm solid #777; display: inline-block; min-width: 38mm; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; font-size: 9pt; color: #555; }
td, th { padding: 0.9mm 2mm 0.9mm 0; vertical-align: top; border-bottom: 0.15mm solid #ccc; } tr { break-inside: avoid; } thead { display: table-header-group; }
td.n, th.n { text-align: right; white-space: nowrap; } td.box { width: 11mm; white-space: nowrap; text-align: right; }
.box i { display: inline-block; width: 3.6mm; height: 3.6mm; border: 0.3mm solid #111; margin-top: 0.5mm; }
.ink { display: inline-block; width: 3.2mm; height: 3.2mm; border-radius: 50%; border: 0.2mm solid #555; margin-right: 1.5mm; vertical-align: -0.3mm; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.deckbox { width: 118mm; margin: 2mm auto 0; break-inside: avoid; } .deckbox svg { width: 100%; height: auto; display: block; overflow: visible; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.part { font-weight: 600; } .part td { border-bottom: none; padding-top: 2.2mm; } .times { color: #555; }
.short { color: #b00; font-weight: 600; }
`

// Sheet is a page of HTML to prepare a deck by, and to pipette by hand: what stands where,
// what goes into which well and how much of it is out of reach, tips, and the order of
// work, with boxes to tick. It prints on A4.
func Sheet(plan *program.Plan, timer program.Timer) []byte {
	s := &sheet{plan: plan, deck: plan.Deck}
	s.f("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>%s</title>\n<style>%s%s</style>\n</head>\n<body>\n", html.EscapeString(plan.Workflow.Name), sheetStyle, deckStyle)
	s.head()
	s.f("<h2>The deck</h2>\n<div class=\"deckbox\">%s</div>\n", depict.Deck(program.NewState(s.deck), nil))
	s.stands()
	s.liquids()
	s.tips()
	s.work(depict.Folded(plan, timer))
	s.f("</body>\n</html>\n")
	return []byte(s.b.String())
}

type sheet struct {
	b    strings.Builder
	plan *program.Plan
	deck *program.Deck
}

func (s *sheet) f(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

const box = `<td class="box"><i></i></td>`

func (s *sheet) head() {
	p := s.plan
	s.f("<h1>%s</h1>\n", html.EscapeString(p.Workflow.Name))
	s.f("<div class=\"facts\"><span>%s on the robot</span><span>%d steps</span><span class=\"soft\">plan %s</span></div>\n", html.EscapeString(minutes(p.EstimateMS*1000)), len(p.Steps), html.EscapeString(shortHash(p.Fingerprint)))
	if len(p.Workflow.Params) > 0 {
		s.f("<p>With")
		for i, v := range p.Workflow.Params {
			if i > 0 {
				s.f(",")
			}
			s.f(" %s = %s", html.EscapeString(v.Name), html.EscapeString(short(v.Value)))
		}
		s.f("</p>\n")
	}
	s.f("<p>Done by <span class=\"write\">&nbsp;</span> on <span class=\"write\">&nbsp;</span></p>\n")
}

// short keeps a value, such as a table, to what can be read in a line.
func short(text string) string {
	if r := []rune(text); len(r) > 80 {
		return string(r[:77]) + "…"
	}
	return text
}

// shortHash is enough of a fingerprint to tell two sheets apart.
func shortHash(fingerprint string) string {
	hash := strings.TrimPrefix(fingerprint, "sha256:")
	return hash[:min(12, len(hash))]
}

// minutes is a time as it is said at a bench.
func minutes(us int64) string {
	m := (us + 30_000_000) / 60_000_000
	switch {
	case us < 1_000_000:
		return "under 1 s"
	case m < 1:
		return fmt.Sprintf("%d s", (us+500_000)/1_000_000)
	case m < 60:
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d h %d min", m/60, m%60)
}

// stands lists what has to stand where.
func (s *sheet) stands() {
	s.f("<h2>Put on the deck</h2>\n<table><thead><tr><th></th><th>where</th><th>name</th><th>what</th></tr></thead><tbody>\n")
	row := func(where, name, what string) {
		s.f("<tr>%s<td>%s</td><td>%s</td><td>%s</td></tr>\n", box, html.EscapeString(where), html.EscapeString(name), html.EscapeString(what))
	}
	for i := range s.deck.Pipettes {
		p := &s.deck.Pipettes[i]
		row(p.Mount+" mount", p.Name, p.Model.DisplayName)
	}
	for slot := range slots {
		s.inSlot(slot, row)
	}
	s.f("</tbody></table>\n")
}

// slots are those of the deck, and before them what stands on none.
const slots = 13

// inSlot lists what stands in a slot, from below.
func (s *sheet) inSlot(slot int, row func(where, name, what string)) {
	where := "slot " + strconv.Itoa(slot)
	if slot == 0 {
		where = "at hand"
	}
	for i := range s.deck.Modules {
		if m := &s.deck.Modules[i]; m.Slot == strconv.Itoa(slot) {
			row(where, m.Name, m.Model.DisplayName)
		}
	}
	for above := range s.deck.Labware {
		for i := range s.deck.Labware {
			l := &s.deck.Labware[i]
			if s.above(i) != above || l.Slot != strconv.Itoa(slot) && (l.Slot != "" || slot != 0) {
				continue
			}
			on := ""
			if l.On.On == program.OnModule || l.On.On == program.OnLabware {
				on = ", on " + s.deck.PlaceName(l.On)
			}
			row(where+on, l.Name, l.Def.DisplayName)
		}
	}
}

// above is on how many other labware one stands.
func (s *sheet) above(i int) int {
	n := 0
	for n < len(s.deck.Labware) && s.deck.Labware[i].On.On == program.OnLabware {
		i = int(s.deck.Labware[i].On.Index)
		n++
	}
	return n
}

// liquids lists what goes into which wells: what is drawn from each, what no tip reaches,
// and how much that is together, beside what the workflow says.
func (s *sheet) liquids() {
	if len(s.deck.Liquids) == 0 {
		return
	}
	use := s.usage()
	s.f("<h2>Fill in</h2>\n<table><thead><tr><th></th><th>liquid</th><th>well</th><th class=\"n\">drawn</th><th class=\"n\">out of reach</th><th class=\"n\">at least</th><th class=\"n\">fill in</th></tr></thead><tbody>\n")
	for i := range s.deck.Liquids {
		l := &s.deck.Liquids[i]
		for k := 0; k < len(l.Wells); {
			first, n := s.filling(l, k, use), 1
			for k+n < len(l.Wells) && s.filling(l, k+n, use) == first && l.Wells[k+n].Labware == l.Wells[k].Labware {
				n++
			}
			s.filled(l, l.Wells[k:k+n], first)
			k += n
		}
	}
	s.f("</tbody></table>\n<p class=\"soft\">Out of reach is what stays below the lowest place that is drawn from, by the shape of the bottom (of troughs as if it were flat); at least is that and what is drawn, rounded up.</p>\n")
}

// filling is what is said of one well.
type filling struct {
	drawn, dead, declared int64
	given                 bool // something is added to it
}

func (s *sheet) filling(l *program.Liquid, k int, use map[program.WellRef]usage) filling {
	u := use[l.Wells[k]]
	f := filling{u.needed, u.dead(s.deck.Well(l.Wells[k])), l.VolumeNL[k], u.given}
	if f.given {
		f.dead = 0 // what is left of a mixture is not what is filled in
	}
	return f
}

func (s *sheet) filled(l *program.Liquid, wells []program.WellRef, f filling) {
	ink := ""
	if l.Color != "" {
		ink = fmt.Sprintf(`<span class="ink" style="background:%s"></span>`, html.EscapeString(l.Color))
	}
	least, fill := quantity.Volume.Text(roundUp(f.drawn+f.dead)), "as it is"
	dead := quantity.Volume.Text(f.dead)
	if f.drawn == 0 {
		least = "–"
	}
	if f.dead == 0 {
		dead = "–"
	}
	if f.declared >= 0 {
		fill = quantity.Volume.Text(f.declared)
		if f.drawn > 0 && !f.given && f.declared < f.drawn+f.dead {
			fill = `<span class="short">` + fill + `</span>`
		}
	}
	each := ""
	if len(wells) > 1 {
		each = ", in each"
	}
	name := html.EscapeString(l.Name)
	if l.Description != "" {
		name += ` <span class="soft">` + html.EscapeString(l.Description) + `</span>`
	}
	s.f("<tr>%s<td>%s%s</td><td>%s%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n",
		box, ink, name, html.EscapeString(depict.WellNames(s.deck, wells)), each, quantity.Volume.Text(f.drawn), dead, least, fill)
}

// roundUp is a volume that can be pipetted by hand: to 10 uL, and from 1 mL to 0.1 mL.
func roundUp(nl int64) int64 {
	step := int64(10_000)
	if nl >= 1_000_000 {
		step = 100_000
	}
	return (nl + step - 1) / step * step
}

// usage is what a well must hold for what is drawn from it, and how deep down that is.
type usage struct {
	balance int64 // nL drawn more than given, so far
	needed  int64 // the most of that
	lowest  int64 // µm above the bottom
	any     bool
	given   bool // liquid that came from elsewhere
}

// dead is what no tip reaches: below the lowest place, by the shape that the bottom has.
// What is not round is taken as flat: liquid stays in the corners of a trough.
func (u usage) dead(w *program.Well) int64 {
	if !u.any {
		return 0
	}
	h, r := float64(u.lowest)/1000, float64(w.Diameter)/2000 // mm, of which three are 1 uL
	area := float64(w.XSize) * float64(w.YSize) / 1e6
	if w.Round {
		area = math.Pi * r * r
	}
	ul := area * h
	switch {
	case w.Shape == "v" && w.Round:
		ul = math.Pi / 3 * h * h * h / 16 // a cone twice as deep as it is wide
	case w.Shape == "u" && w.Round && h < r:
		ul = math.Pi * h * h * (3*r - h) / 3
	}
	return int64(math.Round(ul)) * 1000
}

// usage follows the plan: what is given back into the well it came from, as in mixing, is
// not used up.
func (s *sheet) usage() map[program.WellRef]usage {
	out := map[program.WellRef]usage{}
	_, _ = s.plan.Timeline(func(t *program.Transition) error {
		op := &t.Step.Op
		for i := range t.Touched.Wells {
			w := &t.Touched.Wells[i]
			u := out[w.Well]
			u.balance += w.Moved
			if u.balance < 0 {
				u.given = true
			}
			if op.Kind == program.Aspirate {
				u.needed = max(u.needed, u.balance)
				if h := heightOf(op, s.deck.Well(w.Well)); !u.any || h < u.lowest {
					u.lowest, u.any = h, true
				}
			}
			out[w.Well] = u
		}
		return nil
	})
	return out
}

// heightOf is how far above the bottom of a well an operation is, in µm.
func heightOf(op *program.Op, w *program.Well) int64 {
	z := int64(op.At.Z)
	switch op.At.From {
	case program.Top:
		z += w.Depth
	case program.Center:
		z += w.Depth / 2
	case program.Bottom:
	}
	return max(0, z)
}

// tips lists how many tips are taken from which rack.
func (s *sheet) tips() {
	if len(s.plan.Needs.Tips) == 0 {
		return
	}
	s.f("<h2>Tips</h2>\n<table><tbody>\n")
	for _, c := range s.plan.Needs.Tips {
		l := &s.deck.Labware[c.Index]
		s.f("<tr>%s<td>%s</td><td>%d of %s</td></tr>\n", box, html.EscapeString(l.Name), c.Amount, html.EscapeString(l.Def.DisplayName))
	}
	s.f("</tbody></table>\n")
}

// work is what is done, in its order.
func (s *sheet) work(parts []depict.Part) {
	s.f("<h2>The work</h2>\n<table><tbody>\n")
	n := 0
	for i := range parts {
		p := &parts[i]
		title, lines := p.Title, p.Lines
		if title == "" && len(lines) > 0 {
			title, lines = lines[0].Text, lines[1:]
		}
		if len(p.Lines) == 0 {
			continue // nothing that a person would do
		}
		n++
		tick := ""
		if len(lines) == 0 {
			tick = " <i></i>"
		}
		s.f("<tr class=\"part\"><td class=\"box\">%d%s</td><td>%s</td><td class=\"n soft\">%s</td></tr>\n", n, tick, html.EscapeString(title), html.EscapeString(minutes(p.TimeUS)))
		for _, line := range lines {
			times := ""
			if line.Times > 1 {
				times = fmt.Sprintf(` <span class="times">%d times</span>`, line.Times)
			}
			s.f("<tr>%s<td>%s%s</td><td></td></tr>\n", box, html.EscapeString(line.Text), times)
		}
	}
	if s.plan.Outlook != nil {
		s.f("<tr class=\"part\"><td></td><td>What comes behind this depends on what is measured or answered until then.</td><td></td></tr>\n")
	}
	s.f("</tbody></table>\n")
}
