package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/client"
)

// toServer makes a command one that asks a device server for something.
type toServer func(c *cobra.Command, do func(context.Context, *client.Client, []string) error) *cobra.Command

func (a *app) queueCommand() *cobra.Command {
	var o callFlags
	var why, by string
	show := func(ctx context.Context, server *client.Client) error {
		list, err := server.Robots(ctx)
		if err != nil {
			return refusedCall(err)
		}
		return a.showQueues(list)
	}
	asks := func(c *cobra.Command, do func(context.Context, *client.Client, []string) error) *cobra.Command {
		o.deviceFlags(c.Flags())
		c.RunE = func(c *cobra.Command, args []string) error {
			server, err := o.client()
			if err != nil {
				return err
			}
			return do(c.Context(), server, args)
		}
		return c
	}
	root := asks(&cobra.Command{
		Use:   "queue",
		Short: "Show the robots of a device server and their queues, pause them, let them go on",
		Long: `Shows each robot of a device server with what it does, what waits for it, and why nothing is
begun. A queue that is paused begins nothing more until it is resumed, also when the server is
started again; the run under way goes on to its end.`,
		Example: "  ot2flow queue --device http://localhost:8000\n  ot2flow queue pause bench-3 --why 'new pipette'\n  ot2flow queue resume bench-3\n  ot2flow queue maintenance add bench-3 --to '2026-12-01 14:00' --why cleaning\n  ot2flow queue schedules",
		Args:    knownCommand,
	}, func(ctx context.Context, server *client.Client, _ []string) error { return show(ctx, server) })
	pause := asks(&cobra.Command{Use: "pause ROBOT", Short: "Begin nothing more on a robot", Args: cobra.ExactArgs(1)}, func(ctx context.Context, server *client.Client, args []string) error {
		if _, err := server.PauseQueue(ctx, args[0], why, by); err != nil {
			return refusedCall(err)
		}
		return show(ctx, server)
	})
	pause.Flags().StringVar(&why, "why", "", "for those who wait")
	pause.Flags().StringVar(&by, "by", "", "who asks; by default whoever the server runs as, or whose token it is")
	root.AddCommand(
		pause,
		a.maintenanceCommand(asks),
		asks(&cobra.Command{Use: "resume ROBOT", Short: "Let the queue of a robot go on", Args: cobra.ExactArgs(1)}, func(ctx context.Context, server *client.Client, args []string) error {
			if _, err := server.ResumeQueue(ctx, args[0]); err != nil {
				return refusedCall(err)
			}
			return show(ctx, server)
		}),
		asks(&cobra.Command{Use: "schedules", Short: "Show the tasks that are carried out by themselves", Args: cobra.NoArgs}, func(ctx context.Context, server *client.Client, _ []string) error {
			list, err := server.Schedules(ctx)
			if err != nil {
				return refusedCall(err)
			}
			return a.showSchedules(list)
		}),
	)
	return root
}

func (a *app) showQueues(list []client.Robot) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range list {
		does := "free"
		switch {
		case r.Run != "":
			does = "run " + r.Run
		case r.Paused == nil && r.Waiting != "":
			does = "waits: " + r.Waiting
		}
		if r.Paused != nil {
			does += ", " + pausedText(r.Paused)
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s waiting\t%s\n", r.Name, strings.Join(r.Labels, " "), plural(r.Queued, "run"), does) // Flush tells
	}
	return a.written(t.Flush())
}

func pausedText(p *client.Paused) string {
	text := "paused by " + p.By
	if !p.Until.IsZero() {
		text = "maintenance until " + p.Until.Local().Format("2006-01-02 15:04")
	}
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

func (a *app) showSchedules(list []client.Schedule) error {
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, s := range list {
		next := "off"
		if !s.Off {
			next = s.Next.Local().Format("2006-01-02 15:04")
		}
		last := s.LastRun
		if s.LeftOut > 0 {
			last = strings.TrimPrefix(last+", "+fmt.Sprintf("%d left out", s.LeftOut), ", ")
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s %s\t%s\t%s\t%s\n", s.Name, s.Task, s.Cron, s.TimeZone, next, last, s.Problem) // Flush tells
	}
	return a.written(t.Flush())
}
