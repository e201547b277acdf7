package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is drawn on the simulator, readings and waits, is the same for the same
// seed, also where a run is done again; and another for another.
func TestSeedOfARun(t *testing.T) {
	workflow := written(t, `ot2flow: 1
name: drawn
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
instruments:
  sensor:
    url: http://sensor.local/measure
    result: {f1: {type: number, min: 0, max: 1000, noise: 20 %}}
    simulate: {f1: 500}
    fails: {first: 2}
steps:
  - retry: {attempts: 3, delay: 1 h, jitter: 0.5}
    measure: {with: sensor}
`)
	state := filepath.Join(t.TempDir(), "runs.db")
	drawn := func(args ...string) string {
		t.Helper()
		if code, stdout, stderr := called(append(args, "--robot", "sim", "--yes", "--state", state), ""); code != exitFine {
			t.Fatalf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
		_, stdout, _ := called([]string{"runs", "export", "last", "--format", "csv", "--state", state}, "")
		_, show, _ := called([]string{"runs", "show", "last", "--state", state}, "")
		if !strings.Contains(stdout, "measure") {
			t.Fatal(stdout)
		}
		var out []string
		for line := range strings.Lines(show) {
			for _, word := range []string{" wait ", " measure "} {
				if i := strings.Index(line, word); i > 0 {
					out = append(out, strings.Join(strings.Fields(line[i:]), " "))
				}
			}
		}
		return strings.Join(out, "; ")
	}
	first := drawn("apply", workflow, "--seed", "7")
	if n := strings.Count(first, "wait"); n != 2 || !strings.Contains(first, "seed 7") {
		t.Fatalf("there are %d waits: %s", n, first)
	}
	others := []string{drawn("apply", workflow), drawn("apply", workflow, "--seed", "8")}
	if slices.Contains(others, first) || others[0] == others[1] {
		t.Errorf("seed 7: %s\nothers: %q", first, others)
	}
	if again := drawn("apply", workflow, "--seed", "7"); again != first {
		t.Errorf("seed 7: %s\nagain:  %s", first, again)
	}
	lost := written(t, "events: [{at: 2, do: connection_lost, requests: 3}, {at: 4, do: pause}]")
	if again := drawn("apply", workflow, "--seed", "7", "--faults", lost); again != first {
		t.Errorf("seed 7: %s\nwith the connection lost, and held in between: %s", first, again)
	}
	if again := drawn("runs", "repeat", "last"); again != first {
		t.Errorf("seed 7: %s\nrepeat: %s", first, again)
	}
	if again := drawn("runs", "repeat", "last", "--seed", "8"); again != others[1] {
		t.Errorf("seed 8: %s\nrepeat: %s", others[1], again)
	}
}
