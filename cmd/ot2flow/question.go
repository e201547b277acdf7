package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Questions to people: asked here, and answered here or from another process.

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// errNobody says that nobody is there to type an answer.
var errNobody = errors.New("nobody is there to answer")

// ask asks a person, here and through the journal, until one has answered or
// the time is over.
func (b *beside) ask(ctx context.Context, step *program.Step) (run.Response, error) {
	if b.in == nil && b.sim {
		return b.simulated(ctx, step)
	}
	b.show(step)
	typed := b.in
	for given := map[string]string{}; ; {
		field := nextField(step.Live, given)
		if field == nil {
			values, err := b.accept(step, given)
			if err == nil {
				return run.Response{Values: values, By: myself().Name}, nil
			}
			fmt.Fprintf(b.a.err, "that is not possible: %v\n", err)
			clear(given)
			continue
		}
		if typed != nil {
			b.prompt(step.Live, field)
		}
		text, r, err := b.hear(ctx, step, typed)
		switch {
		case errors.Is(err, errNobody) && b.sim:
			return b.simulated(ctx, step)
		case errors.Is(err, errNobody):
			typed = nil
			b.elsewhere()
		case err != nil:
			return b.unanswered(ctx, step, err)
		case r != nil:
			return *r, nil
		default:
			b.take(step, field, text, given)
		}
	}
}

// hear waits for a line, or for an answer from another process.
func (b *beside) hear(ctx context.Context, step *program.Step, typed *lines) (string, *run.Response, error) {
	var lines <-chan string
	if typed != nil {
		lines = typed.next()
	}
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				fmt.Fprintln(b.a.err)
				return "", nil, errNobody
			}
			return line, nil, nil
		case m := <-b.answers:
			if r := b.answered(step, m); r != nil {
				return "", r, nil
			}
		case <-ctx.Done():
			return "", nil, ctx.Err()
		}
	}
}

// elsewhere says how a question can be answered that nobody answers here.
func (b *beside) elsewhere() {
	if b.id == "" {
		b.status.say("nobody is there to answer; press Ctrl-C to stop")
		return
	}
	b.status.say(fmt.Sprintf("nobody is there to answer here; answer with: ot2flow runs answer %s --value …", b.id))
}

// unanswered is what becomes of a question when its time is over: what it has
// for a default counts.
func (b *beside) unanswered(ctx context.Context, step *program.Step, err error) (run.Response, error) {
	fmt.Fprintln(b.a.err)
	if !errors.Is(context.Cause(ctx), run.ErrNoAnswer) {
		return run.Response{}, err
	}
	after := clock(step.Live.TimeoutMS)
	values, missing := b.accept(step, nil)
	if missing != nil {
		return run.Response{}, &run.Error{Kind: run.Timeout, Message: fmt.Sprintf("nobody answered within %s, and %v", after, missing)}
	}
	b.status.say(fmt.Sprintf("nobody answered within %s: %s is taken", after, valuesText(values)))
	return run.Response{Values: values, By: "nobody within " + after}, nil
}

// show puts a question to whoever looks.
func (b *beside) show(step *program.Step) {
	b.status.end()
	fmt.Fprintf(b.a.err, "Question at step %d: %s\n", step.N, strings.TrimSpace(step.Live.Message))
	if ms := step.Live.TimeoutMS; ms > 0 {
		then := "the step fails"
		if values, err := b.accept(step, nil); err == nil {
			then = valuesText(values)
		}
		fmt.Fprintf(b.a.err, "  %s without an answer: %s\n", clock(ms), then)
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
func (b *beside) prompt(l *program.Live, f *program.LiveField) {
	if f.Name != "" {
		fmt.Fprintf(b.a.err, "  %s", f.Name)
		if f.Description != "" {
			fmt.Fprintf(b.a.err, ", %s", f.Description)
		}
		fmt.Fprint(b.a.err, " ")
	} else {
		fmt.Fprint(b.a.err, "  ")
	}
	fmt.Fprintf(b.a.err, "(%s): ", fieldText(f))
}

// fieldText says what may be answered: "volume, 20 uL to 100 uL, Enter for 50 uL".
func fieldText(f *program.LiveField) string {
	text := f.Type
	if f.Of != "" {
		text += " of " + f.Of
	}
	switch {
	case len(f.Choices) > 0:
		text = strings.Join(f.Choices, ", ")
	case f.Type == "boolean":
		text = "yes or no"
	}
	switch {
	case f.Min != "" && f.Max != "":
		text += ", " + f.Min + " to " + f.Max
	case f.Min != "":
		text += ", at least " + f.Min
	case f.Max != "":
		text += ", at most " + f.Max
	}
	if f.Default != nil {
		text += ", Enter for " + *f.Default
	}
	return text
}

// take takes a line for a value, or says why it is none.
func (b *beside) take(step *program.Step, f *program.LiveField, line string, given map[string]string) {
	text := answerText(f, line)
	if text == "" && f.Default != nil {
		text = *f.Default
	}
	if err := b.checked.Prepared.AcceptOne(step, b.plan.Deck, f.Name, text); err != nil {
		fmt.Fprintf(b.a.err, "  %v\n", err)
		return
	}
	given[f.Name] = text
}

// answerText is a line as a value: people say yes and no.
func answerText(f *program.LiveField, line string) string {
	line = strings.TrimSpace(line)
	if f.Type == "boolean" {
		switch strings.ToLower(line) {
		case "y", "yes":
			return "true"
		case "n", "no":
			return "false"
		}
	}
	return line
}

// reply is what a message with an answer carries.
type reply struct {
	Step   int               `json:"step"`
	Values map[string]string `json:"values"`
}

// replyKind is the kind of such a message.
const replyKind = "answer"

// answered takes an answer of another process, or returns nil where it is none
// to this question.
func (b *beside) answered(step *program.Step, m *journal.Message) *run.Response {
	var r reply
	if json.Unmarshal(m.Data, &r) != nil || r.Step != step.N {
		return nil // of a newer version, or late
	}
	values, err := b.accept(step, r.Values)
	if err != nil {
		b.status.say(fmt.Sprintf("%s answers %s, which is not possible: %v", asker(m.By), valuesText(r.Values), err))
		return nil
	}
	fmt.Fprintln(b.a.err)
	b.status.say(fmt.Sprintf("%s answers: %s", asker(m.By), valuesText(values)))
	return &run.Response{Values: values, By: asker(m.By)}
}

// reply hands an answer over to a question that is being asked.
func (b *beside) reply(m *journal.Message) {
	select {
	case b.answers <- m:
	default: // nobody reads so many
	}
}

// values reads --value name=text, or text alone for a single answer.
func valuesOf(l *program.Live, flags []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range flags {
		name, text := "", s
		if len(l.Fields) != 1 || l.Fields[0].Name != "" {
			var ok bool
			if name, text, ok = strings.Cut(s, "="); !ok {
				return nil, usage("--value takes name=value here, and this is %q; what is asked for: %s", s, fieldNames(l))
			}
		}
		f := slices.IndexFunc(l.Fields, func(f program.LiveField) bool { return f.Name == strings.TrimSpace(name) })
		if f < 0 {
			return nil, usage("nothing named %q is asked for; there are: %s", name, fieldNames(l))
		}
		out[l.Fields[f].Name] = answerText(&l.Fields[f], text)
	}
	return out, nil
}

func fieldNames(l *program.Live) string {
	var names []string
	for i := range l.Fields {
		names = append(names, l.Fields[i].Name)
	}
	return strings.Join(names, ", ")
}

// answerQuestion answers what a run asks, through the process that follows it.
func (a *app) answerQuestion(ctx context.Context, ref string, o answering) error {
	store, err := a.journal(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // what was posted was synced
	sum, err := store.Find(ctx, ref)
	if err != nil {
		return usage("%v", err)
	}
	story, err := storyOf(ctx, store, sum)
	if err != nil {
		return cannot("run %s: %v", sum.ID, err)
	}
	step := questionOf(story)
	if step == nil {
		return usage("run %s asks nothing at the moment: %s%s", sum.ID, stands(ctx, store, sum), decisions(sum, &story.Last().State))
	}
	owner, err := store.Owner(ctx, sum.Robot.Key)
	if err != nil {
		return cannot("%v", err)
	}
	if sum.Robot.Key != "" && (owner == nil || owner.Run != sum.ID) {
		return cannot("nobody follows run %s; go on with it, and it asks again: ot2flow runs resume %s", sum.ID, sum.ID)
	}
	if len(o.values) == 0 {
		return usage("run %s asks: %s\nanswer with --value; what is asked for: %s", sum.ID, step.Live.Message, askedFor(step.Live))
	}
	values, err := valuesOf(step.Live, o.values)
	if err != nil {
		return err
	}
	b, err := a.beside(story.Plan)
	if err != nil {
		return err
	}
	if _, err := b.accept(step, values); err != nil {
		return usage("this is no answer: %v", err)
	}
	by := myself()
	if o.by != "" {
		by.Name = o.by
	}
	data, err := json.Marshal(reply{step.N, values})
	if err == nil {
		err = store.Post(ctx, sum.ID, journal.Message{By: by, Kind: replyKind, Data: data})
	}
	if err != nil {
		return cannot("%v", err)
	}
	return a.untilHeard(ctx, store, sum, step.N, asker(by))
}

// questionOf is the question that a run stands at, or nil. Its ordinal is that of
// the part that is under way.
func questionOf(story *run.Story) *program.Step {
	part := story.Last()
	state := &part.State
	if state.Stage != run.Performing || state.Left {
		return nil
	}
	step := &part.Plan.Steps[state.Batch.First-1]
	if step.Op.Kind != program.Ask {
		return nil
	}
	return step
}

// decisions says what else can be answered where nothing is asked: what became
// of steps of which nobody else knows.
func decisions(sum *journal.Summary, s *run.State) string {
	if _, unclear := s.Unclear(); !unclear || !s.MayGoOn() || sum.Robot.Simulated {
		return ""
	}
	return fmt.Sprintf("; after a look at the deck, decide with: ot2flow runs answer %s done|redo|skip|abort", sum.ID)
}

// askedFor says what may be answered to a question.
func askedFor(l *program.Live) string {
	var parts []string
	for i := range l.Fields {
		f := &l.Fields[i]
		parts = append(parts, strings.TrimSpace(f.Name+" ("+fieldText(f)+")"))
	}
	return strings.Join(parts, ", ")
}

// untilHeard waits until whoever follows a run has taken an answer.
func (a *app) untilHeard(ctx context.Context, store *journal.Store, sum *journal.Summary, n int, by string) error {
	ctx, cancel := context.WithTimeout(ctx, heardWithin)
	defer cancel()
	var got *run.Performed
	seq := sum.Seq
	err := store.Watch(ctx, func() (bool, error) {
		for e, err := range store.Events(ctx, journal.Query{Run: sum.ID, AfterSeq: seq}) {
			if err != nil {
				return false, err
			}
			seq = e.Record.Seq
			if p, is := e.Record.Event.(run.Performed); is && p.N == n {
				got = &p
				return false, nil
			}
		}
		return true, nil
	})
	switch {
	case got != nil && got.By == by:
		a.tell("taken: %s", valuesText(got.Values))
		return nil
	case got != nil:
		return cannot("%s was faster: %s", got.By, valuesText(got.Values))
	case errors.Is(err, context.DeadlineExceeded):
		return cannot("whoever follows run %s did not take the answer within %s", sum.ID, heardWithin.Round(time.Second))
	}
	return cannot("%v", err)
}
