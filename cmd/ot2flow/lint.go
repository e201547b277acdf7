package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	labfile "github.com/ot2flow/ot2flow/workflows/lab"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) lintCommand() *cobra.Command {
	version := ""
	var deck service.Deck
	c := &cobra.Command{
		Use:   "lint [PATH…]",
		Short: "Prove workflows before any liquid moves",
		Long: `Reads, checks and proves workflows: every step is expanded and followed with the tips,
the volumes in every well and the limits of the pipette. A folder means every workflow
under it, - is standard input, and without a path it is the current folder.
Nothing is printed when nothing is wrong. The file of a lab, see serve --config, is checked, too,
where it is named.

With --robot or --ledger they begin with what earlier runs left there: tips that are gone, and
wells of labware that says keep: true, which may be full.`,
		Example: "  ot2flow lint workflow.yaml\n  ot2flow lint examples --format json\n  ot2flow lint lab.yaml",
	}
	a.paramFlags(c)
	a.formatFlag(c, "text", "json", "github")
	a.ledgerFlags(c, &deck)
	a.stateFlag(c)
	c.Flags().StringVar(&deck.Robot, "robot", "", "begin with what is known of the deck of this robot: its name or address")
	c.Flags().StringVar(&version, "robot-version", "", "the robot's software, such as 8.5: find what it does not do")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := a.know(c.Context(), deck, false); err != nil {
			return err
		}
		software, err := softwareOf(version)
		if err != nil {
			return err
		}
		return a.lint(args, software)
	}
	return c
}

func softwareOf(version string) (ot2.Software, error) {
	if version == "" {
		return ot2.Software{}, nil
	}
	s, err := ot2.ParseSoftware(version)
	if err != nil {
		return s, usage("--robot-version: %v", err)
	}
	return s, nil
}

// lintFor finds what robots with a certain software do not do.
func lintFor(c *workflows.Checked, runs []workflows.Run, s ot2.Software) {
	if c.Prepared == nil || !s.Known() || c.Diagnostics.HasErrors() {
		return
	}
	for i := range runs {
		check := ot2.NewSoftwareCheck(s)
		if _, _, err := c.Prepared.Prove(runs[i].Input(true), check); err == nil {
			c.AddFrom(&runs[i], check.List())
		}
	}
}

func (a *app) lint(paths []string, software ot2.Software) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	files, all := lintTargets(paths)
	if len(files) == 0 && len(all) == 0 {
		return cannot("there is no workflow in %s; a workflow is a .yaml file with the key ot2flow", paths[0])
	}
	code, sources, thing := exitFine, []func(string) []byte{}, "workflow"
	for _, path := range files {
		if o := labAt(path); o != nil {
			all, sources, thing = append(all, o.Diagnostics...), append(sources, o.Source), "file"
			code = worse(code, findingsCode(o.Diagnostics))
			continue
		}
		checked, err := a.open(path)
		if err != nil {
			return err
		}
		runs, err := a.runs(checked)
		if err != nil {
			return err
		}
		checked.Lint(runs)
		lintFor(checked, runs, software)
		all = append(all, checked.Diagnostics...)
		for _, text := range a.known.Hints(checked.Diagnostics) {
			a.tell("%s", text)
		}
		code = worse(code, findingsCode(checked.Diagnostics))
		sources = append(sources, checked.Source)
	}
	if all.HasErrors() && code == exitFine {
		code = exitCannot
	}
	if err := a.report(all, sources, thing); err != nil {
		return a.written(err)
	}
	if code != exitFine {
		return &exitError{code: code}
	}
	return nil
}

// worse is the exit code for two files: findings in one win over another that
// could not be read.
func worse(a, b int) int {
	if a == exitFindings || b == exitFindings {
		return exitFindings
	}
	return max(a, b)
}

// lintTargets turns paths into workflow files; a file that is named is linted
// whatever it is called.
func lintTargets(paths []string) (files []string, list diag.List) {
	for _, p := range paths {
		if p == "-" {
			files = append(files, p)
			continue
		}
		found, problems := workflows.Find(p)
		files, list = append(files, found...), append(list, problems...)
	}
	return files, list
}

// labAt is the file of a lab at a path; nil where it is none, or cannot be read, which is
// then told of a workflow.
func labAt(path string) *labfile.Opened {
	if path == "-" {
		return nil
	}
	if data, err := os.ReadFile(path); err != nil || !labfile.IsLab(data) {
		return nil
	}
	return labfile.Open(path)
}

// report prints findings in the format asked for: results of lint go to
// standard output, whatever the format.
func (a *app) report(list diag.List, sources []func(string) []byte, thing string) error {
	switch a.format {
	case "json":
		return diag.JSON(a.out, list)
	case "github":
		return diag.GitHub(a.out, list)
	}
	err := diag.Text(a.out, list, diag.TextOptions{Source: anyOf(sources), Color: a.colors(a.out), Width: width(a.out)})
	if errors, warnings := list.Count(); errors+warnings > 0 && len(sources) > 0 && !a.quiet {
		fmt.Fprintf(a.err, "%s and %s in %s\n", plural(errors, "error"), plural(warnings, "warning"), plural(len(sources), thing))
	}
	return err
}

func anyOf(sources []func(string) []byte) func(string) []byte {
	return func(file string) []byte {
		for _, source := range sources {
			if data := source(file); data != nil {
				return data
			}
		}
		return nil
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
