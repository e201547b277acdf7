package emulator

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Faults are the ways in which a robot misbehaves. The zero value is a robot
// that does not. In YAML the names are those of the tags:
//
//	booting: 3
//	seed: 7
//	events:
//	  - {at: "4.1", do: command_failed, detail: the tip fell off}
//	  - {probability: 0.01, do: connection_lost, requests: 5}
//	answers:
//	  - {on: POST /runs/*/actions, action: play, nth: 1, do: cut_after}
type Faults struct {
	// Model is what the robot says it is, such as OT-3 Standard.
	Model string `yaml:"model"`
	// Booting is how many requests are answered with 503 before the robot is up.
	Booting int `yaml:"booting"`
	// Pipettes are on the mounts instead of those of Options, by mount.
	Pipettes map[string]string `yaml:"pipettes"`
	// Busy has somebody else's run under way, which never ends by itself.
	Busy bool `yaml:"busy"`
	// DoorOpen has the door open; with DoorSwitch the robot minds.
	DoorOpen   bool `yaml:"door_open"`
	DoorSwitch bool `yaml:"door_switch"`
	// AnalysisError is the detail of an error that every analysis ends with.
	AnalysisError string `yaml:"analysis_error"`
	// AnalysisStuck leaves every analysis pending.
	AnalysisStuck bool `yaml:"analysis_stuck"`
	// Script is what goes wrong at the commands of played runs, the implicit home
	// of a protocol being the first. After a reboot the robot answers as many
	// requests with 503 as the event says.
	mishap.Script `yaml:",inline"`
	// StopHangs has a stop that is never over.
	StopHangs bool `yaml:"stop_hangs"`
	// Answers are requests that are answered badly.
	Answers []Answer `yaml:"answers"`
}

// Answer is a bad answer to a request.
type Answer struct {
	// On is a method and a path, in which * stands for one segment:
	// "GET /runs/*".
	On string `yaml:"on"`
	// Action is, for POST /runs/*/actions, the action asked for; any if empty.
	Action string `yaml:"action"`
	// Nth is the first such request that is answered badly, counted from 1 (0
	// is 1 too), and Times how many are from there on (0 is 1, -1 is all).
	Nth   int `yaml:"nth"`
	Times int `yaml:"times"`
	// Probability is of each such request, instead of Nth and Times.
	Probability float64 `yaml:"probability"`
	// Do is what happens.
	Do Mischief `yaml:"do"`
	// Delay is how late a Late answer is.
	Delay time.Duration `yaml:"delay"`
}

// Mischief is a way to answer badly.
type Mischief string

// The ways to answer badly. Those that say "done" carry the request out first.
const (
	Conflict  Mischief = "error_409"  // a 409 in the robot's own form; not done
	Error500  Mischief = "error_500"  // a 500 in the robot's own form; not done
	Unready   Mischief = "error_503"  // a 503 in the robot's own form; not done
	HTML      Mischief = "html"       // a proxy's page with status 502; not done
	HTMLOK    Mischief = "html_ok"    // a page with status 200; not done
	Half      Mischief = "half"       // done, and half of the answer
	Garbage   Mischief = "garbage"    // done, and an answer that is no JSON
	Version   Mischief = "version"    // done, and an answer in another version of the API
	Late      Mischief = "late"       // done, and answered after Delay
	CutBefore Mischief = "cut_before" // the connection ends; not done
	CutAfter  Mischief = "cut_after"  // done, and the connection ends
)

var mischiefs = []Mischief{Conflict, Error500, Unready, HTML, HTMLOK, Half, Garbage, Version, Late, CutBefore, CutAfter}

// ReadFaults reads Faults from YAML. Names it does not know are errors.
func ReadFaults(r io.Reader) (Faults, error) {
	var f Faults
	d := yaml.NewDecoder(r)
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Faults{}, err
	}
	return f, f.check()
}

func (f *Faults) check() error {
	for i := range f.Answers {
		if err := f.Answers[i].check(); err != nil {
			return fmt.Errorf("answers[%d]: %w", i, err)
		}
	}
	if err := f.Check(); err != nil {
		return err
	}
	for mount, name := range f.Pipettes {
		if err := checkPipette(mount, name); err != nil {
			return err
		}
	}
	return nil
}

func (a *Answer) check() error {
	method, path, ok := strings.Cut(a.On, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("on: %q is no method and path, such as GET /runs/*", a.On)
	}
	if a.Probability < 0 || a.Probability > 1 || a.Probability > 0 && (a.Nth != 0 || a.Times != 0) {
		return fmt.Errorf("probability: it is between 0 and 1, and stands instead of nth and times")
	}
	for _, m := range mischiefs {
		if m == a.Do {
			return nil
		}
	}
	return fmt.Errorf("do: there is no %q; there are %v", a.Do, mischiefs)
}

// matches reports whether a request is one that a is about.
func (a *Answer) matches(method, path, action string) bool {
	wantMethod, wantPath, _ := strings.Cut(a.On, " ")
	if wantMethod != method || a.Action != "" && a.Action != action {
		return false
	}
	want, have := strings.Split(wantPath, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != have[i] {
			return false
		}
	}
	return true
}

// due reports whether the nth match, counted from 1, is to be answered badly.
func (a *Answer) due(n int) bool {
	first, times := max(a.Nth, 1), a.Times
	if times == 0 {
		times = 1
	}
	return n >= first && (times < 0 || n < first+times)
}
