package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/workflows"
)

func (a *app) fmtCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Write workflows in their one canonical form",
		Long: `Rewrites workflow files in the one canonical form: indentation, spaces, quotes, blank
lines, and expressions as they are taught: not, and, or, if a {b} else {c}. Meaning, order
and comments stay. A folder means every workflow under it; - reads standard input and
writes standard output. Files that changed are listed.`,
		Example: "  ot2flow fmt workflow.yaml\n  ot2flow fmt --check examples",
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; list the files that would change, and exit with 1 if there are any")
	c.RunE = func(_ *cobra.Command, args []string) error { return a.fmt(args, check) }
	return c
}

func (a *app) fmt(paths []string, check bool) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if len(paths) == 1 && paths[0] == "-" {
		return a.fmtStream()
	}
	files, list := workflows.Find(paths...)
	a.show(list, func(string) []byte { return nil })
	code := exitFine
	if list.HasErrors() {
		code = exitCannot
	}
	for _, path := range files {
		changed, err := a.fmtFile(path, check)
		var exit *exitError
		switch {
		case errors.As(err, &exit):
			code = worse(code, exit.code)
			if exit.message != "" {
				fmt.Fprintln(a.err, "ot2flow: "+exit.message)
			}
		case changed:
			fmt.Fprintln(a.out, path)
			if check {
				code = worse(code, exitFindings)
			}
		}
	}
	if code != exitFine {
		return &exitError{code: code}
	}
	return nil
}

func (a *app) fmtStream() error {
	data, err := io.ReadAll(io.LimitReader(a.in, maxInput))
	if err != nil {
		return cannot("standard input cannot be read: %s", reason(err))
	}
	out, err := a.formatted("stdin", data)
	if err != nil {
		return err
	}
	_, err = a.out.Write(out)
	return a.written(err)
}

func (a *app) formatted(path string, data []byte) ([]byte, error) {
	out, list, err := workflows.Format(&spec.File{Name: filepath.ToSlash(path), Data: data})
	if list.HasErrors() {
		a.show(list, func(string) []byte { return data })
		return nil, &exitError{code: exitFindings}
	}
	if err != nil {
		return nil, cannot("%s is left as it is: %v", path, err)
	}
	return out, nil
}

// fmtFile formats one file. It is replaced as a whole, keeping its rights, and
// only if it would change.
func (a *app) fmtFile(path string, check bool) (changed bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, cannot("%s cannot be read: %s", path, reason(err))
	}
	out, err := a.formatted(path, data)
	if err != nil || bytes.Equal(out, data) || check {
		return err == nil && !bytes.Equal(out, data), err
	}
	if err := keepFile(path, out); err != nil {
		return false, cannot("%s cannot be written: %s", path, reason(err))
	}
	return true, nil
}
