package sim

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Mishap is something that goes wrong because pipettes are not exact, and that
// nobody would notice in a run.
type Mishap uint8

// The mishaps.
const (
	RanDry      Mishap = iota // a tip drew air, and more than the pipette's own error
	Overflowed                // a well was given more than it holds
	CheckFailed               // a check of the workflow would not hold of what is in the wells
)

// String returns the mishap as ot2flow.repeats/1 says it.
func (m Mishap) String() string { return [...]string{"ran_dry", "overflow", "check"}[m] }

// Spread is what came of many runs of one program.
type Spread struct {
	Deck    *program.Deck
	Seed    uint64
	Runs    int
	Failed  int // runs in which something went wrong, but for exact checks
	Wells   []WellSpread
	Mishaps []Happened
	// Ways, Endings, Measured and Outputs are of a workflow that reacts to what
	// it measures. In any other every run returns the same.
	Ways     []Way
	Endings  []Ending
	Measured []ValueSpread
	Outputs  []ValueSpread
	// Borrowed are the models of pipettes, by index into Deck.Pipettes, whose
	// figures were published for another, which they name.
	Borrowed map[int]string
}

// WellSpread is how what a well holds in the end is spread over the runs.
type WellSpread struct {
	Well     program.WellRef
	Number   int  // which of the labware it is of, where that was taken away; 0: the one that stands there
	Unknown  bool // its amount was not declared: volumes are changes
	Volume   Distribution
	Liquids  []PartSpread // nL of Deck.Liquids, as they were put in
	Contains []PartSpread // concentrations of Deck.Components, in their base units
}

// PartSpread is how a part of what a well holds is spread; Index names it.
type PartSpread struct {
	Index int
	Distribution
}

// Distribution is how a value is spread over the runs. Target is what the
// workflow means it to be.
type Distribution struct {
	Target, Mean, SD          float64
	Min, P5, Median, P95, Max float64
	Runs                      int     // in which there was such a value
	Bins                      [24]int // how many runs are in each part of Min to Max
}

// CV returns the standard deviation as a share of the mean; 0 of nothing.
func (d *Distribution) CV() float64 {
	if d.Mean == 0 {
		return 0
	}
	return d.SD / math.Abs(d.Mean)
}

// Happened is a mishap of one well or one check.
type Happened struct {
	Mishap  Mishap
	Well    program.WellRef    // None of a check
	Check   *interpreter.Check // nil of a well
	Runs    int                // in which it happened
	Step    int                // where it happened most often: the step it happened in, or the one before the check
	Times   int                // how often it happened there
	Frame   *program.Frame     // what that is a part of
	WorstNL float64            // how much was missing, or too much, at most
	Message string             // what the check said in the first run in which it failed
	// Exact says that the check holds in no run and compares with ==: it asks for
	// an exact value, as the workflow means it, and no pipette gives that.
	Exact bool
}

// column is one value of which every run gives one.
type column struct {
	vessel int32
	part   int // -1: the volume
}

// Values returns how many values every run gives.
func (n *Noise) Values() int {
	return len(n.columns(n.meant())) + len(n.heard)
}

// meant carries the program out as the workflow means it.
func (n *Noise) meant() *hand {
	n.end()
	h := newHand(n)
	h.exact = true
	h.begin(0, 0)
	h.do(n.actions, 0)
	return h
}

// Repeat carries the program out runs times, on as many cores as workers says.
// What comes of it depends on the program, the seed and the number of runs.
func (n *Noise) Repeat(runs int, seed uint64, workers int) *Spread {
	target := n.meant()
	columns := n.columns(target)
	values := make([][]float32, len(columns))
	for i := range values {
		values[i] = make([]float32, runs)
	}
	hands := make([]*hand, max(1, min(workers, runs)))
	tally := n.newTally(runs)
	each(len(hands), runs, func(worker, run int) {
		h := hands[worker]
		if h == nil {
			h = newHand(n)
			hands[worker] = h
		}
		h.begin(seed, run)
		h.do(n.actions, 0)
		tally.count(h)
		for i := range columns {
			values[i][run] = float32(h.value(columns[i]))
		}
	})
	all := make([]Distribution, len(columns))
	each(len(hands), len(columns), func(_, i int) { all[i] = distribution(target.value(columns[i]), values[i]) })
	out := &Spread{Deck: n.deck, Seed: seed, Runs: runs, Wells: n.wells(columns, all), Mishaps: n.mishaps(hands, runs), Borrowed: n.borrowed()}
	out.Failed = tally.failed()
	return out
}

// tally tells in which runs something went wrong. Whether a check that compares
// with == asks for an exact value is known only when all runs are over.
type tally struct {
	wrong []bool // by run
	exact []int  // groups
	where [][]bool
}

func (n *Noise) newTally(runs int) *tally {
	t := &tally{wrong: make([]bool, runs)}
	for g := range n.groups {
		if n.groups[g].exact {
			t.exact, t.where = append(t.exact, g), append(t.where, make([]bool, runs))
		}
	}
	return t
}

// count takes what a hand says of the run that it has carried out.
func (t *tally) count(h *hand) {
	t.wrong[h.run] = h.failed
	for i, g := range t.exact {
		t.where[i][h.run] = h.stamp[g] == h.run+1
	}
}

// failed returns in how many runs something went wrong.
func (t *tally) failed() int {
	for _, where := range t.where {
		if slices.Contains(where, false) {
			for run, wrong := range where {
				t.wrong[run] = t.wrong[run] || wrong
			}
		}
	}
	n := 0
	for _, wrong := range t.wrong {
		if wrong {
			n++
		}
	}
	return n
}

// chunk is how much a worker takes at a time.
const chunk = 8

// each does something for 0 to n-1, with several workers.
func each(workers, n int, do func(worker, i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for {
				to := int(next.Add(chunk))
				for i := to - chunk; i < min(to, n); i++ {
					do(w, i)
				}
				if to >= n {
					return
				}
			}
		})
	}
	wait.Wait()
}

// value is what came of a run under a column.
func (h *hand) value(c column) float64 {
	switch {
	case c.part < 0:
		return h.volume[c.vessel]
	case c.part <= len(h.n.deck.Liquids):
		return h.parts[int(c.vessel)*h.n.width+c.part]
	}
	return h.parts[int(c.vessel)*h.n.width+c.part] / h.volume[c.vessel]
}

// columns are the values of which there is one in every run: of the wells that
// the program changes, in the order of the deck.
func (n *Noise) columns(target *hand) []column {
	var wells []int32
	for i := range n.vessels {
		if n.vessels[i].moved && n.vessels[i].well != program.None {
			wells = append(wells, int32(i))
		}
	}
	slices.SortFunc(wells, func(a, b int32) int {
		v, w := &n.vessels[a], &n.vessels[b]
		return cmp.Or(cmp.Compare(v.well.Labware, w.well.Labware), cmp.Compare(v.number, w.number), cmp.Compare(v.well.Well, w.well.Well))
	})
	var out []column
	for _, w := range wells {
		v := &n.vessels[w]
		out = append(out, column{w, -1})
		if v.unknown {
			continue
		}
		for part := range n.width - n.batches {
			c := column{w, part}
			if v.may[part/64]>>(part%64)&1 == 0 || part == len(n.deck.Liquids) {
				continue
			}
			if x := target.value(c); !math.IsNaN(x) && !math.IsInf(x, 0) {
				out = append(out, c)
			}
		}
	}
	return out
}

// wells puts the distributions of a well together.
func (n *Noise) wells(columns []column, all []Distribution) []WellSpread {
	var out []WellSpread
	for i, c := range columns {
		switch {
		case c.part < 0:
			v := &n.vessels[c.vessel]
			out = append(out, WellSpread{Well: v.well, Number: v.number, Unknown: v.unknown, Volume: all[i]})
		case c.part < len(n.deck.Liquids):
			w := &out[len(out)-1]
			w.Liquids = append(w.Liquids, PartSpread{c.part, all[i]})
		default:
			w := &out[len(out)-1]
			w.Contains = append(w.Contains, PartSpread{c.part - len(n.deck.Liquids) - 1, all[i]})
		}
	}
	return out
}

// distribution works out how values are spread; they are sorted for it. NaN is
// the value of a run without one.
func distribution(target float64, values []float32) Distribution {
	values = slices.DeleteFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) })
	d := Distribution{Target: target, Runs: len(values)}
	if len(values) == 0 {
		return d
	}
	slices.Sort(values)
	for _, v := range values {
		d.Mean += float64(v)
	}
	d.Mean /= float64(len(values))
	for _, v := range values {
		d.SD += float64((float64(v) - d.Mean) * (float64(v) - d.Mean))
	}
	d.SD = math.Sqrt(d.SD / max(1, float64(len(values)-1)))
	at := func(share float64) float64 { return float64(values[int(math.Round(share*float64(len(values)-1)))]) }
	d.Min, d.P5, d.Median, d.P95, d.Max = at(0), at(0.05), at(0.5), at(0.95), at(1)
	for _, v := range values {
		i := 0
		if d.Max > d.Min {
			i = min(int((float64(v)-d.Min)/(d.Max-d.Min)*float64(len(d.Bins))), len(d.Bins)-1)
		}
		d.Bins[i]++
	}
	return d
}

// mishaps adds up what went wrong, the most frequent first.
func (n *Noise) mishaps(hands []*hand, runs int) []Happened {
	out := make([]Happened, len(n.groups))
	where := make([]int, len(n.actions))
	first := make([]int, len(n.groups))
	for _, h := range hands {
		if h == nil {
			continue
		}
		for i := range h.where {
			where[i] += int(h.where[i])
		}
		for g := range h.runs {
			o := &out[g]
			o.Runs += h.runs[g]
			o.WorstNL = max(o.WorstNL, h.worst[g])
			if s := h.said[g]; s.run > 0 && (first[g] == 0 || s.run < first[g]) {
				first[g], o.Message = s.run, s.text
			}
		}
	}
	for i := range n.actions {
		a := &n.actions[i]
		if o := &out[a.group]; where[i] > o.Times {
			o.Times, o.Step, o.Frame = where[i], int(a.step), n.frames[i]
		}
	}
	for g := range out {
		out[g].Mishap, out[g].Well, out[g].Check = n.groups[g].kind, n.groups[g].well, n.groups[g].check
		out[g].Exact = n.groups[g].exact && out[g].Runs == runs
	}
	out = slices.DeleteFunc(out, func(h Happened) bool { return h.Runs == 0 })
	slices.SortStableFunc(out, func(a, b Happened) int { return cmp.Compare(b.Runs, a.Runs) })
	return out
}

// borrowed names the pipettes that no figures are published for.
func (n *Noise) borrowed() map[int]string {
	out := map[int]string{}
	for i := range n.makers {
		if n.makers[i].Of != n.deck.Pipettes[i].Model.Name {
			out[i] = n.makers[i].Of
		}
	}
	return out
}
