package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/library"
)

func (a *app) newCommand() *cobra.Command {
	var template, shown string
	c := &cobra.Command{
		Use:   "new FILE",
		Short: "Start a workflow from one of the library",
		Long: `Writes a workflow to start from, named after its file, its tests beside it, and the table that
it reads, if it reads one. It is complete: lint finds nothing in it, test passes, and simulate runs
it. There are ` + strings.Join(library.Names(), ", ") + `;
--show prints the page about one.`,
		Example: "  ot2flow new fill.yaml\n  ot2flow new picks.yaml --template cherry-pick\n  ot2flow new --show pcr-setup",
		Args:    cobra.MaximumNArgs(1),
	}
	c.Flags().StringVarP(&template, "template", "t", "plate-fill", "what to start from: "+strings.Join(library.Names(), ", "))
	c.Flags().StringVar(&shown, "show", "", "print the page about a workflow of the library, and write nothing")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if shown != "" && len(args) == 0 {
			return a.libraryPage(shown)
		}
		if len(args) == 0 || shown != "" {
			return usage("name a file to write, or a workflow to --show")
		}
		return a.newWorkflow(args[0], template)
	}
	return c
}

func noTemplate(name string) error {
	near, _ := diag.Nearest(name, library.Names())
	if near != "" {
		near = "did you mean " + near + "? "
	}
	return usage("there is no template %q; %sthere are %s", name, near, strings.Join(library.Names(), ", "))
}

func (a *app) libraryPage(name string) error {
	page, ok := library.Page(name)
	if !ok {
		return noTemplate(name)
	}
	_, err := a.out.Write(page)
	return a.written(err)
}

func (a *app) newWorkflow(path, template string) error {
	base := strings.TrimSuffix(strings.TrimSuffix(path, ".yaml"), ".yml")
	files, ok := library.Start(template, filepath.Base(base), nameOf(base+".yaml"))
	if !ok {
		return noTemplate(template)
	}
	for i := range files {
		files[i].Name = filepath.Join(filepath.Dir(base), files[i].Name)
		if _, err := os.Lstat(files[i].Name); err == nil {
			return cannot("%s is there already, and is left as it is; choose another name", files[i].Name)
		}
	}
	for _, f := range files {
		if err := a.newFile(f.Name, f.Data); err != nil {
			return err
		}
	}
	if !a.quiet {
		path = quotedPath(files[0].Name)
		fmt.Fprintf(a.out, "%s is written%s; go on with\n  ot2flow test %s\n  ot2flow plan %s\n  ot2flow simulate %s\n", path, besides(files[1:]), path, path, path)
	}
	return nil
}

// besides names what else was written.
func besides(files []library.File) string {
	out := ""
	for i, f := range files {
		switch {
		case i == 0:
			out = ", and beside it " + filepath.Base(f.Name)
		default:
			out += " and " + filepath.Base(f.Name)
		}
	}
	return out
}

// quotedPath is a path as it is typed into a shell.
func quotedPath(path string) string {
	if strings.ContainsAny(path, " '()&;") {
		return "\"" + path + "\""
	}
	return path
}

// newFile writes a file that was not there.
func (a *app) newFile(path string, text []byte) error {
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
