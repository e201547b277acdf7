package emulator

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A robot that loses power knows its protocols and the runs that were over, and
// of the one under way only that there was one; what happened is written down.
func TestPowerLoss(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	c := start(t, Options{Disk: disk})
	whole := c.playSimple(t)
	before := c.must(200, "GET", "/runs/"+whole+"/commands?pageLength=100", nil)
	asItWas := c.data(200, "GET", "/runs/"+whole, nil)
	half := c.data(201, "POST", "/runs", nil)["id"].(string)
	c.must(201, "POST", "/runs/"+half+"/commands", ask4("waitForResume", "protocol", map[string]any{}))
	c.must(201, "POST", "/runs/"+half+"/actions", act("play"))
	c.e.Close()
	if err := c.e.Err(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(disk, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`{"run":{"id":"torn`)
		f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}

	again := start(t, Options{Disk: disk})
	after := again.must(200, "GET", "/runs/"+whole+"/commands?pageLength=100", nil)
	delete(before, "links")
	delete(after, "links") // archived by now
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the commands of the run that was over changed:\n%s", diff)
	}
	asItWas["current"] = false
	if diff := cmp.Diff(asItWas, again.data(200, "GET", "/runs/"+whole, nil)); diff != "" {
		t.Errorf("the run that was over changed:\n%s", diff)
	}
	lost := again.data(200, "GET", "/runs/"+half, nil)
	if lost["ok"] != false || lost["status"] != "stopped" || len(lost["actions"].([]any)) != 1 {
		t.Errorf("the run under way is %v", lost)
	}
	data, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	deeds, err := ReadDeeds(data)
	var did []string
	for _, d := range deeds {
		did = append(did, d.Command+" "+d.Slot+"."+d.Well)
	}
	want := []string{"home .", "pickUpTip 1.A1", "aspirate 2.A1", "dispense 2.B1", EndOfRun + " ."}
	if err != nil || !slices.Equal(did, want) {
		t.Errorf("deeds %q, %v; want %q", did, err, want)
	}
}

// playSimple plays a run without a protocol to its end.
func (c client) playSimple(t *testing.T) string {
	t.Helper()
	id := c.data(201, "POST", "/runs", nil)["id"].(string)
	at := func(labware, well string) map[string]any {
		return map[string]any{"pipetteId": "p", "labwareId": labware, "wellName": well, "volume": 20, "flowRate": 50}
	}
	for _, one := range []map[string]any{
		ask4("loadPipette", "setup", map[string]any{"pipetteName": "p300_single_gen2", "mount": "right", "pipetteId": "p"}),
		ask4("loadLabware", "setup", map[string]any{"location": map[string]any{"slotName": "1"}, "loadName": "opentrons_96_tiprack_300ul", "namespace": "opentrons", "version": 1, "labwareId": "tips"}),
		ask4("loadLabware", "setup", map[string]any{"location": map[string]any{"slotName": "2"}, "loadName": "corning_96_wellplate_360ul_flat", "namespace": "opentrons", "version": 2, "labwareId": "plate"}),
		ask4("home", "protocol", map[string]any{}),
		ask4("pickUpTip", "protocol", at("tips", "A1")),
		ask4("aspirate", "protocol", at("plate", "A1")),
		ask4("dispense", "protocol", at("plate", "B1")),
	} {
		c.must(201, "POST", "/runs/"+id+"/commands", one)
	}
	c.must(201, "POST", "/runs/"+id+"/actions", act("play"))
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if status := c.data(200, "GET", "/runs/"+id, nil)["status"]; status == "succeeded" {
			return id
		} else if time.Now().After(end) {
			t.Fatalf("the run is %v", status)
		}
	}
}
