package main

import (
	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/export"
)

func (a *app) exportCommand() *cobra.Command {
	var to, out string
	c := &cobra.Command{
		Use:   "export FILE|plan.json --to json|python",
		Short: "Write a workflow as a protocol for the vendor's own software",
		Long: `Writes a workflow as a protocol that the Opentrons App takes and its software runs:
  json     a JSON protocol, schema 8: what apply uploads
  python   a Python protocol, apiLevel 2.16, every call written out under the line it comes from
Definitions of your own labware are inside, so that the file needs no other.`,
		Example: "  ot2flow export workflow.yaml --to python --out protocol.py\n  ot2flow export plan.json --to json > protocol.json",
		Args:    oneFile,
	}
	a.paramFlags(c)
	c.Flags().StringVar(&to, "to", "", "what to write: json or python")
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
	if s := plan.FirstLive(); s != nil {
		return cannot("%s cannot be exported: %s (line %d) is carried out beside the robot, which a protocol cannot ask for", path, s.ID(), s.Where().Start.Line)
	}
	if s := plan.FirstProtocol(); s != nil {
		return cannot("%s cannot be exported: %s (line %d) is a protocol of its own, %s, which a protocol cannot call", path, s.ID(), s.Where().Start.Line, s.Protocol.File)
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
		return cannot("the protocol cannot be written to %s: %s", out, reason(err))
	}
	return nil
}

// exporter finds what writes a form; a form that there is not is a mistake in
// the command.
func exporter(to string) (func(*program.Plan) ([]byte, error), error) {
	switch to {
	case "json":
		return command.Protocol, nil
	case "python":
		return export.Python, nil
	case "":
		return nil, usage("say what to write: --to json, or --to python")
	case "sheet", "svg":
		return nil, usage("this version does not write %s; it writes --to json and --to python", map[string]string{"sheet": "bench sheets", "svg": "deck pictures"}[to])
	}
	return nil, usage("there is no form %q here; the forms are json and python", to)
}
