package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

func (a *app) labwareCommand() *cobra.Command {
	c := &cobra.Command{Use: "labware", Short: "List, show and check labware", Args: knownCommand, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	list := &cobra.Command{Use: "list [TEXT]", Short: "List the standard catalogue, or what of it contains TEXT", Args: cobra.MaximumNArgs(1)}
	a.formatFlag(list, "text", "json")
	list.RunE = func(_ *cobra.Command, args []string) error { return a.labwareList(strings.Join(args, "")) }
	show := &cobra.Command{Use: "show NAME|FILE", Short: "Show a labware's size and wells", Args: cobra.ExactArgs(1)}
	a.formatFlag(show, "text", "json")
	show.RunE = func(_ *cobra.Command, args []string) error { return a.labwareShow(args[0]) }
	check := &cobra.Command{Use: "check FILE…", Short: "Check labware definitions of your own", Args: cobra.MinimumNArgs(1)}
	a.formatFlag(check, "text", "json", "github")
	check.RunE = func(_ *cobra.Command, args []string) error { return a.labwareCheck(args) }
	c.AddCommand(list, show, check, a.labwarePadCommand())
	return c
}

func (a *app) labwarePadCommand() *cobra.Command {
	out := ""
	c := &cobra.Command{
		Use:   "pad FILE --out FILE2",
		Short: "Give a tip rack all 96 places, as newer robots want it",
		Long: `Writes the definition of a tip rack with all 96 places. Robot software from 8.3 on takes no
tip rack with fewer, such as one that holds a sensor. The places that are there stay where
they are; nothing may be picked up from the others.`,
		Example: "  ot2flow labware pad sensor.json --out sensor_96.json",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&out, "out", "", "where to write it; - is standard output")
	c.RunE = func(_ *cobra.Command, args []string) error { return a.labwarePad(args[0], out) }
	return c
}

func (a *app) labwarePad(file, out string) error {
	if out == "" {
		return usage("say where to write the new definition: --out FILE")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return cannot("%s cannot be read: %s", file, reason(err))
	}
	padded, list, err := labware.Pad(file, data)
	a.show(list, func(string) []byte { return data })
	switch {
	case err != nil:
		return &exitError{exitFindings, err.Error()}
	case padded == nil:
		return &exitError{code: exitFindings}
	case out == "-":
		_, err := a.out.Write(padded)
		return a.written(err)
	}
	if err := keepFile(out, padded); err != nil {
		return cannot("%s cannot be written: %s", out, reason(err))
	}
	if !a.quiet {
		fmt.Fprintf(a.err, "%s has all 96 places; use it in the workflow in the place of %s\n", out, file)
	}
	return nil
}

func (a *app) labwareList(text string) error {
	var entries []labware.Entry
	for _, e := range labware.List() {
		if strings.Contains(strings.ToLower(e.LoadName+" "+e.DisplayName+" "+e.Category), strings.ToLower(text)) {
			entries = append(entries, e)
		}
	}
	if a.format == "json" {
		return a.written(labwareListJSON(a.out, entries))
	}
	if len(entries) == 0 {
		return &exitError{exitFindings, "nothing in the catalogue contains " + text}
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, e := range entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.LoadName, e.Category, plural(e.Wells, "well"), quantity.Volume.Text(e.MaxNL))
	}
	return a.written(w.Flush())
}

func labwareListJSON(w io.Writer, entries []labware.Entry) error {
	b := []byte(`{"format": "ot2flow.labware/1",` + "\n \"labware\": [")
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = program.AppendString(append(b, "\n  {\"load_name\": "...), e.LoadName)
		b = append(b, fmt.Sprintf(`, "version": %d, "category": "%s", "wells": %d, "volume_uL": `, e.Version, e.Category, e.Wells)...)
		b = quantity.AppendDecimal(b, e.MaxNL, 1000)
		b = append(program.AppendString(append(b, `, "display_name": `...), e.DisplayName), '}')
	}
	_, err := w.Write(append(b, "]}\n"...))
	return err
}

// labwareNamed finds a labware by load name or file.
func (a *app) labwareNamed(name string) (*program.Labware, error) {
	if !spec.IsFileReference(name) {
		if l, ok := labware.Lookup(name); ok {
			return l, nil
		}
		message := "there is no labware " + name + " in the standard catalogue"
		if near := labware.Nearest(name); near != "" {
			message += "; did you mean " + near + "?"
		}
		return nil, &exitError{exitFindings, message}
	}
	data, err := a.read(name)
	if err != nil {
		return nil, cannot("%s cannot be read: %s", name, reason(err))
	}
	l, list := labware.Parse(name, data)
	a.show(list, func(string) []byte { return data })
	if l == nil || list.HasErrors() {
		return nil, &exitError{code: exitFindings}
	}
	return l, nil
}

func (a *app) labwareShow(name string) error {
	l, err := a.labwareNamed(name)
	if err != nil {
		return err
	}
	if a.format == "json" {
		_, err := a.out.Write(labware.JSON(l))
		return a.written(err)
	}
	b := bufio.NewWriter(a.out)
	fmt.Fprintf(b, "%s\n  %s, %s\n  outside %s × %s × %s mm\n", l.DisplayName, l.URI(), l.Category, millimetres(l.X), millimetres(l.Y), millimetres(l.Z))
	if l.IsTipRack {
		fmt.Fprintf(b, "  tips %s mm long\n", millimetres(l.TipLength))
	}
	fmt.Fprintf(b, "  %s\n", plural(len(l.Wells), "well"))
	for _, w := range alike(l.Wells) {
		fmt.Fprintln(b, "    "+w)
	}
	return a.written(b.Flush())
}

// alike describes the wells, those of one shape together.
func alike(wells []program.Well) []string {
	var order []string
	names := map[string][]string{}
	for i := range wells {
		w := &wells[i]
		text := fmt.Sprintf("%s, %s mm deep, %s", shapeOf(w), millimetres(w.Depth), quantity.Volume.Text(w.MaxNL))
		if names[text] == nil {
			order = append(order, text)
		}
		names[text] = append(names[text], w.Name)
	}
	for i, text := range order {
		list := names[text]
		of := strings.Join(list, " ")
		if len(list) > 6 {
			of = list[0] + " … " + list[len(list)-1]
		}
		order[i] = of + ": " + text
	}
	return order
}

func shapeOf(w *program.Well) string {
	if w.Round {
		return "⌀ " + millimetres(w.Diameter) + " mm"
	}
	return millimetres(w.XSize) + " × " + millimetres(w.YSize) + " mm"
}

func millimetres(um int64) string { return string(quantity.AppendDecimal(nil, um, 1000)) }

func (a *app) labwareCheck(files []string) error {
	var all diag.List
	sources := map[string][]byte{}
	code := exitFine
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return cannot("%s cannot be read: %s", name, reason(err))
		}
		sources[name] = data
		_, list := labware.Parse(name, data)
		all = append(all, list...)
	}
	if all.HasErrors() {
		code = exitFindings
	}
	var err error
	switch a.format {
	case "json":
		err = diag.JSON(a.out, all)
	case "github":
		err = diag.GitHub(a.out, all)
	default:
		err = diag.Text(a.out, all, diag.TextOptions{Source: func(f string) []byte { return sources[f] }, Color: a.colors(a.out), Width: width(a.out)})
		if len(all) == 0 && !a.quiet {
			_, err = fmt.Fprintf(a.out, "%s fine\n", plural(len(files), "definition"))
		}
	}
	if err != nil {
		return a.written(err)
	}
	if code != exitFine {
		return &exitError{code: code}
	}
	return nil
}
