package labware

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// maxSize is several times the size of the largest plates' definitions, in
// bytes.
const maxSize = 1 << 20

// Bounds of what a definition can mean, in the file's units.
const (
	maxLength = 1000        // mm; the robot is about half of that wide
	maxVolume = 100_000_000 // µL, 100 L
	maxWells  = math.MaxInt16
)

// byteOrderMark is what some editors put before a text. It says nothing, and
// JSON has no place for it.
var byteOrderMark = []byte("\ufeff")

// Parse reads a user's own labware definition in Opentrons labware schema 2.
// It reports everything it finds in one run, each mistake once, and returns a
// Labware only if there is no error. Fields that it does not know are left to
// those who do. Labware.JSON holds the bytes as they were given, without a
// byte order mark; lengths are rounded to micrometres, volumes to nanolitres.
func Parse(file string, data []byte) (*program.Labware, diag.List) {
	c := &checker{findings: findings{file: file, data: data, same: map[string]int{}}}
	if len(data) > maxSize {
		c.add(diag.LabwareTooLarge, span{}, fmt.Sprintf("%d bytes are too many for a labware definition", len(data))).
			help("the largest definitions take a few hundred kilobytes; check that this is the right file")
		return nil, c.diagnostics()
	}
	if root, ok := c.readJSON(); ok {
		c.definition(root)
	}
	list := c.diagnostics()
	if c.errors > 0 {
		return nil, list
	}
	c.out.JSON = bytes.TrimPrefix(data, byteOrderMark)
	c.out.Index()
	return &c.out, list
}

// checker turns the JSON value into a Labware.
type checker struct {
	findings
	out    program.Labware
	folded map[string]string // wells by their folded names
	twice  span              // a name that stands twice in its group
}

func (c *checker) readJSON() (*node, bool) {
	r := reader{data: c.data}
	if bytes.HasPrefix(c.data, byteOrderMark) {
		r.at = len(byteOrderMark)
	}
	root := r.read()
	for _, d := range r.duplicates {
		c.twice = d.second
		c.add(diag.LabwareDuplicate, d.second, fmt.Sprintf("%q stands twice in the same group", d.name)).
			relate(d.first, "the first one").help("remove or rename one of the two")
	}
	if f := r.fault; f != nil {
		code := diag.LabwareNotJSON
		if f.tooMuch {
			code = diag.LabwareTooLarge
		}
		c.add(code, f.span, f.message).help("%s", f.help)
		return nil, false
	}
	if root.kind != object {
		c.add(diag.LabwareType, root.mark(), "a labware definition is "+object.String()+", not "+root.kind.String())
		return nil, false
	}
	return &root, true
}

// definition checks the whole definition. Where it is of another schema there
// is nothing to check.
func (c *checker) definition(root *node) {
	if !c.schema(root) {
		return
	}
	l := &c.out
	l.Namespace = c.safeName(root, "the definition", "namespace")
	l.Version = c.version(root)
	c.metadata(c.field(root, "the definition", "metadata", object))
	c.field(c.field(root, "the definition", "brand", object), `"brand"`, "brand", text)
	c.parameters(c.field(root, "the definition", "parameters", object))
	c.corner(c.field(root, "the definition", "cornerOffsetFromSlot", object))
	c.stacking(root)
	c.dimensions(c.field(root, "the definition", "dimensions", object))
	c.allWells(root)
	c.standardName(root)
}

// schema reports whether root is a definition of schema 2, or at least lacks
// nothing but the number.
func (c *checker) schema(root *node) bool {
	n := root.get("schemaVersion")
	if n == nil && root.get("wells") == nil && root.get("ordering") == nil && root.get("parameters") == nil {
		c.add(diag.LabwareMissing, root.mark(), "this is no labware definition: it has neither wells nor parameters").
			help("save the labware from Opentrons' Labware Creator, and name that file")
		return false
	}
	n = c.field(root, "the definition", "schemaVersion", num)
	if n == nil {
		return true
	}
	switch v, _ := n.float(); v {
	case 2:
		return true
	case 3:
		c.add(diag.LabwareSchema, n.span, "the definition is of schema 3, which robot software 8.2 and older cannot read").label("schema 2 is wanted").
			help("save the labware from the Labware Creator in schema 2; changing the number does not convert it")
	case 1:
		c.add(diag.LabwareSchema, n.span, "the definition is of schema 1, which robots no longer read").label("schema 2 is wanted").
			help("make the labware again in the Labware Creator, which saves schema 2")
	default:
		c.add(diag.LabwareSchema, n.span, "there is no labware schema "+n.text).label("schema 2 is wanted").
			help("save the labware from the Labware Creator, which gives schema 2")
	}
	return false
}

// float is the value of a number; ok is false where it is none or endless.
func (n *node) float() (v float64, ok bool) {
	v, err := strconv.ParseFloat(n.text, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// field returns the member called name if it is there and of kind k, and
// reports what is wrong with it otherwise. Of is the parent as messages name
// it; a parent that is not there was reported already.
func (c *checker) field(parent *node, of, name string, k kind) *node {
	if parent == nil {
		return nil
	}
	n := parent.get(name)
	if n == nil {
		c.missing(parent, of, name)
		return nil
	}
	return c.ofKind(n, k)
}

// optional is field for what need not be there.
func (c *checker) optional(parent *node, name string, k kind) *node {
	if n := parent.get(name); n != nil {
		return c.ofKind(n, k)
	}
	return nil
}

// ofKind returns n if it is of kind k.
func (c *checker) ofKind(n *node, k kind) *node {
	if n.kind == k {
		return n
	}
	f := c.add(diag.LabwareType, n.span, fmt.Sprintf("%s should be %s", subject(n), k)).label("this is %s", n.kind)
	if n.kind == text && k == num {
		if v, ok := (&node{text: n.text}).float(); ok {
			f.help("write %v without quotes", v).edit(n.span, n.text)
		}
	}
	if n.kind == text && k == boolean && (n.text == "true" || n.text == "false") {
		f.help("write %s without quotes", n.text).edit(n.span, n.text)
	}
	return nil
}

func subject(n *node) string {
	if n.name == "" {
		return "this"
	}
	return strconv.Quote(n.name)
}

// missing reports that parent lacks name; a member that looks like it, spelled
// in another way, is what to correct.
func (c *checker) missing(parent *node, of, name string) {
	unknown := []string{}
	for _, m := range parent.members {
		if !slices.Contains(knownFields, m.name) {
			unknown = append(unknown, m.name)
		}
	}
	if slip, ok := diag.Nearest(name, unknown); ok {
		n := parent.get(slip)
		c.add(diag.LabwareMissing, n.key, fmt.Sprintf("%s has %q where %q is wanted", of, slip, name)).
			help("write %q", name).edit(n.key, strconv.Quote(name))
		return
	}
	c.add(diag.LabwareMissing, parent.mark(), fmt.Sprintf("%s has no %q", of, name)).help("add %q", name)
}

// knownFields are the names that schema 2 gives a meaning to, so that none is
// taken for a misspelling of another.
var knownFields = []string{
	"schemaVersion", "version", "namespace", "metadata", "brand", "parameters", "cornerOffsetFromSlot", "ordering",
	"dimensions", "wells", "groups", "displayName", "displayCategory", "displayVolumeUnits", "tags", "brandId", "links",
	"format", "quirks", "isTiprack", "tipLength", "tipOverlap", "loadName", "isMagneticModuleCompatible",
	"isDeckSlotCompatible", "magneticModuleEngageHeight", "x", "y", "z", "xDimension", "yDimension", "zDimension",
	"depth", "diameter", "totalLiquidVolume", "shape", "geometryDefinitionId", "wellBottomShape", "allowedRoles",
	"stackingOffsetWithLabware", "stackingOffsetWithModule", "gripperOffsets", "gripForce",
	"gripHeightFromLabwareBottom", "stackLimit", "compatibleParentLabware", "innerLabwareGeometry",
}
