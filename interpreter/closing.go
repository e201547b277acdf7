package interpreter

import (
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What `finally` says where a run has ended before its end: somebody stopped it,
// or the robot gave it up. The program is gone through once more up to there, so
// that variables have the values they had, and then what stands under `finally`
// is expanded, of the workflow itself and of those it was in the middle of
// calling, from the deck as it is by then.

// Ending is where a run has ended.
type Ending struct {
	Done    int            // steps of the program that count as done
	State   *program.State // the deck as it is now; it stays as it is
	Seen    int            // steps of the language under finally that were seen to since then
	Results []Result       // of the live steps of what closes the run
}

// closer is where a walk is to end, and what it then closes with.
type closer struct {
	Ending
	reached bool // nothing more is done but what closes
	closing bool // at this moment
	state   *program.State
	sink    program.Sink
	n, node int // steps so far, and steps of the language
	rec     Recorder
	of      []int
}

// isReached reports whether the walk has come to where the run ended.
func (e *closer) isReached() bool { return e != nil && e.reached && !e.closing }

// reaches notes that it does, where the next step is one too many.
func (e *closer) reaches(n int) {
	if e != nil && !e.closing && n >= e.Done {
		e.reached = true
	}
}

// Closing returns what is still to be done of `finally` behind the end of a run:
// no step where there is nothing. As in Expand, Input.Likely has results that are
// missing be what is likely, and Supposed is that.
func (p *Prepared) Closing(in Input, at Ending) (c program.Closing, supposed []Result, list diag.List) {
	checks := NewChecks(p.machine)
	e := &closer{Ending: at}
	e.sink = Fan{&e.rec, checks}
	x := p.expansion(in, Fan{})
	x.ending = e
	x.whole(in)
	list = p.meant(append(x.findings(), checks.Findings()...))
	if x.stuck || list.HasErrors() {
		return program.Closing{}, nil, list
	}
	return program.Closing{Steps: e.rec.Steps(), Of: e.of, Open: x.defers}, x.supposed, list
}

// closing does what still has to be done of the steps of a `finally`, from the
// deck as it is.
func (x *expansion) closing(nodes []*node, f *program.Frame) {
	e := x.ending
	if e.state == nil {
		var ok bool
		if e.state, ok = e.State.CloneFor(x.deck); !ok {
			x.add(diag.Diagnostic{Code: diag.OtherDeck, Message: "the deck at the end of the run is that of another workflow", Help: "the files of the run are not those that it began with"})
			x.stuck = true
			return
		}
	}
	outer := *x
	e.closing = true
	x.state, x.sink, x.results, x.step.N, x.waits = e.state, e.sink, e.Results, e.n, 0
	x.env.State, x.at.After = x.state, x.state
	x.last, x.guards, x.retried, x.running, x.answered, x.attempt = true, 0, nil, nil, true, 0
	for _, n := range nodes {
		if e.node++; e.node <= e.Seen {
			continue
		}
		n.expand(x, f)
		x.fault = nil // the next is done all the same
		for len(e.of) < len(e.rec.Steps()) {
			e.of = append(e.of, e.node)
		}
	}
	e.n, e.closing = x.step.N, false
	x.state, x.sink, x.results, x.step.N, x.waits = outer.state, outer.sink, outer.results, outer.step.N, outer.waits
	x.env.State, x.at.After = x.state, x.state
	x.last, x.guards, x.retried, x.running, x.answered, x.attempt = outer.last, outer.guards, outer.retried, outer.running, outer.answered, outer.attempt
}
