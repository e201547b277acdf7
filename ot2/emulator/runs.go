package emulator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/ot2/labware"
)

// maxRuns is how many runs a robot keeps.
const maxRuns = 20

// find returns a run, or the answer that there is none.
func (e *Emulator) find(r *http.Request) (*run, *answer) {
	id := r.PathValue("run")
	for _, one := range e.runs {
		if one.id == id {
			return one, nil
		}
	}
	a := fault(404, "RunNotFound", "Run Not Found", "Error 4000 GENERAL_ERROR (RunNotFoundError): Run "+id+" was not found.", "4000")
	return nil, &a
}

// findCurrent returns the run if it is the current one.
func (e *Emulator) findCurrent(r *http.Request) (*run, *answer) {
	found, bad := e.find(r)
	if bad == nil && !found.current {
		a := fault(409, "RunStopped", "Run Stopped", "Run "+found.id+" is not the current run", "4000")
		return nil, &a
	}
	return found, bad
}

// body is the run as the robot shows it.
func (r *run) body() object {
	if r.stored != nil {
		r.stored["current"], r.stored["actions"] = r.current, orEmpty(r.actions)
		return r.stored
	}
	g := r.engine
	if r.lost {
		g = &engine{}
	}
	out := object{
		"id": r.id, "createdAt": stamp(r.created), "status": r.status(), "current": r.current,
		"actions": orEmpty(r.actions), "errors": orEmpty(r.errors), "hasEverEnteredErrorRecovery": false,
		"pipettes": g.pipetteBodies(), "modules": g.moduleBodies(), "labware": g.labwareBodies(),
		"liquids": orEmpty(g.liquids), "labwareOffsets": orEmpty(g.offsets),
	}
	if !r.upkeep {
		out["ok"], out["runTimeParameters"], out["outputFileIds"] = !r.lost, []object{}, []string{}
	}
	if r.protocol != nil {
		out["protocolId"] = r.protocol.id
	}
	if r.lost {
		detail := "There was no engine state data for this run."
		out["errors"] = []object{}
		out["dataError"] = trouble{ID: "RunDataError", Title: "Run Data Error", Detail: detail, Code: "4008"}.with(exception("InvalidStoredData", "4008", detail))
		return out
	}
	if at := optional(r.started); at != nil {
		out["startedAt"] = at
	}
	if at := optional(r.completed); at != nil {
		out["completedAt"] = at
	}
	return out
}

// orEmpty is a list that is there even if nothing is in it.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (g *engine) pipetteBodies() []object {
	out := []object{}
	for _, p := range g.pipettes {
		out = append(out, object{"id": p.id, "pipetteName": p.name, "mount": p.mount})
	}
	return out
}

func (g *engine) labwareBodies() []object {
	out := []object{}
	for _, l := range g.labware {
		one := object{"id": l.id, "loadName": l.def.LoadName, "definitionUri": l.def.URI(), "location": l.at}
		if l.display != "" {
			one["displayName"] = l.display
		}
		if l.offset != nil {
			one["offsetId"] = l.offset.ID
		}
		out = append(out, one)
	}
	return out
}

func (e *Emulator) currentLink() object {
	if e.current == nil {
		return object{}
	}
	return object{"current": object{"href": "/runs/" + e.current.id}}
}

func (e *Emulator) listRuns(r *http.Request) answer {
	n, bad := length(r, "pageLength", len(e.runs))
	if bad != nil {
		return *bad
	}
	out := []object{}
	for _, one := range e.runs[max(0, len(e.runs)-n):] {
		out = append(out, one.body())
	}
	return ok(object{"data": out, "links": e.currentLink(), "meta": page0(len(out))})
}

func (e *Emulator) getRun(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	return okData(found.body())
}

// wish is what POST /runs may ask for.
type wish struct {
	ProtocolID     string `json:"protocolId"`
	LabwareOffsets []labwareOffset

	RunTimeParameterFiles json.RawMessage
}

// readWish reads a body that may be missing, but not empty.
func readWish(r *http.Request) (wish, *answer) {
	var body struct{ Data *wish }
	switch err := json.NewDecoder(r.Body).Decode(&body); {
	case errors.Is(err, io.EOF):
		return wish{}, nil
	case err != nil:
		a := invalid(wrong("/", "value is not a valid JSON object"))
		return wish{}, &a
	case body.Data == nil:
		a := invalid(wrong("/data", required))
		return wish{}, &a
	}
	return *body.Data, nil
}

func (e *Emulator) postRun(r *http.Request) answer {
	want, bad := readWish(r)
	if bad != nil {
		return *bad
	}
	var p *protocol
	if want.ProtocolID != "" {
		if p = e.protocol(want.ProtocolID); p == nil {
			return noProtocol(want.ProtocolID)
		}
		if p.broken != nil {
			return refused(500, "UnexpectedError", "Unexpected Internal Error", p.broken.kind, p.broken.detail)
		}
	}
	if _, _, there := e.tablesOf(want.RunTimeParameterFiles); !there {
		return noTable()
	}
	e.forget(1)
	if e.current != nil && !e.current.mayBeCleared() {
		return fault(409, "RunAlreadyActive", "Run Already Active", "Current run is not idle or stopped.", "4001")
	}
	made := e.newRun()
	made.protocol = p
	for _, o := range want.LabwareOffsets {
		made.offset(o, e)
	}
	if p != nil {
		made.load(p, e)
	}
	e.adopt(made)
	return created(made.body())
}

// forget deletes the oldest runs, so that there is room for more. The robot
// does so even if the request is refused afterwards.
func (e *Emulator) forget(room int) {
	for len(e.runs) > maxRuns-room && e.runs[0] != e.current {
		e.runs = e.runs[1:]
	}
}

// adopt makes a run the current one.
func (e *Emulator) adopt(r *run) {
	if e.current != nil {
		e.archive(e.current)
	}
	r.current = true
	e.current, e.runs = r, append(e.runs, r)
	kept := keptRun{ID: r.id, Created: r.created}
	if r.protocol != nil {
		kept.Protocol = r.protocol.id
	}
	e.keep(line{Run: &kept})
	e.poke()
}

// archive takes a run that may be cleared from where the current one is.
func (e *Emulator) archive(r *run) {
	if !r.isOver() {
		r.result, r.completed = stopped, e.now()
		e.keepOver(r)
	}
	r.current = false
	r.end()
	if e.current == r {
		e.current = nil
	}
}

// offset adds a labware offset.
func (r *run) offset(o labwareOffset, e *Emulator) *labwareOffset {
	o.ID, o.Created = e.options.NewID(), stamp(e.now())
	r.engine.offsets = append(r.engine.offsets, &o)
	return &o
}

func (e *Emulator) patchRun(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	var ask struct{ Current *bool }
	if bad := read(r, &ask); bad != nil {
		return *bad
	}
	switch {
	case !found.current:
		return fault(409, "RunStopped", "Run Stopped", "Cannot update "+found.id+" because it is not the current run.", "4000")
	case ask.Current == nil || *ask.Current:
	case !found.mayBeCleared():
		return fault(409, "RunNotIdle", "Run is not idle.", "Current run is not idle or stopped.", "4001")
	default:
		e.archive(found)
	}
	return okData(found.body())
}

func (e *Emulator) deleteRun(r *http.Request) answer {
	found, bad := e.find(r)
	switch {
	case bad != nil:
		return *bad
	case found.current && !found.mayBeCleared():
		return fault(409, "RunNotIdle", "Run is not idle.",
			"Run is currently active. Allow the run to finish or stop it with a `stop` action before attempting to modify it.", "4001")
	case found.current:
		e.archive(found)
	}
	e.runs = slices.DeleteFunc(e.runs, func(o *run) bool { return o == found })
	e.keep(line{Deleted: found.id})
	if e.shown == found {
		e.shown = nil
	}
	return ok(object{})
}

var actionKinds = []string{"play", "pause", "stop", "resume-from-recovery", "resume-from-recovery-assuming-false-positive"}

func (e *Emulator) postAction(r *http.Request) answer {
	found, bad := e.findCurrent(r)
	if bad != nil {
		return *bad
	}
	var ask struct{ ActionType string }
	if bad := read(r, &ask); bad != nil {
		return *bad
	}
	if !slices.Contains(actionKinds, ask.ActionType) {
		return invalid(wrong("/data/actionType", notAmong(actionKinds)))
	}
	a := action{e.options.NewID(), stamp(e.now()), ask.ActionType}
	if no := e.act(found, ask.ActionType); no != nil {
		return troubles(409, trouble{ID: "RunActionNotAllowed", Title: "Run Action Not Allowed", Detail: no.detail, Code: "3000"}.
			with(exception("RunActionNotAllowedError", "3000", no.detail, exception(no.kind, no.code, no.detail))))
	}
	found.acted(a, e)
	return created(a)
}

// acted keeps that an action was taken.
func (r *run) acted(a action, e *Emulator) {
	r.actions = append(r.actions, a)
	e.keep(line{Action: &keptAction{r.id, a.ID, time.Time(a.Created), a.Kind}})
}

// refused is an answer to a command that may not be queued.
func refused(status int, id, title, kind, detail string) answer {
	return troubles(status, trouble{ID: id, Title: title, Detail: detail, Code: "4000"}.with(exception(kind, "4000", detail)))
}

// ask is a command as it is asked for over HTTP.
type ask struct {
	CommandType string
	Params      json.RawMessage
	Intent      string
	Key         string
}

// readCommand reads the request for a command; only is which types are taken.
func readCommand(r *http.Request, only func(string) bool) (request, *answer) {
	var a ask
	if bad := read(r, &a); bad != nil {
		return request{}, bad
	}
	if _, known := table(a.CommandType); !known || !only(a.CommandType) {
		no := invalid(wrong("/data", "No match for discriminator 'commandType' and value '"+a.CommandType+"' (allowed values: those of this version)"))
		return request{}, &no
	}
	if a.Intent == "" {
		a.Intent = forSetup
	}
	pointer := "/data/" + creation(a.CommandType)
	if intents := []string{forSetup, forProtocol, forFixing}; !slices.Contains(intents, a.Intent) {
		no := invalid(wrong(pointer+"/intent", notAmong(intents)))
		return request{}, &no
	}
	p, echo, wrongs := parse(a.CommandType, a.Params, pointer+"/params")
	if wrongs != nil {
		no := invalid(wrongs...)
		return request{}, &no
	}
	return request{a.CommandType, a.Key, a.Intent, p, echo, false}, nil
}

func anyCommand(string) bool { return true }

func (e *Emulator) postCommand(r *http.Request) answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	found, bad := e.findCurrent(r)
	if bad != nil {
		return *bad
	}
	q, bad := readCommand(r, anyCommand)
	if bad != nil {
		return *bad
	}
	if bad := found.mayQueue(&q, r.URL.Query().Get("failedCommandId") != ""); bad != nil {
		return *bad
	}
	return e.queueAndWait(r, found, q)
}

// mayQueue says why a command cannot be queued.
func (r *run) mayQueue(q *request, failedCommand bool) *answer {
	var a answer
	switch {
	case failedCommand && q.intent != forFixing:
		a = refused(400, "CommandNotAllowed", "Command Not Allowed", "CommandNotAllowedError", "failed command id should be supplied with a FIXIT command.")
	case r.result != noResult:
		a = refused(409, "RunStopped", "Run Stopped", "RunStoppedError", runStopped)
	case q.intent == forFixing:
		a = refused(500, "UnexpectedError", "Unexpected Internal Error", "FixitCommandNotAllowedError", "Fixit commands are not allowed when the run is not in a recoverable state.")
	case q.intent == forSetup && r.played:
		a = refused(409, "SetupCommandNotAllowed", "Setup Command Not Allowed", "SetupCommandNotAllowedError", "Setup commands are not allowed after run has started.")
	default:
		return nil
	}
	return &a
}

// queueAndWait queues a command and answers with it, at once or when it is
// done. It is called with the robot locked and returns so.
func (e *Emulator) queueAndWait(r *http.Request, to *run, q request) answer {
	c := to.enqueue(q, e.options.NewID(), e.now(), false)
	e.poke()
	query := r.URL.Query()
	if isTrue(query.Get("waitUntilComplete")) {
		var late <-chan time.Time
		if ms, err := strconv.ParseFloat(query.Get("timeout"), 64); err == nil && ms > 0 {
			t := time.NewTimer(time.Duration(ms * float64(time.Millisecond)))
			defer t.Stop()
			late = t.C
		}
		e.mu.Unlock()
		select {
		case <-c.done:
		case <-to.finished:
		case <-late:
		case <-r.Context().Done():
		case <-e.ctx.Done():
		}
		e.mu.Lock()
	}
	return created(c.full())
}

func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// full is a command with its result.
func (c *entry) full() object {
	out := c.summary()
	if c.result != nil {
		out["result"] = c.result
	}
	return out
}

// summary is a command as it stands in lists.
func (c *entry) summary() object {
	out := object{
		"id": c.id, "key": c.key, "commandType": c.kind, "createdAt": stamp(c.created), "status": c.status, "params": c.echo,
	}
	if at := optional(c.started); at != nil {
		out["startedAt"] = at
	}
	if at := optional(c.completed); at != nil {
		out["completedAt"] = at
	}
	if c.err != nil {
		out["error"] = c.err
	}
	if !c.fromFile {
		out["intent"] = c.intent
	}
	if c.noted {
		out["notes"] = []object{}
	}
	return out
}

// visible are the commands the robot still knows of.
func (r *run) visible() []*entry {
	if r.lost {
		return nil
	}
	return r.commands
}

func (e *Emulator) getCommands(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	return found.page(r, "/runs/", (*entry).summary)
}

// page is a part of the list of commands, with links to the one that matters.
func (r *run) page(q *http.Request, base string, form func(*entry) object) answer {
	n, bad := length(q, "pageLength", 20)
	if bad != nil {
		return *bad
	}
	all := r.visible()
	cursor, bad := length(q, "cursor", r.usualCursor(n))
	if bad != nil {
		return *bad
	}
	cursor = max(0, min(cursor, len(all)-1))
	out := []object{}
	for _, c := range all[cursor:min(len(all), cursor+n)] {
		out = append(out, form(c))
	}
	return ok(object{"data": out, "links": r.links(base), "meta": object{"cursor": cursor, "totalLength": len(all)}})
}

// usualCursor is where a page begins if nobody says where.
func (r *run) usualCursor(n int) int {
	switch {
	case r.lost:
		return 0
	case r.running != nil:
		return r.running.index
	case len(r.queued) > 0:
		return r.queued[0].index - 1
	case len(r.setup) > 0:
		return r.setup[0].index - 1
	case r.result == failed:
		for _, c := range r.commands {
			if c.err != nil && !(c.intent == forSetup) {
				return c.index
			}
		}
	}
	return len(r.commands) - n
}

// mark is the command that is running or was the last to.
func (r *run) mark() *entry {
	switch {
	case r.lost || len(r.commands) == 0:
		return nil
	case r.running != nil:
		return r.running
	case r.result != noResult:
		return r.commands[len(r.commands)-1]
	}
	return r.latest
}

func (r *run) links(base string) object {
	c := r.mark()
	if c == nil {
		return object{}
	}
	return object{"current": object{
		"href": base + r.id + "/commands/" + c.id,
		"meta": object{"runId": r.id, "commandId": c.id, "index": c.index, "key": c.key, "createdAt": stamp(c.created)},
	}}
}

func (e *Emulator) getCommand(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	id := r.PathValue("command")
	for _, c := range found.visible() {
		if c.id == id {
			return okData(c.full())
		}
	}
	detail := "Command " + id + " does not exist"
	if !found.current {
		return fault(404, "CommandNotFound", "Run Command Not Found", detail, "4000")
	}
	return refused(500, "UnexpectedError", "Unexpected Internal Error", "CommandDoesNotExistError", detail)
}

func (e *Emulator) getSerialized(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	if !found.isOver() {
		return refused(503, "PreSerializedCommandsNotAvailable", "Pre-Serialized commands not available.", //nolint:misspell // the robot's word
			"PreSerializedCommandsNotAvailableError", "Pre-serialized commands are only available after a run has ended.") //nolint:misspell // the robot's word
	}
	out := []string{}
	for _, c := range found.visible() {
		b, err := json.Marshal(c.full())
		if err != nil {
			panic(err) // everything in a command has a JSON form
		}
		out = append(out, string(b))
	}
	return list(out, len(out))
}

func notCurrent() answer { return fault(409, "RunStopped", "Run Stopped", "", "4000") }

func (e *Emulator) getCommandErrors(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	if !found.current {
		return notCurrent()
	}
	n, bad := length(r, "pageLength", 20)
	if bad != nil {
		return *bad
	}
	all := []*occurrence{}
	for _, c := range found.commands {
		if c.err != nil {
			all = append(all, c.err)
		}
	}
	cursor, bad := length(r, "cursor", len(all)-1)
	if bad != nil {
		return *bad
	}
	cursor = max(0, min(cursor, len(all)-1))
	return ok(object{"data": all[cursor:min(len(all), cursor+n)], "meta": object{"cursor": cursor, "totalLength": len(all)}})
}

func (e *Emulator) getCurrentState(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	if !found.current {
		return notCurrent()
	}
	layouts := object{}
	for _, p := range found.engine.pipettes {
		layouts[p.id] = p.nozzles.describe(p.model)
	}
	links := object{}
	if c := found.latest; c != nil {
		links["lastCompleted"] = object{"id": c.id, "href": "/runs/" + found.id + "/commands/" + c.id}
	}
	return ok(object{"data": object{"activeNozzleLayouts": layouts}, "links": links})
}

func (e *Emulator) putPolicy(r *http.Request) answer {
	if id := r.PathValue("run"); e.current == nil || e.current.id != id {
		return fault(409, "RunStopped", "Run Stopped", "Cannot update "+id+" because it is not the current run.", "4000")
	}
	return ok(object{})
}

func (e *Emulator) postOffset(r *http.Request) answer {
	found, bad := e.findCurrent(r)
	if bad != nil {
		return *bad
	}
	var o labwareOffset
	if bad := read(r, &o); bad != nil {
		return *bad
	}
	return created(found.offset(o, e))
}

func (e *Emulator) postDefinition(r *http.Request) answer {
	found, bad := e.findCurrent(r)
	if bad != nil {
		return *bad
	}
	var raw json.RawMessage
	if bad := read(r, &raw); bad != nil {
		return *bad
	}
	def, list := labware.Parse("definition", raw)
	if list.HasErrors() {
		return invalid(wrong("/data"+missingFrom(raw), list[0].Message))
	}
	found.engine.definitions[def.URI()] = def
	return created(object{"definitionUri": def.URI()})
}

// missingFrom is the pointer to the first part a definition has to have and
// has not.
func missingFrom(raw json.RawMessage) string {
	var parts map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	for _, name := range []string{"schemaVersion", "version", "namespace", "metadata", "brand", "parameters", "ordering", "cornerOffsetFromSlot", "dimensions", "wells", "groups"} {
		if parts[name] == nil {
			return "/" + name
		}
	}
	return ""
}

func (e *Emulator) getDefinitions(r *http.Request) answer {
	found, bad := e.find(r)
	if bad != nil {
		return *bad
	}
	if !found.current {
		return notCurrent()
	}
	out, seen := []json.RawMessage{}, map[string]bool{}
	for _, l := range found.engine.labware {
		if uri := l.def.URI(); !seen[uri] {
			seen[uri] = true
			out = append(out, labware.JSON(l.def))
		}
	}
	return okData(out)
}
