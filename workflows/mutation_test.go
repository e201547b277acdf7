package workflows_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// The mutation corpus: every workflow that is shipped, and every one of the corpus
// that is silent, with one mistake in it. A mistake of some kinds is one by itself: a
// key with a typing error, a well that there is not. One of the others counts where the
// program that comes of it goes wrong, which an oracle decides that follows volumes and
// tips on its own (mutation_oracle_test.go), or where there is no program any more.

var (
	mutations     = flag.Int("mutations", 1, "how many mistakes of each kind are made in each workflow; 0: all")
	mutationShare = flag.Int("mutation-share", 4, "make mistakes of one in so many pairs of kind and workflow")
	mutationsMiss = flag.Bool("mutations-missed", false, "print what was missed, said at another line, or said more than once")
)

// The least shares, in percent, of the mistakes that make something worse that are
// found, of these those that are found on the right line, and with exactly one message.
const (
	leastDetected = 97
	leastOnLine   = 95
	leastSingle   = 90
)

// shipped is a workflow without mistakes.
type shipped struct {
	path  string
	lines []string
	trace []string // of its steps
}

// mutant is a workflow with one mistake.
type mutant struct {
	lines []string
	at    []int    // the lines where it may be said, from 1
	names []string // lines that use one of these are right as well
}

// mutation is a kind of mistake.
type mutation struct {
	name string
	// sure says that it is a mistake whatever becomes of the program; otherwise the
	// oracle has to find something wrong with that, or, where it is told, the program
	// has to be another one.
	sure, other bool
	make        func(*shipped) []mutant
}

// tallied is what was found of one kind.
type tallied struct{ made, harmless, another, worse, detected, onLine, single int }

func (t *tallied) add(o tallied) {
	t.made, t.harmless, t.another = t.made+o.made, t.harmless+o.harmless, t.another+o.another
	t.worse, t.detected, t.onLine, t.single = t.worse+o.worse, t.detected+o.detected, t.onLine+o.onLine, t.single+o.single
}

func TestMutations(t *testing.T) {
	var files []*shipped
	for _, pattern := range []string{"../examples/*/*.yaml", "library/*.yaml", "testdata/ok/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		for _, path := range found {
			if s := readShipped(t, path); s != nil && !slices.ContainsFunc(files, func(o *shipped) bool { return o.path == path }) {
				files = append(files, s)
			}
		}
	}
	start, sum := time.Now(), tallied{}
	var table strings.Builder
	fmt.Fprintf(&table, "%-22s %6s %8s %8s %6s %9s %8s %8s\n", "mistake", "made", "harmless", "another", "worse", "detected", "on line", "once")
	for i := range mutationKinds {
		k, of := &mutationKinds[i], tallied{}
		for _, f := range files {
			for _, m := range drawn(k, f) {
				of.add(judgeMutant(t, k, f, &m))
			}
		}
		of.row(&table, k.name)
		sum.add(of)
	}
	sum.row(&table, "all")
	t.Logf("%d workflows, %v\n%s", len(files), time.Since(start).Round(time.Millisecond), table.String())
	report(t, "mistakes in workflows, by kind", table.String())
	for _, s := range []struct {
		what         string
		n, of, least int
	}{
		{"detected", sum.detected, sum.worse, leastDetected},
		{"detected on the right line", sum.onLine, sum.detected, leastOnLine},
		{"detected with exactly one message", sum.single, sum.detected, leastSingle},
	} {
		if s.n*100 < s.of*s.least {
			t.Errorf("%d of %d are %s, and %d %% are to be; -mutations-missed shows the others", s.n, s.of, s.what, s.least)
		}
	}
	if sum.worse < 200 {
		t.Errorf("only %d mistakes make anything worse", sum.worse)
	}
}

// report hands a table to whoever collects what tests have to tell.
func report(t *testing.T, title, text string) {
	path := os.Getenv("OT2FLOW_REPORT")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Error(err)
		return
	}
	fmt.Fprintf(f, "%s:\n%s", title, text)
	f.Close()
}

func (t *tallied) row(w *strings.Builder, name string) {
	share := func(n, of int) string {
		if of == 0 {
			return "-"
		}
		return strconv.Itoa(n*100/of) + " %"
	}
	fmt.Fprintf(w, "%-22s %6d %8d %8d %6d %9s %8s %8s\n", name, t.made, t.harmless, t.another, t.worse, share(t.detected, t.worse), share(t.onLine, t.detected), share(t.single, t.detected))
}

// readShipped reads a workflow; nil for a file that is none. It has to be silent.
func readShipped(t *testing.T, path string) *shipped {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("ot2flow: 1")) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil
	}
	c := workflows.Open(path)
	c.Lint(nil)
	if len(c.Diagnostics) > 0 {
		t.Fatalf("%s is not silent:\n%s", path, printed(c))
	}
	s := &shipped{path: path, lines: strings.Split(string(data), "\n")}
	s.trace, _ = traced(c)
	return s
}

// drawn are the mistakes of a kind that are made in a workflow, the same every time.
func drawn(k *mutation, f *shipped) []mutant {
	h := fnv.New32a()
	h.Write([]byte(k.name + "\x00" + filepath.ToSlash(f.path)))
	n := int(h.Sum32() >> 4)
	if *mutations > 0 && n%*mutationShare != 0 {
		return nil
	}
	all := k.make(f)
	if *mutations == 0 || len(all) <= *mutations {
		return all
	}
	var out []mutant
	for i := range *mutations {
		out = append(out, all[(n / *mutationShare + i*len(all) / *mutations)%len(all)])
	}
	return out
}

func judgeMutant(t *testing.T, k *mutation, f *shipped, m *mutant) tallied {
	c := workflows.FromText(f.path, []byte(strings.Join(m.lines, "\n")))
	c.Lint(nil)
	found := c.Diagnostics
	out := tallied{made: 1}
	trace, wrong := traced(c)
	same := slices.Equal(trace, f.trace)
	switch {
	case k.sure, c.Prepared == nil, wrong != "":
	case same && len(found) == 0:
		out.harmless = 1
		return out
	case k.other && !same:
	case len(found) == 0:
		out.another = 1
		return out
	}
	out.worse = 1
	if len(found) == 0 {
		missedMutant(t, k, f, m, "missed: "+cmp.Or(wrong, "another program"), c)
		return out
	}
	out.detected = 1
	if m.isRight(f, &found[first(found)]) {
		out.onLine = 1
	} else {
		missedMutant(t, k, f, m, "elsewhere", c)
	}
	if len(found) == 1 {
		out.single = 1
	} else {
		missedMutant(t, k, f, m, strconv.Itoa(len(found))+" messages", c)
	}
	return out
}

// first is the finding that is looked at: the first error, or else warning.
func first(list diag.List) int {
	return max(0, slices.IndexFunc(list, func(d diag.Diagnostic) bool { return d.Severity == diag.Error }))
}

// isRight reports whether a finding is where the mistake is, or leads there: its
// place, one of the related ones, or a note names the line, or the expression that it
// is about read what has the mistake.
func (m *mutant) isRight(f *shipped, d *diag.Diagnostic) bool {
	spans := []diag.Span{d.Span}
	for _, r := range d.Related {
		spans = append(spans, r.Span)
	}
	for _, s := range spans {
		if filepath.Base(s.File) != filepath.Base(f.path) {
			continue
		}
		for n := s.Start.Line; n <= max(s.Start.Line, s.End.Line); n++ {
			if slices.Contains(m.at, n) || n >= 1 && n <= len(m.lines) && m.uses(m.lines[n-1]) {
				return true
			}
		}
	}
	for _, v := range d.Values {
		if slices.Contains(m.names, v.Name) {
			return true
		}
	}
	for _, text := range append(append([]string{d.Message, d.Label}, d.Notes...), d.Frames...) {
		for _, n := range m.at {
			if strings.Contains(text+" ", "line "+strconv.Itoa(n)+" ") || strings.Contains(text+" ", "line "+strconv.Itoa(n)+",") {
				return true
			}
		}
		if m.uses(text) {
			return true
		}
	}
	return false
}

func (m *mutant) uses(text string) bool {
	return slices.ContainsFunc(m.names, func(name string) bool { return mentions(text, name) })
}

// mentions reports whether a name stands in a text as a word of its own.
func mentions(text, name string) bool {
	for at := 0; name != ""; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			break
		}
		i += at
		if !wordAt(text, i-1) && !wordAt(text, i+len(name)) {
			return true
		}
		at = i + len(name)
	}
	return false
}

func wordAt(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] == '_' || s[i] >= '0' && s[i] <= '9' || s[i] >= 'A' && s[i] <= 'Z' || s[i] >= 'a' && s[i] <= 'z')
}

func missedMutant(t *testing.T, k *mutation, f *shipped, m *mutant, what string, c *workflows.Checked) {
	if !*mutationsMiss {
		return
	}
	line := ""
	if len(m.at) > 0 && m.at[0] > 0 && m.at[0] <= len(m.lines) {
		line = strings.TrimSpace(m.lines[m.at[0]-1])
	}
	var said strings.Builder
	for i := range c.Diagnostics {
		d := &c.Diagnostics[i]
		fmt.Fprintf(&said, "\n      %d: %s [%s]", d.Span.Start.Line, d.Message, d.Code)
	}
	t.Logf("%s: %s in %s:%v %s%s", what, k.name, f.path, m.at, line, said.String())
}

// traced is what a workflow does, a line for each step, and what the oracle finds
// wrong with it; nothing where it cannot be gone through.
func traced(c *workflows.Checked) (steps []string, wrong string) {
	if c.Prepared == nil {
		return nil, ""
	}
	o := &oracle{}
	end, _, err := c.Prepared.Expand(interpreter.Input{Examples: true, Likely: true}, o)
	if err != nil || end.State == nil {
		return o.trace, o.wrong
	}
	o.end(end.State)
	return o.trace, o.wrong
}
