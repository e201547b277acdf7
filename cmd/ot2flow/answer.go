package main

import (
	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) runsAnswerCommand() *cobra.Command {
	var d service.Decision
	c := &cobra.Command{
		Use:   "answer RUN --value VALUE | RUN done|redo|skip|abort",
		Short: "Answer what a run asks, and decide what nobody but a person can know about it",
		Long: `With --value it answers the question that a run stands at, also one that was begun in another
terminal or under another computer account: --value 50uL, or, for a question with several
values, --value name=50uL for each. Without it, the question is shown.

With a decision, it decides whether steps count as done of which the robot cannot say whether they happened, after
a look at the deck. Nothing moves; the decision is kept in the journal with a name, and holds
until another one is made or the run is gone on with.

  done   they happened
  redo   they did not, or are to be done again
  skip   they did not, and are left out
  abort  the run is not gone on with

A step beside the robot that is done gave something: say what with --value.`,
		Example: "  ot2flow runs answer last --value 50uL\n  ot2flow runs answer last done --to 104\n  ot2flow runs answer last abort --by Ada",
		Args:    runAndAnswer,
	}
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&d.To, "to", "", "the last step that happened, or is left out, where several are in question")
	f.BoolVar(&d.Redraw, "redraw", false, "draw liquid again that was lost with its tip, also from a well that is no stock")
	f.StringArrayVar(&d.Values, "value", nil, "the answer: a value, or name=value; repeatable")
	f.StringVar(&d.By, "by", "", "who decides; by default whoever is logged in")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return a.service().Reply(c.Context(), args[0], d.Values, d.By, a.tells)
		}
		d.Answer = args[1]
		return a.service().Decide(c.Context(), args[0], d, a.tells)
	}
	return c
}

func runAndAnswer(_ *cobra.Command, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return usage("name a run and the answer: ot2flow runs answer last --value 50uL, or ot2flow runs answer last done")
	}
	return nil
}
