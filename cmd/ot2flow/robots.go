package main

import (
	"context"
	"fmt"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/robot"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) robotsCommand() *cobra.Command {
	wait := service.Listen
	c := &cobra.Command{
		Use:   "robots [ADDRESS…]",
		Short: "Find robots, and say what they are at",
		Long: `Says of each robot its name, software, pipettes and what it is at. Without an address, the
local network is asked which robots are there; networks that keep such questions from getting
through need the address, which the Opentrons App shows.`,
		Example: "  ot2flow robots\n  ot2flow robots 192.168.1.20",
	}
	a.formatFlag(c, "text", "json")
	c.Flags().DurationVar(&wait, "wait", service.Listen, "how long to listen for robots")
	c.RunE = func(c *cobra.Command, args []string) error { return a.robots(c.Context(), args, wait) }
	return c
}

// seen is a robot with what it said, or why it did not.
type seen struct {
	address string
	device  run.Device
	err     error
}

func (a *app) robots(ctx context.Context, addresses []string, wait time.Duration) error {
	asked := len(addresses) > 0
	if !asked {
		announced, err := robot.Nearby(ctx, robot.Multicast(), wait)
		if err != nil {
			return cannot("%v", err)
		}
		for _, r := range announced {
			addresses = append(addresses, r.Address)
		}
	}
	found, err := lookAt(ctx, addresses)
	if err != nil {
		return usage("%v", err)
	}
	if a.format == "json" {
		_, err = a.out.Write(appendRobots(nil, found))
	} else {
		err = a.robotTable(found)
	}
	if err != nil {
		return a.written(err)
	}
	for _, s := range found {
		if s.err != nil {
			return &exitError{exitCannot, s.err.Error()}
		}
	}
	if len(found) == 0 {
		return cannot("no robot answered; if there is one, write its address: ot2flow robots ADDRESS")
	}
	return nil
}

// lookAt inspects robots, all at once.
func lookAt(ctx context.Context, addresses []string) ([]seen, error) {
	found := make([]seen, len(addresses))
	var all sync.WaitGroup
	defer all.Wait()
	for i, address := range addresses {
		r, err := robot.New(address, robot.Options{Boot: time.Nanosecond, Read: 5 * time.Second})
		if err != nil {
			return nil, err
		}
		all.Go(func() {
			defer r.Close()
			d, err := r.Inspect(ctx)
			found[i] = seen{r.Address(), d, err}
		})
	}
	all.Wait()
	return found, nil
}

func (s *seen) state() string {
	switch {
	case s.err != nil:
		return "does not answer as it should"
	case s.device.Busy != "":
		return "busy with " + s.device.Busy
	case s.device.DoorOpen:
		return "its door is open"
	}
	return "free"
}

func (a *app) robotTable(found []seen) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for i := range found {
		s := &found[i]
		if s.err != nil && s.device.Name == "" {
			continue // the error names the address
		}
		fmt.Fprintf(w, "%s\t%s\tsoftware %s\t%s\t%s\n", s.device.Name, s.address, s.device.Software, service.PipettesOf(s.device), s.state())
	}
	return w.Flush()
}

func appendRobots(b []byte, found []seen) []byte {
	b = append(b, "{\"format\": \"ot2flow.robots/1\",\n \"robots\": ["...)
	for i := range found {
		s := &found[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = program.AppendString(append(b, "\n  {\"address\": "...), s.address)
		for _, f := range [][2]string{{"name", s.device.Name}, {"serial", s.device.Serial}, {"software", s.device.Software}, {"state", s.state()}} {
			b = append(b, ", \""+f[0]+"\": "...)
			b = program.AppendString(b, f[1])
		}
		b = append(b, `, "pipettes": {`...)
		for k, p := range s.device.Pipettes {
			if k > 0 {
				b = append(b, ", "...)
			}
			b = append(program.AppendString(b, p.Mount), ": "...)
			b = program.AppendString(b, p.Model)
		}
		b = append(b, '}')
		if s.err != nil {
			b = program.AppendString(append(b, `, "error": `...), s.err.Error())
		}
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}
