package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Pauses and questions, as a terminal puts them.

// Pause asks a person at a pause, until the answer is no longer needed. Where
// nobody can answer, the simulator stops; a robot waits, because somebody in
// front of it can go on from the Opentrons App.
func (t *terminal) Pause(ctx context.Context, q run.Question) (run.Control, error) {
	t.end()
	w := t.a.err
	fmt.Fprintf(w, "Pause at step %d: %s\n", q.N, q.Text)
	plan := t.program()
	if i := slices.IndexFunc(plan.Steps, func(p program.Step) bool { return p.N == q.N }); i >= 0 && (plan.Steps[i].Op.Kind == program.MoveLabware || plan.Steps[i].Op.Kind == program.Exchange) {
		for _, line := range movePicture(plan.Deck, plan.Steps, q.N) {
			fmt.Fprintln(w, "  "+line)
		}
	}
	fmt.Fprint(w, "Press Enter to go on, or type stop: ")
	select {
	case line, ok := <-t.lines.next():
		if !ok {
			fmt.Fprintln(w)
		}
		if !ok && t.robot {
			t.say("nobody is there to answer, and the robot waits: go on or stop from the Opentrons App, or press Ctrl-C here")
			<-ctx.Done()
			return 0, ctx.Err()
		}
		if !ok || strings.EqualFold(line, "stop") {
			return run.Stop, nil
		}
		return run.Resume, nil
	case <-ctx.Done():
		fmt.Fprintln(w)
		return 0, ctx.Err()
	}
}

// Ask asks for the values of a question one by one, until they are an answer.
func (t *terminal) Ask(ctx context.Context, q *service.Question) (run.Response, error) {
	t.show(q)
	live := q.Step.Live
	for given := map[string]string{}; ; {
		field := nextField(live, given)
		if field == nil {
			values, err := q.Accept(given)
			if err == nil {
				return run.Response{Values: values, By: service.Myself().Name}, nil
			}
			fmt.Fprintf(t.a.err, "that is not possible: %v\n", err)
			clear(given)
			continue
		}
		t.prompt(field)
		select {
		case line, ok := <-t.lines.next():
			if !ok {
				fmt.Fprintln(t.a.err)
				return run.Response{}, service.ErrNobody
			}
			t.take(q, field, line, given)
		case <-ctx.Done():
			fmt.Fprintln(t.a.err)
			return run.Response{}, ctx.Err()
		}
	}
}

// show puts a question to whoever looks.
func (t *terminal) show(q *service.Question) {
	t.end()
	live := q.Step.Live
	fmt.Fprintf(t.a.err, "Question at step %d: %s\n", q.Step.N, strings.TrimSpace(live.Message))
	if ms := live.TimeoutMS; ms > 0 {
		then := "the step fails"
		if values, err := q.Accept(nil); err == nil {
			then = service.ValuesText(values)
		}
		fmt.Fprintf(t.a.err, "  %s without an answer: %s\n", clock(ms), then)
	}
}

func nextField(l *program.Live, given map[string]string) *program.LiveField {
	for i := range l.Fields {
		if _, ok := given[l.Fields[i].Name]; !ok {
			return &l.Fields[i]
		}
	}
	return nil
}

// prompt asks for one value, with what is allowed for it.
func (t *terminal) prompt(f *program.LiveField) {
	if f.Name != "" {
		fmt.Fprintf(t.a.err, "  %s", f.Name)
		if f.Description != "" {
			fmt.Fprintf(t.a.err, ", %s", f.Description)
		}
		fmt.Fprint(t.a.err, " ")
	} else {
		fmt.Fprint(t.a.err, "  ")
	}
	fmt.Fprintf(t.a.err, "(%s): ", service.FieldText(f))
}

// take takes a line for a value, or says why it is none.
func (t *terminal) take(q *service.Question, f *program.LiveField, line string, given map[string]string) {
	text := service.AnswerText(f, line)
	if text == "" && f.Default != nil {
		text = *f.Default
	}
	if err := q.AcceptOne(f.Name, text); err != nil {
		fmt.Fprintf(t.a.err, "  %v\n", err)
		return
	}
	given[f.Name] = text
}
