package emulator

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/sim"
)

// Result returns what the wells hold of the current run, or of the last that
// moved anything; nil if there was none. Steps are the robot's commands.
func (e *Emulator) Result() *sim.Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.shown
	if e.current != nil && len(e.current.engine.past) > 0 {
		r = e.current
	}
	if r == nil {
		return nil
	}
	return r.world()
}

func (e *Emulator) wells(r *http.Request) answer {
	shown := e.shown
	if e.current != nil && len(e.current.engine.past) > 0 {
		shown = e.current
	}
	if id := r.URL.Query().Get("run"); id != "" {
		i := slices.IndexFunc(e.runs, func(o *run) bool { return o.id == id })
		if i < 0 {
			return notFound()
		}
		shown = e.runs[i]
	}
	if shown == nil {
		shown = e.stateless // nothing was ever done
	}
	return ok(json.RawMessage(shown.world().AppendJSON(nil)))
}

// world is what came of a run, in the form of a simulation.
func (r *run) world() *sim.Result {
	state := r.engine.world()
	out := &sim.Result{Deck: state.Deck, Outcome: sim.OK}
	switch r.result {
	case failed:
		out.Outcome = sim.Failed
		out.Failure = r.failure()
	case stopped:
		out.Outcome = sim.Stopped
	case noResult, succeeded:
	}
	for _, c := range r.commands {
		if c.status != isSucceeded {
			continue
		}
		out.Steps++
		out.DurationMS += c.completed.Sub(c.started).Milliseconds()
	}
	for i := range state.Deck.Modules {
		out.Modules = append(out.Modules, *state.Module(i))
	}
	for i := range state.Deck.Labware {
		def, used := state.Deck.Labware[i].Def, int64(0)
		for k := range def.Wells {
			ref := program.WellRef{Labware: int16(i), Well: int16(k)}
			if def.IsTipRack {
				if state.Tip(ref) != program.TipNew {
					used++
				}
				continue
			}
			if c, is := state.Content(ref); is && c.Touched {
				kept := *c
				kept.Parts, kept.Batches = slices.Clone(c.Parts), slices.Clone(c.Batches)
				out.Wells = append(out.Wells, sim.Well{Ref: ref, Content: kept})
			}
		}
		if used > 0 {
			out.Tips = append(out.Tips, program.Count{Index: i, Amount: used})
		}
	}
	return out
}

// failure is the command that ended the run, counted as the robot counts.
func (r *run) failure() *sim.Failure {
	for _, c := range r.commands {
		if c.err != nil && c.intent != forSetup {
			return &sim.Failure{Step: program.Step{N: c.index + 1, Text: c.key}, Message: c.kind + " (key " + c.key + "): " + c.err.Kind + ": " + c.err.Detail}
		}
	}
	return &sim.Failure{}
}
