package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

func (a *app) applyCommand() *cobra.Command {
	var robot string
	var yes bool
	c := &cobra.Command{
		Use:   "apply FILE|plan.json --robot sim",
		Short: "Do it",
		Long: `Shows the plan, asks, and carries it out step by step.

This version carries out on the built-in simulator only: --robot sim. It goes through the
same runner that will drive the robot. Ctrl-C stops at the next good place, where no tip
is on if that is near; a second Ctrl-C stops at once.`,
		Example: "  ot2flow apply workflow.yaml --robot sim\n  ot2flow apply plan.json --robot sim --yes",
		Args:    oneFile,
	}
	a.paramFlags(c)
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&robot, "robot", "", "where to do it; sim is the built-in simulator")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error { return a.apply(c.Context(), args[0], robot, yes) }
	return c
}

func (a *app) apply(ctx context.Context, path, robot string, yes bool) error {
	switch robot {
	case "sim":
	case "":
		return usage("say where: --robot sim carries it out on the built-in simulator")
	default:
		return usage("--robot %s: this version carries out on the built-in simulator only; write --robot sim", robot)
	}
	plan, err := a.plan(path)
	if err != nil {
		return err
	}
	a.preview(plan)
	in := bufio.NewReader(a.in)
	if !yes {
		ok, err := a.confirm(in)
		if err != nil {
			return err
		}
		if !ok {
			return &exitError{exitStopped, "nothing was done"}
		}
	}
	return a.carryOut(ctx, plan, in, yes)
}

// preview shows the plan without its steps; it stands between a person and a
// robot, so it goes where the question goes.
func (a *app) preview(plan *program.Plan) {
	if a.quiet {
		return
	}
	w := bufio.NewWriter(a.err)
	t := &planText{w: w, plan: plan, color: a.colors(a.err)}
	t.all()
	fmt.Fprintln(w)
	w.Flush()
}

func (a *app) confirm(in *bufio.Reader) (bool, error) {
	fmt.Fprint(a.err, "Carry this out on the simulator? [y/N] ")
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(a.err)
		if errors.Is(err, io.EOF) {
			return false, usage("nobody is there to answer; --yes answers")
		}
		return false, cannot("the answer cannot be read: %s", reason(err))
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

func (a *app) carryOut(ctx context.Context, plan *program.Plan, in *bufio.Reader, yes bool) error {
	world := sim.NewWorld(program.NewState(plan.Deck), ot2.NewTimer(plan.Deck))
	status := newStatus(a, plan)
	requests, done := a.interrupts(status)
	defer done()
	options := run.Options{
		Run: plan.Workflow.Name, Plan: plan, Backend: sim.NewBackend(world), Timer: ot2.NewTimer(plan.Deck),
		Requests: requests, Observe: []func(run.Event, run.Progress){status.see}, Answer: run.AnswerAtOnce,
	}
	if !yes {
		options.Answer = func(_ context.Context, q run.Question) (run.Control, error) { return a.answer(in, status, q) }
	}
	result, err := run.Run(ctx, options)
	status.end()
	return a.ended(plan, world, result, err)
}

// interrupts turns Ctrl-C into requests to stop: first at a good place, then
// at once.
func (a *app) interrupts(s *status) (<-chan run.Request, func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt)
	requests := make(chan run.Request, 2)
	quit, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; n < 2; n++ {
			select {
			case <-quit:
				return
			case <-signals:
				s.say([]string{"stopping at the next good place; Ctrl-C again stops at once", "stopping at once"}[n])
				requests <- run.Request{Control: run.Stop, Now: n > 0, By: "Ctrl-C"}
			}
		}
		<-quit
	}()
	return requests, func() {
		signal.Stop(signals)
		close(quit)
		<-stopped
	}
}

// answer asks a person at a pause.
func (a *app) answer(in *bufio.Reader, s *status, q run.Question) (run.Control, error) {
	s.end()
	fmt.Fprintf(a.err, "Pause at step %d: %s\nPress Enter to go on, or type stop: ", q.N, q.Text)
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		fmt.Fprintln(a.err)
		return run.Stop, nil
	}
	if strings.EqualFold(strings.TrimSpace(line), "stop") {
		return run.Stop, nil
	}
	return run.Resume, nil
}

func (a *app) ended(plan *program.Plan, world *sim.World, result run.Result, err error) error {
	if result.Verdict == run.VerdictStopped {
		world.Stop()
	}
	if report := a.reportResult(plan.Workflow.Name, world.Result()); report != nil {
		return report
	}
	if result.CutOff > 0 {
		fmt.Fprintf(a.err, "step %d was cut off; how much of it happened is not known\n", result.CutOff)
	}
	switch {
	case result.Verdict == run.VerdictStopped:
		return &exitError{code: exitStopped}
	case err != nil:
		return &exitError{exitFailed, err.Error()}
	case result.Verdict != run.VerdictOK:
		return &exitError{exitFailed, "the run did not end well"}
	}
	return nil
}
