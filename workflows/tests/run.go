package tests

import (
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Outcome is what came of one test.
type Outcome struct {
	Name       string
	Failures   diag.List // how it differs from what is expected; none where it passed
	Steps      int
	DurationMS int64 // of the robot, by its time model
}

// Passed reports whether the run came to what is expected.
func (o *Outcome) Passed() bool { return len(o.Failures) == 0 }

// Run carries out those tests whose name contains text, in the order of the file, and
// tells seen what is done of the workflow; nil is nobody. Nothing is run where the file
// has errors.
func (f *File) Run(text string, seen *Coverage) []Outcome {
	if f.Checked == nil || f.Diagnostics.HasErrors() {
		return nil
	}
	if seen != nil {
		seen.of(f)
	}
	var out []Outcome
	for i := range f.tests.Cases {
		if c := &f.tests.Cases[i]; strings.Contains(c.Name.Text, text) {
			out = append(out, f.run(c, seen))
		}
	}
	return out
}

// run carries out one test. What it is given changes nothing for the next one.
func (f *File) run(c *spec.TestCase, seen *Coverage) Outcome {
	given := map[string]*spec.Written{}
	for i := range c.Params {
		given[c.Params[i].Name.Value] = &c.Params[i].Value
	}
	run, unread := f.Checked.RunWith(given, f.Path)
	if unread.HasErrors() {
		return Outcome{Name: c.Name.Text, Failures: unread}
	}
	j := &judge{file: f, want: &c.Expect, name: c.Name.Text, begun: given}
	found := f.carry(c, run.Input(true), j, seen)
	j.findings(found)
	if !found.HasErrors() {
		j.compare()
	}
	out := Outcome{Name: c.Name.Text, Failures: j.found.Relocate(f.Checked.Dir())}
	if j.result != nil {
		out.Steps, out.DurationMS = j.result.Steps, j.result.DurationMS
	}
	return out
}

// carry proves and simulates the run, with the results that the test gives.
func (f *File) carry(c *spec.TestCase, in interpreter.Input, j *judge, seen *Coverage) diag.List {
	if list := f.results(c, &in, j); j.bad {
		return list
	}
	in.Likely = true
	j.world = sim.NewStream(ot2.Machine{}.Timer, nil)
	sinks := []program.Sink{j.world, j}
	if seen != nil {
		sinks = append(sinks, seen)
	}
	prove := f.Checked.Prepared.Prove
	if len(in.Results) > 0 {
		prove = f.Checked.Prepared.Follow // what else may come back is no matter of this run
	}
	end, list, err := prove(in, sinks...)
	if err != nil {
		panic(err) // none of the sinks writes
	}
	j.params, j.end = end.Params, &end
	if !list.HasErrors() {
		j.result = j.world.End()
		if j.result != nil {
			j.result.Outputs = end.Outputs
		}
	}
	return list
}

// results takes what the test gives for the first steps beside the robot. Each is for the
// step that waits for one, with those before it.
func (f *File) results(c *spec.TestCase, in *interpreter.Input, j *judge) diag.List {
	p := f.Checked.Prepared
	for i := range c.Results {
		r := &c.Results[i]
		last := &waiting{}
		end, list, _ := p.Expand(*in, last)
		if list.HasErrors() {
			j.bad = true
			return list
		}
		if end.Waits == 0 || last.step == nil {
			j.wrong(r.Span, "nothing is asked or measured any more where this would be given", "the run asks "+times(i)+"; leave out what is too much")
			j.bad = true
			return nil
		}
		result, why := f.result(r, last.step, end.Deck)
		if why != "" {
			j.wrong(r.Span, "this is no result of "+Sentence(last.step, end.Deck)+": "+why, "")
			j.bad = true
			return nil
		}
		in.Results = append(slices.Clone(in.Results), result)
	}
	return nil
}

func (f *File) result(r *spec.WrittenItem, s *program.Step, deck *program.Deck) (interpreter.Result, string) {
	values := map[string]string{}
	if !r.IsRow {
		values[""] = r.Text
		if fields := s.Live.Fields; len(fields) == 1 && fields[0].Name != "" {
			values = map[string]string{fields[0].Name: r.Text}
		}
	}
	for _, cell := range r.Cells {
		if cell.Column.Value == "failed" && len(r.Cells) == 1 && !slices.ContainsFunc(s.Live.Fields, func(l program.LiveField) bool { return l.Name == "failed" }) {
			if !slices.Contains(spec.Faults, cell.Value.Text) {
				near, _ := diag.Nearest(cell.Value.Text, spec.Faults)
				return interpreter.Result{}, "there is no failure " + cell.Value.Text + orMeant(near)
			}
			return interpreter.Result{N: s.N, Failed: program.Cause(cell.Value.Text), Why: "the test has it fail"}, ""
		}
		values[cell.Column.Value] = cell.Value.Text
	}
	out, err := f.Checked.Prepared.Accept(s, deck, values)
	if err != nil {
		return out, err.Error()
	}
	return out, ""
}

// waiting keeps the last step that needs a result.
type waiting struct{ step *program.Step }

// Step keeps it.
func (w *waiting) Step(t *program.Transition) error {
	if t.Step.Live != nil {
		s := *t.Step
		w.step = &s
	}
	return nil
}

func times(n int) string {
	switch n {
	case 0:
		return "for nothing"
	case 1:
		return "once"
	}
	return number(int64(n)) + " times"
}

func orMeant(near string) string {
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}
