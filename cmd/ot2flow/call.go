package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/client"
	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
)

// callFlags are what call was told.
type callFlags struct {
	device, run string
	options     client.Options
	detach      bool
	within      time.Duration

	ca, tokenFile string
	cert, key     string
	insecure      bool
}

func (a *app) callCommand() *cobra.Command {
	var o callFlags
	c := &cobra.Command{
		Use:   "call TASK [NAME=VALUE…] --device URL",
		Short: "Have a device server carry out a task, and wait for its result",
		Long: `Submits a run of a task to a device server (see ot2flow serve), says how far it is, and prints
what it returns. Ctrl-C ends the waiting, not the run; --run waits for it again.

A server that asks who you are is shown the token in OT2FLOW_TOKEN, or in the file that
--token-file names. It is no flag of its own: what stands on a command line is seen by everybody
on the computer, and kept in the shell's history.

A device at a broker (see ot2flow serve --mqtt) is named by the broker and its name there. It may be
away: the job waits, and is carried out once, however often it arrives. A broker on another computer
is shown the user in OT2FLOW_MQTT_USER and the password in OT2FLOW_MQTT_PASSWORD, or a certificate.`,
		Example: "  ot2flow call mix-colors R=100 mix_well=B2 --device http://localhost:8000\n  ot2flow call mix-colors R=100 --device mqtt://localhost/bench-3\n  ot2flow call --run 261123-4x7k",
	}
	f := c.Flags()
	o.deviceFlags(f)
	f.StringVar(&o.run, "run", "", "wait for this run, and submit none")
	f.BoolVar(&o.detach, "detach", false, "print the id of the run as soon as it is accepted, and do not wait")
	f.StringVar(&o.options.Key, "key", "", "a key of your own, under which nothing is accepted twice")
	f.IntVar(&o.options.Priority, "priority", 0, "the greater, the sooner")
	f.StringVar(&o.options.Experiment, "experiment", "", "runs of one experiment keep their order")
	f.StringVar(&o.options.Robot, "robot", "", "the robot of the server that does it; by default any that is free and can")
	f.StringSliceVar(&o.options.Labels, "label", nil, "what the robot must be good for; repeatable")
	f.StringVar(&o.options.By, "by", "", "who does it, for the journal and for quotas")
	f.StringVar(&o.options.Project, "project", "", "what it is for, for the journal and for quotas")
	f.DurationVar(&o.within, "within", 0, "how long the job may wait for a device at a broker that is away, such as 2h; by default as long as it is waited for")
	c.RunE = func(c *cobra.Command, args []string) error { return a.call(c.Context(), args, o) }
	return c
}

// deviceFlags say which server is asked, and how.
func (o *callFlags) deviceFlags(f *pflag.FlagSet) {
	f.StringVar(&o.device, "device", "http://localhost:8000", "the address of the device server, or of a broker with the name of the device: mqtt://BROKER/DEVICE, mqtts, ws or wss")
	f.StringVar(&o.ca, "ca", "", "the lab's certificate authority, a PEM file: ca.crt of ot2flow certs")
	f.StringVar(&o.tokenFile, "token-file", "", "a file with the token; otherwise it is that in OT2FLOW_TOKEN")
	f.StringVar(&o.cert, "tls-cert", "", "the certificate by which a broker knows us, a PEM file")
	f.StringVar(&o.key, "tls-key", "", "the key of the certificate, a PEM file")
	f.BoolVar(&o.insecure, "insecure", false, "send the token, or jobs to a broker, where everybody in the network can read it")
}

// caller has runs carried out, by a server or by a device at a broker.
type caller interface {
	Submit(ctx context.Context, task string, params map[string]any, o client.Options) (*client.Run, error)
	Wait(ctx context.Context, id string, see func(*client.Run)) (*client.Run, error)
}

// caller is what asks the device, until end is called.
func (a *app) caller(ctx context.Context, o *callFlags) (c caller, end func(), err error) {
	if scheme, _, _ := strings.Cut(o.device, ":"); slices.Contains([]string{"mqtt", "mqtts", "ws", "wss"}, scheme) {
		return a.brokerCaller(ctx, o)
	}
	if o.within != 0 || o.cert != "" || o.key != "" {
		return nil, nil, usage("--within, --tls-cert and --tls-key are about a broker, and %s is none", o.device)
	}
	server, err := o.client()
	return server, func() {}, err
}

// client is what asks the server.
func (o *callFlags) client() (*client.Client, error) {
	server, err := client.New(o.device)
	if err != nil {
		return nil, usage("--device: %v", err)
	}
	return server, o.identify(server)
}

func (a *app) call(ctx context.Context, args []string, o callFlags) error {
	if (len(args) == 0) == (o.run == "") {
		return usage("name a task of the server, or a run of it with --run")
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	server, end, err := a.caller(ctx, &o)
	if err != nil {
		return err
	}
	defer end()
	id := o.run
	if id == "" {
		params, err := callParams(args[1:])
		if err != nil {
			return err
		}
		r, err := server.Submit(ctx, args[0], params, o.options)
		if err != nil {
			return refusedCall(err)
		}
		id = r.ID
		if o.detach {
			_, err := fmt.Fprintln(a.out, id)
			return a.written(err)
		}
		a.tell("run %s", id)
	}
	said := ""
	r, err := server.Wait(ctx, id, func(r *client.Run) {
		if text := callStands(r); text != said && !r.Over {
			said = text
			a.tell("%s", text)
		}
	})
	switch {
	case ctx.Err() != nil:
		return &exitError{exitStopped, fmt.Sprintf("not waited for any longer; run %s goes on: ot2flow call --run %s --device %s", id, id, o.device)}
	case err != nil:
		return refusedCall(err)
	case r.State == "stopped", r.State == "withdrawn":
		return &exitError{exitStopped, callStands(r)}
	case !r.OK():
		return &exitError{exitFailed, callStands(r)}
	}
	_, err = fmt.Fprintf(a.out, "%s\n", r.Result)
	return a.written(err)
}

// identify has a client trust the server, and the server know the client.
func (o *callFlags) identify(c *client.Client) error {
	c.Token, c.Plain = strings.TrimSpace(os.Getenv("OT2FLOW_TOKEN")), o.insecure
	if o.tokenFile != "" {
		data, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return cannot("--token-file %s cannot be read: %s", o.tokenFile, reason(err))
		}
		if c.Token = strings.TrimSpace(string(data)); c.Token == "" {
			return cannot("--token-file %s is empty", o.tokenFile)
		}
	}
	if o.ca == "" {
		return nil
	}
	data, err := os.ReadFile(o.ca)
	if err != nil {
		return cannot("--ca %s cannot be read: %s", o.ca, reason(err))
	}
	if err := c.Trust(data); err != nil {
		return usage("--ca %s: %v", o.ca, err)
	}
	return nil
}

// callStands says how a run stands.
func callStands(r *client.Run) string {
	text := "run " + r.ID + ": " + strings.ReplaceAll(r.State, "_", " ")
	if r.Steps > 0 && r.State != "queued" {
		text += fmt.Sprintf(", %d of %s", r.Done, plural(r.Steps, "step"))
	}
	if r.Question != nil {
		return text + "; it asks: " + r.Question.Message
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	return text
}

// callParams reads NAME=VALUE; a value that is JSON is sent as it is, and any other as
// text.
func callParams(args []string) (map[string]any, error) {
	out := map[string]any{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, usage("write the parameters as NAME=VALUE, and this is %q", arg)
		}
		if out[name] = any(value); json.Valid([]byte(value)) {
			out[name] = json.RawMessage(value)
		}
	}
	return out, nil
}

// refusedCall is the error of a server that does not do what it was asked for.
func refusedCall(err error) error {
	var e *client.Error
	var unknown *mqttclient.Unanswered
	if errors.As(err, &unknown) {
		return &exitError{exitStopped, unknown.Error()}
	}
	if errors.As(err, &e) && e.Status == 422 {
		return &exitError{exitFindings, e.Error()}
	}
	return cannot("%v", err)
}
