package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// What the commands read, and how findings are shown.

// maxInput bounds what is read from standard input or as a stored plan.
const maxInput = 1 << 30

func (a *app) paramFlags(c *cobra.Command) {
	c.Flags().StringArrayVar(&a.set, "set", nil, "give a parameter a value: --set R=100uL; repeatable")
	c.Flags().StringVar(&a.params, "params", "", "read parameters from a YAML or JSON file, or one run per row from a table (CSV, TSV, XLSX)")
}

func (a *app) formatFlag(c *cobra.Command, formats ...string) {
	c.Flags().StringVar(&a.format, "format", "text", "output: "+strings.Join(formats, ", "))
	c.PreRunE = func(*cobra.Command, []string) error {
		for _, f := range formats {
			if a.format == f {
				return nil
			}
		}
		return usage("there is no format %q here; the formats are %s", a.format, strings.Join(formats, ", "))
	}
}

// runs gathers what the runs of a workflow are given by --params and --set.
func (a *app) runs(c *workflows.Checked) ([]workflows.Run, error) {
	set := interpreter.Values{}
	for _, s := range a.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usage("--set takes name=value, and this is %q", s)
		}
		set[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	runs, err := c.Runs(a.params, set)
	if err != nil {
		return nil, cannot("the parameters in %s cannot be read: %s", a.params, reason(err))
	}
	for i := range runs {
		runs[i].On(a.known.Ledger())
	}
	return runs, nil
}

// reason is an error of the file system without the path, which the message
// around it has said.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// open reads the workflow at path, or standard input for "-".
func (a *app) open(path string) (*workflows.Checked, error) {
	switch {
	case a.within != nil && a.text != nil:
		return workflows.TextWithin(a.within, path, a.text), nil
	case a.within != nil:
		return workflows.OpenWithin(a.within, path), nil
	}
	if path != "-" {
		return workflows.Open(path), nil
	}
	data, err := io.ReadAll(io.LimitReader(a.in, maxInput))
	if err != nil {
		return nil, cannot("standard input cannot be read: %s", reason(err))
	}
	return workflows.FromText("stdin", data), nil
}

// read reads a file that is no workflow.
func (a *app) read(path string) ([]byte, error) {
	if a.within != nil {
		return workflows.ReadWithin(a.within, path, maxInput)
	}
	return os.ReadFile(path)
}

// plan gives the plan of a workflow's one run, or the stored plan, at path.
func (a *app) plan(path string) (*program.Plan, error) {
	plans, err := a.allPlans(path)
	switch {
	case err != nil:
		return nil, err
	case len(plans) > 1:
		return nil, usage("%s has %d rows, each of which is a run, and one run is done at a time; give a table with one row, or the values with --set", a.params, len(plans))
	}
	return plans[0].plan, nil
}

// allPlans gives the plans of all runs of a workflow, or the stored plan, at
// path. Findings are shown; with errors among them there are no plans.
func (a *app) allPlans(path string) ([]runPlan, error) {
	if stored, err := a.stored(path); stored != nil || err != nil {
		if err != nil {
			return nil, err
		}
		list, err := interpreter.ProvePlan(stored, ot2.Machine{})
		if err != nil {
			return nil, err
		}
		return []runPlan{{plan: stored}}, a.findingsOf(stored, list)
	}
	c, err := a.open(path)
	if err != nil {
		return nil, err
	}
	return a.plans(c)
}

// runPlan is the plan of one run.
type runPlan struct {
	run  workflows.Run
	plan *program.Plan
}

// plans gives the plan of every run. Findings are shown; with errors in one of
// the runs there are no plans.
func (a *app) plans(c *workflows.Checked) ([]runPlan, error) {
	runs, err := a.runs(c)
	if err != nil {
		return nil, err
	}
	var out []runPlan
	for i := range runs {
		if c.Prepared == nil {
			break
		}
		plan, list := c.Prepared.Plan(runs[i].Input(false))
		c.AddFrom(&runs[i], list)
		out = append(out, runPlan{runs[i], plan})
	}
	a.show(c.Diagnostics, c.Source)
	for _, text := range a.known.Hints(c.Diagnostics) {
		a.tell("%s", text)
	}
	if code := findingsCode(c.Diagnostics); code != exitFine || len(out) == 0 || slices.ContainsFunc(out, func(p runPlan) bool { return p.plan == nil }) {
		return nil, &exitError{code: code}
	}
	return out, nil
}

// findingsCode is the exit code for a workflow with errors: one that could not
// be read at all is no finding about its contents.
func findingsCode(list diag.List) int {
	for _, d := range list {
		if d.Severity == diag.Error && !unreadable(d.Code) {
			return exitFindings
		}
	}
	if list.HasErrors() {
		return exitCannot
	}
	return exitFine
}

func unreadable(c *diag.Code) bool {
	return c == diag.NotFound || c == diag.NotAFile || c == diag.Unreadable || c == diag.FileChanged
}

// findingsOf shows what was found in a stored plan; errors among it are the
// error.
func (a *app) findingsOf(plan *program.Plan, list diag.List) error {
	a.show(list.Sorted(), service.SourceOf(plan))
	if list.HasErrors() {
		return &exitError{code: exitFindings}
	}
	return nil
}

// stored reads path if it is a plan.json, whose parameters are fixed; a
// workflow gives nil.
func (a *app) stored(path string) (*program.Plan, error) {
	if !strings.HasSuffix(path, ".json") {
		return nil, nil
	}
	data, err := a.read(path)
	if err != nil {
		return nil, cannot("%s cannot be read: %s", path, reason(err))
	}
	if !program.IsPlan(data) {
		return nil, nil
	}
	plan, err := program.Read(data, ot2.Machine{})
	if err != nil {
		return nil, cannot("the plan %s cannot be used: %v", path, err)
	}
	if len(a.set) > 0 || a.params != "" {
		return nil, usage("%s is a plan, whose parameters are fixed; make a new plan from the workflow", path)
	}
	return plan, nil
}

// show prints findings for people on standard error.
func (a *app) show(list diag.List, source func(string) []byte) {
	if len(list) == 0 {
		return
	}
	_ = diag.Text(a.err, list, diag.TextOptions{Source: source, Color: a.colors(a.err), Width: width(a.err)})
}

// colors reports whether w is a terminal that shows colours.
func (a *app) colors(w io.Writer) bool {
	return !a.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is that of the terminal, or 0 where there is none.
func width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
