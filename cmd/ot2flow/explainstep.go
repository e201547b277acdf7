package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// explainStep says where the options of one step of a workflow come from, and
// what the step becomes.
func (a *app) explainStep(path, step string) error {
	c, err := a.open(path)
	if err != nil {
		return err
	}
	runs, err := a.runs(c)
	if err != nil {
		return err
	}
	if c.Prepared == nil || len(runs) == 0 {
		a.show(c.Diagnostics, c.Source)
		return &exitError{code: findingsCode(c.Diagnostics)}
	}
	told, names, list := c.Prepared.Explain(step, runs[0].Input(true))
	c.AddFrom(&runs[0], list)
	a.show(c.Diagnostics, c.Source)
	if told == nil {
		message := "there is no step " + step + " in " + path
		if near, ok := diag.Nearest(step, names); ok {
			message += "; did you mean " + near + "?"
		} else if len(names) > 0 {
			message += "; there is " + strings.Join(names[:min(len(names), 8)], ", ")
		}
		return &exitError{exitFindings, message}
	}
	w := bufio.NewWriter(a.out)
	explained(w, told)
	return a.written(w.Flush())
}

func explained(w *bufio.Writer, e *interpreter.Explanation) {
	fmt.Fprintf(w, "%s  (line %d)\n", e.Step, e.Where.Start.Line)
	for i := range e.Uses {
		u := &e.Uses[i]
		title := "what no liquid is declared for"
		if u.Liquid != "" {
			title = u.Liquid
		}
		title += " with " + u.Pipette
		if u.Rack != "" {
			title += ", tips of " + u.Rack
		}
		fmt.Fprintf(w, "\n%s\n", title)
		key, value := 0, 0
		for _, s := range u.Settings {
			key, value = max(key, len([]rune(s.Key))), max(value, len([]rune(s.Value)))
		}
		for _, s := range u.Settings {
			fmt.Fprintf(w, margin+"%-*s  %-*s  %s\n", key, s.Key, value, s.Value, s.By)
		}
	}
	fmt.Fprintf(w, "\nBecomes %s\n", plural(e.Count, "step"))
	for i := range e.Steps {
		s := &e.Steps[i]
		fmt.Fprintf(w, margin+"%4d  %s\n", s.N, depict.Sentence(s, e.Deck))
	}
	if e.Count > len(e.Steps) {
		fmt.Fprintf(w, margin+"      … and %d more\n", e.Count-len(e.Steps))
	}
}
