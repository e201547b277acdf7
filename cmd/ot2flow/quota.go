package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/quota"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) ownerFlags(c *cobra.Command) {
	c.Flags().StringVar(&a.owner.By, "by", "", "who does it, for the journal and for quotas; by default whoever is logged in")
	c.Flags().StringVar(&a.owner.Project, "project", "", "the project it is for, for the journal and for quotas")
}

// accountsOf are accounts for a plan that is only looked at.
func (a *app) accountsOf(ctx context.Context, plan *program.Plan) ([]quota.Account, error) {
	if a.known == nil {
		return nil, nil
	}
	return a.service().Accounts(ctx, a.owner, plan)
}

func (a *app) quotaCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "quota",
		Short: "Who may use how much: tips, liquids, runs, time on robots",
		Long: `Quotas say how many tips, how much of a liquid, how many runs and how much time on robots a
person or a project may use a day, a week, a month or in all. What was used follows from the
runs in the journal, also from those that failed: nothing is counted by hand, and nothing that
happens to a process makes it wrong. The simulator uses nothing.

A run that needs more than is left is refused before anything moves. One that is under way
counts with all that its plan needs, and is never stopped by a quota. All of a run counts in
the day, week or month in which it began.`,
		Example: "  ot2flow quota set ada --tips 192 --per week\n  ot2flow quota",
		Args:    knownCommand,
	}
	show := a.quotaShowCommand()
	c.Flags().AddFlagSet(show.Flags())
	c.PreRunE, c.RunE = show.PreRunE, show.RunE
	c.AddCommand(a.quotaShowCommand(), a.quotaSetCommand(), a.quotaLogCommand(), a.quotaUsedCommand())
	return c
}

// quoting is what quota set was told.
type quoting struct {
	project, per, why string
	each              bool
	tips, runs, time  string
	liquids           []string
}

func (a *app) quotaSetCommand() *cobra.Command {
	var o quoting
	c := &cobra.Command{
		Use:   "set [USER]",
		Short: "Say how much a person or a project may use",
		Long: `Says how much a user, a project, or each user may use of what is named; other quotas stay as
they are. A user's own quota counts in place of that of each user. Write unlimited for
somebody whom that of each user does not hold, and none for no quota any more.`,
		Example: "  ot2flow quota set ada --tips 192 --time 8h --per week\n  ot2flow quota set --each-user --tips 96 --per day\n  ot2flow quota set --project assay --liquid antibody=2mL --per ever --why \"the lot is short\"",
		Args:    cobra.MaximumNArgs(1),
	}
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&o.project, "project", "", "the quota is that of a project")
	f.BoolVar(&o.each, "each-user", false, "the quota is that of each user who has none of their own")
	f.StringVar(&o.tips, "tips", "", "new tips: a number, unlimited or none")
	f.StringVar(&o.runs, "runs", "", "runs: a number, unlimited or none")
	f.StringVar(&o.time, "time", "", "time in which a run has a robot, such as 8h; unlimited or none")
	f.StringArrayVar(&o.liquids, "liquid", nil, "a liquid, as name=2mL; unlimited or none; repeatable")
	f.StringVar(&o.per, "per", "", "for each day, week or month of the calendar, or ever: in all")
	f.StringVar(&o.why, "why", "", "why, for whoever reads the log")
	c.RunE = func(c *cobra.Command, args []string) error {
		list, err := o.limits(args)
		if err != nil {
			return err
		}
		s, err := a.service().Journal(c.Context())
		if err != nil {
			return err
		}
		if err := s.Allow(c.Context(), service.Myself(), o.why, list...); err != nil {
			return cannot("%v", err)
		}
		for i := range list {
			a.tell("%s", list[i].String())
		}
		return nil
	}
	return c
}

// limits reads what the flags say.
func (o *quoting) limits(args []string) ([]quota.Limit, error) {
	key := quota.Key{Kind: quota.Each, Per: quota.Period(o.per)}
	named := 0
	if o.each {
		named++
	}
	if o.project != "" {
		key.Kind, key.Name = quota.Project, o.project
		named++
	}
	if len(args) > 0 && args[0] != "" {
		key.Kind, key.Name = quota.User, args[0]
		named++
	}
	if named != 1 {
		return nil, usage("say whose quota it is: a user, --project NAME or --each-user")
	}
	if !slices.Contains(quota.Periods(), key.Per) {
		if near, ok := diag.Nearest(o.per, []string{"day", "week", "month", "ever"}); ok {
			return nil, usage("--per %s: did you mean %s?", o.per, near)
		}
		return nil, usage("say for how long it is: --per day, week, month or ever")
	}
	var out []quota.Limit
	add := func(what quota.What, liquid, text string, read func(string) (int64, error)) error {
		if text == "" {
			return nil
		}
		l := quota.Limit{Key: key}
		l.What, l.Liquid = what, liquid
		var err error
		switch text {
		case "none":
			l.Gone = true
		case "unlimited":
			l.Amount = quota.Unlimited
			if key.Kind == quota.Project {
				err = errors.New("a project without a limit has no quota; write none")
			}
		default:
			l.Amount, err = read(text)
		}
		out = append(out, l)
		return err
	}
	for _, flag := range []struct {
		what quota.What
		text string
		read func(string) (int64, error)
	}{{quota.Tips, o.tips, readCount}, {quota.Runs, o.runs, readCount}, {quota.Time, o.time, amountIn(quantity.Time, "8h")}} {
		if err := add(flag.what, "", strings.TrimSpace(flag.text), flag.read); err != nil {
			return nil, usage("--%s %s: %v", flag.what, flag.text, err)
		}
	}
	for _, text := range o.liquids {
		name, amount, ok := strings.Cut(text, "=")
		err := errors.New("write a name and how much, such as antibody=2mL")
		if name, amount = strings.TrimSpace(name), strings.TrimSpace(amount); ok && name != "" && amount != "" {
			err = add(quota.Liquid, name, amount, amountIn(quantity.Volume, "2mL"))
		}
		if err != nil {
			return nil, usage("--liquid %s: %v", text, err)
		}
	}
	if len(out) == 0 {
		return nil, usage("say how much: --tips, --runs, --time or --liquid")
	}
	return out, nil
}

func readCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, errors.New("write a whole number, unlimited or none")
	}
	return n, nil
}

// amountIn reads an amount with a unit.
func amountIn(dim quantity.Dim, example string) func(string) (int64, error) {
	return func(text string) (int64, error) {
		q, err := quantity.Parse(text)
		if err != nil || q.Dim != dim || q.N < 0 {
			return 0, fmt.Errorf("write an amount such as %s, unlimited or none", example)
		}
		return q.N, nil
	}
}

func (a *app) quotaShowCommand() *cobra.Command {
	c := &cobra.Command{Use: "show", Short: "Show the quotas, and what is left of them", Args: cobra.NoArgs}
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := a.service().Journal(c.Context())
		if err != nil {
			return err
		}
		limits, err := s.Quotas(c.Context())
		var uses []quota.Use
		if err == nil {
			uses, err = s.Uses(c.Context(), ot2.Machine{}, s.Since(quota.Ever))
		}
		if err != nil {
			return cannot("%v", err)
		}
		list := quota.All(limits, uses, s.Since)
		if a.format == "json" {
			_, err := a.out.Write(quota.AppendAccounts(nil, list))
			return a.written(err)
		}
		if len(list) == 0 {
			a.tell("there is no quota: everybody may use what they need; ot2flow quota set makes one")
			return nil
		}
		for i := range list {
			text := list[i].Limit.String()
			if list[i].Limit.Kind != quota.Each && list[i].Limit.Amount != quota.Unlimited || list[i].User != "" {
				text = list[i].String()
			}
			if _, err := fmt.Fprintln(a.out, text); err != nil {
				return a.written(err)
			}
		}
		return nil
	}
	return c
}

func (a *app) quotaLogCommand() *cobra.Command {
	c := &cobra.Command{Use: "log", Short: "Show who set which quota, when and why", Args: cobra.NoArgs}
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := a.service().Journal(c.Context())
		if err != nil {
			return err
		}
		return a.audited("quota_log", "changes", func(yield func(audit, error) bool) {
			for e, err := range s.QuotaChanges(c.Context()) {
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

func (a *app) quotaUsedCommand() *cobra.Command {
	var since string
	c := &cobra.Command{
		Use:     "used",
		Short:   "Show who has used how much on robots",
		Example: "  ot2flow quota used --since 30d\n  ot2flow quota used --since 2026-01-01 --format json",
		Args:    cobra.NoArgs,
	}
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&since, "since", "", "only runs begun since: 7d, 12h or 2026-11-23; otherwise all")
	c.RunE = func(c *cobra.Command, _ []string) error {
		from, err := moment("since", since)
		if err != nil {
			return err
		}
		return a.quotaUsed(c.Context(), from)
	}
	return c
}

func (a *app) quotaUsed(ctx context.Context, from time.Time) error {
	s, err := a.service().Journal(ctx)
	if err != nil {
		return err
	}
	ns := s.Since(quota.Ever)
	if !from.IsZero() {
		ns = from.UnixNano()
	}
	uses, err := s.Uses(ctx, ot2.Machine{}, ns)
	if err != nil {
		return cannot("%v", err)
	}
	sums := quota.Sums(uses)
	if a.format == "json" {
		_, err := a.out.Write(quota.AppendUses(nil, sums))
		return a.written(err)
	}
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "USER\tPROJECT\tRUNS\tTIPS\tON ROBOTS\tLIQUIDS")
	for i := range sums {
		u := &sums[i]
		var liquids []string
		for _, name := range slices.Sorted(maps.Keys(u.Liquids)) {
			liquids = append(liquids, quantity.Volume.Text(u.Liquids[name])+" "+name)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\n", u.User, u.Project, u.Runs, u.Tips, clock(u.MS), strings.Join(liquids, ", "))
	}
	return a.written(t.Flush())
}
