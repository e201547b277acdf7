package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// emulateFlags are what the robot to be is like.
type emulateFlags struct {
	listen   string
	port     int
	faults   string
	pipettes []string
	modules  []string
	speed    float64
	version  string
	disk     string
	analyses []string
}

func (a *app) emulateCommand() *cobra.Command {
	var f emulateFlags
	c := &cobra.Command{
		Use:   "emulate",
		Short: "Be a robot: answer an OT-2's own HTTP API in front of the simulator",
		Long: `Answers the HTTP API of an OT-2, so that apply, and any other program that drives a
robot, can be practised and tested without one. Steps take no time unless --speed says so.
Ctrl-C ends it and prints what the wells hold; GET /ot2flow/wells says so at any time.

--faults names a file with ways to misbehave, such as:

  door_open: true
  events:
    - {at: 4, do: command_failed}       # at step 4; "4.2" is its second command
    - {probability: 0.01, do: connection_lost, requests: 5}
  answers:
    - {on: POST /runs/*/actions, action: play, do: cut_after}`,
		Example: "  ot2flow emulate &\n  ot2flow apply workflow.yaml --robot http://127.0.0.1:31950",
		Args:    cobra.NoArgs,
	}
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1", "address to listen on")
	c.Flags().IntVar(&f.port, "port", 31950, "port to listen on; 0 takes a free one")
	c.Flags().StringVar(&f.faults, "faults", "", "file of ways to misbehave")
	c.Flags().StringArrayVar(&f.pipettes, "pipette", []string{"right=p300_single_gen2"}, "pipette on a mount, as left=NAME or right=NAME; may be repeated")
	c.Flags().StringArrayVar(&f.modules, "module", nil, "module that is connected, such as magnetic_module_gen2; may be repeated")
	c.Flags().Float64Var(&f.speed, "speed", 0, "how many times as fast as a robot; 0 takes no time")
	c.Flags().StringVar(&f.disk, "disk", "", "file for what the robot remembers when it is ended and started again; without one it forgets everything")
	c.Flags().StringVar(&f.version, "robot-version", "", "software version to claim (default 8.2.0)")
	c.Flags().StringArrayVar(&f.analyses, "analysis", nil, "file of the recorded analysis of a protocol in Python that may come; may be repeated")
	c.AddCommand(a.emulateSensorCommand())
	c.RunE = func(c *cobra.Command, _ []string) error { return a.emulate(c.Context(), f) }
	return c
}

func (a *app) emulate(ctx context.Context, f emulateFlags) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	robot, err := emulator.New(options)
	if err != nil {
		return usage("%v", err)
	}
	defer robot.Close()
	address := net.JoinHostPort(f.listen, strconv.Itoa(f.port))
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return cannot("nothing can listen on %s: %v", address, err)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !a.quiet {
		fmt.Fprintf(a.err, "an OT-2 answers on http://%s; Ctrl-C ends it\n", listener.Addr())
	}
	if err := answerAs(ctx, listener, robot); err != nil {
		return cannot("%v", err)
	}
	return a.reportWells(robot)
}

func (f *emulateFlags) options() (emulator.Options, error) {
	o := emulator.Options{Version: f.version, Serial: fmt.Sprintf("emulator-%d", f.port), Disk: f.disk, Pipettes: map[string]string{}, Modules: f.modules}
	for _, p := range f.pipettes {
		mount, name, ok := strings.Cut(p, "=")
		if !ok {
			return o, usage("--pipette %s: write left=NAME or right=NAME", p)
		}
		o.Pipettes[mount] = name
	}
	for _, name := range f.analyses {
		data, err := os.ReadFile(name)
		if err != nil {
			return o, cannot("%s cannot be read: %s", name, reason(err))
		}
		o.Analyses = append(o.Analyses, data)
	}
	switch {
	case f.speed < 0:
		return o, usage("--speed %g: a robot does not go backwards", f.speed)
	case f.speed > 0:
		o.Clock = emulator.Scaled(f.speed)
	}
	var err error
	if f.faults != "" {
		o.Faults, err = faultsFrom(f.faults)
	}
	return o, err
}

// faultsFrom reads a file of ways to misbehave.
func faultsFrom(path string) (emulator.Faults, error) {
	file, err := os.Open(path)
	if err != nil {
		return emulator.Faults{}, cannot("%s cannot be read: %s", path, reason(err))
	}
	defer func() { _ = file.Close() }() // it was only read
	f, err := emulator.ReadFaults(file)
	if err != nil {
		return f, usage("%s: %v", path, err)
	}
	return f, nil
}

// answerAs answers requests until ctx ends.
func answerAs(ctx context.Context, l net.Listener, robot *emulator.Emulator) error {
	server := &http.Server{Handler: robot.Handler(), ReadHeaderTimeout: 10 * time.Second}
	gone := make(chan error, 1)
	go func() { gone <- server.Serve(l) }()
	select {
	case err := <-gone:
		return err
	case <-ctx.Done():
	}
	server.Close() //nolint:errcheck,gosec // the listener is given up in any case
	if err := <-gone; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// reportWells prints what the last run came to.
func (a *app) reportWells(robot *emulator.Emulator) error {
	r := robot.Result()
	if a.format == "json" {
		if r == nil {
			return nil
		}
		_, err := a.out.Write(r.AppendJSON(nil))
		return a.written(err)
	}
	w := bufio.NewWriter(a.out)
	if r == nil {
		fmt.Fprintln(w, "nothing was done")
	} else {
		resultText(w, "the last run", r, a.colors(a.out))
	}
	return a.written(w.Flush())
}
