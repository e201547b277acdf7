package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/mqttserver"
	"github.com/ot2flow/ot2flow/workflows/outside"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// serving is what serve was told.
type serving struct {
	http, robot, config string
	poll                time.Duration
	library             bool
	guard               guarding
	broker              brokering
	logging             logging
}

func (a *app) serveCommand() *cobra.Command {
	var o serving
	c := &cobra.Command{
		Use:   "serve [DIR…] --robot NAME|ADDRESS|sim | --config lab.yaml",
		Short: "Be a device server: every workflow of a folder as a task, over HTTP",
		Long: `Serves every workflow of the folders as a task of one robot, or of the simulator, over HTTP:
GET /tasks, POST /execute/TASK with the parameters as JSON, and every run as a resource that is
submitted, followed, paused and answered. /docs shows all there is, and /openapi.json describes it
to programs. When a workflow is saved, it is the new one that is served; one with mistakes
keeps its last good version, and runs go on with the version they began with.

Whatever is accepted is in the journal before that is said: it is carried out once, also when
the server is killed in between. There is one queue; the robot has one owner, however many ask.
With --config one server has several robots: a run that names none goes to one that is free and
can do it. The file is read again when it is saved; one with mistakes changes nothing.
Ctrl-C pauses the robot at a good place, and leaves the run as soon as it stands; a server that
is started again takes the queue up.

The server is reached from this computer only, and asks nobody who they are. At another address
it needs a certificate (see ot2flow certs), and everybody has to show a token (see ot2flow tokens):
what they do is journalled under their names, and listed by ot2flow audit. --insecure does
without, and then everybody in the network may move the robot.

With --mqtt it is a device at a broker, too: the same tasks, queue and journal. What is asked for
while it is away waits there, arrives once, and is answered until the answer has arrived. Who may
publish to its topics, ot2/v1/DEVICE/# and ot2/DEVICE/#, may move the robot: that is the broker's to say.`,
		Example: "  ot2flow serve workflows --robot 192.168.1.20\n  ot2flow serve examples --robot sim --http 127.0.0.1:8080\n  ot2flow serve workflows --robot sim --mqtt mqtt://localhost --mqtt-device bench-3\n  ot2flow serve --config lab.yaml",
	}
	c.Flags().StringVar(&o.http, "http", "127.0.0.1:8000", "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.robot, "robot", "", "the robot that the tasks are for: its name or address; sim is the built-in simulator")
	c.Flags().DurationVar(&o.poll, "poll", 0, "also look at the files this often, for network folders that send no events")
	c.Flags().StringVar(&o.config, "config", "", "the file of a lab, which says everything else: robots, folders, schedules, maintenance; see ot2flow explain lab")
	c.Flags().BoolVar(&o.library, "library", false, "serve the workflows that come with ot2flow, too")
	o.guard.flags(c.Flags())
	o.broker.flags(c.Flags())
	o.logging.flags(c.Flags())
	a.stateFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error { return a.serve(c.Context(), args, o, c.Flags()) }
	return c
}

func (a *app) serve(ctx context.Context, roots []string, o serving, flags *pflag.FlagSet) error {
	set, err := a.setting(roots, o, flags)
	if err != nil {
		return err
	}
	if set.lab != nil {
		o.guard.take(&set.lab.Access, flags)
	}
	log, err := o.logging.logger(a)
	if err != nil {
		return err
	}
	guard, err := o.guard.options(set.http, log)
	if err != nil {
		return err
	}
	if a.service().Reach, err = outside.NewReach(o.guard.allow); err != nil {
		return usage("--allow %s: %v", strings.Join(o.guard.allow, ", "), err)
	}
	tasks, keep, err := a.service().Tasks(ctx, set.roots...)
	if err != nil {
		return err
	}
	set.keep = keep
	device := service.NewLab(a.service(), tasks, set.robots, noted(log))
	if set.lab != nil {
		device.Configure(set.lab.Schedules, set.lab.Windows)
	}
	device.Drafts = set.drafts
	if device.Traces, err = o.logging.exporter(log); err != nil {
		return err
	}
	defer func() {
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesWithin)
		defer cancel()
		device.Traces.Close(soon)
	}()
	release, err := device.Own(ctx)
	if err != nil {
		return err
	}
	defer release()
	endBroker, err := o.broker.be(ctx, a, set, o.guard.cert, o.guard.key, log)
	if err != nil {
		return err
	}
	defer endBroker()
	leave, err := set.join(device, o.guard.insecure, log)
	if err != nil {
		return err
	}
	defer leave()
	s, err := server.New(device, version, guard)
	if err != nil {
		return err
	}
	atBroker, err := o.broker.serve(ctx, device, set, o.guard.insecure, log)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", set.http)
	if err != nil {
		return cannot("nothing can listen on %s: %v", set.http, err)
	}
	logTasks(log, device.Tasks)
	scheme := "http"
	if guard.Certificate != nil {
		scheme = "https"
	}
	log.Info("serving", "tasks", len(device.Tasks.Snapshot().Versions), set.who(), set.names(), "http", fmt.Sprintf("%s://%s", scheme, l.Addr()))
	if err := warnOfTokens(ctx, device.Service, &guard, atBroker, log); err != nil {
		return err
	}
	return serveUntilSignal(ctx, device, s, atBroker, l, set, log)
}

// serveUntilSignal serves until Ctrl-C, or until the system ends; the robot stands
// then. A second signal does not wait for that.
func serveUntilSignal(ctx context.Context, device *service.Device, s *server.Server, atBroker *mqttserver.Server, l net.Listener, set *setting, log *slog.Logger) error {
	answering, hush := context.WithCancel(ctx)
	defer hush()
	working, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	said := make(chan struct{})
	context.AfterFunc(working, func() {
		defer close(said)
		stop() // the next signal ends the process
		s.End()
		tellSystem("STOPPING=1")
		log.Info("ending; a robot that moves is paused at a good place first")
	})
	watcher := workflows.Watch(working, device.Tasks, workflows.Options{Poll: set.poll}, func(c workflows.Change[*workflows.Task]) {
		s.Reload()
		if atBroker != nil {
			atBroker.Reload()
		}
		keepVersions(working, device, log)
		for _, v := range c.Changed {
			log.Info("the task is another one", "task", v.Name, "file", v.Path)
		}
		for _, v := range c.Removed {
			log.Info("the task is gone", "task", v.Name, "file", v.Path)
		}
		for i := range c.Problems {
			logProblem(log, &c.Problems[i])
		}
		remember(working, log, set.keep)
	})
	defer watcher.Close()
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() { keepVersions(working, device, log) })
	defer set.watch(working, device, log)()
	answered := make(chan error, 1)
	go func() {
		err := s.Serve(answering, l)
		stop() // without its requests the device has nothing to do
		answered <- err
	}()
	tellSystem("READY=1")
	remember(working, log, set.keep)
	debug.FreeOSMemory() // beginning takes more than serving
	var watched sync.WaitGroup
	watched.Go(func() { beWatched(answering, s.Well) })
	watched.Go(func() { breathe(answering) })
	if atBroker != nil {
		watched.Go(func() { atBroker.Serve(answering) })
	}
	err := device.Serve(working)
	stop()
	<-said
	hush()
	watched.Wait()
	if gone := <-answered; err == nil && gone != nil {
		err = cannot("%v", gone)
	}
	return err
}

// remember keeps what was proved; without it, the next beginning takes longer.
func remember(ctx context.Context, log *slog.Logger, keep func(context.Context) error) {
	if err := keep(ctx); err != nil && ctx.Err() == nil {
		log.Warn("what was proved of the workflows is not remembered: " + err.Error())
	}
}

// keepVersions keeps the workflows as they are served now, by their hashes.
func keepVersions(ctx context.Context, device *service.Device, log *slog.Logger) {
	if err := device.KeepVersions(ctx); err != nil && ctx.Err() == nil {
		log.Error("versions of workflows could not be kept", "error", err)
	}
}

func logTasks(log *slog.Logger, tasks *service.Tasks) {
	now := tasks.Snapshot()
	for i := range now.Problems {
		logProblem(log, &now.Problems[i])
	}
}

// logProblem says what is wrong with a file, and what is served instead.
func logProblem(log *slog.Logger, p *workflows.Problem[*workflows.Task]) {
	served := "nothing"
	if p.Served != nil {
		served = "the last good version of " + p.Served.Name
	}
	log.Warn((&service.Findings{List: p.Diagnostics}).Error(), "file", p.Path, "served", served)
}
