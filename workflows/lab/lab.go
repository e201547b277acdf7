// Package lab reads the file by which a device server is set up, and says what is wrong
// with it before anything is begun.
//
// The file is decoded by the table in package spec, as workflows are; here its times,
// durations and names are taken for what they mean.
package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/timetable"
)

// Lab is how a device server is set up. Paths count from the working directory.
type Lab struct {
	Name      string
	Robots    []Robot // at least one, in the order of the file
	Workflows []string
	Library   bool
	Poll      time.Duration // 0: never
	HTTP      string        // empty: the default
	State     string        // empty: the user's own
	Access    Access
	Broker    Broker
	Schedules []Schedule
	Windows   []Window
}

// Robot is a robot under the name that its users call it by.
type Robot struct {
	Name, Address, Description string
	Labels                     []string
	// Device is the name at the broker of the lab of the device server that has the robot, and
	// There what it is called there. Device is empty for a robot of this server.
	Device, There string
}

// Broker is where the devices are that runs are handed over to, and as whom we come to it.
type Broker struct {
	Address              mqtt.Address // its Host is empty where no robot is elsewhere
	Controller           string
	PasswordFile         string // empty: the environment says it
	CA, Certificate, Key string
	Sensors              []string
}

// Devices are the names of those at the broker, each once.
func (l *Lab) Devices() []string {
	var out []string
	for i := range l.Robots {
		if name := l.Robots[i].Device; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Access says who may reach a device server, and what its workflows may reach.
type Access struct {
	Certificate, Key string // files; empty without
	Tokens, Insecure bool
	Hosts, Origins   []string
	Rate             float64 // requests a second; negative where nothing is said
	Allow            []string
}

// Schedule is a task that is carried out by itself.
type Schedule struct {
	Name, Task              string
	Times                   *timetable.Table
	Params                  json.RawMessage // a JSON object
	Robot                   string          // empty: any
	Labels                  []string
	By, Project, Experiment string
	Priority                int
	Late                    time.Duration
	Queue                   bool // it waits where the one before is not over
	Off                     bool
}

// Window is a time in which nothing is begun: once, or again and again.
type Window struct {
	Why      string
	Robots   []string // empty: all
	From, To time.Time
	Again    *timetable.Window // nil: once
}

// Opened is the file of a lab and what was found in it.
type Opened struct {
	Path        string
	Lab         *Lab // nil where there are errors
	Hash        string
	Diagnostics diag.List
	file        spec.File
	name        string // of it in findings
}

// Source returns the text of the file under the name that its findings have; nil under
// any other.
func (o *Opened) Source(name string) []byte {
	if name != o.name {
		return nil
	}
	return o.file.Data
}

// keyed is a line that starts with a key, as for workflows.
var keyed = regexp.MustCompile(`(?m)^\x{FEFF}?["']?(lab|ot2flow)["']?[ \t]*:`)

// IsLab reports whether a text is that of the file of a lab, as its first key of the two
// says that would make it one or a workflow.
func IsLab(text []byte) bool {
	m := keyed.FindSubmatch(text)
	return m != nil && string(m[1]) == "lab"
}

// Open reads the file of a lab.
func Open(path string) *Opened {
	o := &Opened{Path: path}
	full, err := filepath.Abs(path)
	if err != nil {
		o.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: "the file cannot be found: " + err.Error()}}
		return o
	}
	dir, name := filepath.Split(full)
	o.name = filepath.ToSlash(filepath.Join(filepath.Dir(path), name))
	bundle, list := spec.Load(os.DirFS(dir), name)
	var found *Lab
	for i := 0; bundle == nil && i < len(list); i++ {
		list[i].Message = strings.Replace(list[i].Message, "the workflow", "the file", 1)
	}
	if bundle != nil {
		f, _ := bundle.File(name)
		o.file, o.Hash = *f, bundle.Hash
		var more diag.List
		found, more = read(spec.NewSource(f), filepath.Dir(path))
		list = append(list, more...)
	}
	if !list.HasErrors() {
		o.Lab = found
	}
	o.Diagnostics = list.Relocate(filepath.ToSlash(filepath.Dir(path))).Sorted()
	return o
}

func read(src *spec.Source, dir string) (*Lab, diag.List) {
	root, list := src.Parse()
	file, doc, found := spec.DecodeLab(src, root)
	list = append(append(list, found...), schema.Explain(doc)...)
	if root == nil || list.HasErrors() {
		return nil, list
	}
	r := reader{dir: dir}
	l := r.lab(file)
	return l, append(list, r.found...)
}

// defaultLate is how late what a schedule has missed is made up for.
const defaultLate = 5 * time.Minute

// reader takes what is written for what it means.
type reader struct {
	dir    string
	robots []string
	labels []string
	found  diag.List
}

func (r *reader) lab(f *spec.Lab) *Lab {
	l := &Lab{Name: f.Name.Text, Library: f.Library.On, Poll: r.duration(&f.Poll, 0), HTTP: f.HTTP.Text, State: r.path(&f.State), Access: r.access(&f.Access)}
	for i := range f.Robots {
		l.Robots = append(l.Robots, r.robot(&f.Robots[i]))
	}
	r.addresses(f.Robots)
	l.Broker = r.broker(f, l)
	for i := range f.Workflows {
		l.Workflows = append(l.Workflows, r.path(&f.Workflows[i]))
	}
	if len(l.Workflows) == 0 {
		l.Workflows = []string{r.dir}
	}
	for i := range f.Schedules {
		l.Schedules = append(l.Schedules, r.schedule(&f.Schedules[i]))
	}
	for i := range f.Maintenance {
		l.Windows = append(l.Windows, r.window(&f.Maintenance[i]))
	}
	return l
}

func (r *reader) robot(f *spec.LabRobot) Robot {
	out := Robot{Name: f.Name.Value, Address: f.Address.Text, Description: f.Description.Text, Labels: words(f.Labels), There: f.Robot.Text}
	r.robots = append(r.robots, out.Name)
	r.labels = append(r.labels, out.Labels...)
	return out
}

// simulator is an address that several robots may have.
const simulator = "sim"

// addresses sees to it that no robot stands there twice: it would have two queues and
// one owner.
func (r *reader) addresses(robots []spec.LabRobot) {
	for i := range robots {
		for j := range robots[:i] {
			if robots[i].Address.Text == robots[j].Address.Text && robots[i].Robot.Text == robots[j].Robot.Text && robots[i].Address.Text != simulator {
				d := r.add(diag.LabValue, robots[i].Address.Span(0, len(robots[i].Address.Text)), robots[j].Name.Value+" has the address "+robots[i].Address.Text+", too", "a robot stands here once; give it the labels of both")
				d.Related = []diag.Related{{Span: robots[j].Name.Span, Message: "the other one is here"}}
			}
		}
	}
}

func (r *reader) schedule(f *spec.LabSchedule) Schedule {
	out := Schedule{
		Name: f.Name.Value, Task: f.Task.Text, Params: params(f.Params), Robot: f.Robot.Text, Labels: words(f.Labels), By: f.By.Text, Project: f.Project.Text, Experiment: f.Experiment.Text,
		Late: r.duration(&f.Late, defaultLate), Queue: f.Overlap.Value == "queue", Off: f.Off.On, Priority: r.whole(&f.Priority),
	}
	if out.By == "" {
		out.By = "schedule " + out.Name
	}
	out.Times = r.table(&f.Cron, r.zone(&f.TimeZone))
	if f.Robot.Set {
		r.named(&spec.Word{Value: f.Robot.Text, Span: whole(&f.Robot)}, "robot", r.robots)
	}
	for i := range f.Labels {
		r.named(&f.Labels[i], "label", r.labels)
	}
	return out
}

func (r *reader) window(f *spec.LabWindow) Window {
	out := Window{Why: f.Why.Text, Robots: words(f.Robots)}
	for i := range f.Robots {
		r.named(&f.Robots[i], "robot", r.robots)
	}
	zone := r.zone(&f.TimeZone)
	if f.Cron.Set {
		out.Again = &timetable.Window{Begins: r.table(&f.Cron, zone), Lasts: r.duration(&f.For, 0)}
		if out.Again.Lasts == 0 {
			r.add(diag.LabValue, whole(&f.For), "it lasts no time", "write how long it lasts, for example for: 2 h")
		}
		return out
	}
	out.From, out.To = r.instant(&f.From, zone), r.instant(&f.To, zone)
	if !out.From.IsZero() && !out.To.IsZero() && !out.To.After(out.From) {
		r.add(diag.LabValue, whole(&f.To), "it ends before it begins", "the end comes behind the beginning, "+f.From.Text)
	}
	return out
}

func words(list []spec.Word) []string {
	var out []string
	for _, w := range list {
		if !slices.Contains(out, w.Value) {
			out = append(out, w.Value)
		}
	}
	return out
}
