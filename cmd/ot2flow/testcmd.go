package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	usertests "github.com/ot2flow/ot2flow/workflows/tests"
)

func (a *app) testCommand() *cobra.Command {
	only, coverage := "", false
	c := &cobra.Command{
		Use:   "test [PATH…]",
		Short: "Run the tests of workflows",
		Long: `Runs the tests that you have written for your workflows: files *.test.yaml, which say what
runs are given and what must come of them. A folder means every such file under it, a workflow
those beside it, and without a path it is the current folder. Nothing is needed but the files:
each run is proved and done on the built-in simulator.

What differs is shown with what was expected, what it came to, and the step that has brought it
about. With --coverage it is also said which steps of the workflows no test does, and which
branches none takes.`,
		Example: "  ot2flow test\n  ot2flow test workflow.test.yaml --coverage\n  ot2flow test --format junit > tests.xml",
	}
	a.formatFlag(c, "text", "json", "github", "junit")
	c.Flags().StringVar(&only, "only", "", "run the tests whose names contain this")
	c.Flags().BoolVar(&coverage, "coverage", false, "show which steps no test does, and which branches none takes")
	c.RunE = func(_ *cobra.Command, args []string) error { return a.test(args, only, coverage) }
	return c
}

func (a *app) test(paths []string, only string, coverage bool) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	names, problems := workflows.FindTests(paths...)
	if problems.HasErrors() {
		a.show(problems, func(string) []byte { return nil })
		return &exitError{code: findingsCode(problems)}
	}
	if len(names) == 0 {
		return cannot("there are no tests in %s; a test stands beside its workflow, in a file *.test.yaml with the key test", paths[0])
	}
	var files []*usertests.File
	for _, name := range names {
		files = append(files, usertests.Open(name))
	}
	report := usertests.Run(files, only)
	if all, _ := report.Count(); all == 0 && only != "" && !report.Findings().HasErrors() {
		return cannot("no test has %q in its name", only)
	}
	if err := a.testReport(report, coverage); err != nil {
		return a.written(err)
	}
	if list := report.Findings(); list.HasErrors() {
		return &exitError{code: findingsCode(list)}
	}
	return nil
}

func (a *app) testReport(r *usertests.Report, coverage bool) error {
	switch a.format {
	case "json":
		return r.JSON(a.out)
	case "junit":
		return r.JUnit(a.out)
	case "github":
		return diag.GitHub(a.out, r.Findings())
	}
	w := bufio.NewWriter(a.out)
	options := diag.TextOptions{Source: r.Source, Color: a.colors(a.out), Width: width(a.out)}
	for i, f := range r.Files {
		if err := diag.Text(w, f.Diagnostics, options); err != nil {
			return err
		}
		for k := range r.Outcomes[i] {
			if err := a.outcome(w, f, &r.Outcomes[i][k], options); err != nil {
				return err
			}
		}
	}
	if !a.quiet {
		testSummary(w, r, coverage)
	}
	return w.Flush()
}

func (a *app) outcome(w *bufio.Writer, f *usertests.File, o *usertests.Outcome, options diag.TextOptions) error {
	if o.Passed() {
		if !a.quiet {
			fmt.Fprintf(w, "✓ %s: %s\n", f.Path, o.Name)
		}
		return nil
	}
	fmt.Fprintf(w, "✗ %s: %s\n\n", f.Path, o.Name)
	err := diag.Text(w, o.Failures, options)
	fmt.Fprintln(w)
	return err
}

func testSummary(w *bufio.Writer, r *usertests.Report, coverage bool) {
	all, failed := r.Count()
	steps, allSteps, ways, allWays := r.Coverage.Counts()
	fmt.Fprintf(w, "%s, %d failed; %d of %s done", plural(all, "test"), failed, steps, plural(allSteps, "step"))
	if allWays > 0 {
		fmt.Fprintf(w, ", %d of %d branches taken", ways, allWays)
	}
	missing := r.Coverage.Missing()
	if len(missing) > 0 && !coverage {
		fmt.Fprint(w, " (--coverage shows which)")
	}
	fmt.Fprintln(w)
	for _, line := range missing {
		if coverage {
			fmt.Fprintln(w, "  "+line)
		}
	}
}
