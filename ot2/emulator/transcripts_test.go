package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"mime/multipart"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// transcripts is where the recordings of a real robot server are, beside the
// checkout. They are no part of it.
const transcripts = "../../../shared/reference/robot-transcripts"

// recorded is one request and what a real server answered.
type recorded struct {
	Method   string
	Path     string
	Body     json.RawMessage
	Status   int
	Response any
}

// tape says how a recording is played to the emulator.
type tape struct {
	file     string
	pipettes map[string]string
	runs     int                                    // that were there before
	before   map[int]func(*Emulator, *Manual)       // what happens before a request
	headers  map[int]string                         // version headers other than *; "-" is none
	during   map[int]bool                           // time goes on while a request waits
	hurry    map[int]bool                           // requests that wait in vain need not do so for seconds
	upload   map[int]func(*replay) (string, []byte) // files that the recording left out
	skip     map[int]string                         // requests that are not played, and why
	differ   map[int]map[string]string              // places of an answer that differ, and why
}

func later(d time.Duration) func(*Emulator, *Manual) {
	return func(_ *Emulator, c *Manual) { c.Advance(d) }
}

var (
	oldPipettes = map[string]string{"left": "p10_single", "right": "p300_single"}
	newPipettes = map[string]string{"left": "p20_multi_gen2", "right": "p300_single_gen2"}
)

// Reasons why something is not as in the recording.
const (
	simulated  = "the recording is of a simulated robot, whose model, serials and firmware have other names"
	noModules  = "no module is attached: ot2flow drives none"
	noSettings = "settings of the robot that ot2flow neither reads nor writes"
	noHardware = "a simulated robot has no such hardware, and its answer is about that"
	noFiles    = "files of data are for run-time parameters, which a plan has none of"
	itsWords   = "text for people; ours says the same in other words"
	python3    = "the inside of an exception or an object in Python"
	notKept    = "the catalogue keeps of a definition what decides where a pipette goes and how much a well holds"
	caught     = "the recording caught the robot between two commands, and how far it was is chance"
	others     = "runs of other recordings"
)

var tapes = []tape{
	{
		file: "01-system-endpoints", pipettes: oldPipettes,
		headers: map[int]string{1: "-", 2: "1", 4: "abc", 6: "-"},
		skip: map[int]string{
			13: noModules, 22: "moves of the gantry by hand", 25: "motors", 27: noSettings, 28: noSettings, 29: noSettings, 30: "calibration", 31: "calibration", 32: "calibration",
			33: "a log in JSON, which the recording has as null", 46: noHardware, 54: noHardware,
		},
		differ: map[int]map[string]string{
			0:  {".fw_version": simulated, ".robot_serial": simulated, ".system_version": simulated},
			2:  {".errors[0].detail": itsWords},
			3:  {".fw_version": simulated, ".robot_serial": simulated, ".system_version": simulated},
			10: {".left.id": simulated, ".right.id": simulated},
			11: {".left.id": simulated, ".right.id": simulated},
			12: {".data[0].serialNumber": simulated, ".data[1].serialNumber": simulated},
			17: {".errors[0].detail": itsWords},
			26: {".settings[0].description": itsWords, ".settings[1].description": itsWords, ".settings[2].description": itsWords, ".settings[3].description": itsWords, ".settings[4].description": itsWords},
			35: {".errors[0].meta.detail": python3},
			44: {".errors[0].detail": itsWords},
		},
	},
	{
		file: "02-setup-commands-no-protocol", pipettes: newPipettes,
		differ: map[int]map[string]string{
			13: {".data.error.errorInfo": python3, ".data.error.wrappedErrors": python3},
			14: {".data.error.errorInfo": python3, ".data.error.wrappedErrors": python3},
			16: {".errors[3].detail": itsWords},
			19: {".errors[0].detail": itsWords},
			23: {".data.error.errorInfo": python3},
			57: {".data.error.detail": python3},
			83: {".data.error.errorInfo": python3},
		},
	},
	{
		file: "03-play-lifecycle-no-protocol", pipettes: newPipettes,
		before: map[int]func(*Emulator, *Manual){25: later(4 * time.Second)},
		differ: map[int]map[string]string{
			21: {".errors[0].detail": python3, ".errors[0].meta.message": python3, ".errors[0].meta.detail": python3},
		},
	},
	{
		file: "04-failures-stop-pause", pipettes: newPipettes,
		during: map[int]bool{54: true}, hurry: map[int]bool{46: true, 53: true, 58: true},
		differ: map[int]map[string]string{
			61: {".errors[0].detail": python3, ".errors[0].meta.message": python3, ".errors[0].meta.detail": python3},
		},
	},
	{
		file: "05-modules-offsets-definitions", pipettes: newPipettes,
		skip: span(0, 61, noModules),
		differ: map[int]map[string]string{
			71: {".errors[0].detail": itsWords},
			72: {".data[0]": notKept, ".data[1]": notKept},
		},
	},
	{
		file: "07-json-run-maintenance-stateless-mqtt", pipettes: newPipettes,
		upload: map[int]func(*replay) (string, []byte){0: fromRun(6, "run.json", 8)},
		before: map[int]func(*Emulator, *Manual){5: later(time.Second)},
		skip:   map[int]string{24: noModules, 25: noModules},
		differ: map[int]map[string]string{22: {".errors[0].detail": itsWords}, 23: {".errors[0].detail": itsWords}},
	},
	{
		file: "08-restart-and-limits", pipettes: newPipettes, runs: 15,
		before: map[int]func(*Emulator, *Manual){5: func(e *Emulator, _ *Manual) { e.Reboot(0) }},
		differ: map[int]map[string]string{10: {".data": others}},
	},
	{
		file: "09-misc", pipettes: newPipettes,
		skip: map[int]string{4: noSettings, 8: noFiles, 9: noFiles, 10: noFiles, 11: noFiles, 12: noFiles, 13: noFiles},
		differ: map[int]map[string]string{
			0: {".settings[0].description": itsWords, ".settings[1].description": itsWords, ".settings[2].description": itsWords, ".settings[3].description": itsWords, ".settings[4].description": itsWords},
			3: {".settings[0].description": itsWords, ".settings[1].description": itsWords, ".settings[2].description": itsWords, ".settings[3].description": itsWords, ".settings[4].description": itsWords},
		},
	},
	{
		file: "10-json-v7-v8", pipettes: newPipettes,
		upload: map[int]func(*replay) (string, []byte){0: fromAnalysis(2, "v7.json", 7), 7: fromAnalysis(9, "cust.json", 8)},
		before: map[int]func(*Emulator, *Manual){2: later(time.Second), 9: later(time.Second), 17: later(time.Second)},
		differ: map[int]map[string]string{13: {".data.labware": caught}},
	},
	{file: "11-sentinel-live-run", pipettes: newPipettes, hurry: map[int]bool{14: true}},
}

func span(from, to int, why string) map[int]string {
	out := map[int]string{}
	for i := from; i <= to; i++ {
		out[i] = why
	}
	return out
}

// waits is a time model in which only waiting takes time.
type waits struct{}

func (waits) Duration(op *program.Op) int64 {
	if op.Kind == program.Delay {
		return op.Duration * 1000
	}
	return 0
}

func onlyWaits(*program.Deck) program.Timer { return waits{} }

// replay is a recording under way.
type replay struct {
	t     *testing.T
	c     client
	clock *Manual
	tape  *tape
	all   []recorded
	ids   map[string]string // recorded to ours
	found map[int][]string
}

func TestTranscripts(t *testing.T) {
	if _, err := os.Stat(transcripts); err != nil {
		t.Logf("no recordings beside the checkout (%s): what TestAPI says of the API is all that is checked", transcripts)
		return
	}
	for i := range tapes {
		tape := &tapes[i]
		t.Run(tape.file, func(t *testing.T) { play(t, tape) })
	}
}

func play(t *testing.T, tape *tape) {
	data, err := os.ReadFile(filepath.Join(transcripts, tape.file+".json"))
	if err != nil {
		t.Fatal(err)
	}
	p := &replay{t: t, clock: new(Manual), tape: tape, ids: map[string]string{}, found: map[int][]string{}}
	if err := json.Unmarshal(data, &p.all); err != nil {
		t.Fatal(err)
	}
	p.c = start(t, Options{Pipettes: tape.pipettes, Clock: p.clock, Timer: onlyWaits, AnalysisTime: time.Second, HomeTime: -1, EndTime: -1, Name: "opentrons-dev", Version: "0.0.0-dev"})
	for range tape.runs {
		p.c.must(201, "POST", "/runs", nil)
	}
	for i := range p.all {
		if p.all[i].Method == "" || tape.skip[i] != "" {
			continue
		}
		if f := tape.before[i]; f != nil {
			f(p.c.e, p.clock)
		}
		p.settle()
		p.one(i)
	}
	for i, places := range tape.differ {
		for place := range places {
			if !slices.Contains(p.found[i], place) {
				t.Errorf("%d: %s does not differ; take it out of the table", i, place)
			}
		}
	}
}

// settle waits until the robot is at nothing, or at something that lasts.
func (p *replay) settle() {
	p.t.Helper()
	for range 20000 {
		if p.c.e.isSettled(p.clock) {
			return
		}
		time.Sleep(200 * time.Microsecond)
	}
	p.t.Fatal("the robot does not come to rest")
}

func (e *Emulator) isSettled(clock *Manual) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	pending := 0
	for _, p := range e.protocols {
		for _, a := range p.analyses {
			if !a.done {
				pending++
			}
		}
	}
	ending := clock.sleeping(e.ctx.Done()) - pending // a run that is about to end
	if ending < 0 {
		return false
	}
	for _, r := range []*run{e.current, e.upkeep, e.stateless} {
		if r == nil || r.isOver() || r.result != noResult && ending > 0 || clock.sleeping(r.ctx.Done()) > 0 && r.ctx.Err() == nil {
			continue
		}
		if r.result != noResult || r.running != nil && r.resume == nil || r.queue == runningQueue || r.queue == setupQueue && len(r.setup) > 0 {
			return false
		}
	}
	return true
}

func (c *Manual) sleeping(until <-chan struct{}) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, s := range c.sleepers {
		if s.quit == until {
			n++
		}
	}
	return n
}

var (
	uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	when = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00`)
	hash = regexp.MustCompile(`\b[0-9a-f]{32}\b`)
)

func (p *replay) ours(s string) string {
	return uuid.ReplaceAllStringFunc(s, func(id string) string { return cmp.Or(p.ids[id], id) })
}

func plain(s string) string {
	return hash.ReplaceAllString(when.ReplaceAllString(uuid.ReplaceAllString(s, "ID"), "TIME"), "KEY")
}

func (p *replay) one(i int) {
	r := &p.all[i]
	status, answer := p.send(i, r)
	if status != r.Status {
		p.t.Errorf("%d %s %s %s\n%d, want %d: %v", i, r.Method, r.Path, r.Body, status, r.Status, answer)
		return
	}
	p.compare(i, "", r.Response, answer)
	if p.t.Failed() {
		p.t.Logf("%d %s %s %s", i, r.Method, r.Path, r.Body)
	}
}

func (p *replay) send(i int, r *recorded) (int, any) {
	body, kind := []byte(p.ours(string(r.Body))), "application/json"
	if string(body) == "null" {
		body = nil
	}
	if f := p.tape.upload[i]; f != nil {
		body, kind = form(f(p))
	}
	path := p.ours(r.Path)
	if p.tape.hurry[i] {
		path = regexp.MustCompile(`timeout=\d+`).ReplaceAllString(path, "timeout=100")
	}
	q := httptest.NewRequest(r.Method, path, bytes.NewReader(body))
	q.Header.Set("Content-Type", kind)
	switch h := p.tape.headers[i]; h {
	case "":
		q.Header.Set("Opentrons-Version", "*")
	case "-":
	default:
		q.Header.Set("Opentrons-Version", h)
	}
	w := httptest.NewRecorder()
	if p.tape.during[i] {
		done, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(over)
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					p.clock.Advance(time.Second)
				}
			}
		}()
		defer func() { close(done); <-over }()
	}
	p.c.e.Handler().ServeHTTP(w, q)
	var out any
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		return w.Code, w.Body.String()
	}
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		p.t.Fatal(i, err, w.Body)
	}
	if v := w.Header().Get("opentrons-version"); v != "4" {
		p.t.Errorf("%d: version %q", i, v)
	}
	return w.Code, out
}

func form(name string, file []byte) ([]byte, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("files", name)
	part.Write(file)
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// compare says where an answer is not as it was recorded.
func (p *replay) compare(i int, place string, want, got any) {
	if p.tape.differ[i][place] != "" {
		if !same2(want, got) {
			p.found[i] = append(p.found[i], place)
		}
		return
	}
	if strings.HasSuffix(place, ".definition") {
		return // left out of the recordings
	}
	switch want := want.(type) {
	case map[string]any:
		have, is := got.(map[string]any)
		if !is {
			p.t.Errorf("%d %s: %v, want an object", i, place, got)
			return
		}
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if id := p.ids[key]; id != "" {
				have[key] = have[id]
				delete(have, id)
			}
			if _, there := have[key]; !there {
				if p.tape.differ[i][place+"."+key] != "" {
					p.found[i] = append(p.found[i], place+"."+key)
					continue
				}
				p.t.Errorf("%d %s: no %s, want %v", i, place, key, want[key])
				continue
			}
			p.compare(i, place+"."+key, want[key], have[key])
		}
		for _, key := range slices.Sorted(maps.Keys(have)) {
			if _, there := want[key]; !there {
				p.t.Errorf("%d %s: %s is too much: %v", i, place, key, have[key])
			}
		}
	case []any:
		have, is := got.([]any)
		if !is || len(have) != len(want) {
			p.t.Errorf("%d %s: %v, want a list of %d", i, place, got, len(want))
			return
		}
		for k := range want {
			p.compare(i, fmt.Sprintf("%s[%d]", place, k), want[k], have[k])
		}
	case string:
		have, _ := got.(string)
		if strings.HasPrefix(want, "{") { // an object in a string
			var x, y any
			if json.Unmarshal([]byte(want), &x) == nil && json.Unmarshal([]byte(have), &y) == nil {
				p.compare(i, place, x, y)
				return
			}
		}
		if uuid.FindString(want) == want && uuid.FindString(have) == have {
			p.ids[want] = have
		}
		if plain(want) != plain(have) {
			p.t.Errorf("%d %s: %v, want %q", i, place, got, want)
		}
	case float64:
		have, is := got.(float64)
		if !is || math.Abs(have-want) > 1e-6 {
			p.t.Errorf("%d %s: %v, want %v", i, place, got, want)
		}
	default:
		if want != got {
			p.t.Errorf("%d %s: %v, want %v", i, place, got, want)
		}
	}
}

func same2(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return plain(string(x)) == plain(string(y))
}

// fromRun makes the file of a protocol from the commands that a run of it was
// recorded to have, after the home that no file has.
func fromRun(answer int, name string, schema int) func(*replay) (string, []byte) {
	return func(p *replay) (string, []byte) {
		return name, p.protocol(p.response(answer)["data"].([]any)[1:], schema)
	}
}

// fromAnalysis makes it from those of an analysis.
func fromAnalysis(answer int, name string, schema int) func(*replay) (string, []byte) {
	return func(p *replay) (string, []byte) {
		data := p.response(answer)["data"].(map[string]any)
		return name, p.protocol(data["commands"].([]any)[1:], schema)
	}
}

func (p *replay) response(i int) map[string]any {
	response, _ := p.all[i].Response.(map[string]any)
	return response
}

func (p *replay) protocol(commands []any, schema int) []byte {
	var out []object
	for _, c := range commands {
		c := c.(map[string]any)
		one := object{"commandType": c["commandType"], "params": c["params"]}
		if key := c["key"].(string); !hash.MatchString(key) {
			one["key"] = key // those that look like a hash were made by the robot
		}
		out = append(out, one)
	}
	reservoir, _ := labware.Lookup("nest_12_reservoir_15ml")
	custom := strings.Replace(strings.Replace(string(labware.JSON(reservoir)), `"nest_12_reservoir_15ml"`, `"myres"`, 1), `"opentrons"`, `"custom_beta"`, 1)
	metadata := p.uploaded(schema)["metadata"]
	file := object{
		"$otSharedSchema": fmt.Sprintf("#/protocol/schemas/%d", schema), "schemaVersion": schema, "metadata": metadata,
		"robot": object{"model": "OT-2 Standard", "deckId": "ot2_standard"}, "commands": out,
		"labwareDefinitions": object{"custom_beta/myres/1": json.RawMessage(custom)},
	}
	if schema == 8 {
		maps.Copy(file, object{
			"labwareDefinitionSchemaId": "opentronsLabwareSchemaV2", "liquidSchemaId": "opentronsLiquidSchemaV1",
			"liquids":         object{"water": object{"displayName": "Water", "description": "h2o", "displayColor": "#0000ff"}},
			"commandSchemaId": "opentronsCommandSchemaV8", "commandAnnotationSchemaId": "opentronsCommandAnnotationSchemaV1", "commandAnnotations": []object{},
		})
	}
	b, err := json.Marshal(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// uploaded is what the answer to the upload says of the file.
func (p *replay) uploaded(schema int) map[string]any {
	for i := range p.all {
		if data, is := p.response(i)["data"].(map[string]any); is && p.all[i].Path == "/protocols" && (schema == 8) == (data["metadata"].(map[string]any)["protocolName"] != "v7") {
			return data
		}
	}
	p.t.Fatal("no upload in the recording")
	return nil
}
