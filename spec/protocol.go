package spec

import (
	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// Protocol carries out an existing protocol of the vendor, unchanged.
type Protocol struct {
	File     Scalar
	Analysis Scalar // the file of its recorded analysis
	Params   []Binding
	Tables   []NamedFile // for its run-time parameters that are CSV files
	Leaves   *Leaves     // nil where it is not said
}

// NamedFile is a file under a name.
type NamedFile struct {
	Name Word
	File Scalar
}

// Leaves is what a protocol leaves behind: it touches nothing else.
type Leaves struct {
	Wells []LeftWells
	Tips  Exprs // places whose tips it uses up
	Span  diag.Span
}

// LeftWells is what some wells hold afterwards: nothing but these liquids.
type LeftWells struct {
	In    Exprs
	Holds []Binding
	Span  diag.Span
}

var (
	protocolFileShape = &Shape{
		Noun: "the file of a protocol", Doc: "The file of a protocol in Python or JSON, relative to this one.", Example: "mix.py",
		Scalars: Strings, Pattern: notBlank,
	}
	analysisFileShape = &Shape{
		Noun: "the file of an analysis", Doc: "The file with what the robot's software found when it analysed the protocol, relative to this one.", Example: "mix.analysis.json",
		Scalars: Strings, Pattern: notBlank,
	}
	csvFileShape = &Shape{
		Noun: "the file of a table", Doc: "A file with comma-separated values, relative to this one.", Example: "doses.csv",
		Scalars: Strings, Pattern: notBlank,
	}
	protocolTablesShape = &Shape{Kind: MapShape, Noun: "run-time parameters with their CSV files", Elem: csvFileShape, Min: 1}
	protocolParamsShape = &Shape{Kind: MapShape, Noun: "run-time parameters with their values", Elem: wantShapes[WantAny], Min: 1}
	holdsShape          = &Shape{Kind: MapShape, Noun: "liquids with their volumes", Keyed: "liquids", Elem: wantShapes[WantVolume]}
)

var leavesShape = &Shape{
	Kind: ObjectShape, Noun: "what it leaves behind", Example: "{wells: [{in: plate.A1, holds: {red: 50 uL}}], tips: tips.A1}",
	Doc:    "What a protocol leaves in wells, and which tips it uses up. It touches nothing else.",
	fields: func() []Field { return leavesFields(&Leaves{}) },
}

var leftWellsShape = &Shape{Kind: ListShape, Noun: "a list of wells with what they hold", Elem: leftWellsElem, Min: 1}

var leftWellsElem = &Shape{
	Kind: ObjectShape, Name: "left_wells", Noun: "wells and what they hold", Example: "{in: plate.A1, holds: {red: 50 uL}}",
	Doc:    "Wells, and what each of them holds afterwards.",
	fields: func() []Field { return leftWellsFields(&LeftWells{}) },
}

func leavesFields(l *Leaves) []Field {
	return []Field{
		{"wells", "What wells hold afterwards: nothing but what is named. Other wells are as they were.", "[{in: plate.A1, holds: {red: red_before + 50 uL}}]", false, Slot{leftWellsShape, func(d *decoder, v value) {
			v.each(leftWellsElem, func(_ int, item value) {
				w := LeftWells{Span: item.span()}
				d.object(item, leftWellsElem, leftWellsFields(&w))
				l.Wells = append(l.Wells, w)
			})
		}}},
		{"tips", "The places whose tips it uses up.", "tips.A1:H1", false, wellsSlot(&l.Tips)},
	}
}

func leftWellsFields(w *LeftWells) []Field {
	return []Field{
		{"in", "The wells.", "plate.A1", true, wellsSlot(&w.In)},
		{"holds", "What each of them holds, by liquid; {} for nothing.", "{red: 50 uL}", true, bindingsSlot(&w.Holds, holdsShape, WantVolume)},
	}
}

func scalarSlot(to *Scalar, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) { *to = v.scalar() }}
}

func (s *Protocol) fields() []Field {
	return []Field{
		{"file", "The protocol, in Python or JSON, as it is: a file relative to this one. Its labware, modules and pipettes have to be declared here, where they stand; definitions of your own go along.", "mix.py", true, scalarSlot(&s.File, protocolFileShape)},
		{"params", "Its run-time parameters, as expressions. A quantity becomes a plain number in the unit that it has without one: 50 uL is 50. Default: those of the protocol.", "{red: R, times: 3}", false, bindingsSlot(&s.Params, protocolParamsShape, WantAny)},
		{"tables", "The files for those of its run-time parameters that are CSV files, each under the name of its parameter. The robot gets them as they are.", "{doses: doses.csv}", false, Slot{protocolTablesShape, func(_ *decoder, v value) {
			v.entries(csvFileShape, func(name Word, item value, taken bool) {
				if taken {
					s.Tables = append(s.Tables, NamedFile{name, item.scalar()})
				}
			})
		}}},
		{"leaves", "What it does to wells and tips. Without it, that is taken from its analysis, and without one nobody knows afterwards what is in any well.", "{wells: [{in: plate.A1, holds: {red: 50 uL}}], tips: tips.A1}", false, Slot{leavesShape, func(d *decoder, v value) {
			s.Leaves = &Leaves{Span: v.span()}
			d.object(v, leavesShape, leavesFields(s.Leaves))
		}}},
		{"analysis", "What the robot's software found when it analysed the protocol with these parameters, as `python -m opentrons.cli analyze --json-output mix.analysis.json mix.py` records it. From it the plan knows what the protocol does; the robot's own analysis must then be the same.", "mix.analysis.json", false, scalarSlot(&s.Analysis, analysisFileShape)},
	}
}

// protocols takes the files that the protocols in a list of steps need into the
// bundle.
func (l *loader) protocols(src *Source, steps *yaml.Node) {
	if steps == nil || steps.Kind != yaml.SequenceNode {
		return
	}
	for _, step := range steps.Content {
		body := child(step, "protocol")
		for _, f := range []struct {
			key  string
			kind fileKind
		}{{"file", protocolFile}, {"analysis", analysisFile}} {
			if n := child(body, f.key); n != nil && n.Kind == yaml.ScalarNode && n.Value != "" {
				l.refer(src, src.Scalar(n), f.kind)
			}
		}
		if tables := child(body, "tables"); tables != nil && tables.Kind == yaml.MappingNode {
			for i := 1; i < len(tables.Content); i += 2 {
				if n := tables.Content[i]; n.Kind == yaml.ScalarNode && n.Value != "" {
					l.refer(src, src.Scalar(n), csvFile)
				}
			}
		}
		for _, key := range []string{"do", "else", "on_error"} {
			l.protocols(src, child(step, key))
		}
	}
}
