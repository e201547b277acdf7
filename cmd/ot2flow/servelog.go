package main

import (
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/service"
	"github.com/ot2flow/ot2flow/workflows/traces"
)

// logging is how a server says what it does.
type logging struct{ format, level, traces string }

func (l *logging) flags(f *pflag.FlagSet) {
	f.StringVar(&l.format, "log-format", "text", "how the log is written: text or json")
	f.StringVar(&l.traces, "traces", "", "where a collector of OpenTelemetry takes traces of runs, such as http://localhost:4318; headers for it are in OTEL_EXPORTER_OTLP_HEADERS")
	f.StringVar(&l.level, "log-level", "info", "what is logged: debug, info, warn or error; --quiet logs nothing")
}

// logger writes the log to where everything goes that is no result.
func (l *logging) logger(a *app) (*slog.Logger, error) {
	var o slog.HandlerOptions
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil || strings.ContainsAny(l.level, "+-") {
		return nil, usage("--log-level %s: there are debug, info, warn and error", l.level)
	}
	o.Level = level
	switch {
	case a.quiet:
		return slog.New(slog.DiscardHandler), nil
	case l.format == "text":
		return slog.New(slog.NewTextHandler(a.err, &o)), nil
	case l.format == "json":
		return slog.New(slog.NewJSONHandler(a.err, &o)), nil
	}
	return nil, usage("--log-format %s: there are text and json", l.format)
}

// exporter sends traces to a collector, if there is one.
func (l *logging) exporter(log *slog.Logger) (*traces.Exporter, error) {
	if l.traces == "" {
		return nil, nil
	}
	x, err := traces.New(l.traces, os.Getenv("OTEL_EXPORTER_OTLP_HEADERS"), version, func(text string, err error) {
		if err != nil {
			log.Warn(text, "error", err)
			return
		}
		log.Info(text)
	})
	if err != nil {
		return nil, usage("--traces: %v", err)
	}
	return x, nil
}

// tracesWithin is how long a collector may take what is left when the server ends.
const tracesWithin = 3 * time.Second

// noted logs what a device has to say, with what it is about.
func noted(log *slog.Logger) func(service.Note) {
	return func(n service.Note) {
		var about []any
		if n.Robot != "" {
			about = append(about, "robot", n.Robot)
		}
		if n.Run != "" {
			about = append(about, "run", n.Run)
		}
		if n.Step != 0 {
			about = append(about, "step", n.Step)
		}
		if n.Wrong {
			log.Warn(n.Text, about...)
			return
		}
		log.Info(n.Text, about...)
	}
}
