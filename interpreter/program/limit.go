package program

import (
	"encoding/json"
	"strconv"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Limit is how long some steps of a program may take together. It counts from
// when the first of them is due.
type Limit struct {
	First int       // the first step
	Last  int       // the last one; below First where there are none, 0 where that is not known yet
	MS    int64     // how long
	Path  string    // of the step of the language that it stands at; empty: of the workflow
	Where diag.Span // its place
	Ends  bool      // it is a budget: the program ends well by it, and nothing fails
}

// Holds reports whether step n is one of those that the limit is about.
func (l *Limit) Holds(n int) bool { return l.First <= n && (l.Last == 0 || n <= l.Last) }

// String says what it is for people: "the timeout of 30 s in line 12".
func (l *Limit) String() string {
	what := "timeout"
	if l.Ends {
		what = "budget"
	}
	return "the " + what + " of " + quantity.Time.Text(l.MS) + " in line " + strconv.Itoa(l.Where.Start.Line)
}

// appendLimits writes how long steps may take, where anything says so.
func (p *Plan) appendLimits(b []byte) []byte {
	if len(p.Limits) == 0 {
		return b
	}
	b = append(b, ",\n \"timeouts\": ["...)
	for i := range p.Limits {
		l := &p.Limits[i]
		b = append(append(b, comma(i)...), "\n  "...)
		b = count(b, `{"first": `, l.First)
		b = count(b, `, "last": `, l.Last)
		b = append(b, `, "timeout_s": `...)
		b = quantity.AppendDecimal(b, l.MS, 1000)
		if l.Ends {
			b = append(b, `, "ends": true`...)
		}
		if l.Path != "" {
			b = field(b, "step", l.Path, false)
		}
		b = field(b, "file", l.Where.File, false)
		b = count(b, `, "line": `, l.Where.Start.Line)
		b = append(count(b, `, "column": `, l.Where.Start.Column), '}')
	}
	return append(b, ']')
}

type limitJSON struct {
	First   int         `json:"first"`
	Last    int         `json:"last"`
	Timeout json.Number `json:"timeout_s"`
	Ends    bool        `json:"ends"`
	Step    string      `json:"step"`
	File    string      `json:"file"`
	Line    int         `json:"line"`
	Column  int         `json:"column"`
}

// limits reads how long steps may take.
func (r *reader) limits() {
	for _, l := range r.in.Timeouts {
		out := Limit{First: l.First, Last: l.Last, MS: r.number(l.Timeout, "timeout_s"), Path: l.Step, Ends: l.Ends}
		out.Where = diag.Span{File: l.File, Start: diag.Pos{Line: l.Line, Column: l.Column}}
		if n := len(r.plan.Limits); out.First < 1 || out.Last < 0 || n > 0 && out.First < r.plan.Limits[n-1].First {
			r.fail("its timeouts are not in the order of its steps")
		}
		r.plan.Limits = append(r.plan.Limits, out)
	}
}
