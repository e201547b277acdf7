package labware

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// The words that schema 2 knows.
var (
	categories   = []string{"tipRack", "tubeRack", "reservoir", "trash", "wellPlate", "aluminumBlock", "adapter", "other", "lid", "system"}
	formats      = []string{"96Standard", "384Standard", "trough", "irregular", "trash"}
	volumeUnits  = []string{"µL", "mL", "L"}
	bottomShapes = []string{"flat", "u", "v"}
	wellShapes   = []string{"circular", "rectangular"}
)

// word returns the text of a field that takes one of a few words, empty where
// it does not.
func (c *checker) word(parent *node, of, name string, words []string) string {
	n := c.field(parent, of, name, text)
	if n == nil {
		return ""
	}
	if slices.Contains(words, n.text) {
		return n.text
	}
	f := c.add(diag.LabwareValue, n.span, fmt.Sprintf("%q is not %s", n.text, kindOfWord(name)))
	if near, ok := diag.Nearest(n.text, words); ok {
		f.help("write %q; the words are %s", near, strings.Join(words, ", ")).edit(n.span, strconv.Quote(near))
	} else {
		f.help("write one of %s", strings.Join(words, ", "))
	}
	return ""
}

func kindOfWord(field string) string {
	switch field {
	case "displayCategory":
		return "a category of labware"
	case "format":
		return "a format of labware"
	case "displayVolumeUnits":
		return "a unit that volumes are shown in"
	case "wellBottomShape":
		return "a shape of a well's bottom"
	}
	return "a shape of wells"
}

// safeName returns a load name or namespace.
func (c *checker) safeName(parent *node, of, name string) string {
	n := c.field(parent, of, name, text)
	if n == nil {
		return ""
	}
	if n.text != "" && strings.IndexFunc(n.text, notSafe) < 0 {
		return n.text
	}
	if n.text == "" {
		c.add(diag.LabwareName, n.span, fmt.Sprintf("%q is empty", name)).help("give it a name of small letters, digits, dots and underscores")
		return ""
	}
	f := c.add(diag.LabwareName, n.span, fmt.Sprintf("%q may hold small letters, digits, dots and underscores only", name))
	if better := makeSafe(n.text); better != "" {
		f.help("write for example %q", better).edit(n.span, strconv.Quote(better))
	}
	return ""
}

func notSafe(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_')
}

// makeSafe is the name that was probably meant: small, with underscores.
func makeSafe(s string) string {
	s = strings.NewReplacer("µ", "u", "μ", "u").Replace(strings.ToLower(strings.TrimSpace(s)))
	return strings.Trim(strings.Map(func(r rune) rune {
		if notSafe(r) {
			return '_'
		}
		return r
	}, s), "_")
}

func (c *checker) version(root *node) int {
	n := c.field(root, "the definition", "version", num)
	if n == nil {
		return 0
	}
	v, ok := n.float()
	if !ok || v < 1 || v != math.Trunc(v) || v > math.MaxInt32 {
		c.add(diag.LabwareValue, n.span, n.text+" is not a version").help("versions are whole numbers from 1 on")
		return 0
	}
	return int(v)
}

func (c *checker) metadata(n *node) {
	if name := c.field(n, `"metadata"`, "displayName", text); name != nil {
		c.out.DisplayName = name.text
	}
	c.out.Category = c.word(n, `"metadata"`, "displayCategory", categories)
	c.word(n, `"metadata"`, "displayVolumeUnits", volumeUnits)
}

func (c *checker) parameters(n *node) {
	const of = `"parameters"`
	c.word(n, of, "format", formats)
	c.out.LoadName = c.safeName(n, of, "loadName")
	magnetic := c.field(n, of, "isMagneticModuleCompatible", boolean)
	c.out.MagnetHeight = program.NoMagnetHeight
	if c.optional(n, "magneticModuleEngageHeight", num) != nil && magnetic != nil && magnetic.text == "true" {
		c.out.MagnetHeight = c.length(n, of, "magneticModuleEngageHeight", anySign)
	}
	if rack := c.field(n, of, "isTiprack", boolean); rack != nil && rack.text == "true" {
		c.out.IsTipRack = true
		c.tips(n)
	}
	if quirks := c.optional(n, "quirks", list); quirks != nil {
		for i := range quirks.items {
			c.quirk(&quirks.items[i])
		}
	}
}

func (c *checker) quirk(n *node) {
	if n = c.ofKind(n, text); n == nil {
		return
	}
	switch n.text {
	case quirkNoTouchTip:
		c.out.TouchTipDisabled = true
	case quirkCenterMultichannel:
		c.out.CenterMultichannel = true
	}
}

// tips reads how long a rack's tips are. The overlap is optional: the robot
// takes the pipette's own where it knows the rack, and calibrates it anyway.
func (c *checker) tips(n *node) {
	length := n.get("tipLength")
	if length == nil {
		c.add(diag.LabwareTip, n.mark(), "a tip rack has no \"tipLength\"").help("add the length of a tip in mm")
		return
	}
	if length.kind == num {
		if v, ok := length.float(); ok && v <= 0 {
			c.add(diag.LabwareTip, length.span, fmt.Sprintf("the tips are %s mm long", length.text)).help("measure the length of a tip in mm")
			return
		}
	}
	c.out.TipLength = c.length(n, `"parameters"`, "tipLength", above0)
	if n.get("tipOverlap") == nil {
		return
	}
	c.out.TipOverlap = c.length(n, `"parameters"`, "tipOverlap", atLeast0)
	if c.out.TipLength > 0 && c.out.TipOverlap >= c.out.TipLength {
		c.add(diag.LabwareTip, n.get("tipOverlap").span, "the tips go onto the pipette further than they are long").
			label("tipLength is %s mm", length.text).help("tipOverlap is the part of the tip that the pipette's nozzle fills")
	}
}

// bound says which lengths make sense.
type bound uint8

const (
	above0 bound = iota
	atLeast0
	anySign
)

// length returns a length of the definition in µm, 0 where it is wrong.
func (c *checker) length(parent *node, of, name string, b bound) int64 {
	n := c.field(parent, of, name, num)
	if n == nil || !c.sensible(n, b, maxLength, "mm") {
		return 0
	}
	return n.thousandths()
}

// sensible reports whether a number lies within its bounds.
func (c *checker) sensible(n *node, b bound, most float64, unit string) bool {
	v, ok := n.float()
	of := ""
	if c.well != "" {
		of = " of a well"
	}
	var problem string
	switch {
	case !ok:
		problem = "is not a finite number"
	case v < 0 && b != anySign:
		problem = "is negative"
	case v == 0 && b == above0:
		problem = "is 0"
	case math.Abs(v) > most:
		problem = fmt.Sprintf("is beyond %v %s", most, unit)
	default:
		return true
	}
	c.add(diag.LabwareGeometry, n.span, fmt.Sprintf("%q%s %s", n.name, of, problem)).help("%s", geometryHelp(n.name))
	return false
}

func geometryHelp(field string) string {
	switch field {
	case "x", "y":
		return "give the middle of the well in mm from the labware's front left corner"
	case "z":
		return "give the inside of the well's bottom in mm from the underside of the labware"
	case "totalLiquidVolume":
		return "give what the well holds in uL"
	case "depth":
		return "give the height from the inside of the bottom to the rim in mm"
	}
	return "give it in mm"
}

// thousandths is the number in the next smaller unit, µm or nL.
func (n *node) thousandths() int64 {
	v, _ := n.float()
	return int64(math.Round(float64(v * 1000)))
}

// corner reads the labware's offset in its slot. The robot wants it; nothing
// here depends on it.
func (c *checker) corner(n *node) {
	for _, axis := range []string{"x", "y", "z"} {
		c.length(n, `"cornerOffsetFromSlot"`, axis, anySign)
	}
}

// stacking reads what the labware is made to stand on, and whether other labware
// is made to stand on it.
func (c *checker) stacking(root *node) {
	if roles := c.optional(root, "allowedRoles", list); roles != nil {
		for i := range roles.items {
			c.out.IsAdapter = c.out.IsAdapter || roles.items[i].text == "adapter"
		}
	}
	for _, name := range [...]string{"stackingOffsetWithLabware", "stackingOffsetWithModule"} {
		on := c.optional(root, name, object)
		if on == nil {
			continue
		}
		for i := range on.members {
			if m := c.ofKind(&on.members[i], object); m != nil {
				c.out.StandsOn = append(c.out.StandsOn, program.Sunk{On: m.name, By: c.length(m, strconv.Quote(m.name), "z", anySign)})
			}
		}
	}
}

func (c *checker) dimensions(n *node) {
	c.out.X = c.length(n, `"dimensions"`, "xDimension", above0)
	c.out.Y = c.length(n, `"dimensions"`, "yDimension", above0)
	c.out.Z = c.length(n, `"dimensions"`, "zDimension", above0)
}

// standardName warns of a definition that takes the name of one in the
// catalogue.
func (c *checker) standardName(root *node) {
	ref := program.Labware{Namespace: c.out.Namespace, LoadName: c.out.LoadName, Version: c.out.Version}
	if _, ok := find(ref.URI()); ok {
		c.warn(diag.LabwareStandard, root.get("namespace").span, fmt.Sprintf("%s is the name of a standard labware", ref.URI())).
			help("give it a namespace of your own, such as \"custom_beta\"").edit(root.get("namespace").span, `"custom_beta"`)
	}
}
