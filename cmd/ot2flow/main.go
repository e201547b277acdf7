// Command ot2flow writes, proves, plans, simulates and runs workflows for the
// Opentrons OT-2. This package owns flags, exit codes, colours and progress;
// what is done is elsewhere.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Exit codes; other programs rely on them.
const (
	exitFine     = 0
	exitFindings = 1
	exitUsage    = 2
	exitCannot   = 3
	exitFailed   = 4
	exitStopped  = 5
	exitBug      = 70
)

func main() { os.Exit(ot2flow(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// ot2flow is main with its world given, so that tests can call it.
func ot2flow(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintf(stderr, "ot2flow: this is a bug of ours: %v\n%s", fault, debug.Stack())
			code = exitBug
		}
	}()
	return (&app{in: stdin, out: stdout, err: stderr}).main(context.Background(), args)
}

// main carries out a command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.command()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	code := a.told(root.ExecuteContext(ctx))
	a.carrier.Close()
	return code
}

// told says what went wrong, and returns the exit code for it.
func (a *app) told(err error) int {
	err = a.said(err)
	var exit *exitError
	switch {
	case err == nil:
		return exitFine
	case errors.As(err, &exit):
		if exit.message != "" {
			fmt.Fprintln(a.err, "ot2flow: "+exit.message)
		}
		return exit.code
	}
	fmt.Fprintf(a.err, "ot2flow: %v\n", err)
	return exitUsage
}

// said shows what an error of the service has to show, and gives it its exit code.
func (a *app) said(err error) error {
	var found *service.Findings
	var e *service.Error
	switch {
	case errors.As(err, &found):
		a.show(found.List, found.Source)
		return &exitError{findingsCode(found.List), found.Message}
	case !errors.As(err, &e):
		return err
	}
	code := exitCannot
	switch e.Kind {
	case service.Misuse:
		code = exitUsage
	case service.Undecided:
		code = exitFailed
	default:
	}
	return &exitError{code, e.Message}
}

// exitError ends the program with a code; an empty message means that
// everything has been said.
type exitError struct {
	code    int
	message string
}

func (e *exitError) Error() string { return e.message }

func cannot(format string, args ...any) error {
	return &exitError{exitCannot, fmt.Sprintf(format, args...)}
}

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// app carries the streams and the flags every command has.
type app struct {
	in       io.Reader
	out, err io.Writer
	format   string
	quiet    bool
	noColor  bool
	fold     bool // plans are shown folded
	set      []string
	params   string
	state    string
	known    *service.Known // what is known of the deck the plans are made for
	owner    service.Behalf // whose runs are begun
	// within are the folders below which everything is that is read; nil is anywhere. Text
	// is that of the workflow in place of what its file has; nil is what the file has.
	within []string
	text   []byte
	// carrier carries out what is to be carried out.
	carrier service.Service
}

// service is what carries out what is to be carried out, as the flags say.
func (a *app) service() *service.Service {
	a.carrier.State, a.carrier.Version = a.state, version
	return &a.carrier
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "ot2flow",
		Short: "Workflows for the Opentrons OT-2: written in YAML, proved before any liquid moves",
		Long: `ot2flow runs workflows on an Opentrons OT-2. A workflow is a YAML file that says what
stands on the deck and what is to be done. It is proved before any liquid moves.

Start with a file: ot2flow lint workflow.yaml, then plan, then simulate.`,
		SilenceUsage: true, SilenceErrors: true,
		Args: knownCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%v; see ot2flow %s --help", err, c.Name())
	})
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but findings and results asked for")
	flags.BoolVar(&a.noColor, "no-color", false, "no colours; NO_COLOR in the environment does the same")
	root.AddCommand(a.lintCommand(), a.planCommand(), a.diffCommand(), a.simulateCommand(), a.applyCommand(), a.runsCommand(), a.stateCommand(), a.quotaCommand(), a.exportCommand(), a.serveCommand(), a.callCommand(), a.mcpCommand(), a.queueCommand(), a.tokensCommand(), a.certsCommand(), a.brokerCommand(), a.auditCommand(), a.robotsCommand(), a.emulateCommand(), a.watchCommand(), a.testCommand(), a.fmtCommand(), a.lspCommand(), a.newCommand(),
		a.labwareCommand(), a.explainCommand(), a.schemaCommand(), a.versionCommand())
	return root
}

// knownCommand refuses arguments of a command that has only commands below it.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if near, ok := diag.Nearest(args[0], names); ok {
		return usage("there is no command %s; did you mean %s?", args[0], near)
	}
	return usage("there is no command %s; there are %s", args[0], strings.Join(names, ", "))
}
