package spec

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Tests is a file with tests of a workflow: what runs are given, and what must come of
// them. What is in it is as written; whoever has the workflow compares.
type Tests struct {
	File     string // Bundle name of the file
	Span     diag.Span
	Workflow Given // the file, from where this one is; unset: the one of the same name
	Cases    []TestCase
}

// TestCase is one run and what is expected of it.
type TestCase struct {
	Name    Given
	Params  []LabParam
	Results []WrittenItem // what is answered and measured, in its order
	Expect  Expect
	Span    diag.Span
}

// Expect is what a run must come to. What is not written is not compared.
type Expect struct {
	Steps    Given
	Counts   []ExpectedAmount // by operation
	Does     []Given
	Never    []Given
	Wells    []ExpectedWells
	Contains []ExpectedWells
	Liquids  []ExpectedAmount
	Tips     []ExpectedAmount // by rack
	Duration ExpectedTime
	Outputs  []LabParam
	Finds    []ExpectedFinding
	Fails    Given
	Span     diag.Span
}

// ExpectedAmount is how much of something there must be.
type ExpectedAmount struct {
	Name  Word
	Value Given
}

// ExpectedWells is what wells must hold in the end: one value, or one for each of the
// names in Parts.
type ExpectedWells struct {
	Wells Word
	Value Given
	Parts []ExpectedAmount
	Many  bool
	Span  diag.Span
}

// ExpectedTime is how long a run must take.
type ExpectedTime struct{ Min, Max Given }

// ExpectedFinding is something that must be found: a code, a part of its message, and the
// line it is at.
type ExpectedFinding struct {
	Code, Message, Line Given
	Span                diag.Span
}

// TestsRoot is the shape of a file with tests.
func TestsRoot() *Shape { return testsRoot }

var testsRoot = &Shape{
	Kind: ObjectShape, Name: "tests", Noun: "a mapping of keys such as cases", Example: "test: 1", Doc: "Tests of a workflow: what runs are given, and what must come of them.",
	fields: func() []Field { return testsFields(&Tests{}) },
}

func testsFields(t *Tests) []Field {
	var version Word
	return []Field{
		{"test", "The version of the format.", Version, true, wordSlot(&version, versionShape)},
		{"workflow", "The workflow, from where this file is. Default: the file of the same name, without .test.", "workflow.yaml", false, givenSlot(&t.Workflow, plainShape)},
		{"cases", "The runs, each with what must come of it.", "[{name: three colours, params: {R: 100 uL}, expect: {wells: {plate.A1: 180 uL}}}]", true, casesSlot(&t.Cases)},
	}
}

var casesShape = &Shape{Kind: ListShape, Noun: "a list of runs", Elem: caseShape, Min: 1}

var caseShape = &Shape{
	Kind: ObjectShape, Name: "test_case", Noun: "the keys of a run", Doc: "A run, and what must come of it.", Example: "{name: three colours, params: {R: 100 uL}, expect: {wells: {plate.A1: 180 uL}}}",
	fields: func() []Field { return caseFields(&TestCase{}) },
}

func caseFields(c *TestCase) []Field {
	return []Field{
		{"name", "What is tested, for people.", "three colours", true, givenSlot(&c.Name, plainShape)},
		{"params", "The parameters of the workflow. A file that is named for a table is looked for from where this file is.", "{R: 100 uL, mix_well: A1}", false, labParamsSlot(&c.Params)},
		{"results", "What people answer and instruments give, in the order in which it is asked for: a value, the values under their names, or {failed: timeout}. Behind them comes what the simulator takes.", "[80 uL, {green: 1200}]", false, resultsSlot(&c.Results)},
		{"expect", "What must come of it.", "{wells: {plate.A1: 180 uL}, tips: {tips: 3}}", true, expectSlot(&c.Expect)},
	}
}

func casesSlot(to *[]TestCase) Slot {
	return Slot{casesShape, func(d *decoder, v value) {
		v.each(caseShape, func(_ int, item value) {
			c := TestCase{Span: item.span()}
			d.object(item, caseShape, caseFields(&c))
			*to = append(*to, c)
		})
	}}
}

var resultsShape = &Shape{Kind: ListShape, Noun: "a list of results", Elem: writtenItem}

func resultsSlot(to *[]WrittenItem) Slot {
	return Slot{resultsShape, func(_ *decoder, v value) {
		v.each(writtenItem, func(_ int, item value) { *to = append(*to, item.written()) })
	}}
}

var expectShape = &Shape{
	Kind: ObjectShape, Name: "expect", Noun: "the keys of what is expected", Doc: "What must come of a run. What is not written is not compared, but for findings: a run in which something is found that is not expected has failed.",
	Example: "{wells: {plate.A1: 180 uL}, tips: {tips: 3}}", Min: 1, fields: func() []Field { return expectFields(&Expect{}) },
}

func expectFields(e *Expect) []Field {
	return []Field{
		{"steps", "How many steps the robot does.", "15", false, givenSlot(&e.Steps, wholeShape)},
		{"counts", "How often it does an operation, under its name in a plan.", "{aspirate: 3, pick_up_tip: 3}", false, amountsSlot(&e.Counts, countsShape)},
		{"does", "Steps that it does in this order, as a plan says them, or how that begins. Others may stand between them.", "[pick up tip tips.B1, aspirate 100 uL from paints.B1]", false, givenListSlot(&e.Does, sentencesShape)},
		{"never", "Steps that it must not do: none begins so.", "[blow out, pick up tip tips.B3]", false, givenListSlot(&e.Never, sentencesShape)},
		{"wells", "What wells hold in the end, exactly: a volume; empty; or the volume of every liquid in it. A well, a range of wells, or a labware for all its wells.", "{plate.A1: {red: 100 uL, blue: 50 uL}, 'plate.A2:H2': 180 uL, plate.H12: empty}", false, expectedWellsSlot(&e.Wells, expectedWellsShape)},
		{"contains", "What is dissolved in wells in the end, within 1 %.", "{'plate.A1:H1': {dna: 10 ng/uL}}", false, expectedWellsSlot(&e.Contains, dissolvedShape)},
		{"liquids", "How much leaves the wells of a liquid.", "{red: 100 uL}", false, amountsSlot(&e.Liquids, drawnShape)},
		{"tips", "How many new tips are taken from a rack.", "{tips: 3}", false, amountsSlot(&e.Tips, takenShape)},
		{"duration", "How long the robot takes, by its time model.", "{max: 2 min}", false, timeSlot(&e.Duration)},
		{"outputs", "What the workflow returns.", "{picked: 12}", false, labParamsSlot(&e.Outputs)},
		{"finds", "What is found, each by its code or its name, and nothing else. With errors among it there is no run, and nothing else to expect.", "[OTF602, {code: check-failed, message: too much}]", false, findsSlot(&e.Finds)},
		{"fails", "The run fails, and why, or a part of that.", "the sensor says nothing", false, givenSlot(&e.Fails, plainShape)},
	}
}

func expectSlot(to *Expect) Slot {
	return Slot{expectShape, func(d *decoder, v value) {
		to.Span = v.span()
		d.object(v, expectShape, expectFields(to))
	}}
}

var (
	amountShape    = &Shape{Noun: "a volume", Scalars: Strings | Numbers, Pattern: notBlank}
	countsShape    = &Shape{Kind: MapShape, Noun: "operations with how often they are done", Elem: wholeShape, Min: 1}
	drawnShape     = &Shape{Kind: MapShape, Noun: "liquids with their volumes", Elem: amountShape, Min: 1}
	takenShape     = &Shape{Kind: MapShape, Noun: "tip racks with how many tips are taken", Elem: wholeShape, Min: 1}
	sentencesShape = &Shape{Kind: ListShape, Noun: "a list of steps, as a plan says them", Elem: plainShape, Min: 1}
)

// amountsSlot takes names with what there must be of each.
func amountsSlot(to *[]ExpectedAmount, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) {
		v.entries(shape.Elem, func(name Word, item value, taken bool) {
			if taken && name.IsSet() {
				*to = append(*to, ExpectedAmount{name, Given{item.scalar(), true}})
			}
		})
	}}
}

// wellsPattern is plate, plate.A1, plate.A1:H12, or these of a labware that was taken away.
var wellsPattern = &Pattern{
	`^[A-Za-z_][A-Za-z0-9_]*(#[1-9][0-9]*)?(\.[A-Z]+[1-9][0-9]*(:[A-Z]+[1-9][0-9]*)?)?$`, func(s string) bool {
		_, _, _, _, ok := CutWells(s)
		return ok
	}, "a well, such as plate.A1; a range, such as plate.A1:H3; or a labware",
}

// CutWells takes the name of wells apart: plate#2.A1:B3 is of the second plate, from A1 to
// B3. Without a range to is from, and without a well both are empty; number is empty where
// there is none.
func CutWells(s string) (labware, number, from, to string, ok bool) {
	labware, wells, some := strings.Cut(s, ".")
	labware, number, numbered := strings.Cut(labware, "#")
	if !IsName(labware) || numbered && !isCount(number) {
		return "", "", "", "", false
	}
	if !some {
		return labware, number, "", "", true
	}
	from, to, ranged := strings.Cut(wells, ":")
	if !ranged {
		to = from
	}
	return labware, number, from, to, isPlace(from) && isPlace(to)
}

// isPlace reports whether s is a row and a column, such as A1.
func isPlace(s string) bool {
	row := len(s) - len(strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
	return row > 0 && isCount(s[row:])
}

// isCount reports whether s is a whole number from 1.
func isCount(s string) bool {
	return s != "" && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

var expectedWellsShape = &Shape{
	Kind: MapShape, Noun: "wells with what they hold", Keys: wellsPattern, Min: 1,
	Elem: &Shape{
		Kind: UnionShape, Name: "held", Noun: "a volume, empty, or liquids with their volumes", Example: "180 uL",
		Doc: "What a well holds in the end: a volume, `empty`, or the volume of every liquid in it.",
		Any: []*Shape{{Noun: "a volume, or empty", Scalars: Strings | Numbers, Pattern: notBlank, Lead: []string{"empty"}}, drawnShape},
	},
}

var dissolvedShape = &Shape{
	Kind: MapShape, Noun: "wells with what they contain", Keys: wellsPattern, Min: 1,
	Elem: &Shape{Kind: MapShape, Noun: "components with their concentrations", Min: 1, Elem: &Shape{Noun: "a concentration", Scalars: Strings | Numbers, Pattern: notBlank}},
}

func expectedWellsSlot(to *[]ExpectedWells, shape *Shape) Slot {
	return Slot{shape, func(_ *decoder, v value) {
		v.entriesBy(wellsPattern, shape.Elem, func(name Word, item value, taken bool) {
			e := ExpectedWells{Wells: name, Span: item.span()}
			switch {
			case !taken || !name.IsSet():
				return
			case item.isScalar():
				e.Value = Given{item.scalar(), true}
			default:
				e.Many = true
				amountsSlot(&e.Parts, shape.Elem.Alternative(false, false)).read(v.d, item)
			}
			*to = append(*to, e)
		})
	}}
}

var expectedTimeShape = &Shape{
	Kind: ObjectShape, Name: "expected_time", Noun: "min and max", Doc: "How long a run takes.", Example: "{min: 1 min, max: 2 min}", Min: 1,
	fields: func() []Field { return timeFields(&ExpectedTime{}) },
}

func timeFields(t *ExpectedTime) []Field {
	return []Field{
		{"min", "It takes as long as this, or longer.", "1 min", false, givenSlot(&t.Min, spanOfTimeShape)},
		{"max", "It takes as long as this, or less.", "2 min", false, givenSlot(&t.Max, spanOfTimeShape)},
	}
}

func timeSlot(to *ExpectedTime) Slot {
	return objectSlot(expectedTimeShape, func() []Field { return timeFields(to) })
}

var findsShape = &Shape{Kind: ListShape, Noun: "a list of findings", Elem: findShape}

var findShape = &Shape{
	Kind: UnionShape, Name: "expected_finding", Noun: "a code, or the keys of a finding", Example: "OTF602",
	Doc: "Something that is found: its code or its name; or in full {code: OTF602, message: asks for 240 uL, line: 31}.",
	Any: []*Shape{{Scalars: Strings, Pattern: notBlank}, findObject},
}

var findObject = &Shape{Kind: ObjectShape, fields: func() []Field { return findFields(&ExpectedFinding{}) }}

func findFields(f *ExpectedFinding) []Field {
	return []Field{
		{"code", "Its code, or its name.", "OTF602", true, givenSlot(&f.Code, plainShape)},
		{"message", "A part of what it says.", "asks for 240 uL", false, givenSlot(&f.Message, plainShape)},
		{"line", "The line that it is at.", "31", false, givenSlot(&f.Line, wholeShape)},
	}
}

func findsSlot(to *[]ExpectedFinding) Slot {
	return Slot{findsShape, func(d *decoder, v value) {
		v.each(findShape, func(_ int, item value) {
			f := ExpectedFinding{Span: item.span()}
			if item.isScalar() {
				f.Code = Given{item.scalar(), true}
			} else {
				d.object(item, findObject, findFields(&f))
			}
			*to = append(*to, f)
		})
	}}
}

// DecodeTests reads the parsed file with tests, as Decode reads a workflow. The Document
// has no Workflow.
func DecodeTests(src *Source, root *yaml.Node) (*Tests, *Document, diag.List) {
	t := &Tests{File: src.File().Name}
	doc := &Document{Root: root, Source: src, Format: TestsFormat}
	if root == nil {
		return t, doc, nil
	}
	d := &decoder{src: src, paths: map[string]diag.Span{}}
	if v := (value{d, root}); d.opens(v, testsRoot) {
		t.Span = v.span()
		d.object(v, testsRoot, testsFields(t))
	}
	doc.Refused = d.refused
	return t, doc, d.found
}
