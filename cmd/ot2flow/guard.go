package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/certs"
	labfile "github.com/ot2flow/ot2flow/workflows/lab"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/mqttserver"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// guarding is who may reach a device server, and what it asks of them.
type guarding struct {
	insecure, tokens bool
	cert, key        string
	hosts, origins   []string
	allow            []string
	rate             float64
}

func (g *guarding) flags(f *pflag.FlagSet) {
	f.StringVar(&g.cert, "tls-cert", "", "the certificate by which clients know the server, a PEM file; see ot2flow certs. It is read again when it changes")
	f.StringVar(&g.key, "tls-key", "", "the key of the certificate, a PEM file")
	f.BoolVar(&g.tokens, "tokens", false, "have everybody show a token, also on this computer; see ot2flow tokens")
	f.BoolVar(&g.insecure, "insecure", false, "be reached by others without a certificate, and without tokens unless --tokens is given")
	f.StringArrayVar(&g.hosts, "host", nil, "a name by which clients may call the server, beside those of its certificate; repeatable")
	f.StringArrayVar(&g.origins, "origin", nil, "whose pages may ask for things in a browser, such as https://lims.example.org; repeatable")
	f.StringArrayVar(&g.allow, "allow", nil, "where requests, measurements and messages of workflows may go, such as reader.lab.example, *.lab.example:8080, 192.168.1.30 or 10.1.0.0/16; repeatable; otherwise nowhere")
	f.Float64Var(&g.rate, "rate", 100, "how many requests a second are taken from one other computer; 0 is any number")
}

// take takes what the file of a lab says, where the command line does not say anything
// else.
func (g *guarding) take(a *labfile.Access, flags *pflag.FlagSet) {
	if !flags.Changed("tls-cert") && !flags.Changed("tls-key") {
		g.cert, g.key = a.Certificate, a.Key
	}
	if !flags.Changed("tokens") {
		g.tokens = a.Tokens
	}
	if !flags.Changed("insecure") {
		g.insecure = a.Insecure
	}
	if !flags.Changed("rate") && a.Rate >= 0 {
		g.rate = a.Rate
	}
	for name, list := range map[string]struct {
		to   *[]string
		from []string
	}{"host": {&g.hosts, a.Hosts}, "origin": {&g.origins, a.Origins}, "allow": {&g.allow, a.Allow}} {
		if !flags.Changed(name) {
			*list.to = list.from
		}
	}
}

// options are those of a server at an address.
func (g *guarding) options(address string, log *slog.Logger) (server.Options, error) {
	local := server.Loopback(address)
	o := server.Options{Tokens: g.tokens || !local && !g.insecure, Hosts: g.hosts, Origins: g.origins, Rate: g.rate, Log: log}
	switch {
	case (g.cert == "") != (g.key == ""):
		return o, usage("--tls-cert and --tls-key belong together; ot2flow certs makes both")
	case g.rate < 0:
		return o, usage("--rate is a number of requests a second, or 0 for any number")
	case !local && g.cert == "" && !g.insecure:
		return o, usage("%s is reached from other computers: make a certificate (ot2flow certs) and give --tls-cert and --tls-key, and make tokens for those who may (ot2flow tokens add); or say --insecure in a network where everybody may move the robot and nobody listens", address)
	}
	for _, origin := range g.origins {
		if err := labfile.CheckOrigin(origin); err != nil {
			return o, usage("--origin %s: %v", origin, err)
		}
	}
	if !local && g.insecure && len(g.hosts) == 0 && g.cert == "" {
		o.Hosts = []string{"*"} // by which name others call it, nobody said
	}
	if g.cert == "" {
		return o, nil
	}
	var err error
	o.Certificate, err = certs.Open(g.cert, g.key, func(text string, err error) {
		if err != nil {
			log.Error(text, "error", err)
			return
		}
		log.Info(text)
	})
	if err != nil {
		return o, cannot("%v", err)
	}
	leaf := o.Certificate.Leaf()
	if left := time.Until(leaf.NotAfter); left < expiresSoon {
		log.Warn(fmt.Sprintf("the certificate is good until %s; make another one in time, and the server takes it by itself", leaf.NotAfter.Local().Format("2006-01-02 15:04")))
	}
	return o, nil
}

// expiresSoon is when it is time for another certificate.
const expiresSoon = 30 * 24 * time.Hour

// warnOfTokens says where everybody has to show a token, and nobody has one.
func warnOfTokens(ctx context.Context, s *service.Service, o *server.Options, atBroker *mqttserver.Server, log *slog.Logger) error {
	if !o.Tokens {
		return nil
	}
	if atBroker != nil {
		log.Warn(fmt.Sprintf("tokens count over HTTP only: at the broker, whoever may publish below %s and %s moves the robot; ot2flow broker makes users, and says what each may do", jobs.Topic(atBroker.Name(), jobs.Commands), jobs.GuideTopic(atBroker.Name(), jobs.GuideCommand)))
	}
	list, err := s.Tokens(ctx)
	if err == nil && len(list) == 0 {
		log.Warn("nobody has a token, and everybody has to show one: ot2flow tokens add NAME --role operator")
	}
	return err
}
