package check

import (
	"math"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// contamination: what a tip carries where it does not belong. A tip that dips into a
// well takes of all that is in it; drawing always dips, giving does where the end of
// the tip is below the surface. What it took goes into the next stock it draws from,
// and with a tip that is kept into the next run.
type contamination struct {
	deck  *program.Deck
	on    []residue                    // by pipette
	left  map[program.WellRef]*residue // of tips that were put back, by place
	stock map[program.WellRef]int      // what is declared in a well, unless its wells are given to
	kept  map[program.WellRef]int      // the liquid that a place of a tip is kept for
	// spoiled are stocks that something got into. They are told where somebody draws
	// from them again: until then nothing has come of it.
	spoiled map[program.WellRef]diag.Diagnostic
}

// residue is what clings to a tip.
type residue struct {
	of    []bool // by liquid, and last what no declaration names
	any   bool
	at    diag.Span // where it took up the last of it
	read  []diag.Value
	label string
}

// aDrop is what falls off a tip at once, in nL: that much higher than it stands,
// liquid may reach a tip above it.
const aDrop = 20_000

func (c *contamination) See(t *program.Transition, r *Report) {
	op := &t.Step.Op
	if c.deck == nil {
		c.begin(t.After.Deck)
	}
	if len(c.deck.Liquids) < 2 {
		return
	}
	switch op.Kind {
	case program.PickUpTip:
		c.pickedUp(op)
	case program.ReturnTip, program.DropTip:
		c.putAway(t, r)
	case program.NewTips:
		clear(c.left)
	case program.Aspirate:
		if op.Well != program.None {
			c.draws(t, r)
		}
	case program.Dispense:
		if op.Well != program.None && !op.Trash {
			c.gives(t)
		}
	default:
	}
}

func (*contamination) End(*program.State, *Report) {}

func (c *contamination) begin(d *program.Deck) {
	c.deck, c.left = d, map[program.WellRef]*residue{}
	c.stock, c.kept, c.spoiled = map[program.WellRef]int{}, map[program.WellRef]int{}, map[program.WellRef]diag.Diagnostic{}
	c.on = make([]residue, len(d.Pipettes))
	for i := range c.on {
		c.on[i].of = make([]bool, len(d.Liquids)+1)
	}
	for i := range d.Liquids {
		for _, w := range d.Liquids[i].Wells {
			c.stock[w] = i
		}
		if tip := d.Liquids[i].Tip; tip != program.None {
			c.kept[tip] = i
		}
	}
}

func (c *contamination) pickedUp(op *program.Op) {
	on := &c.on[op.Pipette]
	clear(on.of)
	on.any = false
	if was := c.left[op.Well]; was != nil {
		of := on.of
		*on = *was
		on.of = of
		copy(on.of, was.of)
	}
}

// draws: a tip dips into what it draws from. What clings to it gets into a stock.
func (c *contamination) draws(t *program.Transition, r *Report) {
	on := &c.on[t.Step.Op.Pipette]
	for i := range t.Touched.Wells {
		d := &t.Touched.Wells[i]
		if told, is := c.spoiled[d.Well]; is {
			r.Add(program.AboutFrom, told)
			delete(c.spoiled, d.Well)
		}
		own, isStock := c.stock[d.Well]
		// What is diluted gets the diluent anyway, so that a tip with some of that does no harm.
		if isStock && on.any && c.isPure(&d.Before, own) && t.Step.Frame.Key() != "dilute" {
			if other := on.besides(own); other >= 0 {
				c.intoStock(t, d.Well, own, other, on)
			}
		}
		if on.takes(&d.Before) {
			c.took(t, program.AboutFrom, "it draws from "+c.deck.WellName(d.Well))
		}
	}
}

// took remembers where something was taken up.
func (c *contamination) took(t *program.Transition, about program.Aspect, label string) {
	on := &c.on[t.Step.Op.Pipette]
	on.label, on.at, on.read = label, t.Step.Where(), nil
	if t.Blame != nil {
		on.at, on.read = t.Blame.Blame(about)
	}
}

// isPure reports whether a well holds the liquid that is declared there and no other.
func (c *contamination) isPure(at *program.Content, liquid int) bool {
	if at.Unknown {
		return at.Of == liquid
	}
	return at.Volume > 0 && at.Parts[liquid] == at.Volume
}

// gives: a tip that is below the surface dips into what is in the well.
func (c *contamination) gives(t *program.Transition) {
	op := &t.Step.Op
	on := &c.on[op.Pipette]
	for i := range t.Touched.Wells {
		d := &t.Touched.Wells[i]
		after, ok := t.After.Content(d.Well)
		if !ok || after.Unknown || d.Before.Volume <= 0 {
			continue
		}
		w := c.deck.Well(d.Well)
		z, level := aboveBottom(op, w), surface(w, after.Volume)
		if z >= surface(w, after.Volume+aDrop) || !on.takes(&d.Before) {
			continue
		}
		c.took(t, program.AboutHeight, "it gives "+quantity.Length.Text(z)+" above the bottom of "+c.deck.WellName(d.Well)+", where the liquid stands "+quantity.Length.Text(level)+" high")
	}
}

func (c *contamination) putAway(t *program.Transition, r *Report) {
	from := t.Touched.TipFrom
	if !t.Touched.TipOn || from == program.None {
		return
	}
	op := &t.Step.Op
	on := &c.on[op.Pipette]
	liquid, isKept := c.kept[from]
	if op.Kind == program.DropTip && op.Trash {
		if isKept {
			c.keptDropped(t, r, liquid)
		}
		return
	}
	if isKept {
		if other := on.besides(liquid); other >= 0 && on.label != "" {
			c.keptDirty(r, liquid, other, on)
		}
	}
	if op.Kind == program.DropTip {
		from = op.Well
	}
	was := *on
	was.of = append([]bool(nil), on.of...)
	c.left[from] = &was
}

// takes notes what is in a well, and reports whether there is something new.
func (on *residue) takes(at *program.Content) bool {
	isNew := false
	note := func(i int) {
		isNew = isNew || !on.of[i]
		on.of[i], on.any = true, true
	}
	if at.Unknown {
		note(at.Of)
		return isNew
	}
	for i, v := range at.Parts {
		if v > 0 {
			note(i)
		}
	}
	return isNew
}

// besides is a liquid that clings to a tip and is another one, or -1.
func (on *residue) besides(liquid int) int {
	for i, is := range on.of {
		if is && i != liquid {
			return i
		}
	}
	return -1
}

func (c *contamination) intoStock(t *program.Transition, well program.WellRef, own, other int, on *residue) {
	d := diag.Diagnostic{
		Span: t.Step.Where(), Frames: []string{},
		Code: diag.StockContaminated, Severity: diag.Warning,
		Message: "a tip that touched " + c.deck.LiquidName(other) + " goes into " + c.deck.WellName(well) + ", the stock of " + c.deck.LiquidName(own),
		Label:   on.label, Help: "take a new tip for it: tip: new; or give from above the liquid: dispense: {at: top}",
	}
	if t.Blame != nil {
		d.Span, d.Values = t.Blame.Blame(program.AboutFrom)
	}
	d.Frames = append(d.Frames, t.Step.Frame.Loops(d.Span.File)...)
	c.spoiled[well] = d
}

func (c *contamination) keptDirty(r *Report, liquid, other int, on *residue) {
	r.Add(program.AboutTip, diag.Diagnostic{
		Code: diag.KeptTipDirty, Severity: diag.Warning, Span: on.at, Values: on.read,
		Message: "the tip kept for " + c.deck.LiquidName(liquid) + " dips into " + c.deck.LiquidName(other) + " and is put back for the next time",
		Label:   on.label, Help: "give from higher up, such as dispense: {at: top}, give less, or give " + c.deck.LiquidName(liquid) + " first",
	})
}

func (c *contamination) keptDropped(t *program.Transition, r *Report, liquid int) {
	r.Add(program.AboutStep, diag.Diagnostic{
		Code: diag.KeptTipDropped, Severity: diag.Warning,
		Message: "the tip kept for " + c.deck.LiquidName(liquid) + " goes into the trash",
		Help:    "put it back with return_tip: or then: return; or take a plain tip, and leave out the one that is kept",
	})
}

// aboveBottom is how high above the bottom of a well an operation has the end of the
// tip, in µm.
func aboveBottom(op *program.Op, w *program.Well) int64 {
	z := int64(op.At.Z)
	switch op.At.From {
	case program.Top:
		z += w.Depth
	case program.Center:
		z += w.Depth / 2
	case program.Bottom:
	}
	return z
}

// surface is how high so much liquid stands in a well with straight walls, in µm. In
// one that narrows it stands higher.
func surface(w *program.Well, volume int64) int64 {
	area := float64(w.XSize) * float64(w.YSize)
	if w.Round {
		area = math.Pi / 4 * float64(w.Diameter) * float64(w.Diameter)
	}
	if area <= 0 || volume <= 0 {
		return 0
	}
	return int64(min(float64(volume)*1e6/area, float64(w.Depth))) // 1 nL is 1e6 µm³
}

// highest is how high so much liquid can stand in a well at most, in µm: nearly as in a
// cone where the definition does not say that the bottom is flat.
func highest(w *program.Well, volume int64) int64 {
	if w.Shape == "flat" || w.MaxNL <= 0 {
		return surface(w, volume)
	}
	share := min(1, float64(volume)/float64(w.MaxNL))
	return int64(float64(w.Depth) * math.Cbrt(share))
}
