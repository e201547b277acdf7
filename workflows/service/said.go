package service

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// Moment is something that happened in the course of a run, in words.
type Moment struct {
	At   time.Time
	Text string
}

// momentsKept is how many of a run are at hand: the last ones.
const momentsKept = 500

// Moments are what happened in the course of a run beside its steps, the first one first:
// that it was begun, paused, answered, lost and found again, and how it ended.
func (d *Device) Moments(ctx context.Context, id string) ([]Moment, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return nil, err
	}
	sum, err := store.Find(ctx, id)
	if err != nil {
		return nil, cannot("%v", err)
	}
	one := d.pictures.of(sum.ID)
	one.making.Lock()
	defer one.making.Unlock()
	if _, err := one.tell(ctx, store, sum); err != nil {
		return nil, cannot("%v", err)
	}
	return one.moments, nil
}

// momentOf is what a record says to whoever looks at a run; empty for nothing.
func momentOf(e run.Event, label func(n int) string) string {
	switch e := e.(type) {
	case run.Sent:
		return "" // which steps say themselves
	case run.Performed:
		switch {
		case e.Failed != "":
			return "step " + label(e.N) + " gave nothing: " + e.Failed
		case e.By != "":
			return "step " + label(e.N) + " was answered" + by(e.By)
		}
	}
	return Said(e, label)
}

func stepCount(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// Said is what an event says to people; empty where it means nothing to them, or its steps
// say it. label is what a step of the part is called.
func Said(e run.Event, label func(n int) string) string {
	steps := func(first, last int) string {
		if first == last {
			return "step " + label(first)
		}
		return "steps " + label(first) + " to " + label(last)
	}
	switch e := e.(type) {
	case run.Accepted:
		return fmt.Sprintf("begun: %s", stepCount(e.Steps))
	case run.Opened:
		return "the robot has the run"
	case run.OpenFailed:
		return "the robot did not take the run: " + e.Reason
	case run.Sent:
		if e.Last < e.First {
			return "the robot was told that nothing follows"
		}
		return steps(e.First, e.Last) + " sent"
	case run.Grown:
		return grownText(&e)
	case run.GrowFailed:
		return "it does not go on with what came back: " + e.Reason
	case run.Refused:
		return fmt.Sprintf("the robot refused %s: %s", steps(e.First, e.Last), e.Reason)
	case run.NotTaken:
		return fmt.Sprintf("%s did not happen: %s", steps(e.First, e.Last), e.Evidence)
	case run.Doubted:
		return fmt.Sprintf("whether %s happened is not known: %s", steps(e.First, e.Last), e.Evidence)
	case run.Waiting:
		return fmt.Sprintf("step %s waits for a person: %s", label(e.N), e.Text)
	case run.TimeUp:
		return e.Text
	case run.PauseAsked:
		return askedText("a pause", e.Now, e.After, e.By, label)
	case run.ResumeAsked:
		return "told to go on" + by(e.By)
	case run.StopAsked:
		return askedText("a stop", e.Now, e.After, e.By, label)
	case run.AskFailed:
		return fmt.Sprintf("the robot was asked to %s: %s", e.Control, e.Reason)
	case run.Halting:
		if e.Status == run.DoorOpen {
			return "the robot stands still, its door is open"
		}
		return "the robot stands still"
	case run.Resumed:
		return "the robot goes on"
	case run.Lost:
		return "the connection was lost: " + e.Reason
	case run.Regained:
		return "the connection is back"
	case run.Ended:
		if e.Status == run.Gone {
			return "nothing more is to be learnt from the robot: " + e.Reason
		}
		return strings.TrimSuffix(fmt.Sprintf("over on the robot, which says %s: %s", e.Status, e.Reason), ": ")
	case run.Left:
		return strings.TrimSuffix("left as it is: "+e.Reason, ": ")
	case run.Restarted:
		return "followed again"
	case run.Reattached:
		return "found again on the robot"
	case run.Answered:
		return "answered: " + e.Answer.String() + by(e.By)
	case run.Continued:
		if e.Closing {
			return fmt.Sprintf("what finally says is done%s: %s", by(e.By), stepCount(len(e.Added)))
		}
		return fmt.Sprintf("gone on with at step %d%s", e.From, by(e.By))
	}
	return "" // what is said by the steps, or means nothing to people
}

func grownText(e *run.Grown) string {
	if e.Open {
		return fmt.Sprintf("the plan goes on: %s are certain by now", stepCount(e.Steps))
	}
	return fmt.Sprintf("the plan goes on to its end: %s", stepCount(e.Steps))
}

func askedText(what string, now bool, after int, who string, label func(n int) string) string {
	switch {
	case now:
		what += " at once"
	case after > 0:
		what += " after step " + label(after)
	}
	return what + " was asked for" + by(who)
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", " + who
}
