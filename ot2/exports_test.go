package ot2_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/export"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/workflows/library"
)

// The exports of the examples, of the library, of the workflows of testdata/engine and of those
// of testdata/exports are analysed by two versions of the vendor's software
// (testdata/engine/analyze.py). Its answers lie in testdata/exports, one file
// per workflow with the fingerprints of the exports they are for, so that plans
// are compared with them also where no engine is.

var update = flag.Bool("update", false, "write what the engines answer to our exports into testdata/exports; needs OT2FLOW_ENGINE and OT2FLOW_ENGINE_NEW")

const exportsFolder = "testdata/exports"

// engines are the versions asked, and the variables that name their Python.
var engines = []struct{ version, variable string }{
	{"8.2.0", "OT2FLOW_ENGINE"},
	{"8.8.2", "OT2FLOW_ENGINE_NEW"},
}

// exporters are what is exported, by the ending of its file.
var exporters = map[string]func(*program.Plan) ([]byte, error){".json": command.Protocol, ".py": export.Python}

// asked is one question to an engine: "8.2.0 .json".
func asked(version, kind string) string { return version + " " + kind }

// refused are the questions that an engine answers with an error, and why.
var refused = map[string]struct{ to, says, reason string }{
	"color-grid": {"8.8.2", "4008 InvalidStoredData", "newer software takes no tip from a rack sparser than 8 x 12, which the sensor's port is; see paddedGrid"},
}

// rewritings say how the commands of the engine differ from our steps, and why.
// Each is applied to ours; anything that differs then fails.
var rewritings = []struct {
	name, reason string
	apply        func(steps []exportStep, kind string) []exportStep
}{
	{"first home", "the engine homes at the start of every run; our plan leaves that to the robot", func(steps []exportStep, _ string) []exportStep {
		return append([]exportStep{{engineStep: engineStep{Op: "home"}}}, steps...)
	}},
	{"way of its own", "only moves take a gantry speed: what is done at the end of a slow way is a move and then the rest", eachStep(slowWay)},
	{"trash named again", "in Python a blow-out into the trash goes there even where the tip is there already", func(steps []exportStep, kind string) []exportStep {
		if kind != ".py" {
			return steps
		}
		return eachStep(trashAgain)(steps, kind)
	}},
	{"trash in two", "the trash is reached by a move of its own, and then the tip is dropped or emptied where it is", eachStep(trashInTwo)},
	{"single sides", "the engine touches all sides, at 80 mm/s at most; anything else is moves out and back", eachStep(touchBySides)},
	{"air is drawn", "an air gap is an ordinary aspirate above the well (robot software 8.5 knows another command, 8.2 does not)", eachStep(func(s exportStep) []exportStep {
		if s.Op == "air_gap" {
			s.Op = "aspirate"
		}
		return []exportStep{s}
	})},
	{"waits for a number", "in Python a wait of its own for a temperature module names the temperature that was set", waitsForNumber},
	{"asked by a pause", "who brings tips, liquids and plates is asked by a pause", eachStep(func(s exportStep) []exportStep {
		if s.Op == "new_tips" || s.Op == "refill" || s.Op == "exchange" {
			s.Op, s.Mount, s.Volume = "pause", "", 0
		}
		return []exportStep{s}
	})},
	{"told before", "the command that waits for a move has no words of its own: they are a comment before it", eachStep(func(s exportStep) []exportStep {
		if s.Op != "move_labware" {
			return []exportStep{s}
		}
		move := s
		move.Text = "manualMoveWithPause"
		if s.Text == "" {
			return []exportStep{move}
		}
		return []exportStep{{engineStep: engineStep{Op: "comment", Text: s.Text}}, move}
	})},
	{"return is drop", "the engine has one command for dropping a tip into a place, whichever it is", eachStep(func(s exportStep) []exportStep {
		if s.Op == "return_tip" {
			s.Op = "drop_tip"
		}
		return []exportStep{s}
	})},
}

// exportStep is a step in the form of analyze.py.
type exportStep struct {
	engineStep
	Spread  bool      `json:"spread"`
	Deck    []float64 `json:"deck_mm"`
	Profile []held    `json:"profile"`
	touch   program.Touch
	well    *program.Well
	kind    program.ModuleType // of Module
}

func (s exportStep) String() string {
	out := s.engineStep.String()
	if s.Spread {
		out += " spread"
	}
	for _, v := range s.Deck {
		out += fmt.Sprintf(" %d", thousandths(v))
	}
	return out
}

func eachStep(f func(exportStep) []exportStep) func([]exportStep, string) []exportStep {
	return func(steps []exportStep, _ string) []exportStep {
		var out []exportStep
		for _, s := range steps {
			out = append(out, f(s)...)
		}
		return out
	}
}

// moveTo is the move to where s is done.
func moveTo(s exportStep) exportStep {
	out := s
	out.engineStep = engineStep{Op: "move_to", Mount: s.Mount, Slot: s.Slot, Well: s.Well, Trash: s.Trash, X: s.X, Y: s.Y, Z: s.Z, Speed: s.Speed}
	return out
}

func slowWay(s exportStep) []exportStep {
	if s.Speed == nil || s.Op == "move_to" || s.Op == "touch_tip" || s.Trash {
		return []exportStep{s}
	}
	way := moveTo(s)
	s.Speed = nil
	return []exportStep{way, s}
}

func trashAgain(s exportStep) []exportStep {
	if !s.Trash || s.Speed == nil {
		return []exportStep{s}
	}
	way := moveTo(s)
	s.Speed = nil
	return []exportStep{way, s}
}

func trashInTwo(s exportStep) []exportStep {
	if !s.Trash || s.Op == "move_to" {
		return []exportStep{s}
	}
	way := moveTo(s)
	s.Trash, s.Spread, s.Speed, s.Deck = false, false, nil, nil
	return []exportStep{way, s}
}

func waitsForNumber(steps []exportStep, kind string) []exportStep {
	if kind != ".py" {
		return steps
	}
	set := map[string]*float64{} // by the slot of the module
	out := slices.Clone(steps)
	for i := range out {
		switch s := &out[i]; {
		case s.Op == "set_temperature" && s.kind == program.TemperatureModule:
			set[s.Module] = s.Celsius
		case s.Op == "wait_temperature" && (out[i-1].Op != "set_temperature" || out[i-1].Module != s.Module):
			s.Celsius = set[s.Module]
		}
	}
	return out
}

// touchBySides goes by what touching is, not by what package command makes of
// it: out to each side of the well, and back.
func touchBySides(s exportStep) []exportStep {
	if s.Op != "touch_tip" {
		return []exportStep{s}
	}
	if s.touch.Sides == program.AllSides.Sides && *s.Speed <= 80 {
		return []exportStep{s}
	}
	rx, ry := mm(s.well.XSize)/2, mm(s.well.YSize)/2
	if s.well.Round {
		rx, ry = mm(s.well.Diameter)/2, mm(s.well.Diameter)/2
	}
	radius := s.Radius
	middle := moveTo(s)
	out := []exportStep{middle}
	for i, side := range [4][2]float64{{-rx, 0}, {rx, 0}, {0, -ry}, {0, ry}} {
		if s.touch.Sides&(1<<i) == 0 {
			continue
		}
		edge := middle
		edge.X += side[0] * radius
		edge.Y += side[1] * radius
		edge.Deck = []float64{middle.Deck[0] + side[0]*radius, middle.Deck[1] + side[1]*radius, middle.Deck[2]}
		out = append(out, edge, middle)
	}
	return out
}

// answer is what an engine says about an export, in the form of analyze.py.
type answer struct {
	Errors   []string     `json:"errors"`
	Labware  [][3]string  `json:"labware"`
	Modules  [][2]string  `json:"modules"`
	Pipettes [][2]string  `json:"pipettes"`
	Liquids  []liquidSeen `json:"liquids"`
	Commands []exportStep `json:"commands"`
}

type liquidSeen struct {
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Color       string             `json:"color"`
	Wells       map[string]float64 `json:"wells"`
}

// answers is a committed file: the fingerprints of the exports, and what was
// answered to which. Equal answers stand once.
type answers struct {
	Exports map[string]string `json:"exports"`
	Answers []struct {
		Of     []string        `json:"of"`
		Answer json.RawMessage `json:"answer"`
	} `json:"answers"`
}

// moreExamples are those that no protocol of the vendor says the same as.
var moreExamples = []string{"03-cherry-pick", "04-serial-dilution", "05-two-plates", "08-bead-cleanup", "09-eight-channels", "10-normalise", "11-tolerance", "12-liquid-class", "14-next-well", "15-refill", "16-full-plate"}

// exported are the workflows whose exports are compared, by name.
func exported(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, path := range exampleOf {
		out[name] = path
	}
	for _, name := range moreExamples {
		out[name] = "../examples/" + name + "/workflow.yaml"
	}
	for _, name := range library.Names() {
		out["library-"+name] = "../workflows/library/" + name + ".yaml"
	}
	out["color-grid-padded"] = paddedGrid(t)
	for _, folder := range []string{engineFolder, exportsFolder} {
		paths, err := filepath.Glob(filepath.Join(folder, "*", "workflow.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			out[filepath.Base(filepath.Dir(p))] = p
		}
	}
	return out
}

// paddedGrid is color-grid with the sensor's port as `ot2flow labware pad`
// writes it, which newer software takes.
func paddedGrid(t *testing.T) string {
	t.Helper()
	const sensor = "ac_color_sensor_charging_port.json"
	from, to := filepath.Dir(exampleOf["color-grid"]), t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(from, "labware", sensor))
	if err != nil {
		t.Fatal(err)
	}
	padded, list, err := labware.Pad(sensor, data)
	if err != nil || list.HasErrors() {
		t.Fatal(err, list)
	}
	if err := os.WriteFile(filepath.Join(to, "labware", sensor), padded, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "workflow.yaml")
}

func names(m map[string]string) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func answersTo(t *testing.T, name string) *answers {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(exportsFolder, name+".json"))
	if err != nil {
		t.Fatalf("%v; ask the engines with go test ./ot2 -run TestExports -update", err)
	}
	out := &answers{}
	if err := json.Unmarshal(data, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// fingerprint is that of an export without what no engine reads: comments, and
// the fingerprint of the plan.
func fingerprint(data []byte, plan *program.Plan) string {
	hash := sha256.New()
	for line := range strings.Lines(strings.ReplaceAll(string(data), plan.Fingerprint, "")) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			io.WriteString(hash, line)
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// TestExportsDoWhatThePlanSays compares the plans with what the engines do with
// their exports: what stands on the deck, and step by step wells, volumes,
// rates, heights, and the point of the deck.
func TestExportsDoWhatThePlanSays(t *testing.T) {
	workflows := exported(t)
	used, compared := map[string]bool{}, 0
	for _, name := range names(workflows) {
		t.Run(name, func(t *testing.T) {
			compared++
			plan := planAt(t, workflows[name])
			committed := answersTo(t, name)
			for kind, write := range exporters {
				data, err := write(plan)
				if err != nil {
					t.Fatal(err)
				}
				if committed.Exports[kind] != fingerprint(data, plan) {
					t.Errorf("the %s export is another than the engines were asked about: go test ./ot2 -run TestExports -update", kind)
				}
			}
			open := map[string]bool{}
			for _, e := range engines {
				for kind := range exporters {
					open[asked(e.version, kind)] = true
				}
			}
			for _, a := range committed.Answers {
				for _, question := range a.Of {
					delete(open, question)
					version, kind, _ := strings.Cut(question, " ")
					sameAsPlan(t, plan, name, version, kind, a.Answer, used)
				}
			}
			if len(open) > 0 {
				t.Errorf("no answer to %v", open)
			}
		})
	}
	if t.Failed() || compared < len(workflows) {
		return
	}
	for _, r := range rewritings {
		if !used[r.name] {
			t.Errorf("the rewriting %q makes no difference any more (%s): take it out", r.name, r.reason)
		}
	}
}

func sameAsPlan(t *testing.T, plan *program.Plan, name, version, kind string, data []byte, used map[string]bool) {
	t.Helper()
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	what := asked(version, kind)
	if r, ok := refused[name]; ok && r.to == version {
		if len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0], r.says) {
			t.Errorf("%s: %q, want %s (%s)", what, a.Errors, r.says, r.reason)
		}
		return
	}
	if len(a.Errors) > 0 {
		t.Errorf("%s: %q", what, a.Errors)
		return
	}
	sameLoaded(t, what, plan.Deck, &a)
	// Newer software notes with a command that racks are new, and moves nothing.
	a.Commands = slices.DeleteFunc(a.Commands, func(s exportStep) bool { return s.Op == "setTipState" })
	ours := inExportForm(plan)
	for _, r := range rewritings {
		before := ours
		ours = r.apply(ours, kind)
		used[r.name] = used[r.name] || !reflect.DeepEqual(before, ours)
	}
	for i := range max(len(ours), len(a.Commands)) {
		if i >= len(ours) || i >= len(a.Commands) {
			t.Errorf("%s: %d steps, ours are %d", what, len(a.Commands), len(ours))
			return
		}
		if got, want := ours[i].String(), a.Commands[i].String(); !near(ours[i].Deck, a.Commands[i].Deck) || withoutDeck(ours[i]) != withoutDeck(a.Commands[i]) {
			t.Errorf("%s, step %d\n  engine %s\n  ours   %s", what, i+1, want, got)
			return
		}
	}
}

// near allows the micrometre that rounding a half can make.
func near(a, b []float64) bool {
	for i := range a {
		if len(a) != len(b) || math.Abs(a[i]-b[i]) > 0.0011 {
			return false
		}
	}
	return len(a) == len(b)
}

func withoutDeck(s exportStep) string {
	s.Deck = nil
	return s.String()
}

func sameLoaded(t *testing.T, what string, d *program.Deck, a *answer) {
	t.Helper()
	var want answer
	state := program.NewState(d)
	for _, i := range command.LoadOrder(d) {
		l := &d.Labware[i]
		want.Labware = append(want.Labware, [3]string{placeForm(state, l.On), l.Def.URI(), nameForm(l)})
	}
	for i := range d.Modules {
		want.Modules = append(want.Modules, [2]string{d.Modules[i].Slot, d.Modules[i].Model.RobotName})
	}
	for i := range d.Pipettes {
		want.Pipettes = append(want.Pipettes, [2]string{d.Pipettes[i].Mount, d.Pipettes[i].Model.Name})
	}
	for i := range d.Liquids {
		l := &d.Liquids[i]
		seen := liquidSeen{l.Name, l.Description, l.Color, map[string]float64{}}
		for k, w := range l.Wells {
			if l.VolumeNL[k] >= 0 {
				seen.Wells[placeForm(state, d.Labware[w.Labware].On)+" "+d.Well(w).Name] = mm(l.VolumeNL[k])
			}
		}
		want.Liquids = append(want.Liquids, seen)
	}
	slices.SortFunc(want.Liquids, func(a, b liquidSeen) int { return strings.Compare(a.Name, b.Name) })
	for _, pair := range [][2]any{{a.Labware, want.Labware}, {a.Modules, want.Modules}, {a.Pipettes, want.Pipettes}, {a.Liquids, want.Liquids}} {
		if got, want := fmt.Sprintf("%q", pair[0]), fmt.Sprintf("%q", pair[1]); got != want {
			t.Errorf("%s: the engine loads %s, ours are %s", what, got, want)
		}
	}
}

// inExportForm is the plan in the form of analyze.py, but step by step as we
// count steps.
func inExportForm(plan *program.Plan) []exportStep {
	var out []exportStep
	state := program.NewState(plan.Deck)
	for i := range plan.Steps {
		s := &plan.Steps[i]
		if i > 0 {
			state.Apply(&plan.Steps[i-1].Op)
		}
		if s.Op.Kind == program.EndRun {
			continue
		}
		e := exportStep{engineStep: engineForm(plan.Deck, s), touch: s.Op.Touch}
		if e.Well != "" {
			e.Slot = strconv.Itoa(state.SlotOf(int(s.Op.Well.Labware)))
		}
		e.ofModule = moduleForm(state, &s.Op)
		if e.Module != "" {
			e.kind = plan.Deck.Modules[s.Op.Module].Model.Type
		}
		if s.Op.Kind == program.SetTemperature {
			e.Volume = mm(s.Op.Volume)
		}
		if s.Op.Speed == 0 {
			e.Speed = nil
		}
		switch {
		case s.Op.Trash:
			e.Deck = trashPoint(plan, i)
			e.Spread = s.Op.Kind == program.DropTip
		case e.Well != "":
			e.Deck = deckPoint(state, &s.Op)
			e.well = plan.Deck.Well(s.Op.Well)
		}
		out = append(out, e)
	}
	return out
}

// placeForm is a place in the form of analyze.py.
func placeForm(s *program.State, p program.Place) string {
	switch p.On {
	case program.OnModule:
		return "module " + s.Deck.Modules[p.Index].Slot
	case program.OnLabware:
		return nameForm(&s.Deck.Labware[p.Index]) + " " + strconv.Itoa(s.SlotOf(int(p.Index)))
	case program.OffDeck:
		return "off the deck"
	case program.OnSlot:
	}
	return program.SlotName(p)
}

// nameForm is what labware is called: adapters have no names of their own in
// Python.
func nameForm(l *program.Placed) string {
	if l.Def.IsAdapter {
		return l.Def.LoadName
	}
	return l.Name
}

func moduleForm(s *program.State, op *program.Op) ofModule {
	var out ofModule
	has := op.Kind.Info().Fields
	if has&program.HasModule != 0 {
		out.Module = s.Deck.Modules[op.Module].Slot
	}
	if has&program.HasTemperature != 0 {
		celsius := mm(int64(op.Temperature))
		out.Celsius = &celsius
	}
	if has&program.HasHeight != 0 {
		height := mm(int64(op.At.Z))
		out.Height = &height
	}
	if op.Kind == program.MoveLabware {
		i := int(op.Well.Labware)
		out.Labware, out.From, out.To = nameForm(&s.Deck.Labware[i]), placeForm(s, s.Place(i)), placeForm(s, op.To)
	}
	out.RPM, out.On = float64(op.RPM), op.On
	return out
}

func deckPoint(s *program.State, op *program.Op) []float64 {
	x, y, z := ot2.Corner(s, int(op.Well.Labware))
	w := s.Deck.Well(op.Well)
	return []float64{mm(x + w.X + int64(op.At.X)), mm(y + w.Y + int64(op.At.Y)), mm(z+w.Z) + aboveBottom(w, op.At)}
}

// trashPoint is the middle of the trash's opening; tips are dropped right and
// left of it in turns (robot software 7.1 and later).
func trashPoint(plan *program.Plan, step int) []float64 {
	out := []float64{347.84, 351.5, 82}
	if plan.Steps[step].Op.Kind != program.DropTip {
		return out
	}
	before := 0
	for i := range step {
		if op := &plan.Steps[i].Op; op.Kind == program.DropTip && op.Trash {
			before++
		}
	}
	out[0] += []float64{16.055, -16.055}[before%2]
	return out
}

// TestExports gives every export to the engines there are, and compares their
// answers with the committed ones. CI always has both (testdata/engine/setup.sh
// makes them). -update asks about those that are new or have changed.
func TestExports(t *testing.T) {
	folder, workflows := t.TempDir(), exported(t)
	fingerprints := map[string]map[string]string{}
	for _, name := range names(workflows) {
		fingerprints[name] = writeExports(t, folder, name, planAt(t, workflows[name]))
	}
	fresh := map[string]map[string]string{}
	for _, e := range engines {
		python := os.Getenv(e.variable)
		if python == "" {
			t.Logf("%s is not set: %s was not asked", e.variable, e.version)
			continue
		}
		var files []string
		for _, name := range names(workflows) {
			if *update && isAnswered(t, name, fingerprints[name]) {
				continue
			}
			files = append(files, name+".json", name+".py")
		}
		for file, text := range ask(t, python, folder, files) {
			kind := filepath.Ext(file)
			name := strings.TrimSuffix(file, kind)
			if fresh[name] == nil {
				fresh[name] = map[string]string{}
			}
			fresh[name][asked(e.version, kind)] = text
		}
	}
	for _, name := range names(workflows) {
		if *update && len(fresh[name]) == 0 {
			continue
		}
		if *update {
			writeAnswers(t, name, fingerprints[name], fresh[name])
		} else if len(fresh) > 0 {
			sameAnswers(t, name, fresh[name])
		}
	}
}

// isAnswered reports whether the committed answers are to these exports, so that the
// engines need not be asked again.
func isAnswered(t *testing.T, name string, fingerprints map[string]string) bool {
	t.Helper()
	if _, err := os.Stat(filepath.Join(exportsFolder, name+".json")); err != nil {
		return false
	}
	was := answersTo(t, name).Exports
	return was[".json"] == fingerprints[".json"] && was[".py"] == fingerprints[".py"]
}

func writeExports(t *testing.T, folder, name string, plan *program.Plan) map[string]string {
	t.Helper()
	out := map[string]string{}
	for kind, write := range exporters {
		data, err := write(plan)
		if err != nil {
			t.Fatalf("%s%s: %v", name, kind, err)
		}
		if err := os.WriteFile(filepath.Join(folder, name+kind), data, 0o600); err != nil {
			t.Fatal(err)
		}
		out[kind] = fingerprint(data, plan)
	}
	return out
}

// ask has an engine analyse files of a folder, in one start of Python.
func ask(t *testing.T, python, folder string, files []string) map[string]string {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(engineFolder, "analyze.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-B", script}, files...)...)
	cmd.Dir = folder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	answers := map[string]string{}
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

func sameAnswers(t *testing.T, name string, fresh map[string]string) {
	t.Helper()
	for _, a := range answersTo(t, name).Answers {
		for _, question := range a.Of {
			text, ok := fresh[question]
			if !ok {
				continue // that engine is not there
			}
			if line, was, is, same := firstDifference(string(a.Answer), text); !same {
				t.Errorf("%s, %s: line %d of the answer\n  committed %s\n  engine    %s", name, question, line, was, is)
			}
		}
	}
}

// writeAnswers writes a file of answers; equal ones once, in the order of the
// engines.
func writeAnswers(t *testing.T, name string, fingerprints, fresh map[string]string) {
	t.Helper()
	var texts []string
	of := map[string][]string{}
	for _, e := range engines {
		for _, kind := range []string{".json", ".py"} {
			text, ok := fresh[asked(e.version, kind)]
			if !ok {
				t.Fatalf("%s has no answer to %s: -update needs both engines", e.version, name+kind)
			}
			text = strings.TrimSpace(text)
			if of[text] == nil {
				texts = append(texts, text)
			}
			of[text] = append(of[text], asked(e.version, kind))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{\n\"format\": \"ot2flow.exports/1\",\n\"exports\": {\".json\": %q, \".py\": %q},\n\"answers\": [\n", fingerprints[".json"], fingerprints[".py"])
	for i, text := range texts {
		list, err := json.Marshal(of[text])
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "{\"of\": %s, \"answer\":\n%s}", list, text)
	}
	b.WriteString("]}\n")
	if err := os.WriteFile(filepath.Join(exportsFolder, name+".json"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
