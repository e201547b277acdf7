package labware

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// JSON returns a definition in Opentrons labware schema 2: for users' own the
// bytes they gave. For the standard catalogue it is made from what the
// catalogue keeps, which is all that decides where a pipette goes and how much
// a well holds. The maker's part numbers, the tags, and what only a gripper or
// a module needs are not kept, so a robot that knows the labware should be
// given its name, not this.
func JSON(l *program.Labware) []byte {
	if l.JSON != nil {
		return l.JSON
	}
	r, _ := find(l.URI())
	w := writer{}
	w.line(`{`)
	w.line(`  "schemaVersion": 2,`)
	w.line(`  "version": `, strconv.Itoa(l.Version), `,`)
	w.line(`  "namespace": `, quoted(l.Namespace), `,`)
	w.line(`  "metadata": {"displayName": `, quoted(l.DisplayName), `, "displayCategory": `, quoted(l.Category), `, "displayVolumeUnits": "µL"},`)
	w.line(`  "brand": {"brand": `, quoted(r.brand), `},`)
	w.parameters(l, &r)
	w.stacking(l, &r)
	x, y, z := three(r.corner)
	w.line(`  "cornerOffsetFromSlot": {"x": `, decimal(x), `, "y": `, decimal(y), `, "z": `, decimal(z), `},`)
	w.line(`  "dimensions": {"xDimension": `, decimal(l.X), `, "yDimension": `, decimal(l.Y), `, "zDimension": `, decimal(l.Z), `},`)
	w.ordering(l)
	w.wells(l)
	w.groups(l)
	w.line(`}`)
	return w.out
}

type writer struct{ out []byte }

func (w *writer) line(parts ...string) {
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
	w.out = append(w.out, '\n')
}

func (w *writer) parameters(l *program.Labware, r *record) {
	w.line(`  "parameters": {`)
	w.line(`    "format": `, quoted(r.format), `,`)
	if r.quirks != "" {
		w.line(`    "quirks": `, quotedList(strings.Split(r.quirks, ",")), `,`)
	}
	if l.IsTipRack {
		w.line(`    "tipLength": `, decimal(l.TipLength), `,`)
		w.line(`    "tipOverlap": `, decimal(l.TipOverlap), `,`)
	}
	w.line(`    "isTiprack": `, strconv.FormatBool(l.IsTipRack), `,`)
	w.line(`    "isMagneticModuleCompatible": `, strconv.FormatBool(r.is(markMagnetic)), `,`)
	if l.MagnetHeight != program.NoMagnetHeight {
		w.line(`    "magneticModuleEngageHeight": `, decimal(l.MagnetHeight), `,`)
	}
	w.line(`    "loadName": `, quoted(l.LoadName))
	w.line(`  },`)
}

func (w *writer) stacking(l *program.Labware, r *record) {
	if l.IsAdapter {
		w.line(`  "allowedRoles": ["adapter"],`)
	}
	for _, on := range [...]struct{ name, what string }{{"stackingOffsetWithLabware", r.onLabware}, {"stackingOffsetWithModule", r.onModules}} {
		if on.what == "" {
			continue
		}
		var members []string
		for _, s := range appendSunk(nil, on.what) {
			members = append(members, quoted(s.On)+`: {"x": 0, "y": 0, "z": `+decimal(s.By)+`}`)
		}
		w.line(`  "`, on.name, `": {`, strings.Join(members, ", "), `},`)
	}
}

func (w *writer) ordering(l *program.Labware) {
	if len(l.Columns) == 0 {
		w.line(`  "ordering": [],`)
		return
	}
	w.line(`  "ordering": [`)
	for i, column := range l.Columns {
		w.line(`    `, quotedList(wellNames(l, column)), comma(i, len(l.Columns)))
	}
	w.line(`  ],`)
}

func (w *writer) wells(l *program.Labware) {
	w.line(`  "wells": {`)
	for i := range l.Wells {
		v := &l.Wells[i]
		shape := `"shape": "rectangular", "xDimension": ` + decimal(v.XSize) + `, "yDimension": ` + decimal(v.YSize)
		if v.Round {
			shape = `"shape": "circular", "diameter": ` + decimal(v.Diameter)
		}
		w.line(`    `, quoted(v.Name), `: {"x": `, decimal(v.X), `, "y": `, decimal(v.Y), `, "z": `, decimal(v.Z),
			`, "depth": `, decimal(v.Depth), `, `, shape, `, "totalLiquidVolume": `, decimal(v.MaxNL), `}`, comma(i, len(l.Wells)))
	}
	w.line(`  },`)
}

// groups writes one group for each shape of bottom, in the order they first
// occur.
func (w *writer) groups(l *program.Labware) {
	shapes := []string{}
	members := map[string][]int{}
	for i := range l.Wells {
		s := l.Wells[i].Shape
		if !slices.Contains(shapes, s) {
			shapes = append(shapes, s)
		}
		members[s] = append(members[s], i)
	}
	if len(shapes) == 0 {
		w.line(`  "groups": []`)
		return
	}
	w.line(`  "groups": [`)
	for i, s := range shapes {
		meta := `{}`
		if s != "" {
			meta = `{"wellBottomShape": ` + quoted(s) + `}`
		}
		w.line(`    {"wells": `, quotedList(wellNames(l, members[s])), `, "metadata": `, meta, `}`, comma(i, len(shapes)))
	}
	w.line(`  ]`)
}

func wellNames(l *program.Labware, wells []int) []string {
	names := make([]string, len(wells))
	for i, w := range wells {
		names[i] = l.Wells[w].Name
	}
	return names
}

// comma parts item i of n from the next.
func comma(i, n int) string {
	if i+1 < n {
		return ","
	}
	return ""
}

func decimal(n int64) string { return string(quantity.AppendDecimal(nil, n, 1000)) }

// quoted writes s as JSON does.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string always has a JSON form
		return `""`
	}
	return string(b)
}

func quotedList(items []string) string {
	out := make([]string, len(items))
	for i, s := range items {
		out[i] = quoted(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
