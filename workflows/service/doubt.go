package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// A request that does something elsewhere and may have been taken, though no answer
// says so, is not made again by itself. Whoever sits in front of the run looks and
// says how it is, while the robot stands still as it is, with its tip on. Where nobody
// does, the run ends in doubt, and it is decided afterwards.

// The decisions, as runs answer has them.
const (
	decidesDone  = "done"
	decidesRedo  = "redo"
	decidesSkip  = "skip"
	decidesAbort = "abort"
)

// certain asks the world until it is known what came of it.
func (b *beside) certain(ctx context.Context, step *program.Step) (run.Response, error) {
	for by := ""; ; {
		r, err := b.asked(ctx, step)
		if err == nil && by != "" {
			r.By = "asked again, as " + by + " decided"
		}
		if k := run.KindOf(err); err == nil || k != run.Timeout && k != run.InDoubt || step.Repeatable() || ctx.Err() != nil {
			return r, err
		}
		decided, who, problem := b.decide(ctx, step, err)
		if problem != nil || decided == nil && who == "" {
			return r, err
		}
		if decided != nil {
			return *decided, nil
		}
		by = who
	}
}

// decide has a person say what became of a step. Without a response, it is to be done
// again where somebody said so, and is left in doubt otherwise.
func (b *beside) decide(ctx context.Context, step *program.Step, doubt error) (r *run.Response, again string, err error) {
	text := fmt.Sprintf("nobody knows whether the request to %s was done: %v\n  Find out, and say how it is: done; redo, it is made again; skip, it is left out; abort, the run ends here", WhatLive(step), doubt)
	for {
		said, err := b.person.Ask(ctx, b.decision(step, text))
		if err != nil {
			return nil, "", err
		}
		switch word := said.Values[""]; word {
		case decidesRedo:
			return nil, said.By, nil
		case decidesAbort:
			return nil, "", nil
		case decidesDone:
			if len(step.Live.Fields) == 0 {
				return &run.Response{By: "done, as " + said.By + " decided"}, "", nil
			}
			gave, err := b.person.Ask(ctx, &Question{Step: meant(step, "what did it give?", step.Live.Fields), Decides: true, beside: b})
			if err != nil {
				return nil, "", err
			}
			return &run.Response{Values: gave.Values, By: "done, as " + said.By + " decided"}, "", nil
		default:
			values, err := b.accept(step, nil)
			if err == nil {
				return &run.Response{Values: values, By: "left out, as " + said.By + " decided"}, "", nil
			}
			b.person.Say(fmt.Sprintf("the rest depends on what it gives, and %v: say done, and what", err))
		}
	}
}

// decision is the question what became of a step.
func (b *beside) decision(step *program.Step, text string) *Question {
	words := []string{decidesDone, decidesRedo, decidesSkip, decidesAbort}
	q := &Question{Step: meant(step, text, []program.LiveField{{Type: "choice", Choices: words}}), Decides: true, beside: b}
	q.one = func(word string) error {
		for _, w := range words {
			if w == word {
				return nil
			}
		}
		return errors.New("say done, redo, skip or abort")
	}
	return q
}

// meant is a step as it is asked about.
func meant(step *program.Step, text string, fields []program.LiveField) *program.Step {
	out, live := *step, *step.Live
	live.Message, live.Fields, live.TimeoutMS = text, fields, 0
	out.Live = &live
	return &out
}
