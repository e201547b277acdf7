package main

import (
	"bufio"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// How a run on a robot ended. A robot measures nothing: what the wells hold is
// what the plan makes of the steps that are done.

func (a *app) endedOnRobot(plan *program.Plan, where *service.Place, r run.Result, took time.Duration, err error) error {
	code := exitOf(r, err)
	if !r.State.Sent && code != exitFine && (len(plan.Steps) > 0 || err != nil) {
		if err == nil || code == exitStopped {
			return &exitError{code, "nothing was done"}
		}
		return &exitError{code, whereOf(plan, err) + err.Error()}
	}
	held := service.ByRun(plan, &r)
	if a.format == "json" {
		if _, problem := a.out.Write(appendRun(nil, plan, where, &r, held, took, err)); problem != nil {
			return a.written(problem)
		}
	} else {
		w := bufio.NewWriter(a.out)
		fmt.Fprintf(w, "%s: %s of %s on %s, %s\n", plan.Workflow.Name, service.HowItEnded(&r), plural(len(plan.Steps), "step"), where.Device.Name, clock(took.Milliseconds()))
		if plan.Ended != "" && r.Verdict == run.VerdictOK {
			fmt.Fprintf(w, "  %s\n", plan.Ended)
		}
		contents(w, held, a.colors(a.out), "Wells in the end, by the plan")
		if r.Verdict == run.VerdictOK {
			outputs(w, plan.Outputs)
		}
		if problem := w.Flush(); problem != nil {
			return a.written(problem)
		}
	}
	a.unclear(where, &r)
	if code == exitFine {
		return nil
	}
	message := ""
	switch {
	case err != nil:
		message = whereOf(plan, err) + err.Error()
	case code == exitFailed:
		message = "the run did not end well"
	}
	return &exitError{code, message}
}

// unclear says what a person has to look at.
func (a *app) unclear(where *service.Place, r *run.Result) {
	if r.CutOff > 0 {
		fmt.Fprintf(a.err, "step %d was cut off; how much of it happened is not known\n", r.CutOff)
	}
	if d := r.Doubt; d.First > 0 {
		part := r.Story.Last()
		what := fmt.Sprintf("which of steps %s to %s happened", part.Label(d.First), part.Label(d.Last))
		if d.First == d.Last {
			what = fmt.Sprintf("whether step %s happened", part.Label(d.First))
		}
		fmt.Fprintf(a.err, "%s is not known: look at the deck, the tips and the wells before the robot moves again\n", what)
	}
	switch s := &r.State; {
	case s.Left && s.Halted == run.Paused:
		fmt.Fprintf(a.err, "the robot is paused, and nothing moves until somebody goes on: ot2flow runs resume %s, or resume it in the Opentrons App\n", s.Accepted.Run)
	case s.Left:
		fmt.Fprintf(a.err, "the robot was left to itself; see how it goes on in the Opentrons App, or ask %s/runs/%s; follow it again with: ot2flow runs resume %s\n", where.Address(), robot.RunOf(s.Handle), s.Accepted.Run)
	case s.MayGoOn() && (s.Sent || s.Done > 0) && r.Story.MayRemain():
		fmt.Fprintf(a.err, "what remains can be gone on with: ot2flow runs resume %s\n", s.Accepted.Run)
	}
}

// runFormat names the form that appendRun writes.
const runFormat = "ot2flow.run/1"

func appendRun(b []byte, plan *program.Plan, where *service.Place, r *run.Result, held *sim.Result, took time.Duration, err error) []byte {
	text := func(name, s string) {
		b = append(b, ",\n  \""+name+"\": "...)
		b = program.AppendString(b, s)
	}
	number := func(name string, n int) { b = fmt.Appendf(b, ",\n  %q: %d", name, n) }
	b = append(b, "{\n  \"format\": \""+runFormat+"\""...)
	text("workflow", plan.Workflow.Name)
	text("fingerprint", plan.Fingerprint)
	text("result", service.ResultWord(r))
	b = append(b, ",\n  \"robot\": {\"name\": "...)
	b = program.AppendString(b, where.Device.Name)
	b = program.AppendString(append(b, ", \"serial\": "...), where.Device.Serial)
	b = program.AppendString(append(b, ", \"software\": "...), where.Device.Software)
	b = program.AppendString(append(b, ", \"run\": "...), robot.RunOf(r.State.Handle))
	b = append(b, '}')
	number("steps", len(plan.Steps))
	number("done", r.Done)
	if r.CutOff > 0 {
		number("cut_off", r.CutOff)
	}
	if r.Doubt.First > 0 {
		b = fmt.Appendf(b, ",\n  \"in_doubt\": {\"first\": %d, \"last\": %d}", r.Doubt.First, r.Doubt.Last)
	}
	if c := r.State.Closed; c != nil {
		text("finally", c.Verdict.String())
	}
	b = append(b, ",\n  \"duration_s\": "...)
	b = quantity.AppendDecimal(b, took.Milliseconds(), 1000)
	if err != nil {
		text("error", whereOf(plan, err)+err.Error())
	}
	b = append(b, ",\n  \"by_plan\": "...)
	b = held.AppendJSON(b)
	return append(b[:len(b)-1], "\n}\n"...)
}
