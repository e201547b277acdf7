package interpreter

import "github.com/ot2flow/ot2flow/interpreter/program"

// Passes lets a sink hear which steps of the language are done, however often, and which
// are left out because their `if` does not hold. Of several sinks the first that wants
// to know hears it.
type Passes interface {
	Passed(site *program.Site, done bool)
}

// passesOf finds the sink that hears of passes; nil where there is none.
func passesOf(sink program.Sink) Passes {
	all, many := sink.(Fan)
	if !many {
		one, _ := sink.(Passes)
		return one
	}
	for _, s := range all {
		if found := passesOf(s); found != nil {
			return found
		}
	}
	return nil
}

func (x *expansion) passed(n *node, done bool) {
	if x.passes != nil && x.trial == nil {
		x.passes.Passed(n.site, done)
	}
}

// Stage is a step of the language, as it stands in a file.
type Stage struct {
	Site *program.Site
	If   bool // it has an `if`, so that it may be left out
}

// Stages are the steps of a workflow and of those that it calls, also those under else,
// on_error and finally, as often as they are called from somewhere.
func (p *Prepared) Stages() []Stage {
	return stages(p.finally, stages(p.nodes, nil))
}

func stages(nodes []*node, out []Stage) []Stage {
	for _, n := range nodes {
		out = append(out, Stage{n.site, n.cond != nil})
		switch b := n.body.(type) {
		case *do:
			out = stages(b.nodes, out)
		case *call:
			out = append(out, b.w.Stages()...)
		}
		out = stages(n.els, out)
		if n.guard != nil && n.guard.onError != nil {
			out = stages(n.guard.onError.steps, out)
		}
	}
	return out
}
