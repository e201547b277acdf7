package sim

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// A workflow that measures and decides is another program in every run. So it is
// expanded anew for each, and carried out as it is: an instrument that is
// simulated sees what really is in the wells by then.

// reacting is the sink of one run of such a workflow.
type reacting struct {
	*Noise
	seed  uint64
	run   int
	exact bool
}

var _ interpreter.Actual = (*reacting)(nil)

// Start begins the run.
func (r *reacting) Start(begin *program.State, params []program.Param) {
	r.Noise.Start(begin, params)
	h := newHand(r.Noise)
	h.exact = r.exact
	h.state = program.NewState(r.deck)
	h.begin(r.seed, r.run)
	r.live = h
}

// Actual is what really is in the wells.
func (r *reacting) Actual() *program.State {
	if r.exact || r.live == nil {
		return nil
	}
	for i := range r.vessels {
		r.dry(int32(i))
	}
	r.keepUp()
	r.live.begun = false
	r.live.bringUpToDate(&posed{known: len(r.vessels)})
	return r.live.state
}

// keepUp carries out what has not been, where that is done at once.
func (n *Noise) keepUp() {
	if n.live == nil || n.done == len(n.actions) {
		return
	}
	n.live.grow()
	n.live.do(n.actions[n.done:], n.done)
	n.done = len(n.actions)
}

// Way is a course that a workflow took: in how many runs it had so many steps.
type Way struct{ Steps, Runs int }

// Ending is a finding that only measured values brought about: a check that did
// not hold, a fail, a bound that was reached, a result that is not valid.
type Ending struct {
	Code    string
	Message string
	Where   diag.Span
	Runs    int
}

// valueOf names a value whichever run it is of; part as in column.
type valueOf struct {
	well   program.WellRef
	number int
	part   int
}

// reacted is what is kept of one run.
type reacted struct {
	values  map[valueOf]float32
	mishaps []keyed
	steps   int
	list    diag.List
	heard   []heard
	err     error
}

// keyed is a mishap under what makes it the same one in every run.
type keyed struct {
	key any
	Happened
}

// keep takes out of a run what is needed of it.
func (r *reacting) keep(list diag.List) reacted {
	out := reacted{values: map[valueOf]float32{}, steps: r.steps, list: list, heard: r.heard}
	for _, c := range r.columns(r.live) {
		out.values[valueOf{r.vessels[c.vessel].well, r.vessels[c.vessel].number, c.part}] = float32(r.live.value(c))
	}
	for _, h := range r.mishaps([]*hand{r.live}, 1) {
		h.Exact = false
		out.mishaps = append(out.mishaps, keyed{r.keyOf(&h), h})
	}
	return out
}

func (n *Noise) keyOf(h *Happened) any {
	if h.Check != nil {
		return h.Check.Site()
	}
	return wellMishap{h.Mishap, h.Well}
}

// React carries out a workflow that reacts to what it measures many times, and
// expands it anew for every run. It must have been proved.
func React(p *interpreter.Prepared, in interpreter.Input, runs int, seed uint64, workers int) (*Spread, error) {
	in.Likely, in.Scatter = true, ""
	meant := &reacting{Noise: NewNoise(), exact: true}
	if _, _, err := p.Expand(in, meant); err != nil {
		return nil, err
	}
	meant.end()
	all := make([]reacted, runs)
	each(workers, runs, func(_, run int) {
		r := &reacting{Noise: NewNoise(), seed: seed, run: run}
		in := in
		in.Seed = SeedOf(seed, run)
		in.Scatter = in.Seed
		end, list, err := p.Expand(in, r)
		if end.Failed != nil {
			list = append(list, *end.Failed)
		}
		r.end()
		all[run] = r.keep(list)
		all[run].err = err
	})
	for i := range all {
		if all[i].err != nil {
			return nil, all[i].err
		}
	}
	out := &Spread{Deck: meant.deck, Seed: seed, Runs: runs, Borrowed: meant.borrowed()}
	out.Wells = meant.reactedWells(all)
	out.Mishaps, out.Failed = gathered(all)
	out.Ways, out.Endings = ways(all)
	out.Measured, out.Outputs = meant.values(all)
	return out, nil
}

// SeedOf is what an expansion draws from in one run, from 0, of those with a
// seed.
func SeedOf(seed uint64, run int) string {
	return strconv.FormatUint(seed, 10) + "/" + strconv.Itoa(run)
}

// reactedWells puts together how what wells hold is spread, of all wells that
// some run changes. Where the likely run gives none, the target is NaN.
func (n *Noise) reactedWells(all []reacted) []WellSpread {
	var names []valueOf
	seen := map[valueOf]bool{}
	for i := range all {
		for k := range all[i].values {
			if !seen[k] {
				seen[k] = true
				names = append(names, k)
			}
		}
	}
	slices.SortFunc(names, func(a, b valueOf) int {
		return cmp.Or(cmp.Compare(a.well.Labware, b.well.Labware), cmp.Compare(a.number, b.number), cmp.Compare(a.well.Well, b.well.Well), cmp.Compare(a.part, b.part))
	})
	var columns []column
	var found []Distribution
	for _, k := range names {
		var values []float32
		for i := range all {
			if v, ok := all[i].values[k]; ok {
				values = append(values, v)
			}
		}
		c := column{n.numbered(k), k.part}
		target := math.NaN()
		if n.live.grow(); n.vessels[c.vessel].moved {
			target = n.live.value(c)
		}
		columns, found = append(columns, c), append(found, distribution(target, values))
	}
	return n.wells(columns, found)
}

// numbered is the vessel that a value is of: one that the program does not know,
// where the likely run does not get there.
func (n *Noise) numbered(k valueOf) int32 {
	if k.number == 0 {
		return n.well(k.well)
	}
	for i := range n.vessels {
		if v := &n.vessels[i]; v.well == k.well && v.number == k.number {
			return int32(i)
		}
	}
	now, held := n.index[k.well]
	delete(n.index, k.well)
	i := n.well(k.well)
	n.vessels[i].number = k.number
	if delete(n.index, k.well); held {
		n.index[k.well] = now
	}
	return i
}

// gathered adds up what went wrong in single runs.
func gathered(all []reacted) (out []Happened, failed int) {
	at := map[any]int{}
	for i := range all {
		for _, k := range all[i].mishaps {
			j, known := at[k.key]
			if !known {
				j = len(out)
				at[k.key] = j
				k.Runs, k.Times = 0, 0
				out = append(out, k.Happened)
			}
			o := &out[j]
			o.Runs++
			o.WorstNL = max(o.WorstNL, k.WorstNL)
			if k.Step == o.Step {
				o.Times++
			}
		}
		if len(all[i].mishaps) > 0 || all[i].list.HasErrors() {
			failed++
		}
	}
	slices.SortStableFunc(out, func(a, b Happened) int { return cmp.Compare(b.Runs, a.Runs) })
	return out, failed
}

// ways counts the courses that the runs took, and how they ended before their
// time; both the most frequent first.
func ways(all []reacted) (taken []Way, ends []Ending) {
	for i := range all {
		j := slices.IndexFunc(taken, func(w Way) bool { return w.Steps == all[i].steps })
		if j < 0 {
			j = len(taken)
			taken = append(taken, Way{Steps: all[i].steps})
		}
		taken[j].Runs++
		for _, d := range all[i].list {
			if d.Severity != diag.Error {
				continue
			}
			k := slices.IndexFunc(ends, func(e Ending) bool { return e.Code == d.Code.String() && e.Where == d.Span })
			if k < 0 {
				k = len(ends)
				ends = append(ends, Ending{Code: d.Code.String(), Message: d.Message, Where: d.Span})
			}
			ends[k].Runs++
		}
	}
	slices.SortStableFunc(taken, func(a, b Way) int { return cmp.Compare(b.Runs, a.Runs) })
	slices.SortStableFunc(ends, func(a, b Ending) int { return cmp.Compare(b.Runs, a.Runs) })
	return taken, ends
}
