package emulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// maxUnused is how many protocols that no run refers to a robot keeps.
const maxUnused = 5

// protocol is an uploaded file.
type protocol struct {
	id       string
	key      string
	created  time.Time
	file     string
	sum      [sha256.Size]byte // of name and bytes: the same file is the same protocol
	metadata json.RawMessage
	analyses []*analysis
	fileProgram
}

// fileProgram is what a file says.
type fileProgram struct {
	schema      int
	liquids     []liquid
	definitions map[string]*program.Labware
	requests    []request
	broken      *failure        // a command that cannot be read
	python      bool            // it is a protocol in Python, of which an analysis was recorded
	params      json.RawMessage // its run-time parameters
}

// analysis is what the robot finds when it does a protocol in its head.
type analysis struct {
	id   string
	done bool
	body json.RawMessage // of the finished one
}

// file is an uploaded file as written.
type file struct {
	SchemaVersion *int
	Metadata      json.RawMessage
	Robot         *struct{ Model string }
	Definitions   map[string]json.RawMessage `json:"labwareDefinitions"`
	Liquids       map[string]liquid
	Commands      []struct {
		CommandType, Key string
		Params           json.RawMessage
	}
}

// needs are the parts a file of a schema cannot do without.
func needs(schema int) []string {
	all := []string{"$otSharedSchema", "schemaVersion", "metadata", "robot", "labwareDefinitions", "commands"}
	if schema >= 8 {
		all = append(all, "labwareDefinitionSchemaId", "liquidSchemaId", "liquids", "commandSchemaId", "commandAnnotationSchemaId", "commandAnnotations")
	}
	return all
}

func badFile(detail string) *answer {
	a := fault(422, "ProtocolFilesInvalid", "Protocol File(s) Invalid", detail, "4000")
	return &a
}

// readFile reads a JSON protocol as shallowly as the robot does: what the
// commands mean is only found out by an analysis.
func readFile(name string, data []byte, model string) (fileProgram, json.RawMessage, *answer) {
	var out fileProgram
	if path.Ext(name) != ".json" {
		return out, nil, badFile(name + " is no JSON protocol; this emulator takes no other")
	}
	var parts map[string]json.RawMessage
	var f file
	if json.Unmarshal(data, &parts) != nil {
		return out, nil, badFile(name + " is not valid JSON.")
	}
	if err := json.Unmarshal(data, &f); err != nil || f.SchemaVersion == nil || parts["commands"] == nil {
		return out, nil, badFile(name + " is not a known Opentrons format.")
	}
	out.schema = *f.SchemaVersion
	if out.schema < 7 || out.schema > 8 {
		return out, nil, badFile("schema " + strconv.Itoa(out.schema) + " of JSON protocols is not taken by this emulator")
	}
	for _, part := range needs(out.schema) {
		if parts[part] == nil {
			return out, nil, badFile(name + ": " + part + ": " + required)
		}
	}
	if f.Robot == nil || f.Robot.Model != model {
		a := fault(422, "ProtocolRobotTypeMismatch", "Protocol For Different Robot Type", "This protocol is for another robot than this, a "+model+".", "4000")
		return out, nil, &a
	}
	out.definitions = map[string]*program.Labware{}
	for uri, raw := range f.Definitions {
		def, list := labware.Parse(uri, raw)
		if list.HasErrors() {
			return out, nil, badFile(name + ": labwareDefinitions: " + uri + ": " + list[0].Message)
		}
		out.definitions[def.URI()] = def
	}
	for id, l := range f.Liquids {
		l.ID = id
		out.liquids = append(out.liquids, l)
	}
	slices.SortFunc(out.liquids, func(a, b liquid) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	out.readCommands(&f)
	return out, f.Metadata, nil
}

// readProtocol reads a protocol in JSON or Python.
func (e *Emulator) readProtocol(u *uploaded, model string) (fileProgram, json.RawMessage, *answer) {
	if path.Ext(u.name) == ".py" {
		return e.readPython(u)
	}
	return readFile(u.name, u.data, model)
}

func (p *fileProgram) readCommands(f *file) {
	for i := range f.Commands {
		c := &f.Commands[i]
		pointer := "commands[" + strconv.Itoa(i) + "]"
		if _, known := table(c.CommandType); !known {
			p.broken = fails("InvalidProtocolData", pointer+": there is no command "+strconv.Quote(c.CommandType))
			return
		}
		args, echo, bad := parse(c.CommandType, c.Params, "")
		if bad != nil {
			p.broken = fails("InvalidProtocolData", pointer+bad[0].Source["pointer"].(string)+": "+bad[0].Detail)
			return
		}
		p.requests = append(p.requests, request{kind: c.CommandType, key: c.Key, intent: forProtocol, params: args, echo: echo})
	}
}

// load prepares a run for the commands of a protocol. Of them only the home
// that comes first can be seen before they are reached.
func (r *run) load(p *protocol, e *Emulator) {
	r.engine.open(&p.fileProgram)
	r.enqueue(homeFirst(), e.options.NewID(), e.now(), true)
	r.feed = p.requests
}

func homeFirst() request {
	return request{kind: "home", intent: forProtocol, echo: json.RawMessage("{}")}
}

// open tells an engine what comes with a protocol. Up to schema 7 the trash is
// a labware.
func (g *engine) open(p *fileProgram) {
	g.declare(p.liquids)
	for uri, def := range p.definitions {
		g.definitions[uri] = def
	}
	if p.schema < 8 {
		def, _ := labware.Lookup(ot2.TrashLabware)
		g.put(&placed{id: "fixedTrash", def: def, at: place{slot: ot2.TrashSlot}})
	}
}

// upload reads the file of a request.
func upload(r *http.Request) (u *uploaded, bad *answer) {
	u = &uploaded{}
	unreadable := fault(400, "BadRequest", "Bad Request", "There was an error parsing the body", "4000")
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return nil, &unreadable
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // nothing was put on disk: the limit is that of the body
	for _, h := range r.MultipartForm.File["files"] {
		f, err := h.Open()
		if err != nil {
			return nil, &unreadable
		}
		content, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			return nil, &unreadable
		}
		switch main := path.Ext(u.name) == ".py"; {
		case u.data == nil, !main && (path.Ext(h.Filename) == ".py" || bytes.Contains(content, []byte(`"commands"`))):
			if u.data != nil {
				u.labware = append(u.labware, u.data)
			}
			u.name, u.data = path.Base(h.Filename), content
		default:
			u.labware = append(u.labware, content)
		}
	}
	if u.data == nil {
		a := invalid(trouble{ID: "InvalidRequest", Title: "Invalid Request", Detail: required, Source: object{"pointer": "/files"}, Code: "4000"})
		return nil, &a
	}
	u.key = r.FormValue("key")
	if v := r.FormValue("runTimeParameterValues"); v != "" {
		u.params = json.RawMessage(v)
	}
	return u, nil
}

func (e *Emulator) postProtocol(r *http.Request) answer {
	u, bad := upload(r)
	if bad != nil {
		return *bad
	}
	name, key, data := u.name, u.key, u.data
	e.mu.Lock()
	var there bool
	if u.tables, u.sums, there = e.tablesOf(json.RawMessage(r.FormValue("runTimeParameterFiles"))); !there {
		e.mu.Unlock()
		return noTable()
	}
	sum := u.sum()
	known := slices.IndexFunc(e.protocols, func(p *protocol) bool { return p.sum == sum })
	if known >= 0 {
		defer e.mu.Unlock()
		p := e.protocols[known]
		if !p.analyses[len(p.analyses)-1].done {
			return fault(503, "LastAnalysisPending", "Last Analysis Still Pending.", "The last analysis of this protocol is still pending.", "4000")
		}
		return okData(p.body())
	}
	model := e.model()
	e.mu.Unlock()
	says, metadata, bad := e.readProtocol(u, model)
	if bad != nil {
		return *bad
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := &protocol{id: e.options.NewID(), key: key, created: e.now(), file: name, sum: sum, metadata: metadata, fileProgram: says}
	e.keep(line{Protocol: &keptProtocol{p.id, key, p.created, name, data, u.params, u.labware, u.tables, u.sums}})
	e.analyse(p)
	e.protocols = append(e.protocols, p)
	e.tidy()
	return created(p.body())
}

// sum tells what was uploaded apart: with other parameters or labware it is
// another protocol.
func (u *uploaded) sum() [sha256.Size]byte {
	return sumOf(u.name, bytes.Join(append([][]byte{u.data, u.params, u.sums}, u.labware...), []byte{0}))
}

// sumOf tells protocols apart: the same file under the same name is the same.
func sumOf(name string, data []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(name+"\x00"), data...))
}

// tidy deletes the oldest protocols that no run refers to.
func (e *Emulator) tidy() {
	unused := 0
	for _, p := range slices.Backward(e.protocols) {
		if len(e.users(p)) > 0 {
			continue
		}
		if unused++; unused > maxUnused {
			e.protocols = slices.DeleteFunc(e.protocols, func(o *protocol) bool { return o == p })
		}
	}
}

func (e *Emulator) users(p *protocol) []object {
	out := []object{}
	for _, r := range e.runs {
		if r.protocol == p {
			out = append(out, object{"id": r.id, "href": "/runs/" + r.id})
		}
	}
	return out
}

func (e *Emulator) protocol(id string) *protocol {
	for _, p := range e.protocols {
		if p.id == id {
			return p
		}
	}
	return nil
}

func noProtocol(id string) answer {
	return fault(404, "ProtocolNotFound", "Protocol Not Found", "'Protocol "+id+" was not found.'", "4000")
}

func (p *protocol) body() object {
	summaries := []object{}
	for _, a := range p.analyses {
		summaries = append(summaries, a.summary())
	}
	out := object{
		"id": p.id, "createdAt": stamp(p.created), "files": []object{{"name": p.file, "role": "main"}},
		"protocolType": p.kind(), "robotType": robotModel, "metadata": p.metadata,
		"analyses": []object{}, "analysisSummaries": summaries, "protocolKind": "standard",
	}
	if p.key != "" {
		out["key"] = p.key
	}
	return out
}

// parameters are the run-time parameters of a protocol in Python.
func (p *protocol) parameters() any {
	if p.python {
		return p.params
	}
	return []object{}
}

func (p *protocol) kind() string {
	if p.python {
		return "python"
	}
	return "json"
}

func (a *analysis) summary() object {
	if a.done {
		return object{"id": a.id, "status": "completed"}
	}
	return object{"id": a.id, "status": "pending", "runTimeParameters": []object{}}
}

func (a *analysis) full() any {
	if a.done {
		return a.body
	}
	return a.summary()
}

// analyse has the robot do a protocol in its head. It is called with the robot
// locked and goes on afterwards.
func (e *Emulator) analyse(p *protocol) {
	a := &analysis{id: e.options.NewID()}
	p.analyses = append(p.analyses, a)
	if e.ctx.Err() != nil {
		return
	}
	e.workers.Go(func() {
		if e.faults.AnalysisStuck {
			return
		}
		body := e.think(p, a.id)
		if e.clock.Sleep(e.ctx, e.options.AnalysisTime) != nil {
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		a.done, a.body = true, body
	})
}

// think does what a protocol says on a deck of its own and returns what came
// of it.
func (e *Emulator) think(p *protocol, id string) json.RawMessage {
	r := &run{engine: e.newEngine(true), finished: make(chan struct{})}
	r.engine.open(&p.fileProgram)
	bad := p.broken
	requests := append([]request{homeFirst()}, p.requests...)
	if bad != nil {
		requests = nil
	}
	commands := []object{}
	var errors []*occurrence
	for i := range requests {
		c := r.enqueue(requests[i], e.options.NewID(), e.now(), true)
		c.started = e.now()
		var w work
		if w, bad = r.engine.prepare(c.kind, &c.params); bad == nil && e.faults.AnalysisError != "" && i+1 == len(requests) {
			bad = unplanned("RuntimeError", e.faults.AnalysisError)
		}
		e.settle(r, c, &w, bad)
		commands = append(commands, c.full())
		if bad != nil {
			errors = r.errors
			break
		}
	}
	if p.broken != nil {
		errors = []*occurrence{p.broken.occur(e.options.NewID(), e.now())}
	}
	how := "ok"
	if errors != nil {
		how = "not-ok"
	}
	body, err := json.Marshal(object{
		"id": id, "status": "completed", "result": how, "robotType": robotModel, "runTimeParameters": p.parameters(),
		"commands": commands, "errors": orEmpty(errors), "modules": r.engine.moduleBodies(),
		"labware": r.engine.labwareBodies(), "pipettes": r.engine.pipetteBodies(), "liquids": orEmpty(r.engine.liquids),
	})
	if err != nil {
		panic(err) // everything in an analysis has a JSON form
	}
	return body
}

func (e *Emulator) listProtocols(*http.Request) answer {
	out := []object{}
	for _, p := range e.protocols {
		out = append(out, p.body())
	}
	return list(out, len(out))
}

func (e *Emulator) protocolIDs(*http.Request) answer {
	out := []string{}
	for _, p := range e.protocols {
		out = append(out, p.id)
	}
	return list(out, len(out))
}

func (e *Emulator) getProtocol(r *http.Request) answer {
	p := e.protocol(r.PathValue("protocol"))
	if p == nil {
		return noProtocol(r.PathValue("protocol"))
	}
	return ok(object{"data": p.body(), "links": object{"referencingRuns": e.users(p)}})
}

func (e *Emulator) deleteProtocol(r *http.Request) answer {
	p := e.protocol(r.PathValue("protocol"))
	if p == nil {
		return noProtocol(r.PathValue("protocol"))
	}
	if len(e.users(p)) > 0 {
		return fault(409, "ProtocolUsedByRun", "Protocol Used by Run", "Protocol "+p.id+" is used by a run and cannot be deleted.", "4000")
	}
	e.protocols = slices.DeleteFunc(e.protocols, func(o *protocol) bool { return o == p })
	return ok(object{})
}

func (e *Emulator) getAnalyses(r *http.Request) answer {
	p := e.protocol(r.PathValue("protocol"))
	if p == nil {
		return noProtocol(r.PathValue("protocol"))
	}
	out := []any{}
	for _, a := range p.analyses {
		out = append(out, a.full())
	}
	return list(out, len(out))
}

func (e *Emulator) postAnalysis(r *http.Request) answer {
	p := e.protocol(r.PathValue("protocol"))
	if p == nil {
		return noProtocol(r.PathValue("protocol"))
	}
	var want struct{ Data struct{ ForceReAnalyze bool } }
	if err := json.NewDecoder(r.Body).Decode(&want); err != nil {
		return invalid(wrong("/", "value is not a valid JSON object"))
	}
	status := http.StatusOK
	if want.Data.ForceReAnalyze {
		status = http.StatusCreated
		e.analyse(p)
	}
	out := []object{}
	for _, a := range p.analyses {
		out = append(out, a.summary())
	}
	return answer{status: status, body: object{"data": out, "meta": page0(len(out))}}
}

func (e *Emulator) findAnalysis(r *http.Request) (*analysis, *answer) {
	p := e.protocol(r.PathValue("protocol"))
	if p == nil {
		a := noProtocol(r.PathValue("protocol"))
		return nil, &a
	}
	id := r.PathValue("analysis")
	for _, a := range p.analyses {
		if a.id == id {
			return a, nil
		}
	}
	a := fault(404, "AnalysisNotFound", "Protocol Analysis Not Found", "Analysis "+id+" not found", "4000")
	return nil, &a
}

func (e *Emulator) getAnalysis(r *http.Request) answer {
	a, bad := e.findAnalysis(r)
	if bad != nil {
		return *bad
	}
	return okData(a.full())
}

func (e *Emulator) getAnalysisDocument(r *http.Request) answer {
	a, bad := e.findAnalysis(r)
	switch {
	case bad != nil:
		return *bad
	case !a.done:
		return fault(404, "AnalysisNotFound", "Protocol Analysis Not Found", "Analysis "+a.id+" is not yet complete.", "4000")
	}
	return ok(a.body)
}
