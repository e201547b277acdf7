package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

func (a *app) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [CODE|KEY|FUNCTION|CLASS | FILE STEP]",
		Short: "Explain a finding's code, a key, a function or a step of a workflow, or show a liquid class; without any, the whole language",
		Long: `Explains the code of a finding, a key of the language or a function, and shows a liquid
class that is shipped. Without any, it prints the whole language.

With a workflow and a step of it, such as steps[0] or the step's id, it says for every
option who says it: the step, the liquid class it names, the liquid, its liquid class,
the pipette, the defaults of the workflow, or ot2flow; and what the step becomes.`,
		Example: "  ot2flow explain OTF602\n  ot2flow explain transfer\n  ot2flow explain by_row\n  ot2flow explain glycerol > my_glycerol.yaml\n  ot2flow explain workflow.yaml 'steps[0]'",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				_, err := a.out.Write(workflows.Reference())
				return a.written(err)
			case 1:
				return a.explain(args[0])
			}
			return a.explainStep(args[0], args[1])
		},
	}
	a.paramFlags(c)
	return c
}

func (a *app) explain(what string) error {
	if c, ok := diag.LookupCode(strings.ToUpper(what)); ok {
		return a.explainCode(c)
	}
	if c, ok := diag.LookupCode(what); ok {
		return a.explainCode(c)
	}
	if text, ok := spec.Reference(what); ok {
		_, err := fmt.Fprint(a.out, text)
		return a.written(err)
	}
	if text, ok := workflows.ExplainFunction(what); ok {
		_, err := fmt.Fprint(a.out, text)
		return a.written(err)
	}
	if text, ok := ot2.LiquidClassFile(what); ok {
		_, err := fmt.Fprintf(a.out, "# A liquid class that comes with ot2flow: `liquid_class: %s`. As a file of your own it\n# can be changed: `liquid_class: ./my_%[1]s.yaml`.\n%s", what, withoutSchema(text))
		return a.written(err)
	}
	names := append(spec.Keys(), workflows.FunctionNames()...)
	names = append(names, ot2.Machine{}.LiquidClasses()...)
	for _, c := range diag.Codes() {
		names = append(names, c.ID, c.Name)
	}
	message := "there is no code, key, function or liquid class " + what
	if near, ok := diag.Nearest(what, names); ok {
		message += "; did you mean " + near + "?"
	}
	return &exitError{exitFindings, message}
}

// withoutSchema leaves out the comment that names a schema by where our own file
// stands.
func withoutSchema(text []byte) []byte {
	if line, rest, ok := bytes.Cut(text, []byte("\n")); ok && bytes.HasPrefix(line, []byte("# yaml-language-server")) {
		return rest
	}
	return text
}

func (a *app) explainCode(c *diag.Code) error {
	_, err := fmt.Fprintf(a.out, "%s %s\n\n%s\n", c.ID, c.Name, wrap(c.Explain, 88))
	return a.written(err)
}

// wrap breaks text at spaces so that no line is longer than n characters where
// that can be helped. Line breaks in the text stay.
func wrap(text string, n int) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		column := 0
		for j, word := range strings.Fields(paragraph) {
			w := len([]rune(word))
			switch {
			case j == 0:
			case column+1+w > n:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += w
		}
	}
	return b.String()
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [NAME]",
		Short: "Print the JSON schema of a format: " + "workflow (the default), liquid_class, lab, test, plan, simulation, run, runs, journal, robots, diagnostics",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			name := strings.Join(append(args, "workflow")[:1], "")
			data, ok := schema.Schema(name)
			if !ok {
				return usage("there is no schema %q; there are %s", name, strings.Join(schema.Names(), ", "))
			}
			_, err := a.out.Write(data)
			return a.written(err)
		},
	}
}
