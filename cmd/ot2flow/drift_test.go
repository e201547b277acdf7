package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// robotMake asks a robot for something, as another program than ot2flow does.
func robotMake(t *testing.T, url, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Opentrons-Version", "*")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s: %s %s %v", url, res.Status, data, err)
	}
	if into == nil {
		return
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// theSame is the serial number of the robot.
const theSame = "OT2-the-same"

// driftBench is a robot on which a run was carried out.
func driftBench(t *testing.T, o emulator.Options) (b *ledgerBench, address string) {
	t.Helper()
	b = newLedgerBench(t)
	o.Serial = theSame
	_, address = emulated(t, o)
	b.do(exitFine, "", "apply", b.file, "--robot", address, "--yes")
	return b, address
}

// Another pipette than in the last run is told before the question; nobody is asked
// with --yes, so that somebody has to say that it is meant. That is written down,
// and after the next run it is the one that is known.
func TestAnotherPipette(t *testing.T) {
	t.Parallel()
	b, address := driftBench(t, emulator.Options{})
	out, _ := b.do(exitFine, "", "state", "diff", "--robot", address)
	if out != "" {
		t.Errorf("nothing has changed, and it says %s", out)
	}
	_, address = emulated(t, emulator.Options{Serial: theSame, Serials: map[string]string{"right": "P3HS20"}})
	says := []string{"right mount: the p300_single_gen2 P3EMULATEDright was there in run ", "; now the p300_single_gen2 P3HS20 is; "}
	out, _ = b.do(exitFine, "", "state", "diff", "--robot", address)
	contains(t, out, says...)
	_, errs := b.do(exitCannot, "", "apply", b.file, "--robot", address, "--yes")
	contains(t, errs, append(says, "Otherwise than it was left", "nothing has moved", "--accept-drift")...)
	_, errs = b.do(exitStopped, "n\n", "apply", b.file, "--robot", address)
	contains(t, errs, says...)
	_, errs = b.do(exitFine, "", "apply", b.file, "--robot", address, "--yes", "--accept-drift", "--by", "ada")
	contains(t, errs, says...)
	out, _ = b.do(exitFine, "", "state", "log")
	contains(t, out, "ada", "it is meant that right mount: ", "accepted before a run")
	_, errs = b.do(exitFine, "", "apply", b.file, "--robot", address, "--yes", "--new", "all")
	if strings.Contains(errs, "Otherwise") {
		t.Errorf("it is known by now:\n%s", errs)
	}
	out, _ = b.do(exitFine, "", "state", "show")
	contains(t, out, "right", "p300_single_gen2 P3HS20")
	out, _ = b.do(exitFine, "", "state", "show", "--format", "json")
	asSchema(t, "state", out)
}

// A run that the robot has lost is gone on with on another pipette only where
// somebody says that it is meant.
func TestAnotherPipetteInTheMiddle(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(t)
	faults, err := faultsFrom("../../examples/faults/stopped-in-the-app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, address := emulated(t, emulator.Options{Serial: theSame, Faults: faults})
	code, _, errs := called([]string{"apply", b.file, "--robot", address, "--yes", "--state", b.db}, "")
	if code == exitFine {
		t.Fatal(errs)
	}
	called([]string{"runs", "answer", "last", "redo", "--state", b.db}, "")
	_, address = emulated(t, emulator.Options{Serial: theSame, Serials: map[string]string{"right": "P3HS20"}})
	args := []string{"runs", "resume", "last", "--yes", "--robot", address}
	_, errs = b.do(exitCannot, "", args...)
	contains(t, errs, "now the p300_single_gen2 P3HS20 is", "--accept-drift")
	b.do(exitFine, "", append(args, "--accept-drift", "--by", "Ada")...)
	out, _ := b.do(exitFine, "", "state", "log")
	contains(t, out, "Ada ", "it is meant that right mount")
}

// A module that is another one of its kind matters to a plan that has one, and one
// that is gone is told.
func TestAnotherModule(t *testing.T) {
	t.Parallel()
	b, _ := driftBench(t, emulator.Options{Modules: []string{"temperature_module_gen2", "magnetic_module_gen2"}})
	_, address := emulated(t, emulator.Options{Serial: theSame, Modules: []string{"temperature_module_gen2"}, Serials: map[string]string{"temperature_module_gen2": "TDV20"}})
	_, errs := b.do(exitFine, "", "apply", b.file, "--robot", address, "--yes") // the plan has none of both
	contains(t, errs, "temperatureModuleV2: EMULATEDTD01 was there in run ", "; now TDV20 is; ", "magneticModuleV2: EMULATEDMD02 was there in run ", "; it is not connected; ")
}

// What others did on the robot since, the ledger cannot know: it is told, and
// matters where a plan relies on what was left. An offset that was measured since
// counts. Who says how it is has looked.
func TestOthersWereThere(t *testing.T) {
	t.Parallel()
	b, address := driftBench(t, emulator.Options{})
	var made struct{ Data struct{ ID string } }
	robotMake(t, address+"/runs", `{"data": {"labwareOffsets": [{"definitionUri": "opentrons/corning_96_wellplate_360ul_flat/2", "location": {"slotName": "1"}, "vector": {"x": 0.1, "y": -0.2, "z": 0.3}}]}}`, &made)
	out, _ := b.do(exitFine, "", "state", "diff", "--robot", address)
	offset := []string{"slot 1 corning_96_wellplate_360ul_flat: no offset is known; on the robot somebody has measured x 0.1 mm, y -0.2 mm, z 0.3 mm since; take it over: ot2flow state set 1.offset=0.1,-0.2,0.3"}
	contains(t, out, offset...)
	if strings.Contains(out, "others have done") {
		t.Errorf("nobody has moved anything:\n%s", out)
	}
	robotMake(t, address+"/runs/"+made.Data.ID+"/actions", `{"data": {"actionType": "play"}}`, nil)
	awaitOver(t, address+"/runs/"+made.Data.ID)
	says := append(offset, "the deck: it is known as the last run of this journal left it; others have done since: a run of ")
	out, _ = b.do(exitFine, "", "state", "diff", "--robot", address, "--format", "json")
	asSchema(t, "drift", out)
	_, errs := b.do(exitCannot, "", "apply", b.file, "--robot", address, "--yes")
	contains(t, errs, says...)
	b.do(exitFine, "", "state", "set", "1.offset=0.1,-0.2,0.3")
	_, errs = b.do(exitFine, "", "apply", b.file, "--robot", address, "--yes")
	contains(t, errs, "has the offset x 0.1 mm")
	if strings.Contains(errs, "Otherwise") {
		t.Errorf("somebody has said how it is:\n%s", errs)
	}
}

func awaitOver(t *testing.T, url string) {
	t.Helper()
	for range 1000 {
		var one struct{ Data struct{ Status string } }
		if robotGet(t, url, &one); one.Data.Status == "succeeded" {
			return
		}
	}
	t.Fatal("the run is not over")
}

// A rack of other tips than stood in its slot is not taken without a word.
func TestAnotherRack(t *testing.T) {
	t.Parallel()
	b, address := driftBench(t, emulator.Options{})
	other := written(t, strings.Replace(stays, "tips:  {type: opentrons_96_tiprack_300ul, slot: 4}", "tips:  {type: opentrons_96_filtertiprack_200ul, slot: 4}", 1))
	_, errs := b.do(exitCannot, "", "apply", other, "--robot", address, "--yes")
	contains(t, errs, "slot 4: opentrons_96_tiprack_300ul was there in run ", "; the plan takes tips of opentrons_96_filtertiprack_200ul (tips) there; put it there, and say so: --new 4")
	b.do(exitFine, "", "apply", other, "--robot", address, "--yes", "--new", "4")
	b.do(exitFine, "", "apply", other, "--robot", address, "--yes")
}
