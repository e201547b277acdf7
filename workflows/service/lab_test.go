package service

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/ledger"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows/lab"
	"github.com/ot2flow/ot2flow/workflows/timetable"
)

// smallText needs a pipette that mixText does not need.
const smallText = `ot2flow: 1
name: small
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_20ul, slot: 2}
pipettes:
  p20: {type: p20_single_gen2, mount: left, tips: [tips]}
liquids:
  red: {in: plate.H12, volume: 300 uL}
steps:
  - transfer: {from: plate.H12, to: plate.A1, volume: 5 uL}
`

// neitherText needs what no robot of the tests has.
const neitherText = `ot2flow: 1
name: neither
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_1000ul, slot: 2}
pipettes:
  p1000: {type: p1000_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: plate.H12, volume: 300 uL}
steps:
  - transfer: {from: plate.H12, to: plate.A1, volume: 150 uL}
`

// pauseText holds the robot until somebody lets it go on.
var pauseText = strings.Replace(strings.Replace(mixText, "name: mix-colors", "name: holds", 1), "steps:\n", "steps:\n  - ask: {message: go on, type: boolean, example: true}\n    as: yes_or_no\n", 1)

// emulated is the address of a robot with one pipette.
func emulated(t testing.TB, serial, mount, pipette string) string {
	t.Helper()
	e, err := emulator.New(emulator.Options{Clock: emulator.NoTime(), Serial: serial, Pipettes: map[string]string{mount: pipette}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	h := httptest.NewServer(e.Handler())
	t.Cleanup(h.Close)
	return strings.TrimPrefix(h.URL, "http://")
}

// allWells are those of a plate or rack.
func allWells() []string {
	var out []string
	for _, row := range "ABCDEFGH" {
		for column := 1; column <= 12; column++ {
			out = append(out, fmt.Sprintf("%c%d", row, column))
		}
	}
	return out
}

// labOf is a device of several robots, which is not served.
func labOf(t testing.TB, state string, robots []Robot, texts ...string) *Device {
	t.Helper()
	one := bench(t, Sim, state, texts...)
	return NewLab(one.Service, one.Tasks, robots, one.Log)
}

func journalFile(t testing.TB) string { return filepath.Join(t.TempDir(), "j.db") }

// What any robot may do goes to one that has the pipettes and the labels; where none
// has, it is refused at once with the reason of each.
func TestLabChooses(t *testing.T) {
	d := labOf(t, journalFile(t), []Robot{
		{Name: "bench-3", Address: emulated(t, "S3", "right", "p300_single_gen2"), Labels: []string{"hood"}},
		{Name: "bench-4", Address: emulated(t, "S4", "left", "p20_single_gen2")},
	}, mixText, smallText, neitherText, pauseText)
	served(t, d)
	for range 2 {
		big, small := submit(t, d, Request{Task: "mix-colors"}), submit(t, d, Request{Task: "small"})
		if v := until(t, d, big.ID, nil); v.State != StateOK || v.Serial != "S3" || v.Queue != "bench-3" {
			t.Errorf("%+v", v)
		}
		if v := until(t, d, small.ID, nil); v.State != StateOK || v.Serial != "S4" {
			t.Errorf("%+v", v)
		}
	}
	_, _, err := d.Submit(t.Context(), Request{Task: "neither"})
	if err == nil || !strings.Contains(err.Error(), "bench-3: right mount: the plan needs a p1000_single_gen2") || !strings.Contains(err.Error(), "bench-4: right mount: the plan needs a p1000_single_gen2") {
		t.Error(err)
	}
	_, _, err = d.Submit(t.Context(), Request{Task: "small", Labels: []string{"hood"}})
	if err == nil || !strings.Contains(err.Error(), "bench-3: left mount") || !strings.Contains(err.Error(), "bench-4: does not have the label hood") {
		t.Error(err)
	}
	var e *Error
	if _, _, err = d.Submit(t.Context(), Request{Task: "small", Robot: "bench-33"}); !errors.As(err, &e) || e.Kind != Missing || !strings.Contains(err.Error(), "did you mean bench-3?") {
		t.Error(err)
	}
	if _, _, err = d.Submit(t.Context(), Request{Task: "mix-colors", Robot: "bench-4", Labels: []string{"hood"}}); err == nil || !strings.Contains(err.Error(), "bench-4 does not have the label hood") {
		t.Error(err)
	}
	// A robot that is named is waited for, though it cannot do it as it is.
	v := submit(t, d, Request{Task: "small", Robot: "bench-3"})
	if v = until(t, d, v.ID, func(v *View) bool { return strings.Contains(v.Reason, "p20_single_gen2") }); v.State != StateQueued || d.Blocked(t.Context(), v.ID) == "" {
		t.Errorf("%+v", v)
	}
}

// While the only robot that can do it is busy, a run says so of each; a robot that can
// and is free takes what comes behind it.
func TestLabSaysWhyItWaits(t *testing.T) {
	d := labOf(t, journalFile(t), []Robot{
		{Name: "bench-3", Address: emulated(t, "S3", "right", "p300_single_gen2")},
		{Name: "bench-4", Address: emulated(t, "S4", "left", "p20_single_gen2")},
	}, mixText, smallText, pauseText)
	served(t, d)
	holds := submit(t, d, Request{Task: "holds"})
	until(t, d, holds.ID, func(v *View) bool { return v.Question != nil })
	waits := submit(t, d, Request{Task: "mix-colors"})
	behind := submit(t, d, Request{Task: "small"})
	until(t, d, behind.ID, state(StateOK))
	v := until(t, d, waits.ID, func(v *View) bool {
		return strings.Contains(v.Reason, "bench-3: run "+holds.ID+" is under way") && strings.Contains(v.Reason, "bench-4: the plan does not fit")
	})
	if v.State != StateQueued || d.Blocked(t.Context(), v.ID) != "" {
		t.Errorf("%+v", v)
	}
	views, err := d.RobotViews(t.Context())
	if err != nil || views[0].Run != holds.ID || len(views[1].Pipettes) != 1 || views[1].Pipettes[0] != "p20_single_gen2 left" {
		t.Errorf("%+v %v", views, err)
	}
	if err := d.Service.Reply(t.Context(), holds.ID, []string{"yes"}, "ada", d.say(holds.ID)); err != nil {
		t.Fatal(err)
	}
	until(t, d, waits.ID, state(StateOK))
}

// A robot whose rack is empty, by its ledger, leaves it to the other one; where the rack
// of that is empty, too, it is refused with both reasons.
func TestLabLooksAtLedgers(t *testing.T) {
	d := labOf(t, journalFile(t), []Robot{
		{Name: "bench-3", Address: emulated(t, "S3", "right", "p300_single_gen2")},
		{Name: "bench-4", Address: emulated(t, "S4", "right", "p300_single_gen2")},
	}, mixText)
	stop := served(t, d)
	serials := map[string]bool{}
	for _, name := range []string{"bench-3", "bench-4"} { // so that there are ledgers
		v := until(t, d, submit(t, d, Request{Task: "mix-colors", Robot: name}).ID, state(StateOK))
		serials[v.Serial] = true
	}
	if len(serials) != 2 {
		t.Fatal(serials)
	}
	empty := func(serial string) {
		t.Helper()
		if err := d.Service.Correct(t.Context(), serial, "the rack was emptied", ledger.Correction{Act: ledger.SetTips, Place: "2", State: "out", Wells: allWells()}); err != nil {
			t.Fatal(err)
		}
	}
	empty("S3")
	for range 3 {
		v := until(t, d, submit(t, d, Request{Task: "mix-colors"}).ID, nil)
		if v.State != StateOK || v.Serial != "S4" {
			t.Errorf("%+v", v)
		}
	}
	empty("S4")
	v := until(t, d, submit(t, d, Request{Task: "mix-colors"}).ID, nil)
	if v.State != StateRefused || !strings.Contains(v.Reason, "bench-3: ") || !strings.Contains(v.Reason, "bench-4: ") || strings.Count(v.Reason, "tip") < 2 {
		t.Errorf("%+v", v)
	}
	stop()
}

// In whatever way they are submitted, each run is carried out once, runs of one
// experiment in their order and never two at a time, and each on a robot that it may
// be on.
func TestLabKeepsOrder(t *testing.T) {
	d := labOf(t, journalFile(t), []Robot{{Name: "a", Address: Sim, Labels: []string{"x"}}, {Name: "b", Address: Sim, Labels: []string{"x", "y"}}, {Name: "c", Address: Sim}}, mixText)
	d.Log = func(Note) {}
	served(t, d)
	type asked struct {
		id, experiment, robot string
		labels                []string
	}
	drawn := rapid.Custom(func(rt *rapid.T) (out []Request) {
		for range rapid.IntRange(2, 8).Draw(rt, "runs") {
			r := Request{Task: "mix-colors", Priority: rapid.IntRange(0, 2).Draw(rt, "priority"), Experiment: rapid.SampledFrom([]string{"", "e", "f"}).Draw(rt, "experiment")}
			switch rapid.IntRange(0, 2).Draw(rt, "where") {
			case 1:
				r.Robot = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "robot")
			case 2:
				r.Labels = rapid.SampledFrom([][]string{{"x"}, {"y"}, {"x", "y"}}).Draw(rt, "labels")
			}
			out = append(out, r)
		}
		return out
	})
	for seed := range 15 { // and no more, because each run is on the disk
		var list []asked
		for _, r := range drawn.Example(seed) {
			if r.Experiment != "" {
				r.Experiment += fmt.Sprint(seed)
			}
			list = append(list, asked{submit(t, d, r).ID, r.Experiment, r.Robot, r.Labels})
		}
		ended := map[string]time.Time{}
		for _, a := range list {
			v := until(t, d, a.id, nil)
			if v.State != StateOK || a.robot != "" && v.Queue != a.robot {
				t.Fatalf("%+v", v)
			}
			if st, err := d.station(v.Queue); err != nil || st.lacks(a.labels) != "" {
				t.Fatalf("%v: %+v", err, v)
			}
			if a.experiment != "" && v.Began.Before(ended[a.experiment]) {
				t.Fatalf("%s of %s began before the one before it was over", v.ID, a.experiment)
			}
			ended[a.experiment] = v.Ended
		}
	}
}

// What was begun on one of several robots is gone on with there by the next server.
func TestLabIsTakenUp(t *testing.T) {
	file := journalFile(t)
	robots := []Robot{
		{Name: "bench-3", Address: emulated(t, "S3", "right", "p300_single_gen2")},
		{Name: "bench-4", Address: emulated(t, "S4", "left", "p20_single_gen2")},
	}
	d := labOf(t, file, robots, pauseText, smallText)
	stop := served(t, d)
	v := submit(t, d, Request{Task: "holds"})
	until(t, d, v.ID, func(v *View) bool { return v.Question != nil })
	stop()
	d.Service.Close()
	d = labOf(t, file, robots, pauseText, smallText)
	served(t, d)
	until(t, d, v.ID, func(v *View) bool { return v.Question != nil })
	until(t, d, submit(t, d, Request{Task: "small"}).ID, state(StateOK))
	if err := d.Service.Reply(t.Context(), v.ID, []string{"yes"}, "ada", d.say(v.ID)); err != nil {
		t.Fatal(err)
	}
	if v = until(t, d, v.ID, nil); v.State != StateOK || v.Serial != "S3" {
		t.Errorf("%+v", v)
	}
}

// A queue that is paused begins nothing, also after the server has been started again,
// and says who has paused it.
func TestQueueIsPaused(t *testing.T) {
	file := journalFile(t)
	robots := []Robot{{Name: "a", Address: Sim}, {Name: "b", Address: Sim}}
	d := labOf(t, file, robots, mixText)
	stop := served(t, d)
	if err := d.Pause(t.Context(), "a", "calibration", Behalf{By: "ada"}); err != nil {
		t.Fatal(err)
	}
	waits := submit(t, d, Request{Task: "mix-colors", Robot: "a"})
	if v := until(t, d, submit(t, d, Request{Task: "mix-colors"}).ID, state(StateOK)); v.Queue != "b" {
		t.Errorf("%+v", v)
	}
	stop()
	d.Service.Close()
	d = labOf(t, file, robots, mixText)
	served(t, d)
	v := until(t, d, waits.ID, func(v *View) bool { return v.Reason != "" })
	if v.State != StateQueued || v.Reason != "the queue is paused by ada: calibration" || d.Blocked(t.Context(), v.ID) == "" {
		t.Errorf("%+v", v)
	}
	if err := d.Continue(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	until(t, d, waits.ID, state(StateOK))
	if err := d.Pause(t.Context(), "c", "", Behalf{}); err == nil {
		t.Error("a robot that is not there was paused")
	}
}

// In a time of maintenance nothing is begun, and what would not be over before one waits
// for its end.
func TestMaintenance(t *testing.T) {
	d := labOf(t, journalFile(t), []Robot{{Name: "a", Address: emulated(t, "S3", "right", "p300_single_gen2")}, {Name: "b", Address: Sim}}, mixText)
	served(t, d)
	now := time.Now()
	m, err := d.Maintain(t.Context(), Maintenance{Robot: "a", From: now.Add(-time.Hour), To: now.Add(time.Hour), Why: "cleaning", By: "ada"})
	if err != nil || m.ID == 0 {
		t.Fatal(m, err)
	}
	v := submit(t, d, Request{Task: "mix-colors", Robot: "a"})
	v = until(t, d, v.ID, func(v *View) bool { return v.Reason != "" })
	if !strings.HasPrefix(v.Reason, "maintenance until ") || !strings.HasSuffix(v.Reason, ": cleaning") {
		t.Errorf("%+v", v)
	}
	soon, err := d.Maintain(t.Context(), Maintenance{From: now.Add(10 * time.Second), To: now.Add(time.Hour), Why: "calibration"})
	if err != nil {
		t.Fatal(err)
	}
	if list := d.Maintenances(); len(list) != 2 || list[0].ID != m.ID || list[1].Robot != "" {
		t.Errorf("%+v", list)
	}
	if err := d.MaintainNot(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	v = until(t, d, v.ID, func(v *View) bool {
		return strings.HasPrefix(v.Reason, "it takes about ") || strings.Contains(v.Reason, "calibration")
	})
	if v.State != StateQueued {
		t.Errorf("%+v", v)
	}
	if err := d.MaintainNot(t.Context(), soon.ID); err != nil {
		t.Fatal(err)
	}
	until(t, d, v.ID, state(StateOK))
	if err := d.MaintainNot(t.Context(), soon.ID); err == nil {
		t.Error("it was taken back twice")
	}
	if _, err := d.Maintain(t.Context(), Maintenance{From: now, To: now.Add(-time.Hour)}); err == nil {
		t.Error("it ends before it begins")
	}
}

func everyMinutes(t testing.TB, n int) *timetable.Table {
	t.Helper()
	table, err := timetable.Parse(fmt.Sprintf("*/%d * * * *", n), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A time of a schedule is submitted once, however often the server is killed around it;
// of what was missed the last is made up for if it is not too late, and the rest is said.
func TestSchedules(t *testing.T) {
	one := bench(t, Sim, journalFile(t), mixText)
	store, err := one.Service.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		checks++
		late := time.Duration(rapid.IntRange(0, 30).Draw(rt, "late")) * time.Minute
		step := rapid.SampledFrom([]int{5, 10, 15}).Draw(rt, "every")
		s := lab.Schedule{Name: fmt.Sprint("rinse-", checks), Task: "mix-colors", Times: everyMinutes(t, step), Params: []byte(`{"R": 60}`), Late: late, Queue: true, By: "schedule rinse"}
		now := time.Date(2026, 11, 23, 6, 0, 30, 0, time.UTC)
		var d *Device
		start := func() { // what a process knows is gone with it
			d = NewDevice(one.Service, one.Tasks, Sim, func(Note) {})
			d.Configure([]lab.Schedule{s}, nil)
		}
		look := func() {
			if _, err := d.keepUp(t.Context(), store, now); err != nil {
				rt.Fatal(err)
			}
		}
		start()
		look()
		want, upto := map[string]bool{}, now
		for range rapid.IntRange(1, 8).Draw(rt, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40*60).Draw(rt, "later")) * time.Second)
			for at := s.Times.Next(upto); !at.After(now); at = s.Times.Next(at) {
				upto = at
			}
			if late := now.Sub(upto); late <= s.Late && s.Times.Next(upto.Add(-time.Second)).Equal(upto) {
				want[dueKey(s.Name, upto)] = true
			}
			before, err := store.Marks(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			look()
			switch rapid.IntRange(0, 2).Draw(rt, "then") {
			case 1: // killed behind it
				start()
			case 2: // killed before it was written how far it was looked at
				if err := store.MarkSchedule(t.Context(), before[s.Name]); err != nil {
					rt.Fatal(err)
				}
				start()
				look()
			}
		}
		got := map[string]bool{}
		for o, err := range store.Submissions(context.Background(), "", journal.Queued) {
			if err != nil {
				rt.Fatal(err)
			}
			if !strings.HasPrefix(o.Key, keyOfSchedules+s.Name+"/") {
				continue
			}
			if got[o.Key] || o.By.Name != "schedule rinse" || string(o.Given) != `{"R":60}` {
				rt.Fatalf("%+v", o)
			}
			got[o.Key] = true
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			rt.Fatalf("submitted\n%v\nwant\n%v", got, want)
		}
	})
}

// While the run of the time before is not over, the next one is left out and that is
// said; a schedule whose task is not there says so, too, and keys of schedules are theirs.
func TestSchedulesLeaveOut(t *testing.T) {
	d := bench(t, Sim, journalFile(t), mixText)
	skip := lab.Schedule{Name: "rinse", Task: "mix-colors", Times: everyMinutes(t, 10), Params: []byte(`{}`), Late: time.Hour}
	gone := lab.Schedule{Name: "feed", Task: "mix-colours", Times: everyMinutes(t, 10), Params: []byte(`{}`), Late: time.Hour}
	rests := lab.Schedule{Name: "rests", Task: "mix-colors", Times: everyMinutes(t, 10), Params: []byte(`{}`), Late: time.Hour, Off: true}
	d.Configure([]lab.Schedule{skip, gone, rests}, nil)
	store, err := d.Service.Journal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 6, 5, 0, 0, time.UTC)
	for range 4 {
		if _, err := d.keepUp(t.Context(), store, now); err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Minute)
	}
	views := d.Schedules()
	if v := views[0]; v.LeftOut != 2 || !strings.Contains(v.Problem, v.LastRun+" of the time before is not over") || v.LastRun == "" || v.Next.IsZero() {
		t.Errorf("%+v", v)
	}
	if v := views[1]; v.LeftOut != 3 || !strings.Contains(v.Problem, "did you mean mix-colors?") || v.LastRun != "" {
		t.Errorf("%+v", v)
	}
	if v := views[2]; !v.Off || v.LastRun != "" || !v.Next.IsZero() {
		t.Errorf("%+v", v)
	}
	if _, _, err := d.Submit(t.Context(), Request{Task: "mix-colors", Key: dueKey("rinse", now)}); err == nil {
		t.Error("a key of a schedule was taken")
	}
}
