package main

import (
	"bufio"
	"context"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) planCommand() *cobra.Command {
	var out, steps string
	var deck service.Deck
	c := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show exactly what will happen",
		Long: `Shows the ordered steps, what is needed, how long it takes, and the deck before and after.
With --out the plan is kept with the files it was made from, so that it can be reviewed,
and simulated or applied elsewhere, exactly as it was.

With --robot or --ledger the plan begins with what earlier runs left on that robot: the tips
that are gone, and the wells of labware that says keep: true. See ot2flow state. What it takes
of quotas is shown, too; see ot2flow quota.

With --params rows.csv every row is a run of its own, with the parameters' names in the
first row. All of them are proved before the first is shown; as text each has a heading,
and as JSON there is one document per run, each ending in a line end, in the order of
the rows.`,
		Example: "  ot2flow plan workflow.yaml --set R=120uL\n  ot2flow plan workflow.yaml --out plan.json",
		Args:    oneFile,
	}
	a.paramFlags(c)
	a.ledgerFlags(c, &deck)
	a.ownerFlags(c)
	a.stateFlag(c)
	c.Flags().StringVar(&deck.Robot, "robot", "", "begin with what is known of the deck of this robot: its name or address")
	a.formatFlag(c, "text", "json")
	c.Flags().StringVarP(&out, "out", "o", "", "keep the plan in this file, as JSON with its files inside")
	c.Flags().StringVar(&steps, "steps", "", "show all steps one by one, or folded: what is done alike is one line (default: folded on a terminal, all elsewhere)")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch steps {
		case "":
			a.fold = isTerminal(a.out)
		case "all", "folded":
			a.fold = steps == "folded"
		default:
			return usage("--steps is all or folded, and this is %q", steps)
		}
		if err := a.know(c.Context(), deck, false); err != nil {
			return err
		}
		return a.planFile(c.Context(), args[0], out)
	}
	return c
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	if len(args) == 0 {
		return usage("name a workflow file")
	}
	return usage("one workflow at a time, please; these are %d", len(args))
}

func (a *app) planFile(ctx context.Context, path, out string) error {
	plans, err := a.allPlans(path)
	if err != nil {
		return err
	}
	if out != "" && len(plans) > 1 {
		return usage("%s has %d rows, each of which is a run, and --out keeps the plan of one; give a table with one row, or the values with --set", a.params, len(plans))
	}
	if out != "" {
		if err := keepPlan(plans[0].plan, out); err != nil {
			return cannot("the plan cannot be kept in %s: %s", out, reason(err))
		}
	}
	for i := range plans {
		if err := a.showPlan(ctx, i, &plans[i], out != "" && a.quiet); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) showPlan(ctx context.Context, i int, p *runPlan, quiet bool) error {
	if a.format == "json" {
		return a.written(p.plan.Write(a.out, false))
	}
	if quiet {
		return nil
	}
	if err := a.runHeading(i, p.run.Name); err != nil {
		return err
	}
	accounts, err := a.accountsOf(ctx, p.plan)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(a.out)
	t := &planText{w: w, plan: p.plan, color: a.colors(a.out), steps: true, fold: a.fold, known: a.known, accounts: accounts}
	t.all()
	return a.written(w.Flush())
}

// written turns an error of writing the result into the exit code for it. A
// reader that has gone away, such as head, has what it wanted.
func (a *app) written(err error) error {
	if err != nil {
		return cannot("the output cannot be written: %s", reason(err))
	}
	return nil
}

func keepPlan(plan *program.Plan, path string) error {
	f, err := createOut(path)
	if err != nil {
		return err
	}
	defer f.discard()
	if err := plan.Write(f, true); err != nil {
		return err
	}
	return f.keep()
}
