package main

import (
	"bufio"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) simulateCommand() *cobra.Command {
	var trace string
	var deck service.Deck
	var n noise
	c := &cobra.Command{
		Use:   "simulate FILE|plan.json",
		Short: "Do it without a robot, on the built-in simulator",
		Long: `Proves the workflow and carries it out on the built-in simulator, with a virtual clock.
The report says how long the robot would take, which tips and liquids are used, and what
the wells hold in the end.

With --params rows.csv every row is a run of its own, with the parameters' names in the
first row. All of them are proved before the first is shown; as text each has a heading,
and as JSON there is one document per run, each ending in a line end, in the order of
the rows.

With --repeat 1000 the workflow is carried out that many times, with the errors that the
pipettes make by what their maker publishes: a systematic one, which is drawn once for
every run, and a random one for every stroke. The report says how much the volumes and
concentrations vary, and what went wrong in how many runs: wells that ran dry or
overflowed, and checks that did not hold of what was really in the wells. The same seed
gives the same report.`,
		Example: "  ot2flow simulate workflow.yaml\n  ot2flow simulate workflow.yaml --repeat 1000\n  ot2flow simulate workflow.yaml --set R=120uL --format json",
		Args:    oneFile,
	}
	a.paramFlags(c)
	a.ledgerFlags(c, &deck)
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&trace, "trace", "", "write a line of JSON per step into this file")
	c.Flags().IntVar(&n.repeat, "repeat", 0, "carry it out so many times, with the errors that pipettes make")
	c.Flags().Uint64Var(&n.seed, "seed", 1, "which errors are drawn: the same seed, the same errors")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := n.check(trace, c.Flags().Changed("seed")); err != nil {
			return err
		}
		if err := a.know(c.Context(), deck, false); err != nil {
			return err
		}
		if n.repeat > 0 {
			return a.repeat(args[0], n)
		}
		return a.simulate(args[0], trace)
	}
	return c
}

func (a *app) simulate(path, traceFile string) error {
	out, err := newTraceFile(traceFile)
	if err != nil {
		return cannot("the trace cannot be written to %s: %s", traceFile, reason(err))
	}
	defer out.discard()
	results, err := a.simulated(path, out.trace)
	if err != nil {
		return err
	}
	if err := out.keep(); err != nil {
		return cannot("the trace cannot be written to %s: %s", traceFile, reason(err))
	}
	return a.reportResults(results)
}

// simulated is the result of one run.
type simulated struct {
	run, workflow string
	result        *sim.Result
}

// simulated carries out a stored plan, or a workflow step by step as it is
// expanded, so that memory does not grow with its steps. There are results
// only if every run is proved.
func (a *app) simulated(path string, trace *sim.Trace) ([]simulated, error) {
	if plan, err := a.stored(path); plan != nil || err != nil {
		if err != nil {
			return nil, err
		}
		result, err := a.simulatePlan(plan, trace)
		return []simulated{{"", plan.Workflow.Name, result}}, err
	}
	c, err := a.open(path)
	if err != nil {
		return nil, err
	}
	runs, err := a.runs(c)
	if err != nil {
		return nil, err
	}
	if trace != nil && len(runs) > 1 {
		return nil, usage("%s has %d rows, each of which is a run, and --trace is of one; give a table with one row, or the values with --set", a.params, len(runs))
	}
	var out []simulated
	for i := range runs {
		result, err := simulateWorkflow(c, &runs[i], a.known.Ledger(), trace)
		if err != nil {
			return nil, cannot("the trace cannot be written: %s", reason(err))
		}
		if result != nil {
			out = append(out, simulated{runs[i].Name, c.Prepared.Name(), result})
		}
	}
	a.show(c.Diagnostics, c.Source)
	if len(out) == 0 || len(out) < len(runs) {
		return nil, &exitError{code: findingsCode(c.Diagnostics)}
	}
	return out, nil
}

// reportResults shows the results of all runs, one after the other.
func (a *app) reportResults(results []simulated) error {
	failed := false
	for i, s := range results {
		if err := a.runHeading(i, s.run); err != nil {
			return err
		}
		if err := a.reportResult(s.workflow, s.result); err != nil {
			return err
		}
		failed = failed || s.result.Outcome != sim.OK
	}
	if failed {
		return &exitError{code: exitFailed}
	}
	return nil
}

// runHeading stands above each of several runs where people read.
func (a *app) runHeading(i int, name string) error {
	if name == "" || a.format != "text" {
		return nil
	}
	blank := "\n"
	if i == 0 {
		blank = ""
	}
	_, err := fmt.Fprintf(a.out, "%s== %s ==\n", blank, name)
	return a.written(err)
}

// simulateWorkflow expands, proves and simulates in one walk. The result is
// nil where there are errors, which are in c.Diagnostics. The error is the
// trace's.
func simulateWorkflow(c *workflows.Checked, run *workflows.Run, known *ledger.Ledger, trace *sim.Trace) (*sim.Result, error) {
	if c.Prepared == nil {
		return nil, nil
	}
	stream := sim.NewStream(ot2.Machine{}.Timer, trace)
	in := run.Input(false)
	in.Ledger = known
	in.Likely = true
	end, list, err := c.Prepared.Prove(in, stream)
	if err != nil {
		return nil, err
	}
	c.AddFrom(run, list)
	if list.HasErrors() {
		return nil, nil
	}
	result := stream.End()
	result.Outputs = end.Outputs
	if end.Failed != nil {
		result.Fail(*end.Failed)
	}
	return result, nil
}

func deferredPlan() error {
	return cannot("the plan ends where its steps depend on results that only a run brings; simulate the workflow it was made from")
}

// simulatePlan proves a stored plan again and simulates it, in one walk.
func (a *app) simulatePlan(plan *program.Plan, trace *sim.Trace) (*sim.Result, error) {
	if plan.Outlook != nil {
		return nil, deferredPlan()
	}
	world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
	world.TraceTo(trace)
	list, err := interpreter.ProvePlan(plan, ot2.Machine{}, world)
	if err != nil {
		return nil, cannot("the trace cannot be written: %s", reason(err))
	}
	if err := a.findingsOf(plan, list); err != nil {
		return nil, err
	}
	world.End()
	result := world.Result()
	result.Outputs = plan.Outputs
	return result, nil
}

// traceFile is a trace under way; the zero value writes none.
type traceFile struct {
	file  *outFile
	trace *sim.Trace
}

func newTraceFile(path string) (*traceFile, error) {
	if path == "" {
		return &traceFile{}, nil
	}
	f, err := createOut(path)
	if err != nil {
		return nil, err
	}
	return &traceFile{f, sim.NewTrace(f)}, nil
}

func (t *traceFile) keep() error {
	if t.file == nil {
		return nil
	}
	if err := t.trace.Close(); err != nil {
		return err
	}
	return t.file.keep()
}

func (t *traceFile) discard() {
	if t.file != nil {
		t.file.discard()
	}
}

func (a *app) reportResult(name string, r *sim.Result) error {
	if a.format == "json" {
		_, err := a.out.Write(r.AppendJSON(nil))
		return a.written(err)
	}
	w := bufio.NewWriter(a.out)
	resultText(w, name, r, a.colors(a.out))
	return a.written(w.Flush())
}

// resultText is a simulation's result as people read it.
func resultText(w *bufio.Writer, name string, r *sim.Result, color bool) {
	switch r.Outcome {
	case sim.OK:
		fmt.Fprintf(w, "%s: done, %s, about %s on the robot\n", name, plural(r.Steps, "step"), clock(r.DurationMS))
	case sim.Stopped:
		fmt.Fprintf(w, "%s: stopped after %s\n", name, plural(r.Steps, "step"))
	case sim.Failed:
		if r.Failure == nil {
			fmt.Fprintf(w, "%s: failed, after %s\n  %s\n", name, plural(r.Steps, "step"), r.Diagnostics[len(r.Diagnostics)-1].Message)
			break
		}
		fmt.Fprintf(w, "%s: failed at step %d, after %s\n  %s\n", name, r.Failure.Step.N, plural(r.Steps, "step"), r.Failure.Message)
	}
	contents(w, r, color, "Wells in the end")
	if r.Outcome == sim.OK {
		outputs(w, r.Outputs)
	}
}

// outputs is what the workflow returns, its texts without their quotes.
func outputs(w *bufio.Writer, list []program.Output) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(w, "\nOutputs")
	for _, o := range list {
		value := o.Value
		var text string
		if json.Unmarshal([]byte(value), &text) == nil && value != "null" {
			value = text
		}
		fmt.Fprintf(w, margin+"%-14s %s\n", o.Name, value)
	}
}

// contents is what was used and what the wells hold.
func contents(w *bufio.Writer, r *sim.Result, color bool, title string) {
	if len(r.Tips)+len(r.Drawn) > 0 {
		fmt.Fprintln(w, "\nUsed")
	}
	for _, c := range r.Tips {
		fmt.Fprintf(w, margin+"%-14s %s\n", r.Deck.Labware[c.Index].Name, plural(int(c.Amount), "tip"))
	}
	for _, c := range r.Drawn {
		l := &r.Deck.Liquids[c.Index]
		fmt.Fprintf(w, "%s%-14s %s\n", patch(color, l.Color), l.Name, quantity.Volume.Text(c.Amount))
	}
	fmt.Fprintf(w, "\n%s\n", title)
	wells := newWellTable(w, r.Deck, color)
	for i := range r.Wells {
		wells.add(&r.Wells[i])
	}
	wells.print()
	moduleStates(w, r)
}

// moduleStates is what the modules are told in the end.
func moduleStates(w *bufio.Writer, r *sim.Result) {
	told := false
	for i := range r.Modules {
		text := depict.ModuleState(&r.Modules[i])
		if text == "" {
			continue
		}
		if !told {
			fmt.Fprintln(w, "\nModules in the end")
			told = true
		}
		fmt.Fprintf(w, margin+"%-14s %s\n", r.Deck.Modules[i].Name, text)
	}
}
