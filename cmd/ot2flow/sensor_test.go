package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
	"github.com/ot2flow/ot2flow/workflows/sensor"
)

// The colour sensor's example runs without a broker, by what it simulates; and on a robot,
// over a broker, by what a sensor sees that hears when it is in place.
func TestColorSensor(t *testing.T) {
	workflow := filepath.Join("../../examples", "17-color-sensor", "workflow.yaml")
	state := filepath.Join(t.TempDir(), "runs.db")
	code, stdout, stderr := called([]string{"apply", workflow, "--robot", "sim", "--yes", "--state", state}, "")
	if code != exitFine || !strings.Contains(stderr, `status/ot2/demo/complete would be told: {"status": {"sensor_status": "in_place"}}`) {
		t.Fatalf("simulated: exit %d\n%s\n%s", code, stdout, stderr)
	}
	b := mqtttest.Start(t)
	at, err := mqtt.ParseAddress(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &sensor.Sensor{ID: "demo", Robot: "demo"}
	up, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- s.Serve(ctx, mqtt.Options{Broker: at}, func() { close(up) }) }()
	<-up
	_, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	code, stdout, stderr = called([]string{"apply", workflow, "--robot", address, "--yes", "--state", state, "--set", "broker=" + b.URL, "--quiet"}, "")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if want := fmt.Sprint("brightest      ", sensor.Light(20, 40, 40, 32)[7]); code != exitFine || !strings.Contains(stdout, want) {
		t.Errorf("on a robot: exit %d, without %q\n%s\n%s", code, want, stdout, stderr)
	}
	for _, args := range [][]string{{"emulate", "sensor"}, {"emulate", "sensor", "--mqtt", "http://localhost"}} {
		if code, _, stderr := called(args, ""); code != exitUsage || !strings.Contains(stderr, "--mqtt") {
			t.Errorf("%v: exit %d\n%s", args, code, stderr)
		}
	}
}
