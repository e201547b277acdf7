package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// listing is what runs list was told.
type listing struct {
	workflow, robot, by, project, result, since, until, after string
	limit                                                     int
}

func (a *app) runsCommand() *cobra.Command {
	c := a.runsListCommand()
	c.Use = "runs"
	c.Short = "What was run: the journal"
	c.Long = `Lists what was run, newest first. Every run of apply is kept in the journal, with its files,
its plan, its parameters and everything that happened, so that it can be shown, exported and
repeated years later.

A run is named by its id, by the beginning of it or of the part after the dash, or by last.
The journal is one file per user, in ~/.local/state/ot2flow on Linux; --state names another.`
	c.Example = "  ot2flow runs\n  ot2flow runs show last\n  ot2flow runs list --workflow mix-colors --since 7d"
	c.Args = knownCommand
	c.AddCommand(a.runsListCommand(), a.runsShowCommand(), a.runsExportCommand(), a.runsRepeatCommand(), a.runsResumeCommand(), a.runsAnswerCommand(), a.runsStopCommand(), a.runsPauseCommand(), a.runsPruneCommand())
	return c
}

func (a *app) runsListCommand() *cobra.Command {
	var o listing
	c := &cobra.Command{Use: "list", Short: "List runs, newest first", Args: cobra.NoArgs}
	a.formatFlag(c, "text", "json", "csv")
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&o.workflow, "workflow", "", "only runs of the workflow of this name")
	f.StringVar(&o.robot, "robot", "", "only runs on this robot: its name, address or serial number; sim is the simulator")
	f.StringVar(&o.by, "by", "", "only runs that this person began")
	f.StringVar(&o.project, "project", "", "only runs for this project")
	f.StringVar(&o.result, "result", "", "only runs that stand like this: "+strings.Join(journal.States(), ", "))
	f.StringVar(&o.since, "since", "", "only runs begun since: 7d, 12h, 2026-11-23 or \"2026-11-23 14:00\"")
	f.StringVar(&o.until, "until", "", "only runs begun before")
	f.StringVar(&o.after, "after", "", "go on after this run of an earlier list")
	f.IntVar(&o.limit, "limit", 30, "at most so many; 0 lists all")
	c.RunE = func(c *cobra.Command, _ []string) error { return a.runsList(c.Context(), o) }
	return c
}

// filter reads what the flags say.
func (o *listing) filter(ctx context.Context, s *journal.Store) (f journal.Filter, err error) {
	f = journal.Filter{Workflow: o.workflow, Robot: o.robot, By: o.by, Project: o.project, State: strings.ReplaceAll(o.result, "-", "_"), Limit: o.limit}
	if !knownState(f.State) {
		return f, usage("--result %s: there are %s", o.result, strings.Join(journal.States(), ", "))
	}
	if f.Since, err = moment("since", o.since); err != nil {
		return f, err
	}
	if f.Until, err = moment("until", o.until); err != nil {
		return f, err
	}
	if o.after != "" {
		sum, err := s.Find(ctx, o.after)
		if err != nil {
			return f, usage("--after: %v", err)
		}
		f.After = sum.ID
	}
	return f, nil
}

func knownState(name string) bool {
	if name == "" {
		return true
	}
	for _, s := range journal.States() {
		if s == name {
			return true
		}
	}
	return false
}

// moment reads a time, or how long ago it was.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, ok := age(text); ok {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage("--%s %s: write how long ago, such as 7d or 12h, or a day, such as 2026-11-23", flag, text)
}

// age reads how long ago something was: 90d, 2w, 12h, 30m.
func age(text string) (time.Duration, bool) {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}
	if text == "" {
		return 0, false
	}
	unit, ok := units[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	if !ok || err != nil || n < 0 || n > int(100*365*24*time.Hour/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

func (a *app) runsList(ctx context.Context, o listing) error {
	s, err := a.service().History(ctx)
	if err != nil {
		return err
	}
	list := lister{a: a, ctx: ctx, store: s}
	if s != nil {
		defer func() { _ = s.Close() }() // it was only read
		if list.filter, err = o.filter(ctx, s); err != nil {
			return err
		}
	}
	switch a.format {
	case "json":
		return list.json()
	case "csv":
		return list.csv()
	}
	return list.text()
}

// lister writes a list as it is read.
type lister struct {
	a      *app
	ctx    context.Context
	store  *journal.Store // nil: nothing was run yet
	filter journal.Filter
	n      int
	last   string // the id of the last run
	robots map[string]bool
	opens  []string // what is left to be done of what finally says in runs of the list
}

// each calls f for every run of the list.
func (l *lister) each(f func(*journal.Summary) error) error {
	if l.store == nil {
		return nil
	}
	for sum, err := range l.store.Runs(l.ctx, l.filter) {
		if err != nil {
			return cannot("%v", err)
		}
		l.n, l.last = l.n+1, sum.ID
		if err := l.unclosed(sum); err != nil {
			return err
		}
		if err := f(sum); err != nil {
			return l.a.written(err)
		}
	}
	return nil
}

// unclosed notes where a robot was left otherwise than its last run wanted it to be.
func (l *lister) unclosed(sum *journal.Summary) error {
	if l.a.format != "text" || l.robots[sum.Robot.Key] {
		return nil
	}
	if l.robots == nil {
		l.robots = map[string]bool{}
	}
	l.robots[sum.Robot.Key] = true
	text, err := service.Unclosed(l.ctx, l.store, sum)
	if text != "" {
		l.opens = append(l.opens, text)
	}
	return err
}

// full reports whether there may be more.
func (l *lister) full() bool { return l.filter.Limit > 0 && l.n == l.filter.Limit }

func (l *lister) text() error {
	w := tabwriter.NewWriter(l.a.out, 0, 0, 2, ' ', 0)
	err := l.each(func(s *journal.Summary) error {
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d of %s\t%s\t%s\n", s.ID, s.Began.Local().Format("2006-01-02 15:04"), s.Workflow, s.Robot.Name, s.Done, plural(s.Steps, "step"), tookText(s), l.stands(s))
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return l.a.written(err)
	}
	if !l.a.quiet {
		for _, text := range l.opens {
			fmt.Fprintln(l.a.err, text)
		}
	}
	switch {
	case l.a.quiet:
	case l.n == 0 && (l.store == nil || l.filter == journal.Filter{Limit: l.filter.Limit}):
		fmt.Fprintln(l.a.err, "nothing has been run yet; ot2flow apply keeps every run")
	case l.n == 0:
		fmt.Fprintln(l.a.err, "no run is like that")
	case l.full():
		fmt.Fprintf(l.a.err, "older ones: --after %s\n", l.last)
	}
	return nil
}

// tookText is how long a run took, or nothing while it is not over. A
// simulator's time is not that of the journal.
func tookText(s *journal.Summary) string {
	if !s.Over() || s.Robot.Simulated {
		return ""
	}
	return clock(s.Ended.Sub(s.Began).Milliseconds())
}

// stands says in words how a run stands.
func (l *lister) stands(s *journal.Summary) string { return service.Stands(l.ctx, l.store, s) }

func (l *lister) csv() error {
	w := csv.NewWriter(l.a.out)
	if err := w.Write([]string{"run", "began", "ended", "workflow", "file", "fingerprint", "robot", "address", "serial", "software", "by", "host", "version", "result", "steps", "done", "failed_step", "in_doubt_first", "in_doubt_last", "reason", "project"}); err != nil {
		return l.a.written(err)
	}
	err := l.each(func(s *journal.Summary) error {
		return w.Write([]string{
			s.ID, stamp(s.Began), stamp(s.Ended), s.Workflow, s.File, s.Fingerprint, s.Robot.Name, s.Robot.Address, s.Robot.Serial, s.Robot.Software, s.By.Name, s.By.Host, s.Version, s.State,
			strconv.Itoa(s.Steps), strconv.Itoa(s.Done), orNothing(s.FailedStep), orNothing(s.Doubt.First), orNothing(s.Doubt.Last), s.Reason, s.Project,
		})
	})
	if err != nil {
		return err
	}
	w.Flush()
	return l.a.written(w.Error())
}

// stamp is a time as other programs read it; the zero time is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func orNothing(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func (l *lister) json() error {
	b := []byte("{\"format\": \"ot2flow.runs/1\",\n \"runs\": [")
	err := l.each(func(s *journal.Summary) error {
		if l.n > 1 {
			b = append(b, ',')
		}
		b = appendSummary(append(b, "\n  {"...), s)
		_, err := l.a.out.Write(append(b, '}'))
		b = b[:0]
		return err
	})
	if err != nil {
		return err
	}
	b = append(b, ']')
	if l.full() {
		b = fmt.Appendf(b, ",\n \"next\": %q", l.last)
	}
	_, err = io.WriteString(l.a.out, string(b)+"}\n")
	return l.a.written(err)
}
