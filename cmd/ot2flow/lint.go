package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

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
	var how linting
	c := &cobra.Command{
		Use:   "lint [PATH…]",
		Short: "Prove workflows before any liquid moves",
		Long: `Reads, checks and proves workflows: every step is expanded and followed with the tips,
the volumes in every well and the limits of the pipette. A folder means every workflow
under it, - is standard input, and without a path it is the current folder.
Nothing is printed when nothing is wrong. The file of a lab, see serve --config, is checked, too,
where it is named.

A comment keeps a finding from being told where it does no harm:
  volume: 15 uL  # ot2flow: ignore OTF505 because it was weighed and is good enough
--fix makes the changes of findings that can be made without a look at them, --diff shows
them. In GitHub Actions the format is github where none is given.

With --robot or --ledger they begin with what earlier runs left there: tips that are gone, and
wells of labware that says keep: true, which may be full.`,
		Example: "  ot2flow lint workflow.yaml\n  ot2flow lint examples --format sarif\n  ot2flow lint --diff workflow.yaml\n  ot2flow lint --severity below-minimum=warning workflow.yaml\n  ot2flow lint lab.yaml",
	}
	a.paramFlags(c)
	a.formatFlag(c, "text", "oneline", "json", "sarif", "github", "junit")
	a.ledgerFlags(c, &deck)
	a.stateFlag(c)
	c.Flags().StringVar(&deck.Robot, "robot", "", "begin with what is known of the deck of this robot: its name or address")
	c.Flags().StringVar(&version, "robot-version", "", "the robot's software, such as 8.5: find what it does not do")
	c.Flags().BoolVar(&how.fix.write, "fix", false, "change the files where a finding says how, and that is safe")
	c.Flags().BoolVar(&how.fix.show, "diff", false, "show what --fix would change, and change nothing")
	c.Flags().BoolVar(&how.fix.all, "unsafe", false, "with --fix or --diff: also what may mean something else, such as the nearest name")
	c.Flags().StringArrayVar(&how.severities, "severity", nil, "tell a finding as another: CODE=error, CODE=warning or CODE=off; may be repeated")
	c.Flags().BoolVar(&how.bounds, "bounds", false, "prove the bounds of the parameters, too, and show the smallest values for which something goes wrong")
	c.Flags().IntVar(&how.most, "max", 100, "show at most so many findings as text, 0: all")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !c.Flags().Changed("format") && os.Getenv("GITHUB_ACTIONS") == "true" {
			a.format = "github"
		}
		if err := a.know(c.Context(), deck, false); err != nil {
			return err
		}
		software, err := softwareOf(version)
		if err != nil {
			return err
		}
		how.software = software
		return a.lint(args, &how)
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

// linting is how files are linted.
type linting struct {
	software   ot2.Software
	fix        fixing
	severities []string
	bounds     bool
	most       int
	is         diag.Severities // of severities
	sources    []func(string) []byte
	files      []string // that were looked at
	ignored    int
	mended     int
}

func (a *app) lint(paths []string, how *linting) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var err error
	if how.is, err = severitiesOf(how.severities); err != nil {
		return err
	}
	files, all := a.lintTargets(paths)
	if len(files) == 0 && len(all) == 0 {
		return cannot("there is no workflow in %s; a workflow is a .yaml file with the key ot2flow", paths[0])
	}
	code, thing := exitFine, "workflow"
	for _, path := range files {
		if o := a.labAt(path); o != nil {
			found := how.is.Apply(o.Diagnostics)
			all, how.sources, thing = append(all, found...), append(how.sources, o.Source), "file"
			how.files = append(how.files, path)
			code = worse(code, findingsCode(found))
			continue
		}
		found, err := a.lintFile(path, how)
		if err != nil {
			return err
		}
		all = append(all, found...)
		code = worse(code, findingsCode(found))
	}
	if all.HasErrors() && code == exitFine {
		code = exitCannot
	}
	if how.fix.show {
		code = exitFine
		if how.mended > 0 {
			code = exitFindings
		}
	} else if err := a.report(all, how, thing); err != nil {
		return a.written(err)
	}
	if code != exitFine {
		return &exitError{code: code}
	}
	return nil
}

// lintFile mends a workflow, where that is asked for, and proves it.
func (a *app) lintFile(path string, how *linting) (diag.List, error) {
	if how.fix.on() {
		n, err := a.fix(path, how.fix)
		if how.mended += n; err != nil || how.fix.show {
			return nil, err
		}
	}
	checked, err := a.open(path)
	if err != nil {
		return nil, err
	}
	runs, err := a.runs(checked)
	if err != nil {
		return nil, err
	}
	checked.Lint(runs)
	if how.bounds {
		checked.LintBounds(runs)
	}
	lintFor(checked, runs, how.software)
	found := how.is.Apply(checked.Diagnostics)
	for _, text := range a.known.Hints(found) {
		a.tell("%s", text)
	}
	how.sources, how.files = append(how.sources, checked.Source), append(how.files, checked.Path)
	how.ignored += checked.Ignored
	return found, nil
}

// severitiesOf reads CODE=severity.
func severitiesOf(given []string) (diag.Severities, error) {
	out := diag.Severities{}
	for _, s := range given {
		name, is, _ := strings.Cut(s, "=")
		code, ok := diag.LookupCode(strings.TrimSpace(name))
		if !ok {
			help := "the code stands at the end of a finding's first line"
			if near, found := diag.NearestCode(name); found {
				help = "did you mean " + near + "?"
			}
			return nil, usage("--severity: there is no finding %s; %s", name, help)
		}
		switch is {
		case "error":
			out[code] = diag.Error
		case "warning":
			out[code] = diag.Warning
		case "off":
			out[code] = diag.Off
		default:
			return nil, usage("--severity %s: write %s=error, %[2]s=warning or %[2]s=off", s, name)
		}
	}
	return out, nil
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
func (a *app) lintTargets(paths []string) (files []string, list diag.List) {
	for _, p := range paths {
		if p == "-" || a.text != nil {
			files = append(files, p)
			continue
		}
		found, problems := workflows.Find(p)
		files, list = append(files, found...), append(list, problems...)
	}
	return files, list
}

// labAt is the file of a lab at a path; nil where it is none, or cannot be read, which is
// then told of a workflow. It names folders and keys, so that it is not for whoever may
// read some folders only.
func (a *app) labAt(path string) *labfile.Opened {
	if path == "-" || a.within != nil {
		return nil
	}
	if data, err := os.ReadFile(path); err != nil || !labfile.IsLab(data) {
		return nil
	}
	return labfile.Open(path)
}

// report prints findings in the format asked for: results of lint go to
// standard output, whatever the format.
func (a *app) report(list diag.List, how *linting, thing string) error {
	switch a.format {
	case "json":
		return diag.JSON(a.out, list)
	case "github":
		return diag.GitHub(a.out, list)
	case "sarif":
		return diag.SARIF(a.out, list, version)
	case "junit":
		return diag.JUnit(a.out, list, how.files)
	}
	shown := list
	if how.most > 0 && len(list) > how.most {
		shown = list[:how.most]
	}
	write := diag.OneLine
	if a.format == "text" {
		write = func(w io.Writer, list diag.List) error {
			return diag.Text(w, list, diag.TextOptions{Source: anyOf(how.sources), Color: a.colors(a.out), Width: width(a.out)})
		}
	}
	if err := write(a.out, shown); err != nil {
		return err
	}
	a.summary(list, how, len(list)-len(shown), thing)
	return nil
}

// summary says how much was found in how many files.
func (a *app) summary(list diag.List, how *linting, hidden int, thing string) {
	errors, warnings := list.Count()
	if errors+warnings+how.ignored+how.mended == 0 || len(how.files) == 0 || a.quiet {
		return
	}
	text := plural(errors, "error") + " and " + plural(warnings, "warning") + " in " + plural(len(how.files), thing)
	if how.mended > 0 {
		text += "; " + plural(how.mended, "finding") + " mended"
	}
	if how.ignored > 0 {
		text += "; " + plural(how.ignored, "comment") + " kept findings from being told"
	}
	if hidden > 0 {
		text += "; " + strconv.Itoa(hidden) + " more are not shown: --max 0 shows all"
	}
	fmt.Fprintln(a.err, text)
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
