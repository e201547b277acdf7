package interpreter

import (
	"errors"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// What live steps give while a program runs, and what the simulator takes for
// it.

// AcceptOne says whether a text is an answer to one of the values that a live
// step asks for; a single answer has the name "". What only all values together
// have to fulfil is Accept's.
func (p *Prepared) AcceptOne(s *program.Step, deck *program.Deck, name, text string) error {
	b := p.lives[s.Live.Site]
	for i := range b.fields {
		if a := &b.fields[i]; a.key == name {
			_, err := a.take(map[string]string{name: text}, deck)
			return err
		}
	}
	return errors.New("nothing of that name is asked for")
}

// Likely returns what the simulator takes for the result of the live step with
// ordinal n, after those of Input.Results. It is false where the program has no
// such step then.
func (p *Prepared) Likely(in Input, n int) (Result, bool) {
	in.Likely = true
	end, _, _ := p.Expand(in, Fan{})
	for _, r := range end.Supposed {
		if r.N == n {
			return r, true
		}
	}
	return Result{}, false
}

// suppose keeps what is taken for a result, for whoever asks.
func (b *live) suppose(x *expansion, v eval.Value, ok bool) {
	if !x.keeps || !ok && x.fault == nil {
		return
	}
	r := Result{N: x.step.N, Values: map[string]string{}}
	if !ok {
		r.Failed, r.Why = x.fault.kind, x.fault.why
		x.supposed = append(x.supposed, r)
		return
	}
	for i := range b.fields {
		item := v
		if b.typ.Kind == eval.Record {
			item = v.List()[i]
		}
		if item.Known() {
			r.Values[b.fields[i].key] = item.String()
		}
	}
	x.supposed = append(x.supposed, r)
}
