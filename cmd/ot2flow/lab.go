package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	_ "time/tzdata" // many computers, and most containers, have no time zones

	"github.com/ot2flow/ot2flow/workflows"
	labfile "github.com/ot2flow/ot2flow/workflows/lab"
	"github.com/ot2flow/ot2flow/workflows/library"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// setting is what a device server serves, and where: as the command line says, or the
// file of a lab.
type setting struct {
	roots  []string
	robots []service.Robot
	http   string
	poll   time.Duration

	file string
	lab  *labfile.Lab // nil without a file

	drafts string // the folder in which workflows may be changed; empty: in none

	keep func(context.Context) error // has the journal remember what was proved
}

func (a *app) setting(roots []string, o serving, flags *pflag.FlagSet) (*setting, error) {
	set := &setting{roots: roots, http: o.http, poll: o.poll}
	if o.config != "" {
		if err := a.settingOf(set, o, flags); err != nil {
			return nil, err
		}
	} else {
		if o.robot == "" {
			return nil, usage("say for which robot: --robot NAME or its address; --robot sim serves the built-in simulator; --config lab.yaml names several")
		}
		set.robots = []service.Robot{{Name: o.robot, Address: o.robot}}
	}
	if a.state == service.None {
		return nil, usage("a server keeps what it accepts in the journal, and --state %s has none", service.None)
	}
	shipped := o.library || set.lab != nil && set.lab.Library
	if len(set.roots) == 0 && !shipped {
		set.roots = []string{"."}
	}
	for _, root := range set.roots {
		if _, err := os.Stat(root); err != nil {
			return nil, cannot("%s cannot be served: %s", root, reason(err))
		}
	}
	if len(set.roots) > 0 { // what comes with ot2flow is not changed
		if info, err := os.Stat(set.roots[0]); err == nil && info.IsDir() {
			set.drafts = set.roots[0]
		}
	}
	if shipped {
		dir, err := library.Folder()
		if err != nil {
			return nil, cannot("the workflows that come with ot2flow cannot be unpacked: %v", err)
		}
		set.roots = append(set.roots, dir)
	}
	return set, nil
}

// settingOf reads the file of a lab. Where to listen and where the journal is can be
// said on the command line instead.
func (a *app) settingOf(set *setting, o serving, flags *pflag.FlagSet) error {
	for _, name := range []string{"robot", "poll", "library"} {
		if flags.Changed(name) {
			return usage("--%s and --config do not go together; the file says it", name)
		}
	}
	if len(set.roots) > 0 {
		return usage("with --config, the file says which folders are served: workflows: [%s]", strings.Join(set.roots, ", "))
	}
	opened := labfile.Open(o.config)
	if len(opened.Diagnostics) > 0 {
		a.show(opened.Diagnostics, opened.Source)
	}
	if opened.Lab == nil {
		return &exitError{findingsCode(opened.Diagnostics), ""}
	}
	l := opened.Lab
	set.file, set.lab, set.roots, set.poll, set.robots = o.config, l, l.Workflows, l.Poll, robotsOf(l)
	if l.HTTP != "" && !flags.Changed("http") {
		set.http = l.HTTP
	}
	if l.State != "" && !flags.Changed("state") {
		a.state = l.State
	}
	return nil
}

func robotsOf(l *labfile.Lab) []service.Robot {
	var out []service.Robot
	for _, r := range l.Robots {
		out = append(out, service.Robot{Name: r.Name, Address: r.Address, Labels: r.Labels, Description: r.Description, Device: r.Device, There: r.There})
	}
	return out
}

// who is how the log calls the robots.
func (s *setting) who() string {
	if len(s.robots) > 1 {
		return "robots"
	}
	return "robot"
}

func (s *setting) names() string {
	var out []string
	for _, r := range s.robots {
		out = append(out, r.Name)
	}
	return strings.Join(out, " ")
}

// watch takes over what the file of the lab says whenever it is saved, until what is
// returned is called.
func (s *setting) watch(ctx context.Context, device *service.Device, log *slog.Logger) (end func()) {
	if s.lab == nil {
		return func() {}
	}
	sayUnserved(device, log)
	first := true
	w := workflows.Watch(ctx, labfile.Registry(s.file), workflows.Options{Poll: s.poll}, func(c workflows.Change[*labfile.Opened]) {
		for _, v := range c.Changed {
			if !first {
				s.take(v.Value.Lab, device, log)
			}
			first = false
		}
		for range c.Removed {
			log.Warn("the file of the lab is gone; what it said holds until there is another one", "file", s.file)
		}
		for i := range c.Problems {
			log.Warn((&service.Findings{List: c.Problems[i].Diagnostics}).Error(), "file", s.file, "holds", "the last good version")
		}
	})
	return w.Close
}

// take takes over what can change while the server runs, and says what cannot.
func (s *setting) take(l *labfile.Lab, device *service.Device, log *slog.Logger) {
	device.Configure(l.Schedules, l.Windows)
	device.Relabel(robotsOf(l))
	log.Info("the file of the lab is another one", "file", s.file, "schedules", len(l.Schedules), "maintenance", len(l.Windows))
	same := func(a, b labfile.Robot) bool { return a.Name == b.Name && a.Address == b.Address && a.There == b.There }
	var later []string
	for _, what := range []struct {
		name    string
		changed bool
	}{
		{"robots", !slices.EqualFunc(s.lab.Robots, l.Robots, same)},
		{"workflows", !slices.Equal(s.lab.Workflows, l.Workflows)},
		{"library", s.lab.Library != l.Library},
		{"poll", s.lab.Poll != l.Poll},
		{"http", s.lab.HTTP != l.HTTP},
		{"state", s.lab.State != l.State},
		{"broker", !reflect.DeepEqual(s.lab.Broker, l.Broker)},
		{"access", !reflect.DeepEqual(s.lab.Access, l.Access)},
	} {
		if what.changed {
			later = append(later, what.name)
		}
	}
	if len(later) > 0 {
		log.Warn(fmt.Sprintf("%s: what is new there holds when the server is started again", strings.Join(later, ", ")), "file", s.file)
	}
	sayUnserved(device, log)
}

// sayUnserved names schedules that come to nothing.
func sayUnserved(device *service.Device, log *slog.Logger) {
	for _, v := range device.Schedules() {
		if v.Problem != "" {
			log.Warn("schedule "+v.Name+": "+v.Problem, "next", v.Next)
		}
	}
}
