package emulator

import (
	"errors"
	"io"

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
	// of a protocol being the first, and which requests are answered badly. After
	// a reboot the robot answers as many requests with 503 as the event says.
	mishap.Script `yaml:",inline"`
	// StopHangs has a stop that is never over.
	StopHangs bool `yaml:"stop_hangs"`
}

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
