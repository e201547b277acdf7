package labware

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// catalogue has one line a definition, sorted by load name and version, of
// fields parted by tabs: see record. Lengths are micrometres, volumes nL.
//
//go:embed catalogue.txt
var catalogue string

// standard is the namespace of the whole catalogue.
const standard = "opentrons"

// The letters in a record's marks.
const (
	markBaseline = "b" // robot software 8.2.0 ships it
	markDefault  = "d" // the bare load name means it
	markMagnetic = "m" // the magnetic module takes it
	markAdapter  = "a" // other labware is made to stand on it
)

// record is one line of the catalogue, cut at the tabs. The wells are blocks
// parted by semicolons; see appendBlock.
type record struct {
	loadName, version, marks, displayName, category, brand, format string
	wells, maxNL, size, corner, tip, quirks                        string
	onLabware, onModules, magnet, blocks                           string
}

func (r *record) is(mark string) bool { return strings.Contains(r.marks, mark) }

// cutRecord takes the first line off s.
func cutRecord(s string) (r record, rest string) {
	line, rest, _ := strings.Cut(s, "\n")
	for _, field := range []*string{
		&r.loadName, &r.version, &r.marks, &r.displayName, &r.category, &r.brand, &r.format,
		&r.wells, &r.maxNL, &r.size, &r.corner, &r.tip, &r.quirks, &r.onLabware, &r.onModules, &r.magnet, &r.blocks,
	} {
		*field, line, _ = strings.Cut(line, "\t")
	}
	return r, rest
}

// seek returns the catalogue from the first line on whose load name is not
// below name. It halves the text and moves on to the start of a line, so that
// it needs no table of lines.
func seek(name string) string {
	low, high := 0, len(catalogue) // line starts; the answer is in between
	for low < high {
		mid := (low + high) / 2
		start := low + strings.LastIndexByte(catalogue[low:mid], '\n') + 1
		end := len(catalogue)
		if i := strings.IndexByte(catalogue[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		have, _, _ := strings.Cut(catalogue[start:end], "\t")
		if have < name {
			low = end
		} else {
			high = start
		}
	}
	return catalogue[low:]
}

// find returns the line that ref means.
func find(ref string) (record, bool) {
	name, version := ref, ""
	if parts := strings.Split(ref, "/"); len(parts) == 3 && parts[0] == standard && parts[2] != "" {
		name, version = parts[1], parts[2]
	}
	for rest := seek(name); rest != ""; {
		var r record
		r, rest = cutRecord(rest)
		if r.loadName != name {
			break
		}
		if r.version == version || version == "" && r.is(markDefault) {
			return r, true
		}
	}
	return record{}, false
}

// Lookup finds a definition of the standard catalogue by its load name, such
// as corning_96_wellplate_360ul_flat, or by namespace/loadName/version. Each
// call returns a Labware of its own; keep it if it is needed again.
func Lookup(ref string) (*program.Labware, bool) {
	r, ok := find(ref)
	if !ok {
		return nil, false
	}
	return r.labware(), true
}

// Entry is what a list of the catalogue shows of a definition. MaxNL is the
// capacity of its largest well.
type Entry struct {
	LoadName              string
	Version               int
	DisplayName, Category string
	Wells                 int
	MaxNL                 int64
}

// List returns the standard catalogue by load name, each in the version that
// the bare load name means.
func List() []Entry {
	out := make([]Entry, 0, strings.Count(catalogue, "\n"))
	for rest := catalogue; rest != ""; {
		var r record
		r, rest = cutRecord(rest)
		if r.is(markDefault) {
			out = append(out, r.entry())
		}
	}
	return out
}

func (r *record) entry() Entry {
	return Entry{r.loadName, int(number(r.version)), r.displayName, r.category, int(number(r.wells)), number(r.maxNL)}
}

// Nearest returns the load name that name most likely stands for, "" if none
// is near. It knows slips of the keyboard, the beginning of a load name, and
// the display name in place of the load name.
func Nearest(name string) string {
	name = bareName(name)
	entries := List()
	loadNames, displayNames := make([]string, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		loadNames[i], displayNames[i] = e.LoadName, e.DisplayName
	}
	if found, ok := diag.Nearest(name, loadNames); ok {
		return found
	}
	if i := slices.IndexFunc(loadNames, func(s string) bool { return begins(s, name) }); i >= 0 {
		return loadNames[i]
	}
	if found, ok := diag.Nearest(name, displayNames); ok {
		return loadNames[slices.Index(displayNames, found)]
	}
	return ""
}

// bareName is the load name in a reference such as opentrons/name/9.
func bareName(ref string) string {
	if parts := strings.Split(ref, "/"); len(parts) > 1 {
		return parts[1]
	}
	return ref
}

// begins reports whether s starts with prefix, which must be long enough to
// say something.
func begins(s, prefix string) bool {
	return len(prefix) >= 4 && strings.HasPrefix(s, strings.ToLower(prefix))
}

// labware builds the definition of a line. The lines are ours: a test builds
// each of them, so that what they hold needs no check here.
func (r *record) labware() *program.Labware {
	l := &program.Labware{
		Namespace:          standard,
		LoadName:           r.loadName,
		Version:            int(number(r.version)),
		DisplayName:        r.displayName,
		Category:           r.category,
		IsTipRack:          r.tip != "",
		TouchTipDisabled:   strings.Contains(r.quirks, quirkNoTouchTip),
		CenterMultichannel: strings.Contains(r.quirks, quirkCenterMultichannel),
		IsAdapter:          r.is(markAdapter),
		MagnetHeight:       program.NoMagnetHeight,
	}
	l.StandsOn = appendSunk(appendSunk(nil, r.onLabware), r.onModules)
	if r.magnet != "" {
		l.MagnetHeight = number(r.magnet)
	}
	l.X, l.Y, l.Z = three(r.size)
	l.TipLength, l.TipOverlap, _ = three(r.tip)
	l.Wells = make([]program.Well, 0, number(r.wells))
	for rest := r.blocks; rest != ""; {
		var b string
		b, rest, _ = strings.Cut(rest, ";")
		l.Wells = appendBlock(l.Wells, b)
	}
	if strings.Contains(r.blocks, ";") { // one block alone is in order
		slices.SortFunc(l.Wells, byColumn)
	}
	l.Columns = columns(l.Wells)
	l.Index()
	return l
}

// appendSunk appends what a labware stands on: name:depth,name:depth.
func appendSunk(to []program.Sunk, s string) []program.Sunk {
	for s != "" {
		var one string
		one, s, _ = strings.Cut(s, ",")
		on, by, _ := strings.Cut(one, ":")
		to = append(to, program.Sunk{On: on, By: number(by)})
	}
	return to
}

// appendBlock appends the wells of a block such as
//
//	A1:H12 14380,74240,3550 9000,-9000 10670 o6860 360000 flat
//
// column by column: the first and the last well's name, where the first one's
// bottom is, the pitch to the next column and the next row, depth, diameter or
// r and the two sides, capacity, and the shape of the bottom or a dash.
func appendBlock(wells []program.Well, block string) []program.Well {
	f := strings.Split(block, " ")
	first, last, _ := strings.Cut(f[0], ":")
	x, y, z := three(f[1])
	dx, dy, _ := three(f[2])
	w := program.Well{Z: z, Depth: number(f[3]), MaxNL: number(f[5]), Shape: strings.TrimPrefix(f[6], "-")}
	if sides, ok := strings.CutPrefix(f[4], "r"); ok {
		xSize, ySize, _ := strings.Cut(sides, "x")
		w.XSize, w.YSize = number(xSize), number(ySize)
	} else {
		w.Round, w.Diameter = true, number(f[4][1:])
	}
	from, to := int(number(first[1:])), int(number(last[1:]))
	for c := from; c <= to; c++ {
		digits := strconv.Itoa(c)
		for r := first[0]; r <= last[0]; r++ {
			w.Name = string(rune(r)) + digits
			w.Row, w.Column = w.Name[:1], c
			w.X, w.Y = x+dx*int64(c-from), y+dy*int64(r-first[0])
			wells = append(wells, w)
		}
	}
	return wells
}

func byColumn(a, b program.Well) int {
	if a.Column != b.Column {
		return a.Column - b.Column
	}
	return strings.Compare(a.Row, b.Row)
}

// columns groups wells that stand in order by their column numbers.
func columns(wells []program.Well) [][]int {
	all := make([]int, len(wells))
	out := [][]int{}
	start := 0
	for i := range wells {
		all[i] = i
		if i+1 == len(wells) || wells[i+1].Column != wells[i].Column {
			out = append(out, all[start:i+1:i+1])
			start = i + 1
		}
	}
	return out
}

// three reads up to three integers parted by commas.
func three(s string) (a, b, c int64) {
	first, rest, _ := strings.Cut(s, ",")
	second, third, _ := strings.Cut(rest, ",")
	return number(first), number(second), number(third)
}

// number reads an integer of the catalogue; no text is 0.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
