package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// stating is what the commands about a ledger were told.
type stating struct {
	robot, ledger, why, slot string
}

func (a *app) stateCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "state",
		Short: "What stands on a robot: the ledger",
		Long: `What is known of a robot's deck between runs: which tips are gone, what wells hold, what may
hang on a pipette, what modules are set to. It follows from the runs in the journal, so that
nothing has to be entered; what a person does by hand is said with set and reset, and kept
with who said it, when and why.

A run begins with what is left in tip racks, and in labware that says keep: true. Of
everything else a new one is put on the deck for every run.`,
		Example: "  ot2flow state show --robot left-bench\n  ot2flow state reset 4\n  ot2flow state set 4.A1:H3=out \"2.A1=8 mL water\" --why \"filled up\"",
		Args:    knownCommand,
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(a.stateShowCommand(), a.stateSetCommand(), a.stateResetCommand(), a.stateDiffCommand(), a.stateLogCommand())
	return c
}

func (a *app) stateFlags(c *cobra.Command, o *stating, write bool) {
	a.stateFlag(c)
	c.Flags().StringVar(&o.robot, "robot", "", "the robot: its name, address or serial number; not needed where there is one ledger only")
	c.Flags().StringVar(&o.ledger, "ledger", "", "a ledger that the simulator keeps")
	if write {
		c.Flags().StringVar(&o.why, "why", "", "why it is so, for whoever reads the log")
	}
}

// ledgerOf opens the journal and finds the ledger that is meant. A new name is
// that of a ledger of the simulator.
func (a *app) ledgerOf(ctx context.Context, o *stating) (*journal.Store, string, error) {
	s, err := a.service().Journal(ctx)
	if err != nil {
		return nil, "", err
	}
	if o.ledger != "" {
		return s, service.SimLedger(o.ledger), nil
	}
	name, err := a.service().LedgerNamed(ctx, o.robot)
	return s, name, err
}

func (a *app) stateShowCommand() *cobra.Command {
	var o stating
	c := &cobra.Command{Use: "show", Short: "Show what is known of the deck", Args: cobra.NoArgs}
	a.stateFlags(c, &o, false)
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&o.slot, "slot", "", "only this slot")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, name, err := a.ledgerOf(c.Context(), &o)
		if err != nil {
			return err
		}
		l, err := s.Ledger(c.Context(), name, ot2.Machine{})
		if err != nil {
			return cannot("%v", err)
		}
		l = l.Age(time.Now().UnixNano())
		if o.slot != "" {
			l.Labware = slices.DeleteFunc(l.Labware, func(b ledger.Labware) bool { return ledger.Slot(b.Place) != o.slot })
		}
		if a.format == "json" {
			_, err = a.out.Write(l.AppendJSON(nil, name))
		} else {
			err = stateText(a.out, l, name)
		}
		return a.written(err)
	}
	return c
}

// stateText is a ledger as people read it.
func stateText(w io.Writer, l *ledger.Ledger, name string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\n", name)
	if len(l.Labware)+len(l.Modules)+len(l.Pipettes)+len(l.Offsets)+len(l.Tools)+len(l.Away) == 0 {
		fmt.Fprintln(t, "  nothing is known")
	}
	for _, row := range depict.Ledger(l) {
		fmt.Fprintf(t, "  %s\n", strings.Join(row[:], "\t"))
	}
	return t.Flush()
}

func (a *app) stateResetCommand() *cobra.Command {
	var o stating
	var all bool
	c := &cobra.Command{
		Use:     "reset SLOT…",
		Short:   "Say that new racks or plates stand in slots",
		Long:    "Says that a new one of the same kind stands in each of the slots: all tips are there, and the wells hold what a workflow says they do. With --all, nothing is known any more.",
		Example: "  ot2flow state reset 4 5\n  ot2flow state reset --all --why \"deck cleared for the weekend\"",
	}
	a.stateFlags(c, &o, true)
	c.Flags().BoolVar(&all, "all", false, "forget everything about the deck")
	c.RunE = func(c *cobra.Command, args []string) error {
		if all == (len(args) > 0) {
			return usage("name the slots in which something new stands, or --all")
		}
		what := []ledger.Correction{{Act: ledger.Forget}}
		if !all {
			what = nil
			for _, slot := range args {
				what = append(what, ledger.Correction{Act: ledger.New, Place: slot})
			}
		}
		return a.corrected(c.Context(), &o, what)
	}
	return c
}

// corrected writes corrections down, and says them.
func (a *app) corrected(ctx context.Context, o *stating, what []ledger.Correction) error {
	_, name, err := a.ledgerOf(ctx, o)
	if err != nil {
		return err
	}
	if err := a.service().Correct(ctx, name, o.why, what...); err != nil {
		return err
	}
	for i := range what {
		a.tell("%s: %s", name, what[i].String())
	}
	return nil
}

func (a *app) stateSetCommand() *cobra.Command {
	var o stating
	c := &cobra.Command{
		Use:   "set WHERE=WHAT…",
		Short: "Say what is so on the deck",
		Long: `Says what is so on the deck, and keeps who said it, when and why.

  4=opentrons_96_tiprack_300ul   a new labware stands in slot 4
  4=nothing                      nothing stands there
  4.A1:H3=out                    these tips are gone; new, out or used
  "2.A1=8 mL water"              a well holds that; several liquids are joined by +
  2.A1=nothing                   a well is empty
  1.offset=0.1,-0.2,0.3          how far the labware in slot 1 stands to the right, to the
                                 back and up, in mm; every run on the robot begins with it
  left=free                      nothing hangs on the left pipette`,
		Example: "  ot2flow state set 4.A1:H3=out\n  ot2flow state set \"2.A1=8 mL water\" --robot left-bench --why \"filled up\"",
	}
	a.stateFlags(c, &o, true)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("say what is so: ot2flow state set 4.A1:H3=out")
		}
		s, name, err := a.ledgerOf(c.Context(), &o)
		if err != nil {
			return err
		}
		now, err := s.Ledger(c.Context(), name, ot2.Machine{})
		if err != nil {
			return cannot("%v", err)
		}
		var what []ledger.Correction
		for _, arg := range args {
			one, err := correctionOf(now, arg)
			if err != nil {
				return err
			}
			what = append(what, one)
			if one.Act == ledger.Put {
				_ = now.Correct(&one, 0) // what comes next may be about it
			}
		}
		return a.corrected(c.Context(), &o, what)
	}
	return c
}

// correctionOf reads one WHERE=WHAT.
func correctionOf(now *ledger.Ledger, arg string) (ledger.Correction, error) {
	where, what, ok := strings.Cut(arg, "=")
	where, what = strings.TrimSpace(where), strings.TrimSpace(what)
	if !ok || where == "" || what == "" {
		return ledger.Correction{}, usage("%q: write WHERE=WHAT, such as 4.A1=out", arg)
	}
	slot, wells, inside := strings.Cut(where, ".")
	switch {
	case slot == "left" || slot == "right":
		if what != "free" || inside {
			return ledger.Correction{}, usage("%q: of a pipette it can only be said that it is free: %s=free", arg, slot)
		}
		return ledger.Correction{Act: ledger.Free, Place: slot}, nil
	case !slices.Contains(program.SlotNames(), slot):
		return ledger.Correction{}, usage("%q: there is no slot %s; the slots are 1 to 11", arg, slot)
	case !inside && what == "nothing":
		return ledger.Correction{Act: ledger.Remove, Place: slot}, nil
	case !inside:
		def, ok := ot2.Machine{}.Labware(what)
		if !ok {
			return ledger.Correction{}, usage("%q: there is no labware %s; ot2flow labware lists those there are", arg, what)
		}
		return ledger.Correction{Act: ledger.Put, Place: slot, Definition: def.URI()}, nil
	}
	if wells == "offset" {
		return shiftOf(now, arg, slot, what)
	}
	return insideOf(now, arg, slot, wells, what)
}

// shiftOf reads the offset of what stands in a slot.
func shiftOf(now *ledger.Ledger, arg, slot, what string) (ledger.Correction, error) {
	b := now.In(slot)
	if b == nil {
		return ledger.Correction{}, usage("%q: nothing is known of slot %s; say first what stands there: %s=LOAD_NAME", arg, slot, slot)
	}
	out := ledger.Correction{Act: ledger.Shift, Place: b.Place, Definition: b.Definition}
	if what == "nothing" {
		return out, nil
	}
	x, y, z, ok := offsetText(what)
	if !ok {
		return out, usage("%q: an offset is three lengths in mm, to the right, to the back and up, each within %d: %s.offset=0.1,-0.2,0.3", arg, maxOffset/1000, slot)
	}
	out.Offset = &ledger.Offset{Place: b.Place, Definition: b.Definition, X: x, Y: y, Z: z}
	return out, nil
}

// insideOf reads what is said of wells or places of tips.
func insideOf(now *ledger.Ledger, arg, slot, wells, what string) (ledger.Correction, error) {
	out := ledger.Correction{Act: ledger.SetTips, Place: slot, State: what}
	b := now.In(slot)
	if b == nil {
		return out, usage("%q: nothing is known of slot %s; say first what stands there: %s=LOAD_NAME", arg, slot, slot)
	}
	def, ok := ot2.Machine{}.Labware(b.Definition)
	var err error
	if out.Wells, err = wellNames(def, wells); err != nil {
		return out, usage("%q: %v", arg, err)
	}
	tips := slices.Contains([]string{"new", "out", "used"}, what)
	switch {
	case ok && def.IsTipRack != tips:
		return out, usage("%q: %s", arg, map[bool]string{true: "a place of a tip rack is new, out or used", false: "a well holds something, such as 100 uL water, or nothing"}[def.IsTipRack])
	case tips:
		return out, nil
	}
	out.Act, out.State = ledger.SetWell, ""
	if what == "nothing" {
		return out, nil
	}
	for _, part := range strings.Split(what, "+") {
		p, err := partOf(strings.TrimSpace(part))
		if err != nil {
			return out, usage("%q: %v", arg, err)
		}
		out.Parts = append(out.Parts, p)
	}
	return out, nil
}

var amountOf = regexp.MustCompile(`^([0-9.]+ *[a-zA-Zµμ]+) +([A-Za-z_][A-Za-z0-9_]*)$`)

// partOf reads "8 mL water".
func partOf(text string) (ledger.Part, error) {
	m := amountOf.FindStringSubmatch(text)
	if m == nil {
		return ledger.Part{}, fmt.Errorf("write how much of what, such as 100 uL water")
	}
	q, err := quantity.Parse(m[1])
	if err != nil || q.Dim != quantity.Volume || q.N < 0 {
		return ledger.Part{}, fmt.Errorf("%s is no volume; write for example 100 uL", m[1])
	}
	return ledger.Part{Liquid: m[2], NL: q.N}, nil
}

// wellNames reads A1, A1:H3, or several of them. A labware of the user's own is
// not known here, and then single names are taken as they are.
func wellNames(def *program.Labware, text string) ([]string, error) {
	var out []string
	for _, one := range strings.Split(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(one), ":")
		if !isRange {
			to = from
		}
		if def == nil {
			if isRange {
				return nil, fmt.Errorf("name single wells; the definition of this labware is not in the catalogue")
			}
			out = append(out, from)
			continue
		}
		names, err := def.Between(from, to)
		if err != nil {
			return nil, err
		}
		out = append(out, names...)
	}
	return out, nil
}

func (a *app) stateDiffCommand() *cobra.Command {
	var robot string
	c := &cobra.Command{
		Use:   "diff [RUN]",
		Short: "Show what a run changed, or where a robot is otherwise than it was left",
		Long: `Shows what a run changed in the ledger; without RUN, the last one. With --robot it asks the
robot, and shows where it is otherwise than its ledger says: other pipettes or modules, labware
offsets that somebody has measured with the Opentrons App, and runs that others have done.`,
		Example: "  ot2flow state diff\n  ot2flow state diff 261123-4x7k --format json\n  ot2flow state diff --robot left-bench",
		Args:    cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&robot, "robot", "", "ask this robot: its name or address")
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if robot != "" && len(args) > 0 {
			return usage("name a run or a robot, and not both")
		}
		if robot != "" {
			return a.stateDrift(c.Context(), robot)
		}
		ref := journal.Last
		if len(args) > 0 {
			ref = args[0]
		}
		return a.stateDiff(c.Context(), ref)
	}
	return c
}

// stateDrift shows where a robot is otherwise than its ledger says.
func (a *app) stateDrift(ctx context.Context, robot string) error {
	name, list, err := a.service().DriftOf(ctx, robot, a.tells)
	if err != nil {
		return err
	}
	if a.format == "json" {
		_, err := a.out.Write(ledger.AppendDrift(nil, name, list))
		return a.written(err)
	}
	if len(list) == 0 {
		a.tell("%s is as it was left, as far as it says", name)
	}
	for i := range list {
		if _, err := fmt.Fprintln(a.out, list[i].String()); err != nil {
			return a.written(err)
		}
	}
	return nil
}

func (a *app) stateDiff(ctx context.Context, ref string) error {
	return a.ofRun(ctx, ref, func(s *journal.Store, sum *journal.Summary) error { return a.diffOf(ctx, s, sum) })
}

func (a *app) diffOf(ctx context.Context, s *journal.Store, sum *journal.Summary) error {
	name, err := s.LedgerOf(ctx, sum)
	if err == nil && name == "" {
		return cannot("run %s went into no ledger; the simulator keeps one with --ledger NAME", sum.ID)
	}
	var before, after *ledger.Ledger
	if err == nil {
		before, err = s.LedgerUntil(ctx, name, ot2.Machine{}, journal.Until{Run: sum.ID, Begin: true})
	}
	if err == nil {
		after, err = s.LedgerUntil(ctx, name, ot2.Machine{}, journal.Until{Run: sum.ID})
	}
	if err != nil {
		return cannot("%v", err)
	}
	changes := ledger.Diff(before, after)
	if a.format == "json" {
		_, err := a.out.Write(ledger.AppendChanges(nil, name, sum.ID, changes))
		return a.written(err)
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s, run %s\n", name, sum.ID)
	for _, change := range changes {
		fmt.Fprintf(t, "  %s\t%s\t%s\t→ %s\n", change.Place, depict.Wells(change.Well), orNone(change.Before), orNone(change.After))
	}
	if len(changes) == 0 {
		fmt.Fprintln(t, "  nothing changed")
	}
	return a.written(t.Flush())
}

func orNone(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

func (a *app) stateLogCommand() *cobra.Command {
	var o stating
	c := &cobra.Command{Use: "log", Short: "Show what was corrected by hand: who, when, what and why", Args: cobra.NoArgs}
	a.stateFlags(c, &o, false)
	a.formatFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, name, err := a.ledgerOf(c.Context(), &o)
		if err != nil {
			return err
		}
		return a.audited("corrections", "corrections", func(yield func(audit, error) bool) {
			for e, err := range s.Corrections(c.Context(), name, 0) {
				if err != nil {
					yield(audit{}, err)
					return
				}
				if !yield(audit{e.At, e.By, e.What.String(), e.Why}, nil) {
					return
				}
			}
		})
	}
	return c
}
