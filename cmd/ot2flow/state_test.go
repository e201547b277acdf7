package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/emulator"
)

const stays = `ot2flow: 1
name: stays
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1, keep: true}
  fresh: {type: corning_96_wellplate_360ul_flat, slot: 3}
  pots:  {type: nest_12_reservoir_15ml, slot: 2, keep: true}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: pots.A1, volume: 10 mL}
steps:
  - transfer: {from: red, to: "plate.A1:H5", volume: 50 uL, tip: new}
  - transfer: {from: red, to: fresh.A1, volume: 50 uL, tip: new}
`

// ledgerBench is a folder with a workflow and a journal.
type ledgerBench struct {
	t    *testing.T
	file string
	db   string
}

func newLedgerBench(t *testing.T) *ledgerBench {
	t.Helper()
	dir := t.TempDir()
	b := &ledgerBench{t, filepath.Join(dir, "stays.yaml"), filepath.Join(dir, "journal.db")}
	if err := os.WriteFile(b.file, []byte(stays), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// do runs a command on the journal and returns what it writes to both streams.
func (b *ledgerBench) do(want int, typed string, args ...string) (out, errs string) {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	if code := ot2flow(append(args, "--state", b.db), strings.NewReader(typed), &stdout, &stderr); code != want {
		b.t.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

func (b *ledgerBench) apply(want int, args ...string) (out, errs string) {
	b.t.Helper()
	return b.do(want, "", append([]string{"apply", b.file, "--robot", "sim", "--ledger", "bench", "--yes"}, args...)...)
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in\n%s", p, text)
		}
	}
}

// A second run goes on where the first one left off, a third has no tips; a new
// rack makes it possible.
func TestRunsFollowOnEachOther(t *testing.T) {
	b := newLedgerBench(t)
	_, errs := b.apply(exitFine)
	contains(t, errs, "According to the ledger bench", "nothing is known", "tips: 96 tips, then 55")
	_, errs = b.apply(exitFine)
	contains(t, errs, "slot 4 tips: the rack of run ", "with 55 of 96 new tips", "slot 3 fresh: put a new one there", "slot 1 plate: as run", "tips: 55 tips, then 14",
		"pots.A1: 7.95 mL, then 5.9 mL", "plate.A1, B1, C1, D1, E1, F1, G1, H1 and 32 more: 50 uL, then 100 uL")
	_, errs = b.apply(exitFindings)
	contains(t, errs, "there is no tip left", "82 of 96 tips in slot 4 are gone; if a new rack stands there, say so: --new 4")
	out, _ := b.do(exitFine, "", "state", "show", "--ledger", "bench")
	contains(t, out, "sim/bench", "slot 4  tips", "A1 B1 C1 D1 … B11 (82)", "tip out", "100 uL red", "5.9 mL red")
	plan, _ := b.do(exitFine, "", "plan", b.file, "--ledger", "bench", "--new", "4")
	contains(t, plan, "slot 4 tips: as new", "pick up tip     tips.A1")
	b.apply(exitFine, "--new", "4")
	out, _ = b.do(exitFine, "", "state", "diff")
	contains(t, out, "A1 B1 C1 D1 … A6 (41)", "nothing", "→ tip out", "100 uL red", "→ 150 uL red")
	out, _ = b.do(exitFine, "", "state", "log", "--ledger", "bench")
	contains(t, out, "a new one stands in slot 4", "a new one was put there before a run")
	for form, args := range map[string][]string{"state": {"show", "--ledger", "bench"}, "changes": {"diff"}, "corrections": {"log", "--ledger", "bench"}} {
		out, _ := b.do(exitFine, "", append([]string{"state", args[0], "--format", "json"}, args[1:]...)...)
		asSchema(t, form, out)
	}
}

// A plate that stays is full at some time: lint finds it without a run, and says
// that a new one may stand there.
func TestLintOfAFullPlate(t *testing.T) {
	b := newLedgerBench(t)
	lint := []string{"lint", b.file, "--ledger", "bench"}
	for range 7 { // 50 uL into 360
		b.apply(exitFine, "--new", "2,4")
	}
	out, errs := b.do(exitFindings, "", append(lint, "--new", "2,4")...)
	contains(t, out, "the well overflows", "plate.A1 would hold 400 uL")
	contains(t, errs, "the ledger bench says that 40 of 96 wells in slot 1 hold something; if a new one stands there, say so: --new 1")
	b.do(exitFine, "", append(lint, "--new", "4,1,2")...)
	b.do(exitFine, "", "lint", b.file)
}

// A person says in the question what is new, and the plan is made again.
func TestSayingInTheQuestionWhatIsNew(t *testing.T) {
	b := newLedgerBench(t)
	b.apply(exitFine)
	_, errs := b.do(exitFine, "new 4\ny\n", "apply", b.file, "--robot", "sim", "--ledger", "bench")
	contains(t, errs, "with 55 of 96 new tips", "or new and the slots", "slot 4 tips: as new", "tips: 96 tips, then 55")
}

// What a person sets counts, and what cannot be is refused with what to write.
func TestStateSet(t *testing.T) {
	b := newLedgerBench(t)
	b.apply(exitFine)
	on := []string{"state", "set", "--ledger", "bench"}
	b.do(exitFine, "", append(on, "4.A1:B2=new", "2.A1=3 mL red + 1 mL blue", "1.A1=nothing", "9=opentrons_96_tiprack_20ul", "9.H12=used", "--why", "looked")...)
	out, _ := b.do(exitFine, "", "state", "show", "--ledger", "bench")
	contains(t, out, "3 mL red + 1000 uL blue", "C1 D1 E1 F1 … A6 (37)", "slot 9", "tip used", "set by hand")
	plan, _ := b.do(exitFine, "", "plan", b.file, "--ledger", "bench")
	contains(t, plan, "pick up tip     tips.A1")
	for arg, why := range map[string]string{
		"4.A1=5 mL red": "a place of a tip rack is new, out or used",
		"1.A1=out":      "a well holds something",
		"1.Z9=nothing":  "has no well Z9",
		"12.A1=nothing": "there is no slot 12",
		"8.A1=out":      "nothing is known of slot 8",
		"7=no_such":     "there is no labware no_such",
		"1.A1=5 min x":  "is no volume",
		"left=away":     "left=free",
		"4":             "write WHERE=WHAT",
	} {
		_, errs := b.do(exitUsage, "", append(on, arg)...)
		contains(t, errs, why)
	}
	b.do(exitFine, "", "state", "reset", "--all", "--ledger", "bench")
	out, _ = b.do(exitFine, "", "state", "show", "--ledger", "bench")
	contains(t, out, "nothing is known")
}

// A plan that is kept begins with what was there when it was made, and is not
// carried out when that has changed.
func TestAKeptPlanOfAnotherDeck(t *testing.T) {
	b := newLedgerBench(t)
	kept := filepath.Join(filepath.Dir(b.file), "plan.json")
	b.do(exitFine, "", "plan", b.file, "--out", kept)
	b.apply(exitFine)
	args := []string{"apply", kept, "--robot", "sim", "--ledger", "bench", "--yes"}
	_, errs := b.do(exitCannot, "", args...)
	contains(t, errs, "the plan begins otherwise than the ledger bench says", "slot 4 tips: other tips are there (A1, B1, C1, D1, E1, F1, G1, H1 and 33 more)", "slot 2 pots: wells hold something else (A1)")
	b.do(exitFine, "", append(args, "--new", "all")...)
}

// Three runs of the example mix in the next well that is empty, on the simulator
// and on a robot, whose ledger is found by its serial number.
func TestNextWellAcrossThreeRuns(t *testing.T) {
	t.Parallel()
	_, address := emulated(t, emulator.Options{})
	for name, where := range map[string][]string{"sim": {"--robot", "sim", "--ledger", "bench"}, "robot": {"--robot", address}} {
		b := newLedgerBench(t)
		example := filepath.Join("..", "..", "examples", "14-next-well", "workflow.yaml")
		for i, want := range []struct{ well, tip string }{{"A1", "A1"}, {"B1", "C1"}, {"C1", "E1"}} {
			out, errs := b.do(exitFine, "", append([]string{"apply", example, "--yes"}, where...)...)
			contains(t, out, "plate."+want.well)
			if i > 0 {
				contains(t, errs, "slot 1 plate: as run ", "pots.A1: ")
			}
		}
		ledgerName := map[string]string{"sim": "bench"}[name]
		args := []string{"state", "show"}
		if ledgerName != "" {
			args = append(args, "--ledger", ledgerName)
		}
		out, _ := b.do(exitFine, "", args...)
		contains(t, out, "A1 B1 C1", "100 uL red + 50 uL yellow", "A1 B1 C1 D1 E1 F1", "9.7 mL red", "9.85 mL yellow")
	}
}

// Whenever a process is killed, the ledger is the fold of what is in the journal,
// and the next run goes on from there.
func TestLedgerSurvivesKills(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(t)
	r := rand.New(rand.NewPCG(8, 0))
	bin := (&trial{dir: filepath.Dir(b.file)}).ot2flow
	b.apply(exitFine) // where the first were killed before they wrote anything, there would be no ledger
	for i := range 12 {
		args := []string{"apply", b.file, "--robot", "sim", "--ledger", "bench", "--yes", "--quiet", "--new", "4", "--state", b.db}
		if i%3 == 2 {
			args = []string{"state", "set", "4.H12=used", "--ledger", "bench", "--state", b.db}
		}
		cmd := bin("never", args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(r.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // killed or not
		s, err := journal.Open(t.Context(), b.db, journal.Options{})
		if err != nil {
			t.Fatal(err)
		}
		anew, err1 := s.LedgerUntil(t.Context(), "sim/bench", ot2.Machine{}, journal.Until{})
		now, err2 := s.Ledger(t.Context(), "sim/bench", ot2.Machine{})
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if diff := cmp.Diff(anew, now, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("kill %d: %s", i, diff)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b.apply(exitFine, "--new", "all")
	contains(t, first(b.do(exitFine, "", "state", "log", "--ledger", "bench")), "a new one")
}

func first(a, _ string) string { return a }

// An offset that was set is given to the robot with every run, and is what the
// robot says its labware has, whether the plan is uploaded or handed over live.
func TestOffsetsGoWithARun(t *testing.T) {
	t.Parallel()
	for name, live := range map[string][]string{"uploaded": nil, "live": {"--live", "3"}} {
		b := newLedgerBench(t)
		_, address := emulated(t, emulator.Options{})
		args := append([]string{"apply", b.file, "--robot", address, "--yes"}, live...)
		b.do(exitFine, "", args...)
		b.do(exitFine, "", "state", "set", "1.offset=0.1, -0.2, 0.35")
		if _, errs := b.do(exitUsage, "", "state", "set", "1.offset=20,0,0"); !strings.Contains(errs, "each within 10") {
			t.Error(errs)
		}
		_, errs := b.do(exitFine, "", args...)
		contains(t, errs, "slot 1: corning_96_wellplate_360ul_flat has the offset x 0.1 mm, y -0.2 mm, z 0.35 mm")
		var runs struct {
			Data []struct {
				Labware        []struct{ OffsetID, DefinitionURI string }
				LabwareOffsets []struct {
					ID            string
					DefinitionURI string
					Location      map[string]string
					Vector        map[string]float64
				}
			}
		}
		robotGet(t, address+"/runs", &runs)
		last := runs.Data[len(runs.Data)-1]
		if len(last.LabwareOffsets) != 1 {
			t.Fatalf("%s: the run has %d offsets", name, len(last.LabwareOffsets))
		}
		o := last.LabwareOffsets[0]
		if o.Location["slotName"] != "1" || o.Vector["x"] != 0.1 || o.Vector["y"] != -0.2 || o.Vector["z"] != 0.35 {
			t.Errorf("%s: %+v", name, o)
		}
		with := 0
		for _, l := range last.Labware {
			if l.OffsetID == o.ID && l.DefinitionURI == o.DefinitionURI {
				with++
			}
		}
		if with != 1 { // and not the plate of the same kind in slot 3
			t.Errorf("%s: %d labware have the offset", name, with)
		}
	}
}

func robotGet(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Opentrons-Version", "*")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
