package main

import (
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// logging is how a server says what it does.
type logging struct{ format, level string }

func (l *logging) flags(f *pflag.FlagSet) {
	f.StringVar(&l.format, "log-format", "text", "how the log is written: text or json")
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
