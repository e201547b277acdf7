package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// applying is what apply was told.
type applying struct {
	robot    string
	yes      bool
	patience time.Duration
	paused   bool         // the robot is paused, and goes on without being asked
	first    *run.Request // asked for at once
	faults   string       // a script of what goes wrong, for the simulator
	seed     uint64       // of the noise of instruments that are simulated
	live     int          // steps that are handed over at a time; 0: all. For tests.
	deck     aboutDeck
	in       *lines  // what people type, where it was begun to be read
	repeats  string  // the id of the run whose plan it is; empty where it is new
	beside   *beside // of a plan that goes on by what comes back; nil of any other
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
	c.Flags().StringVar(&o.robot, "robot", "", "where to do it: a robot's name or address; sim is the built-in simulator")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask whether to begin; on a robot, pauses wait for a person all the same")
	c.Flags().StringVar(&o.faults, "faults", "", "with --robot sim: file of what is to go wrong, as for emulate")
	o.seeded(c)
	c.Flags().IntVar(&o.live, "live", 0, "hand over so many steps at a time")
	_ = c.Flags().MarkHidden("live") // which way is taken follows from the plan; this is for tests
	c.Flags().DurationVar(&o.patience, "patience", 0, "how long a lost connection is waited for, such as 10m; by default until Ctrl-C")
	a.stateFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error { return a.apply(c.Context(), args[0], o) }
	return c
}

// seeded adds the flag for what is drawn.
func (o *applying) seeded(c *cobra.Command) {
	c.Flags().Uint64Var(&o.seed, "seed", 1, "with --robot sim: which noise of instruments is drawn; the same seed, the same readings")
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		if c.Flags().Changed("seed") && o.robot != "sim" {
			return usage("--seed is for --robot sim: what instruments beside a robot measure is not drawn")
		}
		return nil
	}
}

func (a *app) apply(ctx context.Context, path string, o applying) error {
	if o.robot == "" {
		return usage("say where: --robot NAME or the robot's address; --robot sim carries it out on the built-in simulator")
	}
	return a.applyPlans(ctx, o, func() (*program.Plan, error) { return a.plan(path) })
}

// applyPlans carries out a plan that is made for what is known of the deck, and
// made again where that changes before it begins.
func (a *app) applyPlans(ctx context.Context, o applying, plan func() (*program.Plan, error)) error {
	o.in = newLines(a.in)
	defer o.in.stop()
	for {
		if err := a.know(ctx, o.robot, &o.deck, true); err != nil {
			return err
		}
		p, err := plan()
		if err != nil {
			return err
		}
		err = a.applyPlan(ctx, p, o)
		var again *renewed
		if !errors.As(err, &again) {
			return err
		}
		o.deck.fresh = again.slots
	}
}

// renewed says that the deck is no longer as a plan was made for, because a
// person put something new into slots or an earlier run was found to be over.
type renewed struct{ slots []string }

func (r *renewed) Error() string { return "new: " + strings.Join(r.slots, ", ") }

func (a *app) applyPlan(ctx context.Context, plan *program.Plan, o applying) error {
	var err error
	if o.beside, err = a.beside(plan); err != nil {
		return err
	}
	if o.beside != nil {
		if err := o.beside.begins(); err != nil {
			return err
		}
	}
	status := newStatus(a, plan)
	where, err := a.place(ctx, o.robot, plan, status)
	if err != nil {
		return err
	}
	defer where.close()
	if err := where.suffer(o.faults); err != nil {
		return err
	}
	book, err := a.logbook(ctx, where)
	if err != nil {
		return err
	}
	defer book.close()
	// Who has the robot is known here better than by the robot, which only knows
	// that it is busy; so that comes first.
	if err := a.reconcile(ctx, where, book, o.patience); err != nil {
		return err
	}
	if err := where.takes(plan); err != nil {
		return err
	}
	if err := a.known.holds(ctx, book, plan); err != nil {
		return err
	}
	if err := where.shift(ctx, book, plan); err != nil {
		return err
	}
	accounts, err := a.accounts(ctx, book.store, where, plan)
	if err != nil {
		return err
	}
	a.preview(plan, where, accounts)
	in := o.in
	if !o.yes {
		ok, err := a.confirm(in, where)
		if err != nil {
			return err
		}
		if !ok {
			return &exitError{exitStopped, "nothing was done"}
		}
	}
	if err := book.begin(ctx, plan, where, o.repeats); err != nil {
		return err
	}
	return a.carryOut(ctx, plan, where, book, status, in, o)
}

// carryOut carries a plan out and says how that ended.
func (a *app) carryOut(ctx context.Context, plan *program.Plan, where *place, book *logbook, s *status, in *lines, o applying) error {
	result, err := a.carry(ctx, plan, where, book, s, in, o, func(*run.Options) {})
	if problem := unwritten(book, where, err); problem != nil {
		return problem
	}
	plan = asItWent(plan, &result)
	if where.robot != nil {
		return a.endedOnRobot(plan, where, result, s.took(), err)
	}
	return a.endedInSimulator(plan, where, result, err)
}

// asItWent is the plan of a run as far as it is certain by now.
func asItWent(plan *program.Plan, r *run.Result) *program.Plan {
	if r.Story == nil {
		return plan
	}
	return r.Story.Plan
}

// preview shows the plan without its steps; it stands between a person and a
// robot, so it goes where the question goes.
func (a *app) preview(plan *program.Plan, where *place, accounts []quota.Account) {
	if a.quiet {
		return
	}
	w := bufio.NewWriter(a.err)
	t := &planText{w: w, plan: plan, color: a.colors(a.err), known: a.known, accounts: accounts}
	t.all()
	if where.robot != nil {
		t.f("\n%s\n  %s at %s\n", t.bold("Robot"), where.name, where.robot.Address())
		for _, text := range slices.Concat(where.offsets, toolsOn(plan)) {
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

func (a *app) confirm(in *lines, where *place) (bool, error) {
	more := ""
	if a.known != nil {
		more = ", or new and the slots where a new rack or plate stands"
	}
	fmt.Fprintf(a.err, "Carry this out on %s? [y/N%s] ", where.name, more)
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
		return false, &renewed{slots[1:]}
	}
	return false, nil
}

// carry carries a plan out, or goes on with what the journal knows of it.
func (a *app) carry(ctx context.Context, plan *program.Plan, where *place, book *logbook, s *status, in *lines, o applying, change func(*run.Options)) (run.Result, error) {
	// --yes answers whether to begin. At a pause on a robot somebody has to do
	// something with their hands, so a person answers that.
	atPauses := !o.yes || where.robot != nil
	asked := in
	if !atPauses {
		asked = nil
	}
	s.wall = where.robot != nil
	ctx, person := attend(ctx, s, asked)
	options := run.Options{
		Run: plan.Workflow.Name, Plan: plan, Backend: where.backend, Timer: ot2.Machine{}.Timer, Patience: o.patience,
		BatchSteps: o.live, Requests: person.requests, Observe: []func(run.Event, run.Progress){s.see}, Answer: run.AnswerAtOnce,
	}
	book.into(&options)
	if b := o.beside; b != nil {
		b.talk = talk{s, asked, where.robot == nil, o.seed, book.id()}
		options.Perform, options.Grow = b.perform, b.grow
		if options.BatchSteps == 0 {
			options.BatchSteps = liveBatch
		}
	}
	change(&options)
	if a.around != nil {
		options.Journal = a.around(options.Journal)
	}
	switch {
	case o.paused:
		options.Observe = append(options.Observe, goOnOnce(person.requests))
	case !atPauses:
		options.Observe = append(options.Observe, goOnAlways(person.requests))
	}
	if id := book.id(); id != "" && !a.quiet {
		s.say("run " + id)
	}
	if atPauses {
		options.Answer = func(ctx context.Context, q run.Question) (run.Control, error) { return a.answer(ctx, in, s, q, where) }
	}
	if !atPauses && !a.quiet {
		options.Answer = func(ctx context.Context, q run.Question) (run.Control, error) {
			s.say(fmt.Sprintf("step %d: %s (nobody is asked on the simulator; it is taken as done)", q.N, q.Text))
			return run.AnswerAtOnce(ctx, q)
		}
	}
	if o.first != nil {
		person.first(*o.first)
	}
	deaf := book.heed(ctx, person, o.beside)
	result, err := run.Run(ctx, options)
	person.stop()
	deaf()
	s.end()
	return result, err
}

// goOnOnce lets a robot go on that is found paused: what it says before it has
// done anything more. A pause of the plan, or one that comes later, is left to
// people.
func goOnOnce(requests chan<- run.Request) func(run.Event, run.Progress) {
	over := false
	return func(e run.Event, _ run.Progress) {
		switch e := e.(type) {
		case run.StepDone:
			over = over || !e.Found
		case run.Waiting, run.Resumed:
			over = true
		case run.Halting:
			if e.Status == run.Paused && !over {
				over = true
				requests <- run.Request{Control: run.Resume, By: "runs resume"}
			}
		default:
		}
	}
}

// goOnAlways lets a simulator go on that stands still without having been asked
// to, where nobody is there: a script of faults has its door opened, or pause
// pressed.
func goOnAlways(requests chan<- run.Request) func(run.Event, run.Progress) {
	asked := false
	return func(e run.Event, _ run.Progress) {
		switch e.(type) {
		case run.PauseAsked:
			asked = true
		case run.Halting:
			if !asked {
				requests <- run.Request{Control: run.Resume, By: "--yes"}
			}
		case run.Resumed:
			asked = false
		default:
		}
	}
}

// answer asks a person at a pause, until the answer is no longer needed. Where
// nobody can answer, the simulator stops; a robot waits, because somebody in
// front of it can go on from the Opentrons App.
func (a *app) answer(ctx context.Context, in *lines, s *status, q run.Question, where *place) (run.Control, error) {
	s.end()
	fmt.Fprintf(a.err, "Pause at step %d: %s\n", q.N, q.Text)
	plan := s.program()
	if i := slices.IndexFunc(plan.Steps, func(p program.Step) bool { return p.N == q.N }); i >= 0 && plan.Steps[i].Op.Kind == program.MoveLabware {
		for _, line := range movePicture(plan.Deck, plan.Steps, q.N) {
			fmt.Fprintln(a.err, "  "+line)
		}
	}
	fmt.Fprint(a.err, "Press Enter to go on, or type stop: ")
	select {
	case line, ok := <-in.next():
		if !ok {
			fmt.Fprintln(a.err)
		}
		if !ok && where.robot != nil {
			s.say("nobody is there to answer, and the robot waits: go on or stop from the Opentrons App, or press Ctrl-C here")
			<-ctx.Done()
			return 0, ctx.Err()
		}
		if !ok || strings.EqualFold(line, "stop") {
			return run.Stop, nil
		}
		return run.Resume, nil
	case <-ctx.Done():
		fmt.Fprintln(a.err)
		return 0, ctx.Err()
	}
}

func (a *app) endedInSimulator(plan *program.Plan, where *place, result run.Result, err error) error {
	if result.Verdict == run.VerdictStopped {
		where.world.Stop()
	}
	end := where.world.Result()
	end.Outputs = plan.Outputs
	if f := result.State.Failure; f != nil && f.Step == 0 && end.Outcome == sim.OK {
		end.Fail(diag.Diagnostic{Code: diag.RunFailed, Message: f.Reason})
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

// wasStopped reports whether somebody stopped a run, here or in the Opentrons
// App, and not the run itself because it could not go on.
func wasStopped(r *run.Result) bool {
	s := &r.State
	return s.Ended == run.Stopped && (s.Failure == nil || s.Failure.Kind == run.Halted)
}

// exitOf is the exit code of a run on a robot.
func exitOf(r run.Result, err error) int {
	s := &r.State
	switch {
	case r.Verdict == run.VerdictOK && err == nil:
		return exitFine
	case wasStopped(&r) && r.Doubt == run.Doubt{}:
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
