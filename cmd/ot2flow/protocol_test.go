package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

const existing = "../../examples/13-existing-protocol/"

// A protocol of the vendor is one step, on the simulator and on a robot.
func TestProtocolAsAStep(t *testing.T) {
	state := filepath.Join(t.TempDir(), "runs.db")
	code, stdout, stderr := called([]string{"apply", existing + "workflow.yaml", "--robot", "sim", "--yes", "--state", state}, "")
	if code != exitFine || !strings.Contains(stdout, "plate.B1       100 uL    red 40 uL") {
		t.Errorf("simulated: exit %d\n%s\n%s", code, stdout, stderr)
	}
	e, address := emulated(t, emulator.Options{Clock: emulator.NoTime(), Analyses: [][]byte{analysisOf(t)}})
	code, stdout, stderr = called([]string{"apply", existing + "workflow.yaml", "--robot", address, "--yes", "--state", state}, "")
	if code != exitFine || !strings.Contains(stdout, "9 of 9 steps") {
		t.Errorf("on a robot: exit %d\n%s\n%s", code, stdout, stderr)
	}
	if got := e.Result(); got == nil || got.Steps == 0 {
		t.Errorf("the robot did %+v last", got)
	}
	code, stdout, _ = called([]string{"runs", "show", "last", "--state", state}, "")
	if code != exitFine || !strings.Contains(stdout, "ok") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func analysisOf(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(existing + "mix.analysis.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What the robot finds in the protocol is compared with what the plan relies on,
// before anything moves.
func TestRobotAnalysesProtocolOtherwise(t *testing.T) {
	other := func(was, is string) []byte { return []byte(strings.ReplaceAll(string(analysisOf(t)), was, is)) }
	for name, tt := range map[string]struct {
		analysis []byte
		says     string
	}{
		"another volume":  {other(`"volume": 40.0`, `"volume": 45.0`), "does otherwise than its recorded one"},
		"another labware": {other("corning_96_wellplate_360ul_flat", "nest_96_wellplate_200ul_flat"), "where the workflow has plate"},
		"another file":    {other("mix.py", "max.py"), "given no analysis of this protocol"},
		"other defaults":  {other(`"value": 60.0`, `"value": 61.0`), "run-time parameters"},
	} {
		t.Run(name, func(t *testing.T) {
			e, address := emulated(t, emulator.Options{Clock: emulator.NoTime(), Analyses: [][]byte{tt.analysis}})
			code, stdout, stderr := called([]string{"apply", existing + "workflow.yaml", "--robot", address, "--yes", "--state", filepath.Join(t.TempDir(), "runs.db")}, "")
			if code == exitFine || !strings.Contains(stdout+stderr, tt.says) {
				t.Errorf("exit %d, want %q\n%s\n%s", code, tt.says, stdout, stderr)
			}
			if r := e.Result(); r != nil {
				t.Errorf("the robot did %d steps", r.Steps)
			}
		})
	}
}

// A protocol in Python gets the tables that it reads, and one in JSON is carried out
// like any other, on the simulator by their recorded analyses and on a robot.
func TestProtocolWithATable(t *testing.T) {
	const corpus = "../../workflows/testdata/ok/"
	analysis, err := os.ReadFile(corpus + "protocols/doses.analysis.json")
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "runs.db")
	_, address := emulated(t, emulator.Options{Clock: emulator.NoTime(), Analyses: [][]byte{analysis}})
	for _, where := range []string{"sim", address} {
		code, stdout, stderr := called([]string{"apply", corpus + "protocol-tables.yaml", "--robot", where, "--yes", "--state", state}, "")
		if code != exitFine || !strings.Contains(stdout, "plate.C4       60 uL     red") || !strings.Contains(stdout, "plate.H12      80 uL     blue") {
			t.Errorf("%s: exit %d\n%s\n%s", where, code, stdout, stderr)
		}
	}
}
