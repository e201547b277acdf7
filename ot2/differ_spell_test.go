package ot2_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// A liquid step spelled out in atomic methods, by what the reference of the
// language says of its keys, and by nothing of what does it. Volumes are in nL.

// speller spells out the steps of a call. It knows what becomes of its tip.
type speller struct {
	c           *call
	out         []verb
	least, most int64
	holds       map[string]int64 // what is in the wells that are known, or in each of a column

	on, used bool
	place    string  // of the tip that is on, where it goes with the source
	pair     *moving // of the last filling
	puts     int     // tips of the step that were put away
	places   int     // where the next tip of the step is, from where it starts
	air      *verb   // drawn before the tip is put away
}

// moving is one movement, before it is divided.
type moving struct {
	from, to string // to is empty for the trash
	volume   int64
}

// way is how fillings come from movements.
type way uint8

const (
	each   way = iota
	fan        // one draw for several gives
	gather     // several draws for one give
)

// spelled are the verbs of a call, each of them a method of the Python API.
func (c *call) spelled() []verb {
	if !slices.ContainsFunc(c.Do, func(v verb) bool { return v.Step != nil }) {
		return c.Do
	}
	least, most := c.limits()
	s := &speller{c: c, least: nano(least), most: nano(most), holds: map[string]int64{}}
	for _, f := range c.Holds {
		for _, w := range slices.Concat([]string{f.Well}, f.More) {
			s.holds[w] = nano(f.Volume)
		}
	}
	for _, v := range c.Do {
		if v.Step == nil {
			s.out = append(s.out, v)
			switch v.Name {
			case "pick_up_tip":
				s.on, s.used = true, false
			case "drop_tip", "return_tip":
				s.on = false
			case "aspirate":
				s.used = true
			}
			continue
		}
		s.places, s.puts = 0, 0
		s.step(v.Step)
	}
	return s.out
}

func nano(v float64) int64 { return int64(math.Round(v * 1000)) }

func micro(v int64) float64 { return float64(v) / 1000 }

func (s *speller) do(v verb) { s.out = append(s.out, v) }

func (s *speller) step(st *step) {
	switch st.Kind {
	case "mix":
		for _, w := range taken(st.To, st.Take.To) {
			p := &moving{w, w, nano(st.Volume[0])}
			s.tip(st, p)
			s.stir(w, st.At, p.volume, st.Times, st.Rate, st.Rate, false)
			s.touch(w, st.Touch)
			s.blow(st.Blow, p)
			s.pair = p
		}
	case "transfer", "distribute", "consolidate":
		s.move(st, st.pairs(), map[string]way{"distribute": fan, "consolidate": gather}[st.Kind])
	case "fill":
		var full []string
		pairs := st.pairs()
		for i := range pairs {
			p := &pairs[i]
			missing := max(0, p.volume-s.holds[p.to])
			if missing == 0 {
				full = append(full, p.to)
			}
			s.holds[p.to] += missing
			p.volume = missing
		}
		if full != nil {
			s.do(verb{Name: "comment", Text: "nothing to fill up: " + strings.Join(full, ", ")})
		}
		s.move(st, pairs, each)
	case "dilute":
		s.dilute(st)
		return
	case "formulate":
		if st.Tip.Use == "" {
			with := *st
			with.Tip.Use = "per_source"
			st = &with
		}
		s.move(st, st.recipe(s.c), each)
	}
	s.end(st)
}

// pairs stretch the shorter list; what is 0 is left out, but for a fill.
func (st *step) pairs() []moving {
	n := max(len(st.From), len(st.To))
	from, to := taken(st.From, st.Take.From), taken(st.To, st.Take.To)
	var out []moving
	for i := range n {
		p := moving{from[i*len(from)/n], to[i*len(to)/n], nano(st.Volume[i%len(st.Volume)])}
		if p.volume > 0 || st.Kind == "fill" {
			out = append(out, p)
		}
	}
	return out
}

// taken are wells in an order of Protocol Designer: of every place of a plate in
// that order those that are among the wells, labware by labware.
func taken(wells []string, order string) []string {
	if order == "" {
		return wells
	}
	ways := map[string][]string{"t2b": {"A", "B", "C", "D", "E", "F", "G", "H"}, "l2r": {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}}
	for way, back := range map[string]string{"t2b": "b2t", "l2r": "r2l"} {
		ways[back] = slices.Clone(ways[way])
		slices.Reverse(ways[back])
	}
	inner, outer, _ := strings.Cut(order, "_")
	var out []string
	done := map[byte]bool{}
	for _, first := range wells {
		labware := first[0]
		for _, o := range ways[outer] {
			for _, i := range ways[inner] {
				name := fmt.Sprintf("%c.%s%s", labware, i, o)
				if strings.Contains("t2b b2t", outer) {
					name = fmt.Sprintf("%c.%s%s", labware, o, i)
				}
				for _, w := range wells {
					if w == name && !done[labware] {
						out = append(out, w)
					}
				}
			}
		}
		done[labware] = true
	}
	return out
}

// recipe is liquid by liquid, or well by well; the diluent comes last, unless
// order names it.
func (st *step) recipe(c *call) []moving {
	list := st.portions(c)
	byWell := slices.Equal(st.Order, []string{"by_well"})
	if !byWell {
		for i := len(st.Order) - 1; i >= 0; i-- {
			slices.SortStableFunc(list, func(a, b ingredient) int {
				first := func(p ingredient) int { return map[bool]int{true: 0, false: 1}[p.Liquid == st.Order[i]] }
				return first(a) - first(b)
			})
		}
	}
	var out []moving
	add := func(p ingredient, i int) {
		if p.Each[i] <= 0 {
			return
		}
		from := p.Liquid
		if from == "" { // each well its own source
			from = st.From[i]
		}
		out = append(out, moving{from, st.To[i], nano(p.Each[i])})
	}
	if byWell {
		for i := range st.To {
			for _, p := range list {
				add(p, i)
			}
		}
		return out
	}
	for _, p := range list {
		for i := range st.To {
			add(p, i)
		}
	}
	return out
}

// portions are what each well gets of each liquid, and at last of the diluent.
func (st *step) portions(c *call) []ingredient {
	var list []ingredient
	switch {
	case st.Target > 0 && st.From != nil:
		each := make([]float64, len(st.To))
		for i := range each {
			each[i] = st.Total * st.Target / c.strength(st.From[i])
		}
		list = []ingredient{{Each: each}}
	case st.Target > 0:
		for _, f := range c.Holds {
			if f.Strong > 0 {
				list = append(list, ingredient{Liquid: f.Well, Volume: st.Total * st.Target / f.Strong})
			}
		}
	default:
		list = slices.Clone(st.Recipe)
	}
	for i := range list {
		if list[i].Each == nil {
			list[i].Each = slices.Repeat([]float64{list[i].Volume}, len(st.To))
		}
	}
	if st.Rest == "" {
		return list
	}
	rest := slices.Repeat([]float64{st.Total}, len(st.To))
	for _, p := range list {
		for i, v := range p.Each {
			rest[i] = micro(nano(rest[i]) - nano(v))
		}
	}
	if diluent := (ingredient{Liquid: st.Rest, Each: rest}); len(st.From) > 1 { // what is no single liquid comes last
		return append([]ingredient{diluent}, list...)
	} else {
		return append(list, diluent)
	}
}

func (c *call) strength(well string) float64 {
	i := slices.IndexFunc(c.Holds, func(f filled) bool { return f.Well == well })
	return c.Holds[i].Strong
}

func (s *speller) dilute(st *step) {
	v := nano(st.Volume[0])
	carried := int64(math.Round(float64(v) / (st.Factor - 1)))
	wet := *st
	wet.Draw.Mix = nil
	if st.Tip.Use != "current" {
		wet.Tip = tipping{}
	}
	var pairs []moving
	for _, w := range st.To[1:] {
		pairs = append(pairs, moving{st.From[0], w, v})
	}
	s.move(&wet, pairs, each)
	if st.Tip.Use != "current" {
		s.end(&wet)
	}
	on := *st
	mix := mixed{}
	if on.Give.Mix = st.Mix; st.Mix == nil {
		model, _ := ot2.Pipette(benches[s.c.Bench].on(s.c.Mount).pipette)
		mix = mixed{Times: 3, Volume: micro(min(max(v/2, s.least), s.most, model.MaxNL))}
		on.Give.Mix = &mix
	}
	pairs = nil
	last := len(st.To) - 1 - st.Blanks
	for i := range last {
		pairs = append(pairs, moving{st.To[i], st.To[i+1], carried})
	}
	s.move(&on, pairs, each)
	away := *st
	away.Give.Mix, away.Give.Touch = nil, nil
	if st.Discard == "" {
		away.Blow = nil
	}
	s.move(&away, []moving{{st.To[last], st.Discard, carried}}, each)
	s.end(st)
}

// What fits into a tip, and how it is divided.

// room is what of a tip is for what is moved.
func (s *speller) room(st *step, w way) int64 {
	room := s.most - nano(st.Draw.AirGap) - nano(st.Draw.Reverse)
	if w == fan {
		room -= s.spare(st)
	}
	return room
}

func (s *speller) spare(st *step) int64 {
	if st.Spare == nil || st.Spare.Volume == nil {
		return s.least
	}
	return nano(*st.Spare.Volume)
}

// divided is by the rules P1, R2 and that of ours.
func (s *speller) divided(rule string, v, room int64) []int64 {
	if v <= room {
		return []int64{v}
	}
	k := (v + room - 1) / room
	var out []int64
	switch rule {
	case "", "even":
		for i := range k {
			out = append(out, (v+k-1-i)/k)
		}
	case "full_then_rest":
		for range k - 1 {
			out = append(out, room)
		}
		if rest := v - (k-1)*room; rest >= s.least {
			out = append(out, rest)
		} else {
			half := (room + rest) / 2
			out = append(out[:k-2], room+rest-half, half)
		}
	case "even_last_two":
		for ; v > 2*room; v -= room {
			out = append(out, room)
		}
		out = append(out, v-v/2, v/2)
	}
	return out
}

// chunk is a part of a movement that fits into the tip.
type chunk struct {
	*moving
	volume int64
	last   bool
}

// move fills the tip and empties it, until all is moved.
func (s *speller) move(st *step, pairs []moving, w way) {
	room := s.room(st, w)
	var at []chunk
	sum := int64(0)
	flush := func(last bool) {
		if at != nil {
			s.filling(st, at, w, last)
		}
		at, sum = nil, 0
	}
	for i := range pairs {
		if pairs[i].volume == 0 {
			continue
		}
		parts := s.divided(st.Split, pairs[i].volume, room)
		for k, v := range parts {
			more := sum + v
			if w == gather {
				more += int64(len(at)) * nano(st.Draw.AirGap)
			}
			if w == each || more > room {
				flush(false)
			}
			at, sum = append(at, chunk{&pairs[i], v, k == len(parts)-1}), sum+v
		}
	}
	flush(true)
}

// filling is one filling of the tip.
func (s *speller) filling(st *step, chunks []chunk, w way, last bool) {
	s.tip(st, chunks[0].moving)
	over := nano(st.Draw.Reverse)
	if w == fan {
		over += s.spare(st)
	}
	sum := int64(0)
	for _, ch := range chunks {
		sum += ch.volume
	}
	air, held := int64(0), int64(0)
	draws, gives := chunks, chunks
	if w == fan {
		draws = []chunk{{chunks[0].moving, sum, false}}
	}
	if w == gather {
		gives = []chunk{{chunks[len(chunks)-1].moving, sum, last}}
	}
	for i, ch := range draws {
		v := ch.volume
		if i == 0 {
			v += over
		}
		from := s.drained(ch.from, v)
		s.draw(st, from, v, held == 0)
		held += v
		air += nano(st.Draw.AirGap)
	}
	for i, ch := range gives {
		if ch.to == "" { // all of it into the trash
			s.do(verb{Name: "blow_out", BlowOut: "trash"})
			air = 0
			continue
		}
		more := i < len(gives)-1
		s.give(st, ch, air, more)
		if air = 0; more {
			air = nano(st.Draw.AirGap)
		}
	}
	where := st.Blow
	if w == fan && s.spare(st) > 0 && st.Spare != nil && st.Spare.Place != nil {
		where = st.Spare.Place
	} else if over > 0 && where == nil {
		where = &blown{In: "trash"}
	}
	end := gives[len(gives)-1].moving
	s.blow(where, &moving{from: draws[len(draws)-1].from, to: end.to})
	s.pair = chunks[0].moving
}

// drained is the well of a pool that is drawn from: the first that holds enough.
func (s *speller) drained(well string, v int64) string {
	i := slices.IndexFunc(s.c.Holds, func(f filled) bool { return f.Well == well && f.More != nil })
	if i < 0 {
		return well
	}
	wells := slices.Concat([]string{well}, s.c.Holds[i].More)
	k := slices.IndexFunc(wells, func(w string) bool { return s.holds[w] >= v })
	s.holds[wells[k]] -= v
	return wells[k]
}

// draw is all that is done where liquid is drawn.
func (s *speller) draw(st *step, well string, v int64, empty bool) {
	d := &st.Draw
	s.enter(d, well, empty)
	if d.PreWet > 0 && !s.used {
		s.stir(well, d.At, v, d.PreWet, d.Rate, st.Give.Rate, true)
	}
	s.mix(d, well, d.Submerge != nil)
	s.do(verb{Name: "aspirate", From: []string{well}, At: d.At, Volume: []float64{micro(v)}, Rate: d.Rate})
	s.used = true
	s.leave(d, well)
	s.gap(d.AirGap, d.Rate)
	s.touch(well, d.Touch)
}

// give is all that is done where liquid is given, with the air behind it; where
// more is to be given elsewhere, air is drawn behind that, too.
func (s *speller) give(st *step, ch chunk, air int64, more bool) {
	g := &st.Give
	s.enter(g, ch.to, false)
	v := verb{Name: "dispense", To: []string{ch.to}, At: g.At, Volume: []float64{micro(ch.volume + air)}, Rate: g.Rate}
	if g.PushOut > 0 {
		v.PushOut = &g.PushOut
	}
	s.do(v)
	wait := *g
	wait.Retract = nil
	s.leave(&wait, ch.to)
	if g.Mix != nil && (ch.last || g.Mix.EachChunk) {
		s.mix(g, ch.to, false)
	}
	wait = *g
	wait.Delay = nil
	s.leave(&wait, ch.to)
	if more {
		s.gap(st.Draw.AirGap, st.Draw.Rate)
	}
	s.touch(ch.to, g.Touch)
	if g.AirGap > 0 {
		s.air = &verb{Name: "aspirate", Volume: []float64{g.AirGap}, Rate: st.Draw.Rate, From: []string{ch.to}, At: &place{From: "top", Z: 5}}
	}
}

// enter goes down slowly from the top; the plunger is ready before.
func (s *speller) enter(d *side, well string, empty bool) {
	if d.Submerge == nil {
		return
	}
	s.do(verb{Name: "move_to", To: []string{well}, At: &place{From: "top"}})
	if empty {
		s.do(verb{Name: "prepare_to_aspirate"})
	}
	s.do(verb{Name: "move_to", To: []string{well}, At: bottomOr(d.At), Speed: d.Submerge.Speed})
	s.wait(d.Submerge.Seconds)
}

func bottomOr(at *place) *place {
	if at == nil {
		return &place{From: "bottom", Z: 1}
	}
	return at
}

func (s *speller) wait(seconds float64) {
	if seconds > 0 {
		s.do(verb{Name: "delay", Seconds: seconds})
	}
}

// leave waits, and goes up slowly.
func (s *speller) leave(d *side, well string) {
	if w := d.Delay; w != nil {
		if w.At != nil {
			s.do(verb{Name: "move_to", To: []string{well}, At: w.At})
		}
		s.wait(w.Seconds)
	}
	if r := d.Retract; r != nil {
		to := r.To
		if to == nil {
			to = &place{From: "top"}
		}
		s.do(verb{Name: "move_to", To: []string{well}, At: to, Speed: r.Speed})
		s.wait(r.Seconds)
	}
}

func (s *speller) mix(d *side, well string, ready bool) {
	if x := d.Mix; x != nil {
		at := x.At
		if at == nil {
			at = d.At
		}
		s.stir(well, at, nano(x.Volume), x.Times, x.Rate, x.Rate, ready)
	}
}

// stir: the plunger goes past its end at most the last time.
func (s *speller) stir(well string, at *place, v int64, times int, draw, give float64, ready bool) {
	for i := range times {
		s.do(verb{Name: "aspirate", From: []string{well}, At: at, Volume: []float64{micro(v)}, Rate: draw})
		back := verb{Name: "dispense", To: []string{well}, At: at, Volume: []float64{micro(v)}, Rate: give}
		if ready || i < times-1 {
			back.PushOut = new(float64)
		}
		s.do(back)
	}
	s.used = true
}

func (s *speller) gap(v, rate float64) {
	if v > 0 {
		s.do(verb{Name: "air_gap", Volume: []float64{v}, Rate: rate, At: &place{From: "top", Z: 5}})
	}
}

func (s *speller) touch(well string, t *touch) {
	if t == nil {
		return
	}
	if t.Sides == nil {
		s.do(verb{Name: "touch_tip", To: []string{well}, At: t.At, Speed: t.Speed, Radius: t.Radius})
		return
	}
	at, speed := place{From: "top", Z: -1}, cmp.Or(t.Speed, 60)
	if t.At != nil {
		at = *t.At
	}
	x, y := s.half(well)
	to := func(p place) { s.do(verb{Name: "move_to", To: []string{well}, At: &p, Speed: speed}) }
	to(at)
	for _, side := range []struct {
		name string
		x, y float64
	}{{"left", -x, 0}, {"right", x, 0}, {"front", 0, -y}, {"back", 0, y}} {
		if slices.Contains(t.Sides, side.name) {
			r := cmp.Or(t.Radius, 1)
			to(place{From: at.From, X: side.x * r, Y: side.y * r, Z: at.Z})
			to(at)
		}
	}
}

// half are the half widths of a well, in mm.
func (s *speller) half(well string) (x, y float64) {
	for _, l := range s.c.standing() {
		if l.name != well[:1] {
			continue
		}
		def, _ := labware.Lookup(l.load)
		i, _ := def.Well(well[2:])
		if w := def.Wells[i]; w.Round {
			return mm(w.Diameter) / 2, mm(w.Diameter) / 2
		}
		return mm(def.Wells[i].XSize) / 2, mm(def.Wells[i].YSize) / 2
	}
	return 0, 0
}

func (s *speller) blow(b *blown, p *moving) {
	if b == nil {
		return
	}
	v := verb{Name: "blow_out", At: b.At, Rate: b.Rate}
	if v.At == nil {
		v.At = &place{From: "top"}
	}
	switch b.In {
	case "trash":
		v.BlowOut, v.At = "trash", nil
	case "source":
		v.To = []string{p.from}
	case "destination":
		v.To = []string{p.to}
	default:
		v.To = []string{b.In}
	}
	if b.Speed > 0 {
		s.do(verb{Name: "move_to", To: v.To, At: v.At, BlowOut: v.BlowOut, Speed: b.Speed})
	}
	s.do(v)
}

// What tips are taken, and where they go.

// tip sees to the tip before a filling that begins with p.
func (s *speller) tip(st *step, p *moving) {
	use := st.Tip.Use
	if use == "current" {
		s.air = nil
		return
	}
	own := s.own(st, p.from)
	if s.on && own == s.place && (use == "" && !st.Tip.Same || use == "once" || use == "dedicated" || (use == "per_source" || st.Tip.Same) && p.from == s.pair.from || use == "per_destination" && p.to == s.pair.to) {
		s.air = nil
		return
	}
	s.change(st)
	v := verb{Name: "pick_up_tip"}
	switch {
	case own != "":
		v.From = []string{own}
	case st.Tip.From != "":
		v.From = []string{s.downFrom(st.Tip.From, s.places)}
		s.places++
	}
	s.do(v)
	s.on, s.used, s.air, s.place = true, false, nil, own
}

// own is the place of the tip that goes with a source: its own, or that of its
// name.
func (s *speller) own(st *step, from string) string {
	switch {
	case st.Tip.Same:
		return from[2:]
	case st.Tip.Use != "dedicated":
		return ""
	}
	return s.c.Holds[slices.IndexFunc(s.c.Holds, func(f filled) bool { return f.Well == from })].Tip
}

// downFrom is the n-th place from one on, down the columns.
func (s *speller) downFrom(well string, n int) string {
	var row rune
	var column int
	if _, err := fmt.Sscanf(well, "%c%d", &row, &column); err != nil {
		panic(err)
	}
	if s.c.columns() {
		n *= 8
	}
	n += int(row-'A') + 8*(column-1)
	return fmt.Sprintf("%c%d", 'A'+rune(n%8), 1+n/8)
}

// change puts away the tip that is on.
func (s *speller) change(st *step) {
	if !s.on {
		return
	}
	if s.air != nil {
		s.do(*s.air)
		s.air = nil
	}
	then := st.Tip.Then
	if st.Tip.Use == "dedicated" {
		then = cmp.Or(then, "return")
	}
	switch then {
	case "", "trash", "keep":
		s.do(verb{Name: "drop_tip"})
	case "return":
		s.do(verb{Name: "return_tip"})
	default:
		s.do(verb{Name: "drop_tip", To: []string{s.downFrom(then, s.puts)}})
	}
	s.puts++
	s.on = false
}

// end is the end of a step.
func (s *speller) end(st *step) {
	if st.Tip.Then == "keep" || st.Tip.Use == "current" && st.Tip.Then == "" {
		return
	}
	s.change(st)
}
