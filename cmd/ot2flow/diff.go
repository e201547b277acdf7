package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/compare"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

func (a *app) diffCommand() *cobra.Command {
	every := false
	c := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Show what changes for the robot from one workflow to another",
		Long: `Compares the plans of two workflows, or plans that were kept: what stands where, the steps,
tips, liquids, minutes, and what is in the wells at the end. What a workflow calls its things,
how it is written, and its colours make no difference. It exits with 0 where nothing changes,
with 1 where something does, and with 3 where one of the two has mistakes. One of them may be -,
which is standard input.

With --params rows.csv the two are compared for every row.`,
		Example: "  ot2flow diff old.yaml new.yaml\n  git show HEAD:workflow.yaml | ot2flow diff - workflow.yaml\n  ot2flow diff plan.json workflow.yaml --format json",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) != 2:
				return usage("name two workflow files: what was, and what is")
			case args[0] == "-" && args[1] == "-":
				return usage("only one of the two can be standard input")
			}
			return nil
		},
	}
	a.paramFlags(c)
	a.formatFlag(c, "text", "json")
	c.Flags().BoolVar(&every, "all", false, "show every step and well that changes, however many they are")
	c.RunE = func(_ *cobra.Command, args []string) error { return a.diff(args[0], args[1], every) }
	return c
}

func (a *app) diff(before, after string, every bool) error {
	plansOf := func(path string) ([]runPlan, error) {
		plans, err := a.allPlans(path)
		var exit *exitError
		if errors.As(err, &exit) && exit.code == exitFindings {
			return nil, cannot("%s has mistakes, and is not compared", path)
		}
		return plans, err
	}
	was, err := plansOf(before)
	if err != nil {
		return err
	}
	is, err := plansOf(after)
	if err != nil {
		return err
	}
	if len(was) != len(is) {
		return cannot("%s is %d and %s is %d, which are not compared", before, len(was), after, len(is))
	}
	code := exitFine
	w := bufio.NewWriter(a.out)
	for i := range was {
		d := compare.Plans(was[i].plan, is[i].plan)
		if !d.Same() {
			code = exitFindings
		}
		if a.format == "json" {
			if err := a.written(d.JSON(w)); err != nil {
				return err
			}
			continue
		}
		if was[i].run.Name != "" && len(was) > 1 {
			fmt.Fprintf(w, "== %s ==\n", was[i].run.Name)
		}
		t := &diffText{w: w, d: d, app: a, every: every}
		t.all()
	}
	if err := a.written(w.Flush()); err != nil {
		return err
	}
	if code != exitFine {
		return &exitError{code: code}
	}
	return nil
}

// diffText is a difference as people read it.
type diffText struct {
	w     io.Writer
	d     *compare.Difference
	app   *app
	every bool
}

func (t *diffText) f(format string, args ...any) { fmt.Fprintf(t.w, format, args...) }

func (t *diffText) title(s string) {
	if t.app.colors(t.app.out) {
		s = "\x1b[1m" + s + "\x1b[0m"
	}
	t.f("%s\n", s)
}

func (t *diffText) all() {
	if t.d.Same() && len(t.d.Params) == 0 {
		t.f("nothing changes for the robot\n")
		return
	}
	t.changes("Given", t.d.Params, 0)
	if t.d.Same() {
		t.f("nothing else changes for the robot\n")
		return
	}
	t.changes("Deck", t.d.Deck, 0)
	t.steps()
	t.changes("How it goes", t.d.Course, 0)
	t.changes("In the wells at the end", t.d.Wells, 12)
	t.needs()
	if t.d.Unknown != "" {
		t.f("%s\n", t.d.Unknown)
	}
}

// changes lists what is otherwise, up to most of it; 0 is all.
func (t *diffText) changes(title string, list []compare.Changed, most int) {
	if len(list) == 0 {
		return
	}
	t.title(title)
	for i, c := range list {
		if most > 0 && i == most && !t.every {
			t.f("  … and %d more; --all shows them\n", len(list)-i)
			break
		}
		switch {
		case c.Before == "":
			t.f("  + %s: %s\n", c.What, c.After)
		case c.After == "":
			t.f("  - %s: %s\n", c.What, c.Before)
		default:
			t.f("  ~ %s: %s, was %s\n", c.What, c.After, c.Before)
		}
	}
}

// stepsShown is how many steps are listed without --all.
const stepsShown = 40

func (t *diffText) steps() {
	if len(t.d.Hunks) == 0 {
		return
	}
	t.title("Steps")
	left := stepsShown
	removed, added := t.d.Steps()
	list := func(sign string, steps []program.Step, deck *program.Deck) {
		for i := range steps {
			if left--; left < 0 && !t.every {
				return
			}
			t.f("  %s %5d  %s\n", sign, steps[i].N, depict.Sentence(&steps[i], deck))
		}
	}
	for i := range t.d.Hunks {
		if left <= 0 && !t.every {
			break
		}
		if i > 0 {
			t.f("\n")
		}
		list("-", t.d.Hunks[i].Before, t.d.A.Deck)
		list("+", t.d.Hunks[i].After, t.d.B.Deck)
	}
	if more := removed + added - stepsShown; more > 0 && !t.every {
		t.f("  … and %d more; --all shows them\n", more)
	}
	if t.d.Whole {
		t.f("  so much differs that the steps between the first and the last that do are listed as a whole\n")
	}
}

// needs shows what is used, and how long it takes.
func (t *diffText) needs() {
	t.title("Altogether")
	line := func(what, before, after, more string) {
		switch {
		case before == after:
			t.f("  %-14s %s, as before\n", what, after)
		case more == "":
			t.f("  %-14s %s, was %s\n", what, after, before)
		default:
			t.f("  %-14s %s, was %s (%s)\n", what, after, before, more)
		}
	}
	was, wasMS, wasLikely := compare.Totals(t.d.A)
	is, isMS, isLikely := compare.Totals(t.d.B)
	likely := map[bool]string{true: "likely "}
	line("steps", likely[wasLikely]+fmt.Sprint(was), likely[isLikely]+fmt.Sprint(is), "")
	tips, tipsNow := compare.Total(t.d.Tips)
	line("tips", fmt.Sprint(tips), fmt.Sprint(tipsNow), signed(tipsNow-tips, fmt.Sprint(abs(tipsNow-tips))))
	for _, l := range t.d.Liquids {
		line(l.Name, quantity.Volume.Text(l.Before), quantity.Volume.Text(l.After), signed(l.After-l.Before, quantity.Volume.Text(abs(l.After-l.Before))))
	}
	longer := ""
	if c := isMS - wasMS; abs(c) >= 500 { // otherwise it is not seen in the two of them
		longer = signed(c, clock(abs(c)))
	}
	line("time", likely[wasLikely]+clock(wasMS), likely[isLikely]+clock(isMS), longer)
}

func abs(n int64) int64 { return max(n, -n) }

// signed is an amount with the sign of a change.
func signed(change int64, amount string) string {
	if change < 0 {
		return "-" + amount
	}
	return "+" + amount
}
