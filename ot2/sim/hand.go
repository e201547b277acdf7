package sim

import (
	"math"
	"math/rand/v2"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// hand carries out what a Noise kept, with errors that it draws. It belongs to
// one goroutine and is used for one run after the other.
type hand struct {
	n      *Noise
	source *rand.PCG
	rand   *rand.Rand
	exact  bool // without errors and without evaporation, as the workflow means it

	volume  []float64 // nL, by vessel
	parts   []float64 // by vessel, n.width for each
	bias    []float64 // of each channel, as a share of its limit
	state   *program.State
	whole   []int64 // scratch, as batches
	batches []int64
	begun   bool // the state has been brought up to date in this run

	run    int // from 0
	failed bool
	stamp  []int // the last run in which a group went wrong, from 1
	runs   []int // how many runs each group went wrong in
	worst  []float64
	where  []int32 // how often, by action
	said   []said
}

// said is what a check said of the first run in which it failed.
type said struct {
	run  int // from 1; 0: none
	text string
}

func newHand(n *Noise) *hand {
	source := rand.NewPCG(0, 0)
	h := &hand{n: n, source: source, rand: rand.New(source), bias: make([]float64, n.channels)}
	h.whole, h.batches = make([]int64, len(n.deck.Liquids)+1), make([]int64, n.batches)
	h.grow()
	if len(n.checks) > 0 {
		h.state = program.NewState(n.deck)
	}
	return h
}

// grow makes room for what the program has come to use.
func (h *hand) grow() {
	n := h.n
	h.volume, h.parts = append(h.volume, n.start[len(h.volume):]...), append(h.parts, n.parts[len(h.parts):]...)
	h.stamp, h.runs, h.worst = extend(h.stamp, len(n.groups)), extend(h.runs, len(n.groups)), extend(h.worst, len(n.groups))
	h.said, h.where = extend(h.said, len(n.groups)), extend(h.where, len(n.actions))
}

func extend[T any](s []T, n int) []T { return append(s, make([]T, n-len(s))...) }

// mix turns numbers that are near each other into ones that are not.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// begin puts everything back to where it was before the first step. What is
// drawn in a run follows from the seed and the number of the run alone.
func (h *hand) begin(seed uint64, run int) {
	h.run, h.failed, h.begun = run, false, false
	h.source.Seed(seed, mix(uint64(run)))
	copy(h.volume, h.n.start)
	copy(h.parts, h.n.parts)
	for i := range h.bias {
		h.bias[i] = float64(2*h.rand.Float64()) - 1
	}
}

func (h *hand) do(actions []action, from int) {
	for i := range actions {
		a := &actions[i]
		switch a.act {
		case drawn:
			h.draw(a, from+i)
		case given:
			h.move(a, min(h.stroke(a), max(h.volume[a.from], 0)), from+i)
		case poured:
			h.move(a, h.volume[a.from], from+i)
		case dried:
			h.dry(a)
		case filled:
			if missing := a.volume - h.volume[a.to]; missing > 0 {
				h.drawUnknown(a, missing)
			}
		case asked:
			h.ask(a, from+i)
		}
	}
}

// stroke is how much a stroke of the plunger really moves. Conversions keep
// processors from fusing products and sums, each in a way of its own: the same
// seed gives the same on all of them.
func (h *hand) stroke(a *action) float64 {
	if h.exact {
		return a.volume
	}
	return max(0, a.volume+float64(a.systematic*h.bias[a.channel])+float64(a.random*h.rand.NormFloat64()))
}

// draw fills a tip. What the well lacks is air. That is more than the pipette's
// own error only where it exceeds the limit of that.
func (h *hand) draw(a *action, i int) {
	v := h.stroke(a)
	if h.n.vessels[a.from].unknown {
		h.drawUnknown(a, v)
		return
	}
	missing := v - h.volume[a.from]
	if missing > 0 {
		v = h.volume[a.from]
		if missing > a.systematic+float64(2*a.random) && !h.exact {
			h.wrong(a, i, missing)
		}
	}
	h.move(a, v, -1)
}

// drawUnknown draws from a well of which nobody knows how much it holds: that
// never ends, and what it is made of stays the same.
func (h *hand) drawUnknown(a *action, v float64) {
	vessel, w := &h.n.vessels[a.from], h.n.width
	from, to := h.parts[int(a.from)*w:], h.parts[int(a.to)*w:]
	from[vessel.of] -= v
	to[vessel.of] += v
	for k, c := range vessel.contains {
		to[w-len(vessel.contains)+k] += float64(c * v)
	}
	h.volume[a.from] -= v
	h.volume[a.to] += v
}

// move moves liquid from one vessel to another. i is the action's index where it
// can make a well overflow.
func (h *hand) move(a *action, v float64, i int) {
	if v <= 0 {
		return
	}
	n := h.n
	share := v / h.volume[a.from]
	from, to := int(a.from)*n.width, int(a.to)*n.width
	for _, p := range n.lists[a.parts.from:a.parts.to] {
		part := float64(h.parts[from+int(p)] * share)
		h.parts[from+int(p)] -= part
		h.parts[to+int(p)] += part
	}
	h.volume[a.from] -= v
	h.volume[a.to] += v
	if most := n.vessels[a.to].capacity; i >= 0 && most > 0 && h.volume[a.to] > most && !h.exact {
		h.wrong(a, i, h.volume[a.to]-most)
	}
}

// dry lets liquid evaporate. What is dissolved in it stays.
func (h *hand) dry(a *action) {
	if h.exact {
		return
	}
	v := min(a.volume, h.volume[a.from])
	h.volume[a.from] -= v
	h.volume[a.to] += v
}

// ask asks a check of what is in the wells.
func (h *hand) ask(a *action, i int) {
	if h.exact {
		return
	}
	posed := h.n.checks[a.from]
	h.bringUpToDate(posed)
	if posed.check.Holds(h.state) {
		return
	}
	if s := &h.said[a.group]; s.run == 0 {
		*s = said{h.run + 1, posed.check.Message(h.state)}
	}
	h.wrong(a, i, 0)
}

// bringUpToDate writes what is in wells into the state that checks are asked of:
// in a run first all there are by then, and after that those that were changed. Of
// labware that was exchanged the new wells come after the old ones.
func (h *hand) bringUpToDate(p *posed) {
	if h.begun {
		for _, i := range p.touched {
			h.write(int(i))
		}
		return
	}
	h.begun = true
	for i := int(noWell); i < p.known; i++ {
		if h.n.vessels[i].well != program.None {
			h.write(i)
		}
	}
}

func (h *hand) write(i int) {
	sum := int64(0)
	for k := range h.whole {
		h.whole[k] = int64(math.Round(h.parts[i*h.n.width+k]))
		sum += h.whole[k]
	}
	// Rounded parts need not add up; what has evaporated is more than that.
	if volume := int64(math.Round(h.volume[i])); volume < sum-int64(len(h.whole)) {
		sum = volume
	}
	for k := range h.batches {
		h.batches[k] = int64(math.Round(h.parts[(i+1)*h.n.width-h.n.batches+k]))
	}
	h.state.SetContent(h.n.vessels[i].well, sum, h.whole, h.batches)
}

// wrong counts something that went wrong. Of a well only the first time in a
// run counts; a check is counted wherever it fails.
func (h *hand) wrong(a *action, i int, by float64) {
	h.failed = h.failed || !h.n.groups[a.group].exact
	h.worst[a.group] = max(h.worst[a.group], by)
	first := h.stamp[a.group] != h.run+1
	if first {
		h.stamp[a.group] = h.run + 1
		h.runs[a.group]++
	}
	if first || a.act == asked {
		h.where[i]++
	}
}
