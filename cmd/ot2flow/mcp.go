package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/outside"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// What assistants are given: the commands, as tools of the Model Context Protocol.

// Limits of what is said to an assistant and heard from it.
const (
	mcpMost    = 4 << 20   // bytes of a message, with the text of a workflow in it
	mcpFile    = 1 << 20   // bytes of a file
	mcpAnswer  = 256 << 10 // bytes of an answer
	mcpAtOnce  = 2         // tools that work at the same time; others wait
	mcpIdle    = time.Hour // after which a session over HTTP is forgotten
	mcpPath    = "/mcp"
	mcpExplain = `ot2flow proves, plans and simulates workflows for the Opentrons OT-2, a pipetting robot. Workflows
are YAML files. Begin with the tool workflows; explain without an argument says what the language is.
Write a workflow, have it linted (the text can be given, before it is saved), mend what is found,
then plan and simulate it. Nothing but the tool apply moves anything.`
)

// assisting is what mcp was told.
type assisting struct {
	http, robot string
	apply       bool
	guard       guarding
}

func (a *app) mcpCommand() *cobra.Command {
	var o assisting
	c := &cobra.Command{
		Use:   "mcp DIR…",
		Short: "Give the tools of ot2flow to an assistant, by the Model Context Protocol",
		Long: `Serves tools to assistants and other programs that speak the Model Context Protocol: list and
read workflows and labware, lint, plan, simulate, explain, and what was run. It speaks over
standard input and output, as a program that the assistant starts, or with --http over HTTP.

Nothing is read but what is below the folders, wherever symbolic links lead, and nothing is
written. With --apply and --robot there is a tool apply, too: it shows the plan to the person in
front of the assistant, and nothing moves before that person has agreed. A program that cannot
ask a person is refused. What the run asks after that is answered as for every run: at the robot,
on the pages of a device server, or with ot2flow runs answer.

Over HTTP it is reached from this computer only. At another address it needs a certificate and
tokens, as ot2flow serve does: a viewer may use it, and with --apply an operator.`,
		Example: "  ot2flow mcp ~/workflows\n  ot2flow mcp ~/workflows --apply --robot 192.168.1.20\n  ot2flow mcp ~/workflows --http 127.0.0.1:8010",
	}
	f := c.Flags()
	f.StringVar(&o.http, "http", "", "speak HTTP at this address instead, under /mcp; port 0 takes a free one")
	f.BoolVar(&o.apply, "apply", false, "let it carry workflows out, each after a person has agreed")
	f.StringVar(&o.robot, "robot", "", "with --apply: where; a robot's name or address, or sim for the built-in simulator")
	o.guard.flags(f)
	a.stateFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error { return a.mcp(c.Context(), args, o) }
	return c
}

func (a *app) mcp(ctx context.Context, folders []string, o assisting) error {
	switch {
	case len(folders) == 0:
		return usage("name the folders whose workflows an assistant may read: ot2flow mcp ~/workflows")
	case o.apply && o.robot == "":
		return usage("say where --apply carries workflows out: --robot NAME or the robot's address; --robot sim is the built-in simulator")
	case !o.apply && o.robot != "":
		return usage("--robot is for --apply; without it nothing is carried out")
	}
	t := &toolbox{state: a.state, robot: o.robot, busy: make(chan struct{}, mcpAtOnce), asked: map[string]confirmation{}}
	for _, folder := range folders {
		if _, err := os.Stat(folder); err != nil {
			return cannot("%s cannot be read: %s", folder, reason(err))
		}
		whole, err := filepath.Abs(folder)
		if err != nil {
			return cannot("%s cannot be found: %s", folder, reason(err))
		}
		t.roots = append(t.roots, whole)
	}
	var err error
	if t.reach, err = outside.NewReach(o.guard.allow); err != nil {
		return usage("--allow: %v", err)
	}
	defer t.running.Wait() // nobody but this process follows a run that it has begun
	working, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.http != "" {
		return a.mcpOverHTTP(working, t, o)
	}
	err = t.server().Run(working, &mcp.IOTransport{Reader: io.NopCloser(a.in), Writer: unclosed{a.out}, MaxLineLength: mcpMost})
	if err != nil && working.Err() == nil && !errors.Is(err, io.EOF) {
		return cannot("%v", err)
	}
	return nil
}

// unclosed is standard output, which is not ours to close.
type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }

// mcpOverHTTP serves the tools behind the gate of a device server.
func (a *app) mcpOverHTTP(ctx context.Context, t *toolbox, o assisting) error {
	log := slog.New(slog.DiscardHandler)
	if !a.quiet {
		log = slog.New(slog.NewTextHandler(a.err, nil))
	}
	guard, err := o.guard.options(o.http, log)
	if err != nil {
		return err
	}
	role := service.Viewer
	if o.apply {
		role = service.Operator
	}
	tools := t.server()
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return tools }, &mcp.StreamableHTTPOptions{
		SessionTimeout: mcpIdle, MaxRequestBodyBytes: mcpMost,
		DisableLocalhostProtection: true, // the gate knows by which names it may be called
	})
	s, err := server.Behind(a.service(), guard, mcpPath, role, ofCaller(handler))
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.http)
	if err != nil {
		return cannot("nothing can listen on %s: %v", o.http, err)
	}
	scheme := "http"
	if guard.Certificate != nil {
		scheme = "https"
	}
	log.Info("serving an assistant", "http", scheme+"://"+l.Addr().String()+mcpPath, "apply", o.apply)
	if err := warnOfTokens(ctx, a.service(), &guard, nil, log); err != nil {
		return err
	}
	if err := s.Serve(ctx, l); err != nil {
		return cannot("%v", err)
	}
	return nil
}

// ofCaller has a session belong to whose token has begun it.
func ofCaller(next http.Handler) http.Handler {
	known := auth.RequireBearerToken(func(_ context.Context, _ string, r *http.Request) (*auth.TokenInfo, error) {
		c := server.CallerOf(r.Context())
		return &auth.TokenInfo{UserID: c.Token, Expiration: time.Now().Add(mcpIdle), Extra: map[string]any{callerKey: c}}, nil
	}, nil)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if server.CallerOf(r.Context()) == nil {
			next.ServeHTTP(w, r)
			return
		}
		known.ServeHTTP(w, r)
	})
}

// callerKey is where what is known of a token has its caller.
const callerKey = "caller"

// toolbox is what the tools of an assistant work with.
type toolbox struct {
	roots   []string // whole paths
	state   string   // the journal
	robot   string   // where apply carries out; empty without that tool
	reach   *outside.Reach
	busy    chan struct{} // holds a token for each tool that works
	running sync.WaitGroup

	mu    sync.Mutex
	asked map[string]confirmation // what people are asked, by a word that cannot be guessed
	going bool                    // a run of apply is under way
}
