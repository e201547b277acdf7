package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// asking is what runs stop and runs pause were told.
type asking struct {
	now bool
	by  string
}

func (a *app) runsStopCommand() *cobra.Command {
	return a.askCommand(run.Stop, "Stop a run that is under way, also from another terminal or computer account", `Stops a run at a good place: where no tip is on, if that is near, and otherwise after the step
under way. The robot finishes what it is at, stands still, and is stopped then. --now stops it
at once: the step under way is cut off, and before the run can be gone on with somebody has to
look how far it got. The command ends when the robot says that the run is over.

A run that another ot2flow follows is stopped through that one. A run that nobody follows any
longer is found on its robot first, and stopped there. What remains of a stopped run can be
gone on with by ot2flow runs resume.`)
}

func (a *app) runsPauseCommand() *cobra.Command {
	return a.askCommand(run.Pause, "Pause a run that is under way, also from another terminal or computer account", `Pauses a run at a good place: where no tip holds liquid, if that is near, and otherwise after
the step under way; with --now it holds where it is. The command ends when the robot says that
it stands.

The run goes on with ot2flow runs resume, with Enter where it was begun, or with resume in
the Opentrons App.`)
}

func (a *app) askCommand(control run.Control, short, long string) *cobra.Command {
	var o asking
	c := &cobra.Command{
		Use: control.String() + " RUN", Short: short, Long: long, Args: oneRun,
		Example: fmt.Sprintf("  ot2flow runs %[1]s last\n  ot2flow runs %[1]s 261123-4x7k --now", control),
	}
	a.stateFlag(c)
	c.Flags().BoolVar(&o.now, "now", false, "do not wait for a good place")
	c.Flags().StringVar(&o.by, "by", "", "who asks; by default whoever is logged in")
	c.RunE = func(c *cobra.Command, args []string) error { return a.runsAsk(c.Context(), args[0], control, o) }
	return c
}

// runsAsk asks whoever follows a run, or its robot where nobody does.
func (a *app) runsAsk(ctx context.Context, ref string, control run.Control, o asking) error {
	err := a.service().Ask(ctx, ref, run.Request{Control: control, Now: o.now, By: o.by}, a.tells)
	var alone *service.Unfollowed
	if !errors.As(err, &alone) {
		return err
	}
	if o.by == "" {
		o.by = service.Myself().Name
	}
	return a.runsResume(ctx, alone.Run, resuming{applying: applying{yes: true}, by: o.by, ask: &run.Request{Control: control, Now: o.now, By: o.by}})
}

// askUnfollowed asks the robot, after what became of the run was found out,
// and follows the run until the robot says that it is so.
func (a *app) askUnfollowed(ctx context.Context, j *service.Job, s *status, o resuming) error {
	text, over, err := j.Unfollowed(ctx, *o.ask, o.patience)
	if over {
		if err == nil {
			a.tell("%s", text)
		}
		return err
	}
	return a.follow(ctx, j, s, o)
}

// confirmed says that the robot did what was asked of it, where it did.
func (a *app) confirmed(j *service.Job, result *run.Result, control run.Control) bool {
	s := &result.State
	done := service.Steps(s.Done, s.Accepted.Steps)
	switch {
	case control == run.Pause && s.Halted == run.Paused:
		a.tell("the robot is paused: %s of run %s are done; go on with: ot2flow runs resume %s", done, j.Summary.ID, j.Summary.ID)
	case control == run.Stop && s.Ended == run.Stopped && result.Doubt == run.Doubt{}:
		a.tell("run %s: stopped, %s are done", j.Summary.ID, done)
		a.unclear(j.Place, result)
	default:
		return false
	}
	a.unclear(j.Place, result)
	return true
}
