package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/export"
	"github.com/ot2flow/ot2flow/workflows/papers"
)

func (a *app) exportCommand() *cobra.Command {
	var to, out string
	c := &cobra.Command{
		Use:   "export FILE|plan.json --to json|python|sheet|svg",
		Short: "Write a workflow as a protocol for the vendor's own software, or as papers for the bench",
		Long: `Writes a workflow as a protocol that the Opentrons App takes and its software runs:
  json     a JSON protocol, schema 8: what apply uploads
  python   a Python protocol, apiLevel 2.16, every call written out under the line it comes from
Definitions of your own labware are inside, so that the file needs no other.

For people it writes
  sheet    a page of HTML that prints on A4: the deck, what to put and fill in where, with what no
           tip reaches, tips, and the order of work with boxes to tick
  svg      a picture of the deck with its liquids in their colours
Both need no other file.`,
		Example: "  ot2flow export workflow.yaml --to python --out protocol.py\n  ot2flow export plan.json --to json > protocol.json\n  ot2flow export workflow.yaml --to sheet --out sheet.html",
		Args:    oneFile,
	}
	a.paramFlags(c)
	c.Flags().StringVar(&to, "to", "", "what to write: json, python, sheet or svg")
	c.Flags().StringVarP(&out, "out", "o", "", "write into this file instead of to standard output")
	c.RunE = func(_ *cobra.Command, args []string) error { return a.export(args[0], to, out) }
	return c
}

func (a *app) export(path, to, out string) error {
	write, err := exporter(to)
	if err != nil {
		return err
	}
	plan, err := a.plan(path)
	if err != nil {
		return err
	}
	if to == "json" || to == "python" {
		if err := exportable(path, plan); err != nil {
			return err
		}
	}
	data, err := write(plan)
	if err != nil {
		return cannot("%s cannot be exported: %v", path, err)
	}
	if out == "" {
		_, err := a.out.Write(data)
		return a.written(err)
	}
	if err := keepFile(out, data); err != nil {
		return cannot("the result cannot be written to %s: %s", out, reason(err))
	}
	return nil
}

// exportable says why a protocol of the vendor cannot do what a plan says.
func exportable(path string, plan *program.Plan) error {
	if s := plan.FirstLive(); s != nil {
		return cannot("%s cannot be exported: %s (line %d) is carried out beside the robot, which a protocol cannot ask for", path, s.ID(), s.Where().Start.Line)
	}
	if s := plan.FirstProtocol(); s != nil {
		return cannot("%s cannot be exported: %s (line %d) is a protocol of its own, %s, which a protocol cannot call", path, s.ID(), s.Where().Start.Line, s.Protocol.File)
	}
	return nil
}

// exporters are the forms, in the order in which they are named.
var exporters = []struct {
	form  string
	write func(*program.Plan) ([]byte, error)
}{
	{"json", command.Protocol},
	{"python", export.Python},
	{"sheet", func(p *program.Plan) ([]byte, error) { return papers.Sheet(p, ot2.NewTimer(p.Deck)), nil }},
	{"svg", func(p *program.Plan) ([]byte, error) { return papers.Deck(p), nil }},
}

// exporter finds what writes a form; a form that there is not is a mistake in
// the command.
func exporter(to string) (func(*program.Plan) ([]byte, error), error) {
	var forms []string
	for _, e := range exporters {
		if e.form == to {
			return e.write, nil
		}
		forms = append(forms, e.form)
	}
	if to == "" {
		return nil, usage("say what to write: --to %s", strings.Join(forms, ", --to "))
	}
	return nil, usage("there is no form %q here; the forms are %s", to, strings.Join(forms, ", "))
}
