package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/client"
	labfile "github.com/ot2flow/ot2flow/workflows/lab"
)

// maintenanceCommand shows, adds and takes back times in which nothing is begun.
func (a *app) maintenanceCommand(asks toServer) *cobra.Command {
	show := func(ctx context.Context, server *client.Client) error {
		list, err := server.Maintenance(ctx)
		if err != nil {
			return refusedCall(err)
		}
		return a.showMaintenance(list)
	}
	root := asks(&cobra.Command{
		Use:   "maintenance",
		Short: "Show, add and take back times in which nothing is begun",
		Long: `Shows the times in which robots begin nothing, those that go on and the next ones, with their
ids; those that the file of the lab says have none, and are changed there. What would not be over
before such a time waits until it ends; what is under way goes on.`,
		Example: "  ot2flow queue maintenance\n  ot2flow queue maintenance add bench-3 --from '2026-12-01 12:00' --for 2h --why cleaning\n  ot2flow queue maintenance remove 3",
		Args:    knownCommand,
	}, func(ctx context.Context, server *client.Client, _ []string) error { return show(ctx, server) })
	var m client.Maintenance
	var from, to string
	var lasts time.Duration
	add := asks(&cobra.Command{
		Use: "add [ROBOT]", Short: "Begin nothing on a robot, or on any, for a time", Args: cobra.MaximumNArgs(1),
		Long: "Adds a time in which a robot, or where none is named every one, begins nothing. Times of day are\nthose of this computer.",
	}, func(ctx context.Context, server *client.Client, args []string) error {
		if len(args) > 0 {
			m.Robot = args[0]
		}
		var err error
		if m.From, m.To, err = times(from, to, lasts, time.Now()); err != nil {
			return err
		}
		if _, err := server.Maintain(ctx, m); err != nil {
			return refusedCall(err)
		}
		return show(ctx, server)
	})
	add.Flags().StringVar(&from, "from", "", "when it begins, such as '2026-12-01 12:00'; by default now")
	add.Flags().StringVar(&to, "to", "", "when it ends, such as '2026-12-01 14:00'")
	add.Flags().DurationVar(&lasts, "for", 0, "how long it lasts, such as 2h or 90m, instead of --to")
	add.Flags().StringVar(&m.Why, "why", "", "for those who wait")
	add.Flags().StringVar(&m.By, "by", "", "who asks; by default whoever the server runs as, or whose token it is")
	root.AddCommand(add, asks(&cobra.Command{Use: "remove ID", Short: "Take a time back", Args: cobra.ExactArgs(1)}, func(ctx context.Context, server *client.Client, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil || id <= 0 {
			return usage("%s is no id of a time of maintenance; ot2flow queue maintenance lists them", args[0])
		}
		if err := server.MaintainNot(ctx, id); err != nil {
			return refusedCall(err)
		}
		return show(ctx, server)
	}))
	return root
}

// times are when a time of maintenance begins and ends.
func times(from, to string, lasts time.Duration, now time.Time) (begins, ends time.Time, err error) {
	begins = now
	if from != "" {
		if begins, err = labfile.ParseInstant(from, time.Local); err != nil {
			return begins, ends, usage("--from: %v; write it like '2026-12-01 12:00'", err)
		}
	}
	switch {
	case (to == "") == (lasts == 0):
		return begins, ends, usage("say when it ends, with either --to '2026-12-01 14:00' or --for 2h")
	case lasts < 0:
		return begins, ends, usage("--for: it lasts a time, such as 2h")
	case to == "":
		return begins, begins.Add(lasts), nil
	}
	if ends, err = labfile.ParseInstant(to, time.Local); err != nil {
		return begins, ends, usage("--to: %v; write it like '2026-12-01 14:00'", err)
	}
	return begins, ends, nil
}

func (a *app) showMaintenance(list []client.Maintenance) error {
	const clock = "2006-01-02 15:04"
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, m := range list {
		id, robot := "lab file", "all robots"
		if m.ID > 0 {
			id = strconv.FormatInt(m.ID, 10)
		}
		if m.Robot != "" {
			robot = m.Robot
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s to %s\t%s\t%s\n", id, robot, m.From.Local().Format(clock), m.To.Local().Format(clock), m.Why, m.By) // Flush tells
	}
	return a.written(t.Flush())
}
