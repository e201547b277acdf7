package run

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// every has one of each event, with no field empty.
var every = []Event{
	Accepted{"r", "mix", "sha256:1", 5, 2, 7, []int{2, 4}, []int{3}, true, 5},
	Opened{Handle(`{"a":"<&>"}`)},
	OpenFailed{Busy, "taken"},
	Intended{Batch{First: 1, Last: 2, Final: true, Live: true, Fence: 7, Fingerprint: "sha256:1"}},
	Sent{1, 2, Handle(`[1]`)},
	Refused{1, 2, Rejected, "no"},
	StepStarted{1},
	StepDone{1, true, "seen"},
	StepFailed{2, true, "no tip"},
	StepTaken{2, "queued"},
	NotTaken{1, 2, "no such run"},
	Doubted{1, 2, "rebooted"},
	Performed{2, map[string]string{"f1": "3"}, "saturated", program.Invalid, "Ada", 70_000, []TimeLeft{{1, -5}}},
	TimerSet{1, 10_000},
	TimeUp{1, 3, 70_000, "the timeout has passed", true, 5},
	Grown{7, []int{2, 6}, []int{3}, true, "sha256:3", []Renamed{{program.WellRef{Labware: 1}, program.WellRef{Labware: 1, Well: 2}}}, "too dark", []Added{{Op: program.Op{Kind: program.PickUpTip, Well: program.WellRef{Labware: 1, Well: 2}}, Text: "x"}, {Op: program.Op{Kind: program.Notify, Well: program.None}, Live: &program.Live{Message: "stopped", To: "mailto:ada@example.org"}, Of: 2, Path: "finally[1]", Where: diag.Span{File: "a.yaml", Start: diag.Pos{Line: 7, Column: 3}}}}, nil},
	GrowFailed{"B3 would overflow"},
	Waiting{3, "swap plates"},
	PauseAsked{"me", true, 4},
	ResumeAsked{"me"},
	StopAsked{"me", true, 4},
	AskFailed{Stop, Timeout, "slow"},
	Halting{DoorOpen},
	Resumed{},
	Lost{"no route"},
	Regained{},
	Behind{},
	Ended{Stopped, "from the App", 7},
	Left{"ctrl-c"},
	Restarted{8},
	Reattached{Handle(`{}`)},
	Finished{VerdictDoubt},
	Answered{AnswerDone, 4, true, "Ada", map[string]string{"": "5 uL"}},
	Continued{3, []Added{{Op: program.Op{Kind: program.PickUpTip, Well: program.WellRef{Labware: 1, Well: 2}}, Text: "x"}, {Op: program.Op{Kind: program.Notify, Well: program.None}, Live: &program.Live{Message: "stopped", To: "mailto:ada@example.org"}, Of: 2, Path: "finally[1]", Where: diag.Span{File: "a.yaml", Start: diag.Pos{Line: 7, Column: 3}}}}, []Moved{{Labware: 2, To: program.Place{On: program.OnModule, Index: 1}}}, []Renamed{{program.WellRef{Labware: 1}, program.WellRef{Labware: 1, Well: 2}}}, "sha256:2", 4, 2, 9, "Ada", 12, []int{1}, []int{2}, true, program.Left{Tips: []program.LeftTip{{Place: program.WellRef{Labware: 2, Well: 3}, State: program.TipUsed}}, Wells: []program.LeftWell{{Well: program.WellRef{Labware: 1}, Volume: 5, Parts: []int64{2, 3}, Unknown: true, Of: 1}}}, true},
}

func TestEventsSurviveJSON(t *testing.T) {
	for _, e := range every {
		r := Record{Seq: 3, At: time.Date(2026, 11, 23, 1, 2, 3, 4, time.UTC), Event: e}
		data, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(e.Kind(), err)
		}
		var back Record
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(e.Kind(), err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("%s: %s\n%s", e.Kind(), data, diff)
		}
		again, _ := back.MarshalJSON()
		if string(again) != string(data) {
			t.Errorf("%s became %s", data, again)
		}
	}
}

// Every event has a row in the decoder's table and a sample above, of which
// no field is empty, so that a new one cannot be forgotten.
func TestEveryEventIsKnown(t *testing.T) {
	sampled := map[string]bool{}
	for _, e := range every {
		v := reflect.ValueOf(e)
		sampled[v.Type().Name()] = true
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" && v.Field(i).IsZero() {
				t.Errorf("%s.%s is empty in the sample", v.Type().Name(), v.Type().Field(i).Name)
			}
		}
		if _, ok := decoderTable[e.Kind()]; !ok {
			t.Errorf("%s has no decoder", e.Kind())
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Name.Name == "event" && !sampled[f.Recv.List[0].Type.(*ast.Ident).Name] {
			t.Errorf("%s has no sample", f.Recv.List[0].Type)
		}
	}
	if len(decoderTable) != len(every) {
		t.Errorf("%d decoders, %d events", len(decoderTable), len(every))
	}
}

func TestUnknownEventIsAnError(t *testing.T) {
	var r Record
	if err := json.Unmarshal([]byte(`{"seq":1,"event":"levitated","data":{}}`), &r); err == nil {
		t.Error("taken")
	}
	if err := json.Unmarshal([]byte(`{"seq":1,"event":"ended","data":{"status":"odd"}}`), &r); err == nil {
		t.Error("taken")
	}
}

func TestIllegalEventsChangeNothing(t *testing.T) {
	var m Machine
	for _, first := range every {
		before := m.State()
		for _, e := range every {
			probe := m
			if _, err := probe.On(e); err == nil {
				continue
			}
			if diff := cmp.Diff(before, probe.State()); diff != "" {
				t.Errorf("%s refused and changed the state: %s", e.Kind(), diff)
			}
		}
		_, _ = m.On(first)
	}
}
