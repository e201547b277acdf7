package program

import "slices"

// Nozzles is a nozzle layout: which nozzles of a pipette take tips. The zero
// value is all of them.
type Nozzles uint8

// The layouts. Those other than AllNozzles are of 8-channel pipettes, whose
// nozzles are A1 at the back to H1 at the front.
const (
	AllNozzles Nozzles = iota
	NozzleH1
	NozzleA1
	NozzlesG1H1
	NozzlesF1H1
	NozzlesE1H1
	NozzlesD1H1
	NozzlesC1H1
	NozzlesB1H1
	Layouts int = iota
)

// Layout is the row of a layout in the table of layouts. Nozzles are counted
// from the back: A1 is 0, H1 is 7.
type Layout struct {
	Name    string // in the language and in plan.json
	Primary int    // the nozzle that goes to the well an operation names
	Last    int    // the nozzle at the other end
}

var layoutTable = [Layouts]Layout{
	{"full", 0, 7}, {"H1", 7, 7}, {"A1", 0, 0}, {"G1-H1", 7, 6}, {"F1-H1", 7, 5}, {"E1-H1", 7, 4}, {"D1-H1", 7, 3}, {"C1-H1", 7, 2}, {"B1-H1", 7, 1},
}

// Layout returns n's row.
func (n Nozzles) Layout() *Layout { return &layoutTable[n] }

// String returns the layout's name.
func (n Nozzles) String() string { return layoutTable[n].Name }

// LayoutNames lists the names of the layouts.
func LayoutNames() []string {
	out := make([]string, 0, Layouts)
	for i := range layoutTable {
		out = append(out, layoutTable[i].Name)
	}
	return out
}

// LookupNozzles finds a layout by its name.
func LookupNozzles(name string) (Nozzles, bool) {
	i := slices.IndexFunc(layoutTable[:], func(l Layout) bool { return l.Name == name })
	return Nozzles(max(i, 0)), i >= 0
}

// Nozzle names a nozzle of an 8-channel pipette by its row: A1 is 0.
func Nozzle(row int) string { return string(rune('A'+row)) + "1" }

// Active returns how many tips a pipette has on in a layout.
func (m *PipetteModel) Active(n Nozzles) int {
	if m.Channels <= 1 {
		return 1
	}
	l := n.Layout()
	return max(l.Last-l.Primary, l.Primary-l.Last) + 1
}

// maxChannels is the most channels a pipette of an OT-2 has.
const maxChannels = 8

// nozzlePitch is the distance of two nozzles, in µm.
const nozzlePitch = 9000

// Reach is which wells the channels of a pipette are in, in the order of the
// channels; the first is that of the primary nozzle. Where a channel is over
// no well it has -1.
type Reach [maxChannels]int16

// reaches is what a pipette's nozzles reach in a labware, by well: the active
// ones, and with them those that have no tip.
type reaches struct {
	active, idle []Reach
}

type reachKey struct {
	def     *Labware
	nozzles Nozzles
}

// Reach returns the wells that the active channels of an 8-channel pipette are
// in where its primary nozzle goes to r, in the order of the channels. The
// slice is shared and must not be changed; -1 is a channel over no well.
func (s *State) Reach(pipette int, n Nozzles, r WellRef) []int16 {
	return s.reach(n, r.Labware).active[r.Well][:s.Deck.Pipettes[pipette].Model.Active(n)]
}

func (s *State) reach(n Nozzles, labware int16) *reaches {
	key := reachKey{s.Deck.Labware[labware].Def, n}
	if out, ok := s.reached[key]; ok {
		return out
	}
	out := newReaches(key.def, n)
	if s.reached == nil {
		s.reached = map[reachKey]*reaches{}
	}
	s.reached[key] = out
	return out
}

func newReaches(def *Labware, n Nozzles) *reaches {
	out := &reaches{active: make([]Reach, len(def.Wells)), idle: make([]Reach, len(def.Wells))}
	l := n.Layout()
	step := 1
	if l.Last < l.Primary {
		step = -1
	}
	count := (l.Last-l.Primary)*step + 1
	for i := range def.Wells {
		w := &def.Wells[i]
		back := w.Y // of the primary nozzle
		if def.CenterMultichannel {
			back += int64(step*(count-1)) * nozzlePitch / 2
		}
		at := 0
		for k := range maxChannels {
			row := l.Primary + step*k
			out.active[i][k] = -1
			if k < count {
				out.active[i][k] = def.wellAt(w.X, back-int64(row-l.Primary)*nozzlePitch, i)
			}
		}
		for row := range maxChannels {
			if (row-l.Primary)*step >= 0 && (row-l.Last)*step <= 0 {
				continue
			}
			out.idle[i][at] = def.wellAt(w.X, back-int64(row-l.Primary)*nozzlePitch, i)
			at++
		}
		for ; at < maxChannels; at++ {
			out.idle[i][at] = -1
		}
	}
	return out
}

// wellAt finds the well that a point is over, in µm from the labware's front
// left corner; near is looked at first. It is -1 where there is none.
func (l *Labware) wellAt(x, y int64, near int) int16 {
	if l.Wells[near].covers(x, y) {
		return int16(near)
	}
	for i := range l.Wells {
		if l.Wells[i].covers(x, y) {
			return int16(i)
		}
	}
	return -1
}

func (w *Well) covers(x, y int64) bool {
	dx, dy := x-w.X, y-w.Y
	if w.Round {
		return 4*(dx*dx+dy*dy) <= w.Diameter*w.Diameter
	}
	return 2*max(dx, -dx) <= w.XSize && 2*max(dy, -dy) <= w.YSize
}

// IsMulti reports whether what a pipette does reaches several wells.
func (d *Deck) IsMulti(pipette int) bool { return d.Pipettes[pipette].Model.Channels > 1 }

// Sharing is how many channels of a pipette draw from one well when its primary
// nozzle is at r: the most of any.
func (s *State) Sharing(pipette int, n Nozzles, r WellRef) int64 {
	if !s.Deck.IsMulti(pipette) {
		return 1
	}
	most := int64(1)
	reach := s.Reach(pipette, n, r)
	for i := range reach {
		sharing := int64(0)
		for _, other := range reach {
			if other == reach[i] {
				sharing++
			}
		}
		most = max(most, sharing)
	}
	return most
}

// Drawable returns how much each channel can draw where the primary nozzle
// goes to r: a well with several channels in it is shared. known is false
// where the amount of a well was not declared; a channel over no well draws
// nothing.
func (s *State) Drawable(pipette int, n Nozzles, r WellRef, stays int64) (least int64, known bool) {
	if !s.Deck.IsMulti(pipette) {
		c, ok := s.Content(r)
		if !ok {
			return 0, true
		}
		return max(0, c.Volume-stays), !c.Unknown
	}
	reach := s.Reach(pipette, n, r)
	known = true
	for i, w := range reach {
		if w < 0 || s.wells[r.Labware] == nil {
			return 0, true
		}
		c, sharing := &s.wells[r.Labware][w], int64(0)
		for _, other := range reach {
			if other == w {
				sharing++
			}
		}
		if c.Unknown {
			known = false
			continue
		}
		if each := max(0, c.Volume-stays) / sharing; i == 0 || each < least {
			least = each
		}
	}
	return least, known
}
