package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// applying is what apply was told.
type applying struct {
	yes      bool
	accept   bool // that the robot is otherwise than it was left
	patience time.Duration
	faults   string // a script of what goes wrong, for the simulator
	seed     uint64 // of the noise of instruments that are simulated
	live     int    // steps that are handed over at a time; 0: all. For tests.
	deck     service.Deck
	in       *lines // what people type, where it was begun to be read
	noCache  bool
	shown    bool   // the plan was shown before
	repeats  string // the id of the run whose plan it is; empty where it is new
}

func (a *app) applyCommand() *cobra.Command {
	var o applying
	c := &cobra.Command{
		Use:   "apply FILE|plan.json --robot NAME|ADDRESS|sim",
		Short: "Do it",
		Long: `Shows the plan, asks, and carries it out on a robot, or on the built-in simulator with
--robot sim. Before it asks, it looks at the robot: software, pipettes, whether it is free.
Then the robot is handed the plan and analyses it by itself, and only after that it moves.

Ctrl-C asks the robot to stop at the next good place, where no tip is on if that is near,
and waits until it says so; a second Ctrl-C stops at once; a third leaves the robot as it is
and says in which state that is. A connection that is lost is waited for; nothing that moves
anything is ever sent twice.

Every run is kept in the journal, with its files and its plan: see ot2flow runs. A robot
has one owner at a time; another apply is told who that is.`,
		Example: "  ot2flow apply workflow.yaml --robot 192.168.1.20\n  ot2flow apply plan.json --robot sim --yes",
		Args:    oneFile,
	}
	a.paramFlags(c)
	a.formatFlag(c, "text", "json")
	a.ledgerFlags(c, &o.deck)
	a.ownerFlags(c)
	c.Flags().StringVar(&o.deck.Robot, "robot", "", "where to do it: a robot's name or address; sim is the built-in simulator")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask whether to begin; on a robot, pauses wait for a person all the same")
	c.Flags().StringVar(&o.faults, "faults", "", "with --robot sim: file of what is to go wrong, as for emulate")
	o.accepting(c)
	o.seeded(c)
	o.cached(c)
	c.Flags().IntVar(&o.live, "live", 0, "hand over so many steps at a time")
	_ = c.Flags().MarkHidden("live") // which way is taken follows from the plan; this is for tests
	c.Flags().DurationVar(&o.patience, "patience", 0, "how long a lost connection is waited for, such as 10m; by default until Ctrl-C")
	a.stateFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error { return a.apply(c.Context(), args[0], o) }
	return c
}

// accepting adds the flag for a robot that is otherwise than it was left.
func (o *applying) accepting(c *cobra.Command) {
	c.Flags().BoolVar(&o.accept, "accept-drift", false, "with --yes: go on also where the robot is otherwise than the last run left it; it is written down that it is meant")
}

// cached adds the flag for answers from before.
func (o *applying) cached(c *cobra.Command) {
	c.Flags().BoolVar(&o.noCache, "no-cache", false, "take no answers that were given before, where a request has cache:")
}

// seeded adds the flag for what is drawn.
func (o *applying) seeded(c *cobra.Command) {
	c.Flags().Uint64Var(&o.seed, "seed", 1, "with --robot sim: which noise of instruments is drawn; the same seed, the same readings")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("seed") && o.deck.Robot != "sim" {
			return usage("--seed is for --robot sim: what instruments beside a robot measure is not drawn")
		}
		return nil
	}
}

func (a *app) apply(ctx context.Context, path string, o applying) error {
	if o.deck.Robot == "" {
		return usage("say where: --robot NAME or the robot's address; --robot sim carries it out on the built-in simulator")
	}
	return a.applyPlans(ctx, o, func() (*program.Plan, error) { return a.plan(path) })
}

// applyPlans carries out a plan that is made for what is known of the deck, and
// made again where that changes before it begins.
func (a *app) applyPlans(ctx context.Context, o applying, plan func() (*program.Plan, error)) error {
	o.in = newLines(a.in)
	defer o.in.stop()
	if err := a.service().Free(ctx, service.Order{Robot: o.deck.Robot, For: a.owner, Patience: o.patience, Say: a.tells, Tell: a.tells}); err != nil {
		return err
	}
	for {
		if err := a.know(ctx, o.deck, true); err != nil {
			return err
		}
		p, err := plan()
		if err != nil {
			return err
		}
		err = a.applyPlan(ctx, p, o)
		var again *service.Renewed
		if !errors.As(err, &again) {
			return err
		}
		o.deck.Fresh = again.Slots
	}
}

func (a *app) applyPlan(ctx context.Context, plan *program.Plan, o applying) error {
	script, err := o.mishaps()
	if err != nil {
		return err
	}
	status := newStatus(a, plan)
	job, err := a.service().Open(ctx, service.Order{Plan: plan, Robot: o.deck.Robot, For: a.owner, Known: a.known, Fresh: o.deck.Fresh, Mishaps: script, Patience: o.patience, Say: status.say, Tell: a.tells})
	if err != nil {
		return err
	}
	defer job.Close()
	if !o.shown {
		a.preview(plan, job)
	}
	// Whoever answers the question has read it above.
	if job.Accept = o.accept || !o.yes && !a.quiet; !o.yes {
		ok, err := a.confirm(o.in, job.Place)
		if err != nil {
			return err
		}
		if !ok {
			return &exitError{exitStopped, "nothing was done"}
		}
	}
	if err := job.Begin(ctx, o.repeats); err != nil {
		return err
	}
	return a.carryOut(ctx, job, status, o)
}

// mishaps reads what is to go wrong. How a robot is before a run, the simulator
// cannot be.
func (o *applying) mishaps() (*mishap.Script, error) {
	path := o.faults
	if path == "" {
		return nil, nil
	}
	if o.deck.Robot != service.Sim {
		return nil, usage("--faults is for --robot sim; nobody wishes a robot ill")
	}
	f, err := faultsFrom(path)
	if err != nil {
		return nil, err
	}
	other := f
	other.Script, other.DoorSwitch = mishap.Script{}, false // the simulator always minds its door
	if !reflect.DeepEqual(other, emulator.Faults{}) {
		return nil, usage("%s: the simulator knows seed, events, answers and door_switch only; how a robot is before the run is the emulator's: ot2flow emulate --faults %s", path, path)
	}
	if err := sim.Knows(&f.Script); err != nil {
		return nil, usage("%s: %v; the emulator is asked everything: ot2flow emulate --faults %s", path, err, path)
	}
	return &f.Script, nil
}

// carryOut carries a plan out and says how that ended.
func (a *app) carryOut(ctx context.Context, job *service.Job, s *status, o applying) error {
	result, err := job.Carry(ctx, a.terminal(s, job.Place, o), o.carrying())
	if isTold(err) {
		return err
	}
	if job.Place.Simulated() {
		return a.endedInSimulator(job.Plan, job.Place, result, err)
	}
	return a.endedOnRobot(job.Plan, job.Place, result, s.took(), err)
}

// isTold reports whether an error is the service's, and not that of a run.
func isTold(err error) bool {
	var e *service.Error
	return errors.As(err, &e)
}

func (o *applying) carrying() service.Carrying {
	return service.Carrying{Patience: o.patience, BatchSteps: o.live, Seed: o.seed, Alone: o.yes, NoCache: o.noCache}
}

// terminal is who follows a run here. --yes answers whether to begin. At a pause on
// a robot somebody has to do something with their hands, so a person answers that.
func (a *app) terminal(s *status, where *service.Place, o applying) *terminal {
	t := &terminal{status: s, a: a, robot: !where.Simulated()}
	if s.wall = t.robot; t.robot || !o.yes {
		t.lines = o.in
	}
	return t
}

// know finds out what is known of the deck that plans are made for.
func (a *app) know(ctx context.Context, d service.Deck, forGood bool) (err error) {
	a.known, err = a.service().Know(ctx, d, forGood, a.tells)
	return err
}

// ledgerFlags adds the flags about what is known of a deck.
func (a *app) ledgerFlags(c *cobra.Command, to *service.Deck) {
	c.Flags().StringVar(&to.Ledger, "ledger", "", "begin with what is known of this robot's deck, by its name, address or serial number, without asking it; of the simulator, a ledger of its own by any name")
	c.Flags().StringArrayVar(&to.Fresh, "new", nil, "a new rack or plate stands in this slot, whatever the ledger says; all is every slot; repeatable")
}

func (a *app) stateFlag(c *cobra.Command) {
	c.Flags().StringVar(&a.state, "state", "", "the journal of runs: a file, or the folder it is in; by default one of the user's own")
}

// preview shows the plan without its steps; it stands between a person and a
// robot, so it goes where the question goes.
func (a *app) preview(plan *program.Plan, job *service.Job) {
	if a.quiet {
		return
	}
	w := bufio.NewWriter(a.err)
	t := &planText{w: w, plan: plan, color: a.colors(a.err), known: a.known, accounts: job.Accounts}
	where := job.Place
	t.all()
	t.drift(job.Drift)
	if !where.Simulated() {
		t.f("\n%s\n  %s at %s\n", t.bold("Robot"), where.Name, where.Address())
		for _, text := range slices.Concat(where.Offsets, toolsOn(plan)) {
			t.f("  %s\n", text)
		}
	}
	fmt.Fprintln(w)
	_ = w.Flush() // to the terminal; nobody can be told if that fails
}

// toolsOn says between which steps a tool is on, which a stop at once would
// throw away.
func toolsOn(p *program.Plan) []string {
	var out []string
	since := map[int8]int{}
	for i := range p.Steps {
		op := &p.Steps[i].Op
		switch op.Kind {
		case program.PickUpTip:
			if p.Deck.IsTool(int(op.Pipette), op.Well) {
				since[op.Pipette] = i + 1
			}
		case program.DropTip, program.ReturnTip:
			if first := since[op.Pipette]; first > 0 {
				out = append(out, fmt.Sprintf("steps %d to %d have the tool from %s on; a stop at once would throw it into the trash", first, i+1, p.Deck.WellName(p.Steps[first-1].Op.Well)))
				delete(since, op.Pipette)
			}
		}
	}
	if len(out) > 3 {
		out = append(out[:3], fmt.Sprintf("… and so on, %d times in all", len(out)))
	}
	return out
}

func (a *app) confirm(in *lines, where *service.Place) (bool, error) {
	more := ""
	if a.known != nil {
		more = ", or new and the slots where a new rack or plate stands"
	}
	fmt.Fprintf(a.err, "Carry this out on %s? [y/N%s] ", where.Name, more)
	line, ok := <-in.next()
	if !ok {
		fmt.Fprintln(a.err)
		return false, usage("nobody is there to answer; --yes answers")
	}
	switch strings.ToLower(line) {
	case "y", "yes":
		return true, nil
	}
	if slots := strings.Fields(strings.ReplaceAll(line, ",", " ")); a.known != nil && len(slots) > 1 && slots[0] == "new" {
		return false, &service.Renewed{Slots: slots[1:]}
	}
	return false, nil
}

func (a *app) endedInSimulator(plan *program.Plan, where *service.Place, result run.Result, err error) error {
	if result.Verdict == run.VerdictStopped {
		where.World().Stop()
	}
	end := where.World().Result()
	end.Outputs = plan.Outputs
	if f := result.State.Failure; f != nil && end.Outcome == sim.OK {
		d := diag.Diagnostic{Code: diag.RunFailed, Message: f.Reason}
		var at *run.Error
		if f.Step > 0 && errors.As(err, &at) {
			d.Span, d.Message = at.Where, at.Error()
		}
		end.Fail(d)
	}
	if report := a.reportResult(plan.Workflow.Name, end); report != nil {
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

// exitOf is the exit code of a run on a robot.
func exitOf(r run.Result, err error) int {
	s := &r.State
	switch {
	case r.Verdict == run.VerdictOK && err == nil:
		return exitFine
	case service.WasStopped(&r) && r.Doubt == run.Doubt{}:
		return exitStopped
	case s.Left && !s.Sent && s.Stage <= run.Ready:
		return exitStopped // a person gave up before anything moved
	case s.Left, !s.Sent:
		return exitCannot
	}
	return exitFailed
}

// whereOf is the place of the workflow an error is about, or nothing.
func whereOf(plan *program.Plan, err error) string {
	var e *run.Error
	if !errors.As(err, &e) || e.Where.IsZero() || e.Where.Start.Line == 0 {
		return ""
	}
	file := e.Where.File
	if file == "" {
		file = plan.Workflow.File
	}
	return fmt.Sprintf("%s:%d: ", file, e.Where.Start.Line)
}
