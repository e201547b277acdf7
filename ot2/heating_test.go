package ot2_test

import (
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// How long a wait for a temperature takes, by the rates of the vendor's
// estimator: a temperature module 0.0875 C/s below 25 C, 0.2 up to 37, 0.3611
// above; a block heats at 4 C/s up to 70 and at 2 above, cools at 2 down to 70,
// at 1 down to 23 and at 0.1 below; a lid takes 60 s, and 24 s to move.
func TestHeating(t *testing.T) {
	const temp, cycler, shaker, magnet = "temperature_module_gen2", "thermocycler_gen2", "heater_shaker_gen1", "magnetic_module_gen2"
	set := func(c int32) program.Op { return program.Op{Kind: program.SetTemperature, Temperature: c} }
	wait, off := program.Op{Kind: program.WaitTemperature}, program.Op{Kind: program.StopTemperature}
	passes := func(ms int64) program.Op { return program.Op{Kind: program.Delay, Duration: ms} }
	for _, tt := range []struct {
		name, module string
		before       []program.Op
		op           program.Op
		seconds      float64
	}{
		{"nothing set", temp, nil, wait, 0},
		{"setting takes no time", temp, nil, set(4_000), 0},
		{"cooled below room temperature", temp, []program.Op{set(4_000)}, wait, 21 / 0.0875},
		{"warmed in the middle range", temp, []program.Op{set(37_000)}, wait, 12 / 0.2},
		{"warmed through two ranges", temp, []program.Op{set(95_000)}, wait, 12/0.2 + 58/0.361111},
		{"there already", temp, []program.Op{set(37_000), wait}, wait, 0},
		{"from where it was left", temp, []program.Op{set(37_000), wait, off, set(47_000)}, wait, 10 / 0.361111},
		{"half of it while something else is done", temp, []program.Op{set(37_000), passes(30_000)}, wait, 30},
		{"all of it", temp, []program.Op{set(37_000), passes(300_000)}, wait, 0},

		{"block heated", cycler, []program.Op{set(65_000)}, wait, 10},
		{"block heated through two ranges", cycler, []program.Op{set(95_000)}, wait, 45.0/4 + 25.0/2},
		{"block cooled through three ranges", cycler, []program.Op{set(95_000), wait, set(4_000)}, wait, 25.0/2 + 47 + 19/0.1},
		{"held after it", cycler, []program.Op{{Kind: program.SetTemperature, Temperature: 65_000, Duration: 90_000}}, wait, 100},
		{"held once", cycler, []program.Op{{Kind: program.SetTemperature, Temperature: 65_000, Duration: 90_000}, wait}, wait, 0},
		{"lid", cycler, []program.Op{{Kind: program.SetLidTemperature, Temperature: 105_000}}, program.Op{Kind: program.WaitLidTemperature}, 60},
		{"lid, while the block heats", cycler, []program.Op{{Kind: program.SetLidTemperature, Temperature: 105_000}, set(65_000), wait}, program.Op{Kind: program.WaitLidTemperature}, 50},
		{"lid told the same again", cycler, []program.Op{{Kind: program.SetLidTemperature, Temperature: 105_000}, passes(60_000), {Kind: program.SetLidTemperature, Temperature: 105_000}}, program.Op{Kind: program.WaitLidTemperature}, 0},
		{"lid off", cycler, nil, program.Op{Kind: program.StopLidTemperature}, 23},
		{"lid opens", cycler, nil, program.Op{Kind: program.OpenLid}, 24},
		{"lid closes", cycler, nil, program.Op{Kind: program.CloseLid}, 24},

		{"plate", shaker, []program.Op{set(37_000)}, wait, 120},
		{"shaker's ramp", shaker, nil, program.Op{Kind: program.Shake, RPM: 1500}, 1.5},
		{"slower", shaker, []program.Op{{Kind: program.Shake, RPM: 1500}}, program.Op{Kind: program.Shake, RPM: 500}, 1},
		{"stops", shaker, []program.Op{{Kind: program.Shake, RPM: 1500}}, program.Op{Kind: program.StopShaking}, 1.5},
		{"magnets", magnet, nil, program.Op{Kind: program.Engage}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			model, ok := ot2.Module(tt.module)
			if !ok {
				t.Fatal(tt.module)
			}
			timer := ot2.NewTimer(&program.Deck{Modules: []program.Module{{Name: "m", Model: model, Slot: "7"}}})
			for i := range tt.before {
				timer.Duration(&tt.before[i])
			}
			got := float64(timer.Duration(&tt.op)) / 1e6
			if d := got - tt.seconds; d > 0.01 || d < -0.01 {
				t.Errorf("%g s, want %g", got, tt.seconds)
			}
		})
	}
}

// What a module has reached in some time is what the estimate says of it.
func TestDrifted(t *testing.T) {
	model, _ := ot2.Module("thermocycler_gen2")
	for _, tt := range []struct {
		from, to int32
		seconds  int64
		want     int32
	}{
		{25_000, 95_000, 5, 45_000},
		{25_000, 95_000, 12, 71_500},
		{25_000, 95_000, 60, 95_000},
		{95_000, 4_000, 10, 75_000},
		{95_000, 4_000, 20, 62_500},
		{25_000, 25_000, 9, 25_000},
	} {
		if got := ot2.Drifted(model, tt.from, tt.to, tt.seconds*1_000_000); got != tt.want {
			t.Errorf("%d to %d m°C for %d s: %d, want %d", tt.from, tt.to, tt.seconds, got, tt.want)
		}
	}
}
