package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Runs as data: export, repeat, prune.

// appendSummary writes the members of a run that need none of its events.
func appendSummary(b []byte, s *journal.Summary) []byte {
	first := true
	text := func(name, value string) {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = program.AppendString(append(append(append(b, '"'), name...), "\": "...), value)
	}
	number := func(name string, n int) { b = fmt.Appendf(b, ", %q: %d", name, n) }
	text("run", s.ID)
	text("began", stamp(s.Began))
	if s.Over() {
		text("ended", stamp(s.Ended))
	}
	text("workflow", s.Workflow)
	text("file", s.File)
	text("fingerprint", s.Fingerprint)
	text("result", s.State)
	number("steps", s.Steps)
	number("done", s.Done)
	b = append(b, ", \"robot\": {"...)
	first = true
	text("name", s.Robot.Name)
	for _, m := range [][2]string{{"address", s.Robot.Address}, {"serial", s.Robot.Serial}, {"software", s.Robot.Software}} {
		if m[1] != "" {
			text(m[0], m[1])
		}
	}
	b = fmt.Appendf(b, ", \"simulated\": %t}, \"by\": {", s.Robot.Simulated)
	first = true
	text("name", s.By.Name)
	text("host", s.By.Host)
	text("version", s.Version)
	b = append(b, '}')
	if s.Project != "" {
		text("project", s.Project)
	}
	if s.Repeats != "" {
		text("repeats", s.Repeats)
	}
	if s.Waiting > 0 {
		number("waiting", s.Waiting)
	}
	if s.FailedStep > 0 {
		number("failed_step", s.FailedStep)
	}
	if s.Doubt.First > 0 {
		b = fmt.Appendf(b, ", \"in_doubt\": {\"first\": %d, \"last\": %d}", s.Doubt.First, s.Doubt.Last)
	}
	if s.Reason != "" {
		text("reason", s.Reason)
	}
	return b
}

// exporting is what runs export was told.
type exporting struct {
	format, out string
	all         bool
}

func (a *app) runsExportCommand() *cobra.Command {
	var o exporting
	c := &cobra.Command{
		Use:   "export RUN…|--all",
		Short: "Write runs with everything that happened, for other programs",
		Long: `As JSON: what was run with which parameters and files, and every event. As CSV: a row per
step, with its times and what became of it.`,
		Example: "  ot2flow runs export last --format csv --out run.csv\n  ot2flow runs export --all > runs.json",
	}
	c.Flags().StringVar(&o.format, "format", "json", "output: json, csv")
	a.stateFlag(c)
	c.Flags().BoolVar(&o.all, "all", false, "every run of the journal, newest first")
	c.Flags().StringVarP(&o.out, "out", "o", "", "the file to write; by default standard output")
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case o.all == (len(args) > 0):
			return usage("name runs, or say --all")
		case o.format != "json" && o.format != "csv":
			return usage("there is no format %q here; the formats are json, csv", o.format)
		}
		return a.runsExport(c.Context(), args, o)
	}
	return c
}

// needHistory is history where there has to be something.
func (a *app) needHistory(ctx context.Context) (*journal.Store, error) {
	s, err := a.service().History(ctx)
	if err == nil && s == nil {
		return nil, cannot("nothing has been run yet; ot2flow apply keeps every run")
	}
	return s, err
}

// ofRun opens the history, finds a run there, and has something done with both.
func (a *app) ofRun(ctx context.Context, ref string, do func(*journal.Store, *journal.Summary) error) error {
	s, err := a.needHistory(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it was only read
	sum, err := s.Find(ctx, ref)
	if err != nil {
		return found(err)
	}
	return do(s, sum)
}

// found turns the error of looking for a run into an exit code: a name that
// means none, or several, was written wrongly.
func found(err error) error {
	var none *journal.NoRun
	if errors.As(err, &none) {
		return usage("%v", none)
	}
	return cannot("%v", err)
}

func (a *app) runsExport(ctx context.Context, refs []string, o exporting) error {
	s, err := a.needHistory(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it was only read
	runs, err := chosen(ctx, s, refs)
	if err != nil {
		return err
	}
	if o.out == "" {
		return writeRuns(ctx, a.out, s, runs, o.format)
	}
	f, err := createOut(o.out)
	if err != nil {
		return cannot("%s cannot be written: %s", o.out, reason(err))
	}
	defer f.discard()
	if err := writeRuns(ctx, f, s, runs, o.format); err != nil {
		return err
	}
	if err := f.keep(); err != nil {
		return cannot("%s cannot be written: %s", o.out, reason(err))
	}
	return nil
}

func writeRuns(ctx context.Context, out io.Writer, s *journal.Store, runs []*journal.Summary, format string) error {
	w := bufio.NewWriter(out)
	write := writeRunsJSON
	if format == "csv" {
		write = writeRunsCSV
	}
	if err := write(ctx, w, s, runs); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return cannot("the output cannot be written: %s", reason(err))
	}
	return nil
}

// writeRunsJSON writes the form ot2flow.journal/1, an event a line.
func writeRunsJSON(ctx context.Context, w *bufio.Writer, s *journal.Store, runs []*journal.Summary) error {
	fmt.Fprint(w, "{\"format\": \"ot2flow.journal/1\",\n \"runs\": [")
	for i, sum := range runs {
		if i > 0 {
			_ = w.WriteByte(',') // Flush tells
		}
		head, err := appendUnclosed(ctx, s, appendSummary([]byte("\n  {"), sum), sum)
		if err != nil {
			return err
		}
		head, err = appendMeta(ctx, s, head, sum)
		if err != nil {
			return cannot("%v", err)
		}
		_, _ = w.Write(append(head, ",\n   \"events\": ["...)) // Flush tells
		n := 0
		for e, err := range s.Events(ctx, journal.Query{Run: sum.ID}) {
			if err != nil {
				return cannot("%v", err)
			}
			line, err := e.Record.MarshalJSON()
			if err != nil {
				return cannot("%v", err)
			}
			if n++; n > 1 {
				_ = w.WriteByte(',') // Flush tells
			}
			fmt.Fprintf(w, "\n    %s", line)
		}
		fmt.Fprint(w, "]}")
	}
	fmt.Fprint(w, "]}\n")
	return nil
}

// appendUnclosed writes what is left to be done of what finally says, if anything.
func appendUnclosed(ctx context.Context, s *journal.Store, b []byte, sum *journal.Summary) ([]byte, error) {
	text, err := service.Unclosed(ctx, s, sum)
	if err != nil || text == "" {
		return b, err
	}
	return program.AppendString(append(b, ", \"unclosed\": "...), text), nil
}

// appendMeta writes the parameters and the files of a run.
func appendMeta(ctx context.Context, s *journal.Store, b []byte, sum *journal.Summary) ([]byte, error) {
	params, err := s.Params(ctx, sum)
	if err != nil {
		return nil, err
	}
	files, err := s.Files(ctx, sum)
	if err != nil {
		return nil, err
	}
	b = append(b, ",\n   \"params\": {"...)
	for i, p := range params {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(append(program.AppendString(b, p.Name), ": "...), p.Value)
	}
	b = append(b, "},\n   \"files\": ["...)
	for i, f := range files {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(append(b, "{\"name\": "...), f.Name)
		b = fmt.Appendf(b, ", \"sha256\": \"%x\"}", sha256.Sum256(f.Data))
	}
	return append(b, ']'), nil
}

// writeRunsCSV writes a row for every step that began, ended or is in doubt.
func writeRunsCSV(ctx context.Context, w *bufio.Writer, s *journal.Store, runs []*journal.Summary) error {
	rows := csv.NewWriter(w)
	_ = rows.Write([]string{"run", "workflow", "robot", "step", "id", "op", "well", "volume_uL", "began", "ended", "duration_s", "outcome", "evidence"}) // Error tells
	for _, sum := range runs {
		plan, err := s.Plan(ctx, sum, ot2.Machine{})
		if err != nil {
			return cannot("the plan of run %s cannot be used: %v", sum.ID, err)
		}
		steps := newStepLog(plan)
		for e, err := range s.Events(ctx, journal.Query{Run: sum.ID}) {
			if err != nil {
				return cannot("%v", err)
			}
			ended, err := steps.on(e.Record)
			if err != nil {
				return cannot("run %s: %v", sum.ID, err)
			}
			for _, o := range ended {
				_ = rows.Write(o.row(sum, plan)) // Error tells
			}
		}
		for _, o := range steps.open() {
			_ = rows.Write(o.row(sum, plan)) // Error tells
		}
	}
	rows.Flush()
	if err := rows.Error(); err != nil {
		return cannot("the output cannot be written: %s", reason(err))
	}
	return nil
}

func (o *stepOutcome) row(sum *journal.Summary, plan *program.Plan) []string {
	op, well, vol, duration := &o.step.Op, "", "", ""
	fields := op.Kind.Info().Fields
	switch {
	case op.Trash:
		well = "trash"
	case fields&program.HasWell != 0:
		well = plan.Deck.WellName(op.Well)
	}
	if fields&program.HasVolume != 0 {
		vol = string(quantity.AppendDecimal(nil, op.Volume, 1000))
	}
	if !o.began.IsZero() && !o.ended.IsZero() {
		duration = string(quantity.AppendDecimal(nil, o.ended.Sub(o.began).Milliseconds(), 1000))
	}
	return []string{sum.ID, sum.Workflow, sum.Robot.Name, orNothing(o.n), o.step.ID(), op.Kind.String(), well, vol, stamp(o.began), stamp(o.ended), duration, o.outcome, o.evidence}
}

// chosen returns the runs that are named, or all.
func chosen(ctx context.Context, s *journal.Store, refs []string) ([]*journal.Summary, error) {
	var out []*journal.Summary
	for _, ref := range refs {
		sum, err := s.Find(ctx, ref)
		if err != nil {
			return nil, found(err)
		}
		out = append(out, sum)
	}
	if len(refs) > 0 {
		return out, nil
	}
	for sum, err := range s.Runs(ctx, journal.Filter{}) {
		if err != nil {
			return nil, cannot("%v", err)
		}
		out = append(out, sum)
	}
	return out, nil
}

func (a *app) runsRepeatCommand() *cobra.Command {
	var o applying
	var out string
	c := &cobra.Command{
		Use:   "repeat RUN --robot NAME|ADDRESS|sim",
		Short: "Do again exactly what a run did",
		Long: `Carries out the plan of a run once more, as it was: with the files and the parameters it had
then, whatever has become of them, and on the simulator with the same seed. With --out the plan is written to a file instead, with its
files inside, to be looked at, simulated or applied elsewhere.`,
		Example: "  ot2flow runs repeat last --robot sim\n  ot2flow runs repeat 261123-4x7k --out plan.json",
		Args:    oneRun,
	}
	a.formatFlag(c, "text", "json")
	a.stateFlag(c)
	a.ledgerFlags(c, &o.deck)
	a.ownerFlags(c)
	c.Flags().StringVar(&o.deck.Robot, "robot", "", "where to do it: a robot's name or address; sim is the built-in simulator")
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask whether to begin")
	c.Flags().DurationVar(&o.patience, "patience", 0, "how long a lost connection is waited for, such as 10m; by default until Ctrl-C")
	o.accepting(c)
	o.seeded(c)
	o.cached(c)
	c.Flags().StringVarP(&out, "out", "o", "", "write the plan to this file, and do nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		if (o.deck.Robot == "") == (out == "") {
			return usage("say where: --robot NAME, its address or sim; or write the plan with --out FILE")
		}
		if o.deck.Robot == "sim" && !c.Flags().Changed("seed") {
			if err := a.seedOfRun(c.Context(), args[0], &o.seed); err != nil {
				return err
			}
		}
		return a.runsRepeat(c.Context(), args[0], out, o)
	}
	return c
}

func oneRun(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		return nil
	case 0:
		return usage("name a run: its id, the beginning of it, or last")
	}
	return usage("one run at a time, please; these are %d", len(args))
}

func (a *app) runsRepeat(ctx context.Context, ref, out string, o applying) error {
	data, id, err := a.planOfRun(ctx, ref)
	if err != nil {
		return err
	}
	if data, err = a.anew(data, id); err != nil {
		return err
	}
	if out != "" {
		if err := keepFile(out, data); err != nil {
			return cannot("the plan cannot be kept in %s: %s", out, reason(err))
		}
		return nil
	}
	plan, err := program.Read(data, ot2.Machine{})
	if err != nil {
		return cannot("the plan of run %s cannot be used: %v", id, err)
	}
	list, err := interpreter.ProvePlan(plan, ot2.Machine{})
	if err != nil {
		return cannot("the plan of run %s cannot be used: %v", id, err)
	}
	if err := a.findingsOf(plan, list); err != nil {
		return err
	}
	o.repeats = id
	return a.applyPlans(ctx, o, func() (*program.Plan, error) { return plan, nil })
}

// anew is the plan of a run as it began, where it went on by what came back:
// when it is done again, everything is asked again.
func (a *app) anew(data []byte, id string) ([]byte, error) {
	plan, err := program.Read(data, ot2.Machine{})
	if err != nil {
		return nil, cannot("the plan of run %s cannot be used: %v", id, err)
	}
	if !plan.Reacts() {
		return data, nil
	}
	c, r, err := workflows.Reopen(plan)
	if err != nil {
		return nil, cannot("run %s cannot be done again: %v", id, err)
	}
	fresh, list := c.Prepared.Plan(r.Input(false))
	if fresh == nil {
		return nil, a.findingsOf(plan, list)
	}
	var b bytes.Buffer
	if err := fresh.Write(&b, true); err != nil {
		return nil, cannot("%v", err)
	}
	return b.Bytes(), nil
}

// planOfRun returns the plan of a run as plan.json, and the run's id.
func (a *app) planOfRun(ctx context.Context, ref string) (data []byte, id string, err error) {
	err = a.ofRun(ctx, ref, func(s *journal.Store, sum *journal.Summary) error {
		if data, err = s.PlanJSON(ctx, sum); err != nil {
			return cannot("%v", err)
		}
		id = sum.ID
		return nil
	})
	return data, id, err
}

// seedOfRun sets seed to the one that a simulated run began with.
func (a *app) seedOfRun(ctx context.Context, ref string, seed *uint64) error {
	return a.ofRun(ctx, ref, func(s *journal.Store, sum *journal.Summary) error {
		its, err := service.SeedOf(ctx, s, sum)
		if err == nil && its != 0 {
			*seed = its
		}
		return err
	})
}

func (a *app) runsPruneCommand() *cobra.Command {
	var than string
	var dry bool
	c := &cobra.Command{
		Use:   "prune --older-than AGE",
		Short: "Forget runs that ended long ago",
		Long: `Removes runs that ended longer ago than that, with the files and plans that no other run has, and
versions of workflows that a server has replaced longer ago and that no run that is kept is of.
Runs that are not over stay, however old: what they left on the deck is still to be found out.
With --dry-run it only says what it would remove.`,
		Example: "  ot2flow runs prune --older-than 90d --dry-run",
		Args:    cobra.NoArgs,
	}
	a.stateFlag(c)
	c.Flags().StringVar(&than, "older-than", "", "how old: 90d, 12w, 2y")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be removed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, ok := age(than)
		if !ok {
			return usage("--older-than: write how old, such as 90d, 12w or 2y")
		}
		return a.runsPrune(c.Context(), time.Now().Add(-d), dry)
	}
	return c
}

func (a *app) runsPrune(ctx context.Context, before time.Time, dry bool) error {
	path, err := a.service().Path()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && a.state == "" {
		_, err := fmt.Fprintln(a.out, "nothing has been run yet")
		return a.written(err)
	}
	s, err := a.service().Journal(ctx)
	if err != nil {
		return err
	}
	if err := s.Settle(ctx, ot2.Machine{}); err != nil {
		return cannot("%v", err)
	}
	p, err := s.Prune(ctx, before, dry)
	if err != nil {
		return cannot("%v", err)
	}
	did := "removed"
	if dry {
		did = "would remove"
	}
	for _, id := range p.Kept {
		fmt.Fprintf(a.err, "run %s stays: it is not over\n", id)
	}
	versions := ""
	if p.Versions > 0 {
		versions = ", " + plural(int(p.Versions), "version") + " of workflows"
	}
	_, err = fmt.Fprintf(a.out, "%s %s with %s%s, and %s of files and plans\n", did, plural(int(p.Runs), "run"), plural(int(p.Events), "event"), versions, bytesText(p.Bytes))
	return a.written(err)
}

func bytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
