package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

func (a *app) newCommand() *cobra.Command {
	var template string
	c := &cobra.Command{
		Use:   "new FILE",
		Short: "Start a workflow from a template",
		Long: `Writes a workflow to start from, named after its file. It is complete: lint finds nothing
in it, and simulate runs it. The templates are ` + strings.Join(workflows.Templates(), ", ") + `.`,
		Example: "  ot2flow new fill_plate.yaml\n  ot2flow new picks.yaml --template worklist",
		Args:    oneFile,
	}
	c.Flags().StringVarP(&template, "template", "t", "transfer", "what to start from: "+strings.Join(workflows.Templates(), ", "))
	c.RunE = func(_ *cobra.Command, args []string) error { return a.newWorkflow(args[0], template) }
	return c
}

func (a *app) newWorkflow(path, template string) error {
	if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
		path += ".yaml"
	}
	text, ok := workflows.Template(template, nameOf(path))
	if !ok {
		return usage("there is no template %q; there are %s", template, strings.Join(workflows.Templates(), ", "))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return cannot("%s is there already, and is left as it is; choose another name", path)
	}
	if err != nil {
		return cannot("%s cannot be written: %s", path, reason(err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return cannot("%s cannot be written: %s", path, reason(err))
	}
	if !a.quiet {
		shown := path
		if strings.ContainsAny(path, " '()&;") {
			shown = "\"" + path + "\""
		}
		path = shown
		fmt.Fprintf(a.out, "%s is written; go on with\n  ot2flow plan %s\n  ot2flow simulate %s\n", path, path, path)
	}
	return nil
}

// nameOf makes the name of a workflow of that of its file.
func nameOf(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && spec.IsName("a"+string(r)) || r == '-' {
			return r
		}
		return '_'
	}, base)
	if !spec.IsName(strings.ReplaceAll(name, "-", "_")) || name[0] == '-' {
		name = "workflow_" + strings.TrimLeft(name, "-")
	}
	return name
}
