package lab

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

var update = flag.Bool("update", false, "rewrite what the files under testdata/err are expected to say")

func printed(o *Opened) string {
	var b bytes.Buffer
	_ = diag.Text(&b, o.Diagnostics, diag.TextOptions{Source: o.Source})
	return b.String()
}

func TestErr(t *testing.T) {
	files, _ := filepath.Glob("testdata/err/*.yaml")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	var all string
	for _, file := range files {
		o := Open(file)
		got := printed(o)
		all += got
		golden := strings.TrimSuffix(file, ".yaml") + ".out"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, _ := os.ReadFile(golden)
		if diff := cmp.Diff(string(want), got); diff != "" || o.Lab != nil {
			t.Errorf("%s: -want +got\n%s", file, diff)
		}
	}
	for _, c := range []*diag.Code{diag.LabValue, diag.LabName} {
		if !strings.Contains(all, "["+c.String()+"]") {
			t.Errorf("no file shows %s", c)
		}
	}
}

func TestOpen(t *testing.T) {
	o := Open("testdata/ok.yaml")
	if o.Lab == nil || len(o.Diagnostics) > 0 {
		t.Fatal(printed(o))
	}
	l := o.Lab
	want := &Lab{
		Name: "colour lab",
		Robots: []Robot{
			{Name: "bench-3", Address: "192.168.1.20", Description: "the one by the window", Labels: []string{"fume-hood", "plates"}},
			{Name: "bench-4", Address: "192.168.1.21"},
			{Name: "practice", Address: "sim"},
			{Name: "trial", Address: "sim"},
			{Name: "west-1", Address: "mqtts://broker.lab.example/bench-1", Labels: []string{"plates"}, Device: "bench-1"},
			{Name: "west-2", Address: "mqtts://broker.lab.example/west", Device: "west", There: "bench-2"},
		},
		Broker: Broker{
			Address: mqtt.Address{Scheme: "mqtts", Host: "broker.lab.example:8883"}, Controller: "office", PasswordFile: filepath.Join("testdata", "broker", "office.password"),
			CA: filepath.Join("testdata", "certs", "ca.crt"), Sensors: []string{"pico-1"},
		},
		Workflows: []string{filepath.Join("testdata", "workflows"), "/srv/shared/workflows"},
		Library:   true, Poll: 10 * time.Second, HTTP: "127.0.0.1:8080", State: filepath.Join("testdata", "journal.db"),
		Access: Access{
			Certificate: filepath.Join("testdata", "certs", "server.crt"), Key: "/etc/ot2flow/server.key", Tokens: true, Rate: 20,
			Hosts: []string{"bench-3.lab.example"}, Origins: []string{"https://lims.example.org"}, Allow: []string{"reader.lab.example", "*.west.example:8080", "192.168.1.30", "10.1.0.0/16"},
		},
	}
	schedules, windows := l.Schedules, l.Windows
	l.Schedules, l.Windows = nil, nil
	if diff := cmp.Diff(want, l, cmp.Comparer(func(a, b mqtt.Address) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	rinse := schedules[0]
	if string(rinse.Params) != `{"dry":true,"note":"\"x\"","rows":[{"volume":20,"well":"A1"}],"times":3,"volume":"50 uL","wells":["A1","B1"]}` {
		t.Errorf("%s", rinse.Params)
	}
	if rinse.Times.Zone().String() != "Europe/Berlin" || rinse.Late != 2*time.Hour || !rinse.Queue || !rinse.Off || rinse.Priority != -3 || rinse.Robot != "bench-3" || rinse.Experiment != "rinsing" {
		t.Errorf("%+v", rinse)
	}
	if feed := schedules[1]; feed.By != "schedule feed" || feed.Late != defaultLate || feed.Queue || string(feed.Params) != "{}" || feed.Times.Zone() != time.Local {
		t.Errorf("%+v", feed)
	}
	if w := windows[0]; !w.From.Equal(time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)) || w.To.Sub(w.From) != 2*time.Hour || w.Again != nil {
		t.Errorf("%+v", w)
	}
	if w := windows[1]; w.Again == nil || w.Again.Lasts != 2*time.Hour || len(w.Robots) != 0 {
		t.Errorf("%+v", w)
	}
}
