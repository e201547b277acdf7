package sim

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// appendModules says what the modules are told in the end.
func (r *Result) appendModules(b []byte) []byte {
	if len(r.Modules) == 0 {
		return b
	}
	b = append(b, ",\n  \"modules\": {"...)
	for i := range r.Modules {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = program.AppendString(b, r.Deck.Modules[i].Name)
		b = append(appendModule(append(b, ": {"...), &r.Modules[i]), '}')
	}
	return append(b, '}')
}

func appendModule(b []byte, m *program.ModuleState) []byte {
	first := true
	key := func(name string) {
		if !first {
			b = append(b, ", "...)
		}
		first = false
		b = append(b, `"`+name+`": `...)
	}
	degrees := func(name string, v int32) {
		if v != program.NoTarget {
			key(name)
			b = quantity.AppendDecimal(b, int64(v), 1000)
		}
	}
	state := func(name string, v program.Threefold) {
		if v != program.NotKnown {
			key(name)
			b = append(b, map[program.Threefold]string{program.Open: `"open"`, program.Closed: `"closed"`}[v]...)
		}
	}
	degrees("temperature_C", m.Target)
	degrees("lid_temperature_C", m.LidTarget)
	if m.RPM > 0 {
		key("rpm")
		b = strconv.AppendInt(b, int64(m.RPM), 10)
	}
	if m.Engaged {
		key("magnets_mm")
		b = quantity.AppendDecimal(b, int64(m.Magnet), 1000)
	}
	state("lid", m.Lid)
	state("latch", m.Latch)
	return b
}
