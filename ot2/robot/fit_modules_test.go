package robot

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
)

// Which attached modules the robot takes for those of a plan: each once, the
// exact model first, and a temperature module of either generation.
func TestModulesAttached(t *testing.T) {
	for _, tt := range []struct{ needs, there, missing string }{
		{"", "", ""},
		{"magnetic_module_gen2", "magneticModuleV2", ""},
		{"magnetic_module_gen2", "magneticModuleV1", "m0"},
		{"magnetic_module_gen2", "", "m0"},
		{"temperature_module_gen1", "temperatureModuleV2", ""},
		{"temperature_module_gen1 temperature_module_gen2", "temperatureModuleV2", "m0"},
		{"temperature_module_gen1 temperature_module_gen2", "temperatureModuleV2 temperatureModuleV2", ""},
		{"thermocycler_gen1", "thermocyclerModuleV2", "m0"},
		{"heater_shaker_gen1 heater_shaker_gen1", "heaterShakerModuleV1", "m1"},
	} {
		d := &program.Deck{}
		for i, name := range strings.Fields(tt.needs) {
			m, ok := ot2.Module(name)
			if !ok {
				t.Fatal(name)
			}
			d.Modules = append(d.Modules, program.Module{Name: "m" + string(rune('0'+i)), Model: m, Slot: "1"})
		}
		got := lacking(d, strings.Fields(tt.there))
		want := strings.Fields(tt.missing)
		ok := slices.EqualFunc(got, want, func(text, name string) bool { return strings.Contains(text, "("+name+")") })
		if !ok {
			t.Errorf("%+v: %q", tt, got)
		}
	}
}
