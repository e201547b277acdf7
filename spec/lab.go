package spec

import (
	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Lab is the file by which a device server is set up: which robots there are, which
// workflows they carry out, and when. What is in it is as written: times, addresses and
// the names of other things are looked at by whoever has a clock and a network.
type Lab struct {
	File        string // Bundle name of the file
	Span        diag.Span
	Name        Given
	Robots      []LabRobot
	Workflows   []Given // files and folders, from where the file is
	Library     Switch
	Poll        Given // a duration
	HTTP        Given
	State       Given
	Access      LabAccess
	Broker      LabBroker
	Schedules   []LabSchedule
	Maintenance []LabWindow
}

// LabAccess says who may reach a device server, and what its workflows may reach.
type LabAccess struct {
	Certificate, Key Given // files, from where this file is
	Tokens, Insecure Switch
	Hosts, Origins   []Given
	Rate             Given
	Allow            []Given
	Span             diag.Span
}

// LabBroker says as whom a server comes to the broker at which devices are that it hands runs
// over to.
type LabBroker struct {
	Controller           Given
	PasswordFile         Given // from where this file is
	CA, Certificate, Key Given // likewise
	Sensors              []Word
	Span                 diag.Span
}

// LabRobot is a robot of a lab, under the name that its users call it by.
type LabRobot struct {
	Name        Word
	Address     Given // its name in the network, its address, sim, or where the device is that has it
	Robot       Given // what that calls it
	Labels      []Word
	Description Given
	Span        diag.Span
}

// LabSchedule says when a task is carried out by itself.
type LabSchedule struct {
	Name        Word
	Task        Given
	Cron        Given
	TimeZone    Given
	Params      []LabParam
	Robot       Given
	Labels      []Word
	By, Project Given
	Experiment  Given
	Priority    Given
	Late        Given // a duration
	Overlap     Word  // skip, queue
	Off         Switch
	Span        diag.Span
}

// LabParam is the value of a parameter.
type LabParam struct {
	Name  Word
	Value Written
}

// LabWindow is a time in which nothing is begun.
type LabWindow struct {
	Why      Given
	Robots   []Word // empty: all
	From, To Given
	Cron     Given
	For      Given // a duration
	TimeZone Given
	Span     diag.Span
}

// LabRoot is the shape of the file of a lab.
func LabRoot() *Shape { return labRoot }

var labRoot = &Shape{
	Kind: ObjectShape, Name: "lab", Noun: "a mapping of keys such as robots and workflows", Example: "lab: 1", Doc: "A lab: the robots of a device server, what they carry out, and when.",
	fields: func() []Field { return labFields(&Lab{}) },
}

func labFields(l *Lab) []Field {
	var version Word
	return []Field{
		{"lab", "The version of the format.", Version, true, wordSlot(&version, versionShape)},
		{"name", "What the lab is called, for people.", "colour lab", false, givenSlot(&l.Name, plainShape)},
		{"robots", "The robots, each under the name that people call it by. Each has a queue of its own, and one owner.", "{bench-3: 192.168.1.20, practice: sim}", true, declarations(&l.Robots, labRobotsShape, readLabRobot)},
		{"workflows", "The files and folders whose workflows are tasks, from where this file is. Default: the folder that this file is in.", "[workflows, /srv/shared/workflows]", false, givenListSlot(&l.Workflows, pathsShape)},
		{"library", "Serve the workflows that come with ot2flow, too. Default: false.", "true", false, switchSlot(&l.Library)},
		{"poll", "Also look at the files this often, for network folders that send no events. Default: only when the system says that something has changed.", "10 s", false, givenSlot(&l.Poll, spanOfTimeShape)},
		{"http", "The address to listen on; port 0 takes a free one. Default: 127.0.0.1:8000.", "127.0.0.1:8080", false, givenSlot(&l.HTTP, listenShape)},
		{"state", "The journal of runs: a file, from where this file is, or the folder that it is in. Default: one of the user's own.", "/var/lib/ot2flow/journal.db", false, givenSlot(&l.State, plainShape)},
		{"access", "Who may reach the server, and where its workflows may send requests. Default: it is reached from its own computer only, and workflows send nothing anywhere.", "{certificate: certs/server.crt, key: certs/server.key, allow: [reader.lab.example]}", false, accessSlot(&l.Access)},
		{"broker", "As whom the server comes to the broker at which other device servers are that it hands runs over to. Default: as the lab is called, with what is in OT2FLOW_MQTT_USER and OT2FLOW_MQTT_PASSWORD.", "{controller: office, password_file: broker/office.password, ca: certs/ca.crt}", false, brokerSlot(&l.Broker)},
		{"schedules", "Tasks that are carried out by themselves, each under a name.", "{rinse: {task: rinse, cron: 0 6 * * mon-fri, time_zone: Europe/Berlin}}", false, declarations(&l.Schedules, labSchedulesShape, readLabSchedule)},
		{"maintenance", "Times in which nothing is begun. What would not be over before one begins waits until it ends.", "[{why: calibration, from: 2026-12-01 12:00, to: 2026-12-01 14:00, robots: [bench-3]}]", false, windowsSlot(&l.Maintenance)},
	}
}

var accessShape = &Shape{
	Kind: ObjectShape, Name: "access", Noun: "the keys of an access", Example: "{certificate: certs/server.crt, key: certs/server.key, allow: [reader.lab.example]}",
	Doc: "Who may reach a device server, and what its workflows may reach. Tokens are made by ot2flow tokens, and certificates by ot2flow certs.",
	Rules: []Rule{
		{Key: "certificate", Needs: []string{"key"}, Why: "a certificate is of no use without its key"},
		{Key: "key", Needs: []string{"certificate"}, Why: "a key is of no use without its certificate"},
	},
	fields: func() []Field { return accessFields(&LabAccess{}) },
}

func accessFields(a *LabAccess) []Field {
	return []Field{
		{"certificate", "The certificate by which clients know the server, a PEM file, from where this file is. It is read again when it changes.", "certs/server.crt", false, givenSlot(&a.Certificate, plainShape)},
		{"key", "The key of the certificate, a PEM file, from where this file is.", "certs/server.key", false, givenSlot(&a.Key, plainShape)},
		{"tokens", "Whether everybody has to show a token on the server's own computer, too. Default: false; at another address everybody has to.", "true", false, switchSlot(&a.Tokens)},
		{"insecure", "Whether others reach the server without a certificate, and without a token unless tokens says so: then everybody in the network may move the robots. Default: false.", "true", false, switchSlot(&a.Insecure)},
		{"hosts", "Names by which clients may call the server, beside those of its certificate.", "[bench-3.lab.example]", false, givenListSlot(&a.Hosts, hostsShape)},
		{"origins", "Whose pages may ask for things in a browser.", "['https://lims.example.org']", false, givenListSlot(&a.Origins, originsShape)},
		{"rate", "How many requests a second are taken from one other computer; 0 is any number. Default: 100.", "20", false, givenSlot(&a.Rate, wholeShape)},
		{"allow", "Where requests, measurements and messages of workflows may go: hosts, everything below a host, addresses and networks, with or without a port. Default: nowhere.", "[reader.lab.example, '*.west.example:8080', 192.168.1.30, 10.1.0.0/16]", false, givenListSlot(&a.Allow, placesShape)},
	}
}

var brokerShape = &Shape{
	Kind: ObjectShape, Name: "broker", Noun: "the keys of a broker", Example: "{controller: office, password_file: broker/office.password, ca: certs/ca.crt}",
	Doc: "As whom a server comes to an MQTT broker, to hand runs over to the device servers there that its robots name. The users of a broker, and what each may do, are made by ot2flow broker.",
	Rules: []Rule{
		{Key: "certificate", Needs: []string{"key"}, Why: "a certificate is of no use without its key"},
		{Key: "key", Needs: []string{"certificate"}, Why: "a key is of no use without its certificate"},
	},
	fields: func() []Field { return brokerFields(&LabBroker{}) },
}

func brokerFields(b *LabBroker) []Field {
	return []Field{
		{"controller", "The server's name at the broker, which nobody else has, and its user there. Default: as the lab is called.", "office", false, givenSlot(&b.Controller, plainShape)},
		{"password_file", "The file with its password, from where this file is; nobody else should be able to read it. Default: what is in OT2FLOW_MQTT_PASSWORD.", "broker/office.password", false, givenSlot(&b.PasswordFile, plainShape)},
		{"ca", "By which authority the broker is known, a PEM file, from where this file is. Default: by those that this computer trusts.", "certs/ca.crt", false, givenSlot(&b.CA, plainShape)},
		{"certificate", "The certificate by which the broker knows the server, a PEM file, from where this file is.", "certs/office.crt", false, givenSlot(&b.Certificate, plainShape)},
		{"key", "The key of that certificate, a PEM file, from where this file is.", "certs/office.key", false, givenSlot(&b.Key, plainShape)},
		{"sensors", "The ids of colour sensors that may come to the broker, too, for ot2flow broker.", "[pico-1]", false, wordsSlot(&b.Sensors, tagsShape)},
	}
}

func brokerSlot(to *LabBroker) Slot {
	return Slot{brokerShape, func(d *decoder, v value) {
		to.Span = v.span()
		d.object(v, brokerShape, brokerFields(to))
	}}
}

func accessSlot(to *LabAccess) Slot {
	return Slot{accessShape, func(d *decoder, v value) {
		to.Span = v.span()
		d.object(v, accessShape, accessFields(to))
	}}
}

var (
	hostsShape   = &Shape{Kind: ListShape, Noun: "a list of host names and addresses", Elem: plainShape, Min: 1}
	originsShape = &Shape{Kind: ListShape, Noun: "a list of origins", Elem: plainShape, Min: 1}
	placesShape  = &Shape{Kind: ListShape, Noun: "a list of hosts, addresses and networks", Elem: plainShape, Min: 1}
)

var (
	plainShape      = &Shape{Noun: "text", Scalars: Strings, Pattern: notBlank}
	spanOfTimeShape = &Shape{Noun: "a duration", Scalars: Strings | Numbers, Pattern: notBlank}
	listenShape     = &Shape{Noun: "an address with a port", Scalars: Strings, Pattern: notBlank}
	zoneShape       = &Shape{Noun: "a time zone", Scalars: Strings, Pattern: notBlank}
	cronShape       = &Shape{Noun: "minute, hour, day of the month, month and day of the week", Scalars: Strings, Pattern: notBlank}
	instantShape    = &Shape{Noun: "a date and a time of day", Scalars: Strings, Pattern: notBlank}
	wholeShape      = &Shape{Noun: "a whole number", Scalars: Strings | Numbers, Pattern: notBlank}
	overlapShape    = &Shape{Noun: "what becomes of a run that would begin while the one before is not over", Scalars: Strings, Words: []string{"skip", "queue"}}
	pathsShape      = &Shape{Kind: ListShape, Noun: "a list of files and folders", Elem: plainShape, Min: 1}
	tagShape        = &Shape{Noun: "a name", Scalars: Strings, Pattern: workflowName}
	tagsShape       = &Shape{Kind: ListShape, Noun: "a list of names", Elem: tagShape, Min: 1}
)

// givenListSlot takes a list of plain values.
func givenListSlot(to *[]Given, list *Shape) Slot {
	return Slot{list, func(_ *decoder, v value) {
		v.each(list.Elem, func(_ int, item value) { *to = append(*to, Given{item.scalar(), true}) })
	}}
}

var labRobotsShape = &Shape{Kind: MapShape, Noun: "robots, each under its name", Keys: workflowName, Elem: labRobotShape, Min: 1}

var labRobotShape = &Shape{
	Kind: UnionShape, Name: "lab_robot", Noun: "an address, or the keys of a robot", Example: "{address: 192.168.1.20, labels: [fume-hood]}",
	Doc: "A robot: its name in the network, its address, `sim` for the simulator, or where another device server is at a broker that has it, such as mqtts://broker.lab.example/bench-3; or in full {address: 192.168.1.20, labels: [fume-hood]}.",
	Any: []*Shape{{Scalars: Strings, Pattern: notBlank, Lead: []string{"sim"}}, labRobotObject},
}

var labRobotObject = &Shape{Kind: ObjectShape, fields: func() []Field { return labRobotFields(&LabRobot{}) }}

func labRobotFields(r *LabRobot) []Field {
	return []Field{
		{"address", "Its name in the network or its address; sim is the built-in simulator; mqtts://BROKER/DEVICE is a robot of another device server, which runs are handed over to.", "192.168.1.20", true, givenSlot(&r.Address, plainShape)},
		{"robot", "Of a robot of another device server: what it is called there. Default: any of its robots.", "bench-3", false, givenSlot(&r.Robot, tagShape)},
		{"labels", "What it is good for, in words of your own: a run that asks for labels goes to a robot that has them all.", "[fume-hood, plates]", false, wordsSlot(&r.Labels, tagsShape)},
		{"description", "What it is, for people.", "the one by the window", false, givenSlot(&r.Description, plainShape)},
	}
}

func readLabRobot(name Word, at diag.Span) (*LabRobot, []Field) {
	r := &LabRobot{Name: name, Span: at}
	return r, labRobotFields(r)
}

var labSchedulesShape = &Shape{Kind: MapShape, Noun: "schedules, each under its name", Keys: workflowName, Elem: labScheduleShape}

var labScheduleShape = &Shape{
	Kind: ObjectShape, Name: "schedule", Noun: "the keys of a schedule", Doc: "A task that is carried out by itself.", Example: "{task: rinse, cron: 0 6 * * mon-fri, time_zone: Europe/Berlin}",
	fields: func() []Field { return labScheduleFields(&LabSchedule{}) },
}

func labScheduleFields(s *LabSchedule) []Field {
	return []Field{
		{"task", "The name of the workflow.", "rinse", true, givenSlot(&s.Task, tagShape)},
		{"cron", "When: minute, hour, day of the month, month and day of the week, each a number, a name, *, a range, a list or a step; or @hourly, @daily, @weekly, @monthly. Where the clocks are put forward, what falls into the hour that is left out is done right behind it; where they are put back, once.", "0 6 * * mon-fri", true, givenSlot(&s.Cron, cronShape)},
		{"time_zone", "Whose clock it is. Default: that of the server.", "Europe/Berlin", false, givenSlot(&s.TimeZone, zoneShape)},
		{"params", "The parameters of the workflow.", "{volume: 50 uL}", false, labParamsSlot(&s.Params)},
		{"robot", "The robot that does it. Default: any that is free and can.", "bench-3", false, givenSlot(&s.Robot, tagShape)},
		{"labels", "What the robot must be good for.", "[fume-hood]", false, wordsSlot(&s.Labels, tagsShape)},
		{"by", "Who does it, for the journal and for quotas. Default: schedule and its name.", "ada", false, givenSlot(&s.By, plainShape)},
		{"project", "What it is for, for the journal and for quotas.", "dyes", false, givenSlot(&s.Project, plainShape)},
		{"experiment", "Runs of one experiment keep their order.", "rinsing", false, givenSlot(&s.Experiment, plainShape)},
		{"priority", "The greater, the sooner. Default: 0.", "5", false, givenSlot(&s.Priority, wholeShape)},
		{"late", "How late a run may be submitted where the server was not there at its time. Of those that were missed only the last one is made up for, and only if it is not later than this; what is left out is said. Default: 5 min.", "2 h", false, givenSlot(&s.Late, spanOfTimeShape)},
		{"overlap", "What becomes of a run whose time comes while the one before is not over: skip leaves it out and says so, queue has it wait. Default: skip.", "queue", false, wordSlot(&s.Overlap, overlapShape)},
		{"off", "Whether it rests. Default: false.", "true", false, switchSlot(&s.Off)},
	}
}

func readLabSchedule(name Word, at diag.Span) (*LabSchedule, []Field) {
	s := &LabSchedule{Name: name, Span: at}
	return s, labScheduleFields(s)
}

var labParamsShape = &Shape{Kind: MapShape, Noun: "parameters with their values", Elem: writtenShape}

func labParamsSlot(to *[]LabParam) Slot {
	return Slot{labParamsShape, func(d *decoder, v value) {
		v.entries(writtenShape, func(name Word, item value, taken bool) {
			p := LabParam{Name: name}
			if taken {
				writtenSlot(&p.Value).read(d, item)
			}
			*to = append(*to, p)
		})
	}}
}

var windowsShape = &Shape{Kind: ListShape, Noun: "a list of times", Elem: windowShape}

var windowShape = &Shape{
	Kind: ObjectShape, Name: "window", Noun: "the keys of a time", Doc: "A time in which nothing is begun: once, by from and to, or again and again, by cron and for.", Example: "{why: cleaning, cron: 0 12 * * fri, for: 2 h}",
	Rules: []Rule{
		{Key: "why", Any: []string{"from", "cron"}, Why: "a time is once, by from and to, or again and again, by cron and for"},
		{Key: "to", Needs: []string{"from"}, Why: "it needs a beginning"},
		{Key: "for", Needs: []string{"cron"}, Why: "it needs a beginning"},
		{Key: "from", Bars: []string{"cron", "for"}, Why: "a time is once, by from and to, or again and again, by cron and for"},
		{Key: "from", Needs: []string{"to"}, Why: "it needs an end"},
		{Key: "cron", Needs: []string{"for"}, Why: "it needs an end"},
	},
	fields: func() []Field { return windowFields(&LabWindow{}) },
}

func windowFields(w *LabWindow) []Field {
	return []Field{
		{"why", "Why, for people who wait.", "calibration", true, givenSlot(&w.Why, plainShape)},
		{"robots", "The robots that it is about. Default: all.", "[bench-3]", false, wordsSlot(&w.Robots, tagsShape)},
		{"from", "When it begins.", "2026-12-01 12:00", false, givenSlot(&w.From, instantShape)},
		{"to", "When it ends.", "2026-12-01 14:00", false, givenSlot(&w.To, instantShape)},
		{"cron", "When it begins, again and again; as in a schedule.", "0 12 * * fri", false, givenSlot(&w.Cron, cronShape)},
		{"for", "How long it lasts.", "2 h", false, givenSlot(&w.For, spanOfTimeShape)},
		{"time_zone", "Whose clock it is. Default: that of the server.", "Europe/Berlin", false, givenSlot(&w.TimeZone, zoneShape)},
	}
}

func windowsSlot(to *[]LabWindow) Slot {
	return Slot{windowsShape, func(d *decoder, v value) {
		v.each(windowShape, func(_ int, item value) {
			w := LabWindow{Span: item.span()}
			d.object(item, windowShape, windowFields(&w))
			*to = append(*to, w)
		})
	}}
}

// DecodeLab reads the parsed file of a lab, as Decode reads a workflow. The Document
// has no Workflow.
func DecodeLab(src *Source, root *yaml.Node) (*Lab, *Document, diag.List) {
	l := &Lab{File: src.File().Name}
	doc := &Document{Root: root, Source: src, Format: LabFormat}
	if root == nil {
		return l, doc, nil
	}
	d := &decoder{src: src, paths: map[string]diag.Span{}}
	if v := (value{d, root}); d.opens(v, labRoot) {
		l.Span = v.span()
		d.object(v, labRoot, labFields(l))
	}
	doc.Refused = d.refused
	return l, doc, d.found
}
