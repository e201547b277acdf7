package spec

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// LiquidClass is a file that says how one kind of liquid is handled.
type LiquidClass struct {
	File        string // Bundle name of the file
	Name        Word
	Description Text
	Source      Text // where the figures come from
	Handling
	Pipettes []ClassPipette
}

// ClassPipette is what holds for one pipette, or for a size of pipettes; Name is
// p300_single_gen2 or p300.
type ClassPipette struct {
	Name Word
	Handling
	Tips []ClassTips
}

// ClassTips is what holds for the tips of one rack, by its load name.
type ClassTips struct {
	Name Word
	Handling
}

// ClassRoot is the shape of the file of a liquid class.
func ClassRoot() *Shape { return classRoot }

var classRoot = &Shape{
	Kind: ObjectShape, Name: "liquid_class_file", Noun: "a mapping of keys such as name and aspirate", Example: "liquid_class: 1", Doc: "A liquid class: how one kind of liquid is handled.",
	fields: func() []Field { return classFields(&LiquidClass{}) },
}

func classFields(c *LiquidClass) []Field {
	var version Word
	return append([]Field{
		{"liquid_class", "The version of the format.", Version, true, wordSlot(&version, versionShape)},
		{"name", "The name of the class, for people.", "honey", true, Slot{workflowNameShape, func(_ *decoder, v value) { c.Name = Word{v.node.Value, v.span()} }}},
		{"description", "What liquid it is for.", "Honey at 22 °C.", false, textSlot(&c.Description)},
		{"source", "Where the figures come from.", "weighed by us in March 2026", false, textSlot(&c.Source)},
		{"pipettes", "What differs for a pipette, or for all pipettes of a size: p300_single_gen2, or p300.", "{p20: {aspirate: {rate: 3 uL/s}}}", false, declarations(&c.Pipettes, classPipettesShape, readClassPipette)},
	}, c.Handling.fields()...)
}

var classPipettesShape = &Shape{Kind: MapShape, Noun: "pipettes, each under its name", Elem: classPipetteShape, Min: 1}

var classPipetteShape = &Shape{
	Kind: ObjectShape, Name: "class_pipette", Noun: "keys such as aspirate and dispense", Doc: "What differs for a pipette.", Example: "{aspirate: {rate: 3 uL/s}}", Min: 1,
	fields: func() []Field { return classPipetteFields(&ClassPipette{}) },
}

func classPipetteFields(c *ClassPipette) []Field {
	return append(c.Handling.fields(), Field{
		"tips", "What differs for the tips of a rack, by its load name.", "{opentrons_96_filtertiprack_200ul: {aspirate: {air_gap: 5 uL}}}", false, declarations(&c.Tips, classTipsShape, readClassTips),
	})
}

func readClassPipette(name Word, _ diag.Span) (*ClassPipette, []Field) {
	c := &ClassPipette{Name: name}
	return c, classPipetteFields(c)
}

var classTipsShape = &Shape{Kind: MapShape, Noun: "tip racks, each under its load name", Elem: handlingShape, Min: 1}

func readClassTips(name Word, _ diag.Span) (*ClassTips, []Field) {
	c := &ClassTips{Name: name}
	return c, c.Handling.fields()
}

// DecodeClass reads the parsed file of a liquid class, as Decode reads a
// workflow. The Document has no Workflow.
func DecodeClass(src *Source, root *yaml.Node) (*LiquidClass, *Document, diag.List) {
	c := &LiquidClass{File: src.File().Name}
	doc := &Document{Root: root, Source: src, Format: ClassFormat}
	if root == nil {
		return c, doc, nil
	}
	d := &decoder{src: src, paths: map[string]diag.Span{}}
	if v := (value{d, root}); d.opens(v, classRoot) {
		d.object(v, classRoot, classFields(c))
	}
	doc.Refused = d.refused
	return c, doc, d.found
}

// The formats of documents, by the names of their schemas.
const (
	WorkflowFormat = "workflow"
	ClassFormat    = "liquid_class"
	LabFormat      = "lab"
	TestsFormat    = "test"
)

// IsClassFile reports whether a `liquid_class` names a file, rather than a
// class that is shipped.
func IsClassFile(s string) bool {
	return strings.ContainsAny(s, `/\`) || strings.HasSuffix(s, ".yaml") || strings.HasSuffix(s, ".yml")
}

// classFiles returns the scalars below n that name files of liquid classes.
func classFiles(n *yaml.Node, out []*yaml.Node) []*yaml.Node {
	if n == nil {
		return out
	}
	if n.Kind == yaml.MappingNode {
		if c := child(n, "liquid_class"); c != nil && c.Kind == yaml.ScalarNode && IsClassFile(c.Value) {
			out = append(out, c)
		}
	}
	if n.Kind != yaml.AliasNode {
		for _, c := range n.Content {
			out = classFiles(c, out)
		}
	}
	return out
}
