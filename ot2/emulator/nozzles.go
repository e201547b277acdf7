package emulator

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/command"
)

// Nozzle layouts of 8-channel pipettes: how they are asked for, which of them a
// pipette takes, and how the robot names the one that is set.

// layoutStyle is one of the forms a nozzle layout can be asked for in, with the
// parameters it has.
type layoutStyle struct {
	name   string
	params []string
}

// layoutStyles is in the order in which the robot tries them. The first that
// fits is taken, and a style that is left out fits every one.
var layoutStyles = []layoutStyle{
	{"ALL", nil},
	{"SINGLE", []string{"primaryNozzle"}},
	{"ROW", []string{"primaryNozzle"}},
	{"COLUMN", []string{"primaryNozzle"}},
	{"QUADRANT", []string{"primaryNozzle", "frontRightNozzle", "backLeftNozzle"}},
}

// primaryNozzles are the nozzles that can be the primary one; the last two are
// of pipettes with 96 channels.
var primaryNozzles = []string{"A1", "H1", "A12", "H12"}

var nozzleName = regexp.MustCompile(`^[A-Z]\d{1,2}`)

func layoutField() field {
	return needed(field{"configurationParams", true, func(p *params, raw json.RawMessage) (any, []problem) {
		given := map[string]json.RawMessage{}
		if json.Unmarshal(raw, &given) != nil {
			return nil, one("value is not a valid dict")
		}
		var bad []problem
		for _, s := range layoutStyles {
			echo, wrong := s.read(given)
			if wrong == nil {
				p.layout = command.NozzleLayout{Style: s.name, Primary: echo["primaryNozzle"], FrontRight: echo["frontRightNozzle"], BackLeft: echo["backLeftNozzle"]}
				return echo, nil
			}
			bad = append(bad, wrong...)
		}
		return nil, bad
	}})
}

func (s *layoutStyle) read(given map[string]json.RawMessage) (echo map[string]string, bad []problem) {
	echo = map[string]string{"style": s.name}
	if raw, is := given["style"]; is && !bytes.Equal(raw, []byte(`"`+s.name+`"`)) {
		bad = append(bad, problem{"/style", "unexpected value; permitted: '" + s.name + "'"})
	}
	for _, name := range s.params {
		raw, is := given[name]
		var value string
		switch {
		case !is || bytes.Equal(raw, []byte("null")):
			bad = append(bad, problem{"/" + name, required})
		case json.Unmarshal(raw, &value) != nil:
			bad = append(bad, problem{"/" + name, "str type expected"})
		case name == "primaryNozzle" && !slices.Contains(primaryNozzles, value):
			bad = append(bad, problem{"/" + name, "unexpected value; permitted: '" + strings.Join(primaryNozzles, "', '") + "'"})
		case !nozzleName.MatchString(value):
			bad = append(bad, problem{"/" + name, `string does not match regex "[A-Z]\d{1,2}"`})
		}
		echo[name] = value
	}
	return echo, bad
}

// nozzles is which nozzles of a pipette take tips: those from back to front,
// counted from the back, and the one that goes to a well.
type nozzles struct {
	back, front, primary int
}

func allOf(m *program.PipetteModel) nozzles { return nozzles{0, m.Channels - 1, 0} }

// describe is the layout as GET currentState gives it.
func (n nozzles) describe(m *program.PipetteModel) object {
	active := []string{}
	for row := n.back; row <= n.front; row++ {
		active = append(active, program.Nozzle(row))
	}
	config := "column"
	switch {
	case n.back == 0 && n.front == m.Channels-1:
		config = "full"
	case n.back == n.front:
		config = "single"
	}
	return object{"startingNozzle": program.Nozzle(n.primary), "activeNozzles": active, "config": config}
}

// layout finds n among the layouts that programs know.
func (n nozzles) layout() (program.Nozzles, bool) {
	for i := range program.Layouts {
		l := program.Nozzles(i).Layout()
		if l.Primary == n.primary && min(l.Primary, l.Last) == n.back && max(l.Primary, l.Last) == n.front {
			return program.Nozzles(i), true
		}
	}
	return 0, false
}

// asked is what a layout comes to on an 8-channel pipette, in the way of the
// robot's software, mistakes included: a column from H1 is the nozzle A1 with
// H1 as the primary one.
func asked(l *command.NozzleLayout) (nozzles, *failure) {
	back, front := l.BackLeft, l.FrontRight
	switch l.Style {
	case "ALL":
		return nozzles{0, 7, 0}, nil
	case "ROW":
		return nozzles{}, &failure{
			"CommandParameterLimitViolated", "4005",
			"The parameter RowNozzleLayout of configure_nozzle_layout must be RowNozzleLayout is incompatible with {channels} channel pipettes. but is " + l.Primary,
			object{
				"command": "configure_nozzle_layout", "argument": "RowNozzleLayout",
				"limit": "RowNozzleLayout is incompatible with {channels} channel pipettes.", "value": l.Primary,
			},
		}
	case "SINGLE":
		back, front = l.Primary, l.Primary
	case "COLUMN":
		back, front = "A"+l.Primary[1:], "H"+l.Primary[1:]
		if l.Primary[0] == 'H' {
			front = back
		}
	}
	var out nozzles
	for _, end := range []struct {
		what, name string
		row        *int
	}{{"back left", back, &out.back}, {"front right", front, &out.front}} {
		if *end.row = int(end.name[0] - 'A'); *end.row > 7 || end.name[1:] != "1" {
			return out, incompatible("No entry for " + end.what + " nozzle '" + end.name + "' in pipette")
		}
	}
	single, toFront := out.back == 0 && out.front == 0, out.front == 7
	if !single && !toFront {
		return out, incompatible("Attempted Nozzle Configuration does not match any approved map layout for the current pipette.")
	}
	out.primary = -1
	if l.Primary == "A1" || l.Primary == "H1" {
		out.primary = int(l.Primary[0] - 'A')
	}
	return out, nil
}

func incompatible(detail string) *failure {
	return &failure{"IncompatibleNozzleConfiguration", "4007", detail, nil}
}

func (g *engine) configureNozzles(p *params) (work, *failure) {
	on, bad := g.pipette(p.pipetteID)
	switch {
	case bad != nil:
		return work{}, bad
	case on.tip != nil:
		return work{}, &failure{"CommandPreconditionViolated", "4004", "Cannot configure nozzle layout of " + on.id + " while it has tips attached.", nil}
	case on.model.Channels == 1:
		return work{}, &failure{"CommandPreconditionViolated", "4004", "Cannot configure nozzle layout with a single channel pipette.", nil}
	}
	n, bad := asked(&p.layout)
	if bad != nil {
		return work{}, bad
	}
	layout, known := n.layout()
	if !known {
		// The robot takes it: all nozzles with H1 as the primary one, or a
		// primary one that takes no tip. Nothing that ot2flow makes asks for it.
		return work{}, unplanned("KeyError", "'"+p.layout.Primary+"'")
	}
	op := program.Op{Kind: program.ConfigureNozzles, Pipette: int8(on.index), Nozzles: layout, Well: program.None}
	return work{ops: []program.Op{op}, result: object{}, then: func() { on.nozzles = n }}, nil
}
