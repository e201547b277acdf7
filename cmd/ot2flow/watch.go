package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/ot2/sim"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

func (a *app) watchCommand() *cobra.Command {
	var poll time.Duration
	c := &cobra.Command{
		Use:   "watch [PATH…]",
		Short: "Lint and simulate again at every save",
		Long: `Watches workflow files, or all workflows under a folder, with the files they refer to,
and lints and simulates again whenever one is saved. Ctrl-C ends it.`,
		Example: "  ot2flow watch workflow.yaml\n  ot2flow watch examples",
	}
	a.paramFlags(c)
	c.Flags().DurationVar(&poll, "poll", 0, "also look at the files this often, for network folders that send no events")
	c.RunE = func(c *cobra.Command, args []string) error { return a.watch(c.Context(), args, poll) }
	return c
}

// watched is a version of a workflow with what its simulation came to.
type watched struct {
	checked *workflows.Checked
	runs    []watchedRun
}

// watchedRun is one run of it; where there are several, it has a name.
type watchedRun struct {
	name   string
	result *sim.Result
}

func (a *app) watch(ctx context.Context, paths []string, poll time.Duration) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return cannot("%s cannot be watched: %s", p, reason(err))
		}
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	check := func(_ context.Context, path string) workflows.Result[watched] { return a.watchedVersion(path) }
	registry := workflows.NewRegistry(check, paths...)
	watcher := workflows.Watch(ctx, registry, workflows.Options{Poll: poll}, func(c workflows.Change[watched]) { a.changed(registry, c) })
	defer watcher.Close()
	<-ctx.Done()
	return nil
}

// watchedVersion simulates the runs of a workflow, up to one that fails.
func (a *app) watchedVersion(path string) workflows.Result[watched] {
	c := workflows.Open(path)
	var done []watchedRun
	runs, err := a.runs(c)
	if err != nil {
		c.Add(diag.List{{Code: diag.Unreadable, Message: err.Error()}})
		c.Prepared = nil
	}
	for i := range runs {
		result, _ := simulateWorkflow(c, &runs[i], nil, nil)
		if result == nil {
			break
		}
		done = append(done, watchedRun{runs[i].Name, result})
	}
	out := workflows.ResultOf(c, watched{c, done})
	out.OK = len(done) > 0 && len(done) == len(runs)
	return out
}

// changed shows how things are: on a terminal all of it, redrawn; elsewhere
// what changed.
func (a *app) changed(registry *workflows.Registry[watched], c workflows.Change[watched]) {
	var b bytes.Buffer
	versions, problems := c.Changed, c.Problems
	if isTerminal(a.out) {
		now := registry.Snapshot()
		versions, problems = now.Versions, now.Problems
		b.WriteString("\x1b[H\x1b[2J\x1b[3J")
	}
	for _, v := range versions {
		if !hasProblem(problems, v) {
			a.watchedLine(&b, v)
		}
	}
	for _, v := range c.Removed {
		fmt.Fprintf(&b, "- %s is gone (%s)\n", v.Name, v.Path)
	}
	for _, p := range problems {
		source := p.Value.source
		_ = diag.Text(&b, p.Diagnostics, diag.TextOptions{Source: source, Color: a.colors(a.out), Width: width(a.out)})
		b.WriteByte('\n')
	}
	if len(versions)+len(problems)+len(c.Removed) == 0 {
		fmt.Fprintln(&b, "no workflow here yet; a workflow is a .yaml file with the key ot2flow")
	}
	_, _ = a.out.Write(b.Bytes())
}

// hasProblem reports whether the file of a version is wrong as it is now; the
// version is then the last good one.
func hasProblem(problems []workflows.Problem[watched], v *workflows.Version[watched]) bool {
	for _, p := range problems {
		if p.Served == v {
			return true
		}
	}
	return false
}

func (w watched) source(file string) []byte {
	if w.checked == nil {
		return nil
	}
	return w.checked.Source(file)
}

func (a *app) watchedLine(b *bytes.Buffer, v *workflows.Version[watched]) {
	for _, run := range v.Value.runs {
		from := v.Path
		if run.name != "" {
			from += ", " + run.name
		}
		fmt.Fprintf(b, "✓ %-24s %s, about %s on the robot  (%s)\n", v.Name, plural(run.result.Steps, "step"), clock(run.result.DurationMS), from)
	}
	_ = diag.Text(b, v.Diagnostics, diag.TextOptions{Source: v.Value.source, Color: a.colors(a.out), Width: width(a.out)})
}
