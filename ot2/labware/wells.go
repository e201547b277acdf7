package labware

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// How far a well may stand out of its labware before it is worth a warning, in
// µm. Of the published definitions none is too wide, and those whose tubes and
// tips are a little higher than the rack stay below a millimetre.
const (
	slackSide = 500
	slackTop  = 1000
)

// allWells reads "wells", "ordering" and "groups", which name the same wells.
func (c *checker) allWells(root *node) {
	const of = "the definition"
	wells := c.field(root, of, "wells", object)
	ordering := c.field(root, of, "ordering", list)
	groups := c.field(root, of, "groups", list)
	if wells == nil {
		return
	}
	if len(wells.members) > maxWells {
		c.add(diag.LabwareTooLarge, wells.mark(), fmt.Sprintf("%d wells are too many for a labware", len(wells.members)))
		return
	}
	c.folded = make(map[string]string, len(wells.members))
	for i := range wells.members {
		c.folded[fold(wells.members[i].name)] = wells.members[i].name
	}
	bottoms := c.bottoms(groups, wells)
	found := make(map[string]program.Well, len(wells.members))
	for i := range wells.members {
		n := &wells.members[i]
		found[n.name] = c.oneWell(n, bottoms[n.name])
	}
	c.well = ""
	if ordering != nil {
		c.order(ordering, wells, found)
	}
}

// exists reports whether there is a well called name. Where a well stands
// twice, another was probably meant, and every name may be that of a well.
func (c *checker) exists(name string, wells *node) bool {
	return wells.get(name) != nil || c.twice.start >= wells.span.start && c.twice.end <= wells.span.end
}

// oneWell reads the geometry of a well; what is wrong with it stays 0.
func (c *checker) oneWell(n *node, bottom string) program.Well {
	c.well = n.name
	before := c.errors
	w := program.Well{Name: n.name, Shape: bottom}
	w.Row, w.Column = c.wellName(n)
	if c.ofKind(n, object) == nil {
		return w
	}
	const of = "a well"
	w.X = c.length(n, of, "x", atLeast0)
	w.Y = c.length(n, of, "y", atLeast0)
	w.Z = c.length(n, of, "z", atLeast0)
	deep := above0
	if c.out.Category == "trash" {
		deep = atLeast0 // a trash is an opening
	}
	w.Depth = c.length(n, of, "depth", deep)
	if v := c.field(n, of, "totalLiquidVolume", num); v != nil && c.sensible(v, atLeast0, maxVolume, "uL") {
		w.MaxNL = v.thousandths()
	}
	switch c.word(n, of, "shape", wellShapes) {
	case "circular":
		w.Round, w.Diameter = true, c.length(n, of, "diameter", above0)
	case "rectangular":
		w.XSize, w.YSize = c.length(n, of, "xDimension", above0), c.length(n, of, "yDimension", above0)
	}
	if c.errors == before {
		c.inside(n, &w)
	}
	return w
}

// wellName splits a name such as AB24 into its row and its column.
func (c *checker) wellName(n *node) (row string, column int) {
	letters := 0
	for letters < len(n.name) && n.name[letters] >= 'A' && n.name[letters] <= 'Z' {
		letters++
	}
	row, tail := n.name[:letters], n.name[letters:]
	if row != "" && tail != "" && tail[0] != '0' && digits(tail) == len(tail) && len(tail) <= 4 && len(row) <= 2 {
		column, _ = strconv.Atoi(tail)
		return row, column
	}
	f := c.add(diag.LabwareName, n.key, "a well's name is not a row in capitals and a column in digits")
	if better := strings.ToUpper(strings.TrimSpace(n.name)); better != n.name && validName(better) {
		f.help("write %q, here and in the ordering", better)
	} else {
		f.help("name wells like A1 and H12")
	}
	return "", 0
}

func validName(s string) bool {
	tail := strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return tail != "" && tail != s && tail[0] != '0' && digits(tail) == len(tail)
}

// inside warns of a well that the labware's outer size does not hold. An outer
// size of 0 is unknown.
func (c *checker) inside(n *node, w *program.Well) {
	halfX, halfY := w.XSize/2, w.YSize/2
	if w.Round {
		halfX, halfY = w.Diameter/2, w.Diameter/2
	}
	const help = "correct the well's place or the outer size in \"dimensions\""
	out := &c.out
	switch {
	case w.X-halfX < -slackSide:
		c.outside(n, "x").label("%s begins at x = %s", w.Name, mm(w.X-halfX)).help(help)
	case out.X > 0 && w.X+halfX > out.X+slackSide:
		c.outside(n, "x").label("%s reaches to x = %s, the labware to %s", w.Name, mm(w.X+halfX), mm(out.X)).help(help)
	}
	switch {
	case w.Y-halfY < -slackSide:
		c.outside(n, "y").label("%s begins at y = %s", w.Name, mm(w.Y-halfY)).help(help)
	case out.Y > 0 && w.Y+halfY > out.Y+slackSide:
		c.outside(n, "y").label("%s reaches to y = %s, the labware to %s", w.Name, mm(w.Y+halfY), mm(out.Y)).help(help)
	}
	if out.Z > 0 && w.Z+w.Depth > out.Z+slackTop {
		at := n.get("z").span
		c.warn(diag.LabwareOutside, at, "the rim of a well is higher than the labware").
			label("%s ends at z = %s, the labware at %s", w.Name, mm(w.Z+w.Depth), mm(out.Z)).
			help("z is the inside of the bottom, not the rim; or correct \"zDimension\"")
	}
}

// outside warns at the well's x or y.
func (c *checker) outside(n *node, axis string) *finding {
	side := "to the side"
	if axis == "y" {
		side = "to the front or back"
	}
	return c.warn(diag.LabwareOutside, n.get(axis).span, "a well stands out of the labware "+side)
}

func mm(um int64) string { return string(quantity.AppendDecimal(nil, um, 1000)) + " mm" }

// order reads the columns, and checks that each well is in one of them.
func (c *checker) order(ordering, wells *node, found map[string]program.Well) {
	seen := make(map[string]*node, len(found))
	c.out.Wells = make([]program.Well, 0, len(found))
	c.out.Columns = [][]int{}
	for i := range ordering.items {
		if !c.isColumn(&ordering.items[i]) {
			return
		}
		indices := []int{}
		for j := range ordering.items[i].items {
			n := &ordering.items[i].items[j]
			if !c.ordered(n, wells, seen) {
				continue
			}
			indices = append(indices, len(c.out.Wells))
			c.out.Wells = append(c.out.Wells, found[n.text])
		}
		if len(indices) > 0 {
			c.out.Columns = append(c.out.Columns, indices)
		}
	}
	c.unordered(ordering, wells, seen)
}

// isColumn reports whether n is a list of texts. An ordering of anything else is
// not looked at further.
func (c *checker) isColumn(n *node) bool {
	f := (*finding)(nil)
	if n.kind != list {
		f = c.add(diag.LabwareType, n.span, "a column of the ordering should be "+list.String()).label("this is %s", n.kind)
	} else if i := slices.IndexFunc(n.items, func(n node) bool { return n.kind != text }); i >= 0 {
		f = c.add(diag.LabwareType, n.items[i].span, "a name in the ordering should be "+text.String()).label("this is %s", n.items[i].kind)
	}
	f.help(`write for example [["A1", "B1"], ["A2", "B2"]]`)
	return f == nil
}

// ordered reports whether n names a well for the first time.
func (c *checker) ordered(n, wells *node, seen map[string]*node) bool {
	first := seen[n.text]
	if first != nil {
		c.add(diag.LabwareWells, n.span, n.text+" is in the ordering twice").relate(first.span, "the first one").help("remove one of the two")
		return false
	}
	seen[n.text] = n
	if !c.exists(n.text, wells) {
		c.noWell(n, "the ordering")
		return false
	}
	return true
}

// noWell reports a name without a well. A name that differs from a well's in
// case or blanks only is a slip; all others are one mistake, for A1 is near to
// every other well.
func (c *checker) noWell(n *node, in string) {
	if meant, ok := c.folded[fold(n.text)]; ok {
		c.add(diag.LabwareWells, n.span, fmt.Sprintf("%s names %q, but the well is called %q", in, n.text, meant)).
			help("write %q", meant).edit(n.span, strconv.Quote(meant))
		return
	}
	c.well = n.text
	c.add(diag.LabwareWells, n.span, in+" names a well that does not exist").
		label("there is no %q", n.text).help("add the well to \"wells\", or remove the name here")
	c.well = ""
}

// fold is a well's name without what people overlook in it.
func fold(name string) string { return strings.ToUpper(strings.TrimSpace(name)) }

// unordered reports the wells that the ordering leaves out, as one mistake. A
// well that is there in another spelling was reported where that stands.
func (c *checker) unordered(ordering, wells *node, seen map[string]*node) {
	folded := make(map[string]bool, len(seen))
	for name := range seen {
		folded[fold(name)] = true
	}
	for i := range wells.members {
		n := &wells.members[i]
		if folded[fold(n.name)] {
			continue
		}
		c.well = n.name
		c.add(diag.LabwareWells, n.key, "a well is not in the ordering").
			relate(ordering.mark(), "the ordering").help("add its name to a column of the ordering")
	}
	c.well = ""
}

// bottoms reads the shapes of the wells' bottoms from the groups.
func (c *checker) bottoms(n, wells *node) map[string]string {
	shapes := map[string]string{}
	if n == nil {
		return shapes
	}
	for i := range n.items {
		group := c.ofKind(&n.items[i], object)
		meta := c.field(group, "a group", "metadata", object)
		shape := ""
		if meta != nil && meta.get("wellBottomShape") != nil {
			shape = c.word(meta, `"metadata"`, "wellBottomShape", bottomShapes)
		}
		names := c.field(group, "a group", "wells", list)
		if names == nil {
			continue
		}
		for j := range names.items {
			name := c.ofKind(&names.items[j], text)
			switch {
			case name == nil:
			case !c.exists(name.text, wells):
				c.noWell(name, "a group")
			default:
				shapes[name.text] = shape
			}
		}
	}
	return shapes
}
