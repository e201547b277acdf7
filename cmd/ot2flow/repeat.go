package main

import (
	"bufio"
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
)

// maxRepeats bounds how often a workflow is simulated: what comes of every run
// is kept until the end.
const maxRepeats = 1_000_000

// maxValues bounds how many values are kept, each of four bytes.
const maxValues = 150_000_000

// reactingWeight is how much more room a value takes where every run has others.
const reactingWeight = 16

// fits refuses more runs than there is room for; values is how many each gives.
func (n *noise) fits(values int) error {
	if most := maxValues / max(1, values); n.repeat > most {
		return usage("--repeat %d would keep %d values for each run, which is too much; for this workflow %d runs are the most", n.repeat, values, most)
	}
	return nil
}

// noise is what the flags say of chance.
type noise struct {
	repeat int
	seed   uint64
}

// check refuses flags that do not go together.
func (n *noise) check(trace string, seeded bool) error {
	switch {
	case n.repeat == 0 && seeded:
		return usage("--seed is the seed of --repeat, which says how many runs there are; --repeat 1 is one")
	case n.repeat < 0 || n.repeat > maxRepeats:
		return usage("--repeat takes a number from 1 to %d, and this is %d", maxRepeats, n.repeat)
	case n.repeat > 0 && trace != "":
		return usage("--trace is of a run without errors, and --repeat is of many with them; leave one out")
	}
	return nil
}

// spread is what came of repeating one run.
type spread struct {
	run, workflow string
	result        *sim.Spread
}

// repeat carries out every run of a workflow, or a stored plan, many times with
// errors that are drawn.
func (a *app) repeat(path string, n noise) error {
	all, err := a.repeated(path, n)
	if err != nil {
		return err
	}
	for i, s := range all {
		if err := a.runHeading(i, s.run); err != nil {
			return err
		}
		if err := a.reportSpread(s); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) repeated(path string, n noise) ([]spread, error) {
	if plan, err := a.stored(path); plan != nil || err != nil {
		if err != nil {
			return nil, err
		}
		s, err := a.repeatPlan(plan, n)
		return []spread{{"", plan.Workflow.Name, s}}, err
	}
	c, err := a.open(path)
	if err != nil {
		return nil, err
	}
	runs, err := a.runs(c)
	if err != nil {
		return nil, err
	}
	var out []spread
	for i := range runs {
		if c.Prepared == nil {
			break
		}
		s, err := repeatWorkflow(c, &runs[i], n)
		if err != nil {
			return nil, err
		}
		if s != nil {
			out = append(out, spread{runs[i].Name, c.Prepared.Name(), s})
		}
	}
	a.show(c.Diagnostics, c.Source)
	if len(out) == 0 || len(out) < len(runs) {
		return nil, &exitError{code: findingsCode(c.Diagnostics)}
	}
	return out, nil
}

// repeatWorkflow proves a run once and carries it out many times; nil where it
// has errors, which are in c.Diagnostics.
func repeatWorkflow(c *workflows.Checked, run *workflows.Run, n noise) (*sim.Spread, error) {
	kept := sim.NewNoise()
	in := run.Input(false)
	in.Likely = true
	_, list, err := c.Prepared.Prove(in, kept)
	if err != nil {
		return nil, err
	}
	c.AddFrom(run, list)
	if list.HasErrors() {
		return nil, nil
	}
	values := kept.Values()
	if c.Prepared.Reacts() {
		values *= reactingWeight
	}
	if err := n.fits(values); err != nil {
		return nil, err
	}
	if c.Prepared.Reacts() {
		return sim.React(c.Prepared, in, n.repeat, n.seed, runtime.GOMAXPROCS(0))
	}
	return kept.Repeat(n.repeat, n.seed, runtime.GOMAXPROCS(0)), nil
}

// repeatPlan proves a stored plan again and carries it out many times. A plan
// keeps no checks, so that none is asked.
func (a *app) repeatPlan(plan *program.Plan, n noise) (*sim.Spread, error) {
	if plan.Outlook != nil {
		return nil, deferredPlan()
	}
	kept := sim.NewNoise()
	kept.Start(program.NewState(plan.Deck), nil)
	list, err := interpreter.ProvePlan(plan, ot2.Machine{}, kept)
	if err != nil {
		return nil, err
	}
	if err := a.findingsOf(plan, list); err != nil {
		return nil, err
	}
	if err := n.fits(kept.Values()); err != nil {
		return nil, err
	}
	return kept.Repeat(n.repeat, n.seed, runtime.GOMAXPROCS(0)), nil
}

func (a *app) reportSpread(s spread) error {
	if a.format == "json" {
		_, err := a.out.Write(s.result.AppendJSON(nil))
		return a.written(err)
	}
	w := bufio.NewWriter(a.out)
	spreadText(w, s.workflow, s.result)
	return a.written(w.Flush())
}

// spreadText is what came of many runs as people read it.
func spreadText(w *bufio.Writer, name string, s *sim.Spread) {
	and := ""
	if slices.ContainsFunc(s.Deck.Labware, func(l program.Placed) bool { return l.EvaporationNL > 0 }) {
		and = " and evaporation"
	}
	if len(s.Measured) > 0 {
		and += " and the noise of instruments"
	}
	fmt.Fprintf(w, "%s: %s with the errors of the pipettes%s, seed %d\n", name, plural(s.Runs, "run"), and, s.Seed)
	if s.Failed == 0 {
		fmt.Fprintln(w, "  nothing went wrong in any of them")
	} else {
		fmt.Fprintf(w, "  something went wrong in %d of them (%s)\n", s.Failed, share(s.Failed, s.Runs))
	}
	courses(w, s)
	mishaps(w, s)
	valuesTable(w, "Measured", s.Measured, s.Runs)
	valuesTable(w, "Outputs", s.Outputs, s.Runs)
	volumes, liquids, contents := rows(s)
	table(w, "Volumes", volumes)
	if len(contents) > 0 {
		table(w, "Concentrations", contents)
	} else {
		table(w, "Liquids in wells", liquids)
	}
	for i := range s.Deck.Pipettes {
		if of, ok := s.Borrowed[i]; ok {
			p := &s.Deck.Pipettes[i]
			fmt.Fprintf(w, "\n%s is a %s, of which no figures are published; it is taken for a %s, which is more exact.\n", p.Name, p.Model.Name, of)
		}
	}
}

func share(part, of int) string {
	return strconv.FormatFloat(100*float64(part)/float64(of), 'g', 3, 64) + " %"
}

// mostShown is how many rows of a table are shown to people.
const mostShown = 10

// courses says what runs of a workflow came to that reacts to what it measures.
func courses(w *bufio.Writer, s *sim.Spread) {
	if len(s.Ways) > 1 {
		fmt.Fprintln(w, "\nCourses")
	}
	for i, way := range s.Ways {
		if i == mostShown {
			fmt.Fprintf(w, "  and %d more\n", len(s.Ways)-i)
			break
		}
		if len(s.Ways) > 1 {
			fmt.Fprintf(w, "  %-7s %s\n", share(way.Runs, s.Runs), plural(way.Steps, "step"))
		}
	}
	if len(s.Endings) > 0 {
		fmt.Fprintln(w, "\nBecause of what was measured")
	}
	for i := range s.Endings[:min(len(s.Endings), mostShown)] {
		e := &s.Endings[i]
		fmt.Fprintf(w, "  %-7s line %d: %s\n", share(e.Runs, s.Runs), e.Where.Start.Line, e.Message)
	}
}

// mishaps says what went wrong, the most frequent first.
func mishaps(w *bufio.Writer, s *sim.Spread) {
	var wrong, exact []*sim.Happened
	for i := range s.Mishaps {
		if h := &s.Mishaps[i]; h.Exact {
			exact = append(exact, h)
		} else {
			wrong = append(wrong, h)
		}
	}
	listed(w, s, "What went wrong", wrong)
	listed(w, s, "Not counted: checks of an exact value, which no pipette gives; write them with a tolerance", exact)
}

func listed(w *bufio.Writer, s *sim.Spread, title string, list []*sim.Happened) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for i, h := range list {
		if i == mostShown {
			fmt.Fprintf(w, "  and %d more\n", len(list)-i)
			break
		}
		fmt.Fprintf(w, "  %-7s %s\n", share(h.Runs, s.Runs), what(s.Deck, h))
		fmt.Fprintf(w, "          %s\n", where(h))
	}
}

func what(d *program.Deck, h *sim.Happened) string {
	well, by := d.WellName(h.Well), volumeText(h.WorstNL)
	switch h.Mishap {
	case sim.RanDry:
		return well + " ran dry: up to " + by + " of a draw was air"
	case sim.Overflowed:
		return well + " overflowed, by up to " + by
	case sim.CheckFailed:
	}
	if h.Message != "" {
		return "check: " + h.Message + "; this did not hold: " + h.Check.That
	}
	return "check: this did not hold: " + h.Check.That
}

// where says where it happened most often.
func where(h *sim.Happened) string {
	at := h.Frame.Where()
	out := "line " + strconv.Itoa(at.Start.Line)
	if h.Mishap != sim.CheckFailed {
		out = "step " + strconv.Itoa(h.Step) + ", " + out
	}
	if loops := h.Frame.Loops(at.File); len(loops) > 0 {
		out += ", " + strings.Join(loops, ", ")
	}
	if h.Times < h.Runs {
		out = "most often (" + strconv.Itoa(h.Times) + " times) at " + out
	}
	return out
}

// spreadRow is a row of a table of distributions.
type spreadRow struct {
	name string
	d    *sim.Distribution
	text func(float64) string
}

// rows sorts what there is into tables, the most uncertain first.
func rows(s *sim.Spread) (volumes, liquids, contents []spreadRow) {
	for i := range s.Wells {
		well := &s.Wells[i]
		name := s.Deck.NumberedWell(well.Well, well.Number)
		if !well.Unknown {
			volumes = append(volumes, spreadRow{name, &well.Volume, volumeText})
		}
		for k := range well.Liquids {
			if len(well.Liquids) > 1 {
				liquids = append(liquids, spreadRow{name + " " + s.Deck.Liquids[well.Liquids[k].Index].Name, &well.Liquids[k].Distribution, volumeText})
			}
		}
		for k := range well.Contains {
			c := &s.Deck.Components[well.Contains[k].Index]
			contents = append(contents, spreadRow{name + " " + c.Name, &well.Contains[k].Distribution, func(v float64) string { return concentrationText(c, v) }})
		}
	}
	for _, list := range []*[]spreadRow{&volumes, &liquids, &contents} {
		*list = slices.DeleteFunc(*list, func(r spreadRow) bool { return !(r.d.Target > 0 || r.d.Runs < s.Runs) || r.d.SD == 0 })
		slices.SortStableFunc(*list, func(a, b spreadRow) int { return cmp.Compare(b.d.CV(), a.d.CV()) })
	}
	return volumes, liquids, contents
}

func volumeText(nl float64) string {
	if math.IsNaN(nl) {
		return "-"
	}
	return quantity.Volume.Text(rounded(nl))
}

func concentrationText(c *program.Component, v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return c.Text(rounded(v))
}

// rounded keeps four digits of a number.
func rounded(v float64) int64 {
	if v == 0 {
		return 0
	}
	unit := math.Pow(10, max(0, math.Floor(math.Log10(math.Abs(v)))-3))
	return int64(math.Round(v/unit) * unit)
}

// table shows the rows that are the most uncertain.
func table(w *bufio.Writer, title string, list []spreadRow) {
	if len(list) == 0 {
		return
	}
	width := 0
	for _, r := range list[:min(len(list), mostShown)] {
		width = max(width, len(r.name))
	}
	of := ""
	if len(list) > mostShown {
		of = fmt.Sprintf(", the %d most uncertain of %d", mostShown, len(list))
	}
	fmt.Fprintf(w, "\n%s%s\n  %-*s  %12s  %12s  %7s  %s\n", title, of, width, "", "wanted", "mean", "CV", "5 % to 95 %")
	for _, r := range list[:min(len(list), mostShown)] {
		between := between(r.text(r.d.P5), r.text(r.d.P95))
		fmt.Fprintf(w, "  %-*s  %12s  %12s  %5.1f %%  %-22s %s\n", width, r.name, r.text(r.d.Target), r.text(r.d.Mean), 100*r.d.CV(), between, histogram(r.d))
	}
}

// between is "97 to 103 uL".
func between(from, to string) string {
	if number, unit, ok := strings.Cut(from, " "); ok && strings.HasSuffix(to, " "+unit) {
		from = number
	}
	return from + " to " + to
}

// histogram draws how many runs are in each part between the least value and
// the greatest.
func histogram(d *sim.Distribution) string {
	most := slices.Max(d.Bins[:])
	if most == 0 {
		return ""
	}
	levels := []rune(" ▁▂▃▄▅▆▇█")
	out := make([]rune, len(d.Bins))
	for i, n := range d.Bins {
		out[i] = levels[(n*(len(levels)-1)+most-1)/most]
	}
	return string(out)
}
