package ot2_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
)

// The real engine's answers lie in testdata/engine, one folder per protocol:
// protocol.py is written for the vendor, workflow.yaml says the same in our
// language, engine.json is what the vendor's software did with the first (see
// record.py, which also says what the units are).

const (
	engineFolder  = "testdata/engine"
	labwareFolder = "../../../examples/02-color-grid/labware" // from engineFolder: our own definitions
)

// exampleOf names the workflows that stand among the examples instead of
// beside their protocol.
var exampleOf = map[string]string{
	"mix-colors": "../examples/01-mix-colors/workflow.yaml",
	"color-grid": "../examples/02-color-grid/workflow.yaml",
}

// divergence is a way in which the vendor's step list is allowed to differ
// from ours. Anything else that differs fails.
type divergence struct {
	name, reason string
	apply        func(theirs, ours []engineStep) (t, o []engineStep)
}

var runLogDivergences = []divergence{
	{
		"no home", "the run log of apiLevel 2.13 does not show homing; the engine's commands do",
		func(theirs, ours []engineStep) (_, _ []engineStep) {
			return theirs, without(ours, func(s engineStep) bool { return s.Op == "home" })
		},
	},
	{
		"return is drop", "putting a tip back and dropping it into the place it came from are one thing; the vendor has a return at one depth only",
		func(theirs, ours []engineStep) (_, _ []engineStep) { return renamed(theirs), renamed(ours) },
	},
	{
		"speed in force", "the run log shows the speed set on the pipette, not one given to a single move; the engine's commands show that one",
		func(theirs, ours []engineStep) (_, _ []engineStep) {
			given := func(s *engineStep) bool { return s.Op == "move_to" || s.Op == "touch_tip" }
			return changed(theirs, given, dropSpeed), changed(ours, given, dropSpeed)
		},
	},
	{
		"depth and push-out unseen", "the run log has no height for tips and touching, no rate for blowing out, no push-out and no radius",
		func(theirs, ours []engineStep) (_, _ []engineStep) { return theirs, changed(ours, always, hideDetail) },
	},
}

var commandDivergences = []divergence{
	{
		"first home", "the engine homes at the start of every run; our plan leaves that to the robot",
		func(theirs, ours []engineStep) (_, _ []engineStep) {
			if len(theirs) > 0 && theirs[0].Op == "home" {
				return theirs[1:], ours
			}
			return theirs, ours
		},
	},
	{
		"trash in two", "the engine reaches the trash by a move of its own, and then drops or blows out where it is",
		func(theirs, ours []engineStep) (_, _ []engineStep) { return joinTrash(theirs), ours },
	},
	{
		"air gap in two", "up to apiLevel 2.21 an air gap is a move above the well and an ordinary aspirate there",
		func(theirs, ours []engineStep) (_, _ []engineStep) { return joinAirGap(theirs), ours },
	},
	{
		"return is drop", "the engine has one command for dropping a tip into a place, whichever it is",
		func(theirs, ours []engineStep) (_, _ []engineStep) { return renamed(theirs), renamed(ours) },
	},
	{
		"default depth of a return", "where the depth of a returned tip is the pipette's own, the engine says `default`; ours is written out",
		func(theirs, ours []engineStep) (_, _ []engineStep) {
			if len(theirs) != len(ours) {
				return theirs, ours
			}
			ours = append([]engineStep(nil), ours...)
			for i := range ours {
				if ours[i].Op == "drop_tip" && theirs[i].Op == "drop_tip" && theirs[i].Z == nil {
					ours[i].Z = nil
				}
			}
			return theirs, ours
		},
	},
	{
		"speed of the pipette", "the engine holds the speed set on a pipette as a state, which its commands do not show; the run log does",
		func(theirs, ours []engineStep) (_, _ []engineStep) {
			return theirs, changed(ours, func(s *engineStep) bool {
				return s.Op != "move_to" && s.Op != "touch_tip" || s.Speed != nil && *s.Speed == program.DefaultSpeed/1000
			}, dropSpeed)
		},
	},
}

// engineStep is a step in the recording's form.
type engineStep struct {
	Op       string   `json:"op"`
	Mount    string   `json:"mount"`
	Slot     string   `json:"slot"`
	Well     string   `json:"well"`
	Trash    bool     `json:"trash"`
	X        float64  `json:"x_mm"`
	Y        float64  `json:"y_mm"`
	Z        *float64 `json:"z_mm"`
	Volume   float64  `json:"volume_uL"`
	Rate     float64  `json:"flow_rate_uL_s"`
	Speed    *float64 `json:"speed_mm_s"`
	PushOut  *float64 `json:"push_out_uL"`
	Over     *float64 `json:"over_mm"`
	Direct   bool     `json:"direct"`
	Home     *bool    `json:"home"`
	Radius   float64  `json:"radius"`
	Duration float64  `json:"duration_s"`
	Text     string   `json:"text"`
	Estimate float64  `json:"estimate_s"`
	ofModule
}

// ofModule is what is said of modules, moves of labware and the lights.
type ofModule struct {
	Module  string   `json:"module"`
	Celsius *float64 `json:"celsius"`
	RPM     float64  `json:"rpm"`
	Height  *float64 `json:"height_mm"`
	Labware string   `json:"labware"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	On      bool     `json:"on"`
}

type recording struct {
	Engine      string            `json:"engine"`
	Labware     map[string]string `json:"labware"`
	Pipettes    map[string]string `json:"pipettes"`
	Estimate    float64           `json:"estimate_s"`
	RunLogLines int               `json:"run_log_lines"`
	RunLog      []engineStep      `json:"run_log"`
	Commands    []engineStep      `json:"commands"`
}

// String renders what is compared: whole µm, nL, nL/s, µm/s and ms.
func (s engineStep) String() string {
	var b strings.Builder
	b.WriteString(s.Op)
	text := func(key, v string) {
		if v != "" {
			fmt.Fprintf(&b, " %s=%s", key, v)
		}
	}
	figure := func(key string, v *float64) {
		if v != nil {
			fmt.Fprintf(&b, " %s=%d", key, thousandths(*v))
		}
	}
	text("mount", s.Mount)
	text("slot", s.Slot)
	text("well", s.Well)
	if s.Trash {
		b.WriteString(" trash")
	}
	fmt.Fprintf(&b, " x=%d y=%d", thousandths(s.X), thousandths(s.Y))
	figure("z", s.Z)
	fmt.Fprintf(&b, " volume=%d rate=%d", thousandths(s.Volume), thousandths(s.Rate))
	figure("speed", s.Speed)
	figure("push_out", s.PushOut)
	figure("over", s.Over)
	if s.Direct {
		b.WriteString(" direct")
	}
	if s.Home != nil {
		fmt.Fprintf(&b, " home=%t", *s.Home)
	}
	fmt.Fprintf(&b, " radius=%d duration=%d", thousandths(s.Radius), thousandths(s.Duration))
	text("text", s.Text)
	text("module", s.Module)
	figure("celsius", s.Celsius)
	if s.RPM != 0 || s.On {
		fmt.Fprintf(&b, " rpm=%d on=%t", thousandths(s.RPM), s.On)
	}
	figure("height", s.Height)
	text("labware", s.Labware)
	text("from", s.From)
	text("to", s.To)
	return b.String()
}

func thousandths(v float64) int64 { return int64(math.Round(v * 1000)) }

func always(*engineStep) bool { return true }

func dropSpeed(s *engineStep) { s.Speed = nil }

func hideDetail(s *engineStep) {
	s.PushOut, s.Radius = nil, 0
	switch s.Op {
	case "pick_up_tip", "drop_tip", "touch_tip":
		s.X, s.Y, s.Z = 0, 0, nil
	case "blow_out":
		s.Rate = 0
	}
}

func changed(steps []engineStep, which func(*engineStep) bool, change func(*engineStep)) []engineStep {
	out := append([]engineStep(nil), steps...)
	for i := range out {
		if which(&out[i]) {
			change(&out[i])
		}
	}
	return out
}

func without(steps []engineStep, which func(engineStep) bool) []engineStep {
	var out []engineStep
	for _, s := range steps {
		if !which(s) {
			out = append(out, s)
		}
	}
	return out
}

func renamed(steps []engineStep) []engineStep {
	return changed(steps, func(s *engineStep) bool { return s.Op == "return_tip" }, func(s *engineStep) { s.Op = "drop_tip" })
}

func joinTrash(steps []engineStep) []engineStep {
	var out []engineStep
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if s.Op == "move_to" && s.Trash && i+1 < len(steps) && steps[i+1].Slot == "" {
			i++
			s = steps[i]
			s.Trash = true
		}
		out = append(out, s)
	}
	return out
}

func joinAirGap(steps []engineStep) []engineStep {
	var out []engineStep
	for i := 0; i < len(steps); i++ {
		s := steps[i]
		if s.Op == "move_to" && i+1 < len(steps) {
			next := steps[i+1]
			if next.Op == "aspirate" && next.Slot == s.Slot && next.Well == s.Well && next.Z != nil && s.Z != nil && *next.Z == *s.Z {
				i++
				s = next
				s.Op = "air_gap"
			}
		}
		out = append(out, s)
	}
	return out
}

// inEngineForm is the plan in the form of the recordings.
func inEngineForm(plan *program.Plan) []engineStep {
	var out []engineStep
	for i := range plan.Steps {
		if s := &plan.Steps[i]; s.Op.Kind != program.EndRun {
			out = append(out, engineForm(plan.Deck, s))
		}
	}
	return out
}

func engineForm(d *program.Deck, step *program.Step) engineStep {
	op := &step.Op
	has := func(f program.Fields) bool { return op.Kind.Info().Fields&f != 0 }
	s := engineStep{Op: op.Kind.String(), Text: step.Text, Trash: op.Trash}
	if has(program.HasPipette) {
		s.Mount = d.Pipettes[op.Pipette].Mount
	}
	if has(program.HasWell) && !op.Trash && op.Well != program.None {
		w := d.Well(op.Well)
		s.Slot, s.Well = d.Labware[op.Well.Labware].Slot, w.Name
		s.X, s.Y = mm(int64(op.At.X)), mm(int64(op.At.Y))
		z := aboveBottom(w, op.At)
		s.Z = &z
	}
	if has(program.HasVolume) {
		s.Volume = mm(op.Volume + op.Correction) // the plunger is told both
	}
	if has(program.HasRate) {
		s.Rate = mm(op.Rate)
	}
	if has(program.HasSpeed) {
		speed := mm(op.Speed)
		if op.Speed == 0 {
			speed = mm(program.DefaultSpeed)
		}
		s.Speed = &speed
	}
	if op.HasPush {
		push := mm(op.PushOut)
		s.PushOut = &push
	}
	if op.Over > 0 {
		over := mm(int64(op.Over))
		s.Over = &over
	}
	s.Direct = op.Direct
	if op.Home != program.OwnHoming {
		home := op.Home == program.WithHoming
		s.Home = &home
	}
	if has(program.HasTouch) {
		s.Radius = mm(int64(op.Touch.Radius))
	}
	s.Duration = mm(op.Duration)
	if has(program.HasNozzles) {
		s.Text = layoutForm(op.Nozzles)
	}
	return s
}

// layoutForm is a nozzle layout in the form of record.py: the style, and the
// primary, the front and the back nozzle.
func layoutForm(n program.Nozzles) string {
	l := n.Layout()
	primary, last := program.Nozzle(l.Primary), program.Nozzle(l.Last)
	switch {
	case n == program.AllNozzles:
		return "ALL"
	case primary == last:
		return "SINGLE " + primary
	}
	return "QUADRANT " + primary + " " + primary + " " + last
}

// mm turns µm into mm, and likewise every other thousandth into its unit.
func mm(v int64) float64 { return float64(v) / 1000 }

// aboveBottom is a height in mm; the middle of a well can be half a µm.
func aboveBottom(w *program.Well, p program.Position) float64 {
	switch p.From {
	case program.Top:
		return mm(w.Depth + int64(p.Z))
	case program.Center:
		return mm(w.Depth)/2 + mm(int64(p.Z))
	case program.Bottom:
	}
	return mm(int64(p.Z))
}

func protocols(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(engineFolder, "*", "protocol.py"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(filepath.Dir(p)))
	}
	if len(names) < 12 {
		t.Fatalf("only %d protocols", len(names))
	}
	return names
}

func recorded(t *testing.T, name string) (*recording, []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(engineFolder, name, "engine.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{}
	if err := json.Unmarshal(data, r); err != nil {
		t.Fatal(err)
	}
	return r, data
}

// TestTimerAgainstEstimator gives the time model the steps the vendor's
// estimator was given, and compares step by step.
func TestTimerAgainstEstimator(t *testing.T) {
	for _, name := range protocols(t) {
		t.Run(name, func(t *testing.T) {
			r, _ := recorded(t, name)
			deck := slotDeck()
			timer := ot2.NewTimer(deck)
			for i, s := range r.RunLog {
				op := opOf(t, s)
				got, want := timer.Duration(&op), int64(math.Round(s.Estimate*1e6))
				// A move takes no time in the estimator, and some in ours.
				if op.Kind != program.MoveTo && (got < want-60 || got > want+60) {
					t.Errorf("step %d, %v: %d µs, the estimator says %d", i+1, s, got, want)
				}
			}
		})
	}
}

// opOf is the operation a step of the run log stands for, on the deck of
// slotDeck.
func opOf(t *testing.T, s engineStep) program.Op {
	t.Helper()
	op := program.Op{Trash: s.Trash, Well: program.None, Volume: thousandths(s.Volume), Rate: thousandths(s.Rate), Duration: thousandths(s.Duration)}
	for k := range program.Kinds {
		if program.Kind(k).String() == s.Op {
			op.Kind = program.Kind(k)
		}
	}
	if op.Kind.String() != s.Op {
		t.Fatalf("the run log has %q", s.Op)
	}
	if s.Speed != nil {
		op.Speed = thousandths(*s.Speed)
	}
	if s.Slot != "" {
		var slot int16
		if _, err := fmt.Sscan(s.Slot, &slot); err != nil {
			t.Fatal(err)
		}
		op.Well = in(slot)
	}
	return op
}

// TestPlansAgainstEngine compares our plan of each workflow with what the real
// engine does with its protocol, step by step.
func TestPlansAgainstEngine(t *testing.T) {
	used, compared := map[string]bool{}, 0
	names := protocols(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			compared++
			r, _ := recorded(t, name)
			plan := planOf(t, name)
			sameDeck(t, plan.Deck, r)
			ours := inEngineForm(plan)
			sameSteps(t, "run log", r.RunLog, ours, runLogDivergences, used)
			sameSteps(t, "commands", r.Commands, ours, commandDivergences, used)
			sameEstimate(t, float64(plan.EstimateMS)/1000, r.Estimate)
		})
	}
	if t.Failed() || compared < len(names) {
		return // not every divergence can have been seen
	}
	for _, d := range slices.Concat(runLogDivergences, commandDivergences) {
		if !used[d.name] {
			t.Errorf("the divergence %q makes no difference any more (%s): take it out", d.name, d.reason)
		}
	}
}

// TestColorGridSteps holds the figure the workflow is known by: sixty wells,
// three paints of five steps each, and four steps of looking.
func TestColorGridSteps(t *testing.T) {
	r, _ := recorded(t, "color-grid")
	plan := planOf(t, "color-grid")
	if len(plan.Steps) != 1140 || len(r.RunLog) != 1140 || r.RunLogLines != 1140 {
		t.Errorf("%d steps, %d recorded in %d lines, want 1140 each", len(plan.Steps), len(r.RunLog), r.RunLogLines)
	}
}

func sameDeck(t *testing.T, d *program.Deck, r *recording) {
	t.Helper()
	inUse := map[string]string{}
	for i := range d.Labware {
		inUse[d.Labware[i].Slot] = d.Labware[i].Def.LoadName
	}
	for slot, want := range r.Labware {
		if inUse[slot] != want {
			t.Errorf("slot %s has %q, the engine %q", slot, inUse[slot], want)
		}
	}
	for i := range d.Pipettes {
		p := &d.Pipettes[i]
		if r.Pipettes[p.Mount] != p.Model.Name {
			t.Errorf("the %s mount has %q, the engine %q", p.Mount, p.Model.Name, r.Pipettes[p.Mount])
		}
	}
}

func sameSteps(t *testing.T, what string, theirs, ours []engineStep, allowed []divergence, used map[string]bool) {
	t.Helper()
	for _, d := range allowed {
		t, o := d.apply(theirs, ours)
		used[d.name] = used[d.name] || !reflect.DeepEqual(t, theirs) || !reflect.DeepEqual(o, ours)
		theirs, ours = t, o
	}
	for i := range max(len(theirs), len(ours)) {
		if i >= len(theirs) || i >= len(ours) {
			t.Errorf("%s: %d steps, ours are %d", what, len(theirs), len(ours))
			return
		}
		if got, want := ours[i].String(), theirs[i].String(); got != want {
			t.Errorf("%s, step %d\n  engine %s\n  ours   %s", what, i+1, want, got)
			return
		}
	}
}

func sameEstimate(t *testing.T, ours, theirs float64) {
	t.Helper()
	off := 100 * (ours - theirs) / theirs
	t.Logf("ours %.1f s, the vendor's estimate %.1f s (%+.2f %%)", ours, theirs, off)
	if math.Abs(off) > 5 {
		t.Errorf("the estimate is %.2f %% off", off)
	}
}

// TestRecordings repeats the recordings on the real engine and compares them
// with what is committed. Where there is no engine it says so and passes: the
// committed recordings are compared all the same. CI always has one
// (testdata/engine/setup.sh makes it).
func TestRecordings(t *testing.T) {
	python := os.Getenv("OT2FLOW_ENGINE")
	if python == "" {
		t.Log("OT2FLOW_ENGINE is not set: plans were compared with the recordings only, the recordings with nothing")
		return
	}
	names := protocols(t)
	args := []string{"record.py", "--labware", labwareFolder}
	for _, name := range names {
		args = append(args, filepath.Join(name, "protocol.py"))
	}
	cmd := exec.CommandContext(t.Context(), python, args...)
	cmd.Dir = engineFolder
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	fresh := map[string]json.RawMessage{}
	if err := json.Unmarshal(out, &fresh); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		_, committed := recorded(t, name)
		if line, was, is, same := firstDifference(string(committed), string(fresh[name])); !same {
			t.Errorf("%s: line %d of engine.json\n  committed %s\n  engine    %s", name, line, was, is)
		}
	}
}

func firstDifference(a, b string) (line int, inA, inB string, same bool) {
	as, bs := strings.Split(strings.TrimSpace(a), "\n"), strings.Split(strings.TrimSpace(b), "\n")
	for i := range max(len(as), len(bs)) {
		inA, inB = "", ""
		if i < len(as) {
			inA = as[i]
		}
		if i < len(bs) {
			inB = bs[i]
		}
		if inA != inB || i >= len(as) || i >= len(bs) {
			return i + 1, inA, inB, false
		}
	}
	return 0, "", "", true
}

// planOf is our plan of the workflow that says what the protocol says.
func planOf(t *testing.T, name string) *program.Plan {
	t.Helper()
	path, ok := exampleOf[name]
	if !ok {
		path = filepath.Join(engineFolder, name, "workflow.yaml")
	}
	return planAt(t, path)
}

func planAt(t *testing.T, path string) *program.Plan {
	t.Helper()
	checked := workflows.Open(path)
	if checked.Prepared == nil {
		t.Fatalf("%s: %v", path, checked.Diagnostics)
	}
	plan, list := checked.Prepared.Plan(interpreter.Input{})
	if plan == nil {
		t.Fatalf("%s: %v", path, list)
	}
	return plan
}
