package eval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// property is what a value of some kind has after a dot.
type property struct {
	name string
	typ  Type
	doc  string
	get  func(env *Env, v Value, at where) Value
	live bool // reads the state of the deck
}

// properties returns what a value of type t has after a dot. Its wells, the
// fields of a record and the methods come on top of these.
func properties(t Type) []property {
	switch {
	case t.Kind == Well:
		return wellProperties
	case t.Kind == Labware:
		return labwareProperties
	case t.Kind == Liquid:
		return liquidProperties
	}
	return nil
}

var wellProperties = []property{
	{name: "name", typ: Type{Kind: Text}, doc: "A1", get: func(env *Env, v Value, _ where) Value { return TextValue(env.Deck.Well(v.place).Name) }},
	{name: "row", typ: Type{Kind: Text}, doc: "the letter of its row", get: func(env *Env, v Value, _ where) Value { return TextValue(env.Deck.Well(v.place).Row) }},
	{name: "column", typ: Type{Kind: Integer}, doc: "the number of its column, from 1", get: func(env *Env, v Value, _ where) Value { return IntegerValue(int64(env.Deck.Well(v.place).Column)) }},
	{name: "labware", typ: Type{Kind: Labware}, doc: "the labware it belongs to", get: func(_ *Env, v Value, _ where) Value { return labwareIn(v.box, int(v.place.Labware)) }},
	{name: "volume", typ: Of(quantity.Volume), doc: "what it holds now", get: wellVolume, live: true},
	{name: "capacity", typ: Of(quantity.Volume), doc: "how much it can hold", get: func(env *Env, v Value, _ where) Value {
		return baseUnits(quantity.Volume, env.Deck.Well(v.place).MaxNL)
	}},
	{name: "depth", typ: Of(quantity.Length), doc: "from its top to its bottom", get: func(env *Env, v Value, _ where) Value {
		return baseUnits(quantity.Length, env.Deck.Well(v.place).Depth)
	}},
	{name: "diameter", typ: Of(quantity.Length), doc: "of a round one", get: wellDiameter},
}

var labwareProperties = []property{
	{name: "name", typ: Type{Kind: Text}, doc: "its name in the workflow", get: func(env *Env, v Value, _ where) Value { return TextValue(env.Deck.Labware[v.Labware()].Name) }},
	{name: "wells", typ: ListOf(Type{Kind: Well}), doc: "all its wells, column by column", get: func(env *Env, v Value, at where) Value { return toWells(env, at, v) }},
	{name: "rows", typ: ListOf(ListOf(Type{Kind: Well})), doc: "its rows, each a list of wells", get: labwareRows},
	{name: "columns", typ: ListOf(ListOf(Type{Kind: Well})), doc: "its columns, each a list of wells", get: labwareColumns},
}

var liquidProperties = []property{
	{name: "name", typ: Type{Kind: Text}, doc: "its name in the workflow", get: func(env *Env, v Value, _ where) Value { return TextValue(env.Deck.Liquids[v.Liquid()].Name) }},
	{name: "wells", typ: ListOf(Type{Kind: Well}), doc: "the wells it was declared in", get: func(env *Env, v Value, at where) Value { return toWells(env, at, v) }},
	{name: "volume", typ: Of(quantity.Volume), doc: "what its wells hold now, together", get: liquidVolume, live: true},
}

func baseUnits(d quantity.Dim, n int64) Value {
	return Value{kind: Quantity, dim: d, state: known, num: float64(n)}
}

const notYet = "what wells hold is known only while the steps are gone through"

func wellVolume(env *Env, v Value, at where) Value {
	c, cause := env.content(v.place)
	if cause != "" {
		return UnknownValue(Of(quantity.Volume), cause)
	}
	return baseUnits(quantity.Volume, c.Volume)
}

var emptyContent = &program.Content{}

// content returns what a well holds, or why that is not known.
func (env *Env) content(r program.WellRef) (*program.Content, string) {
	if env.State == nil {
		return nil, notYet
	}
	c, ok := env.State.Content(r)
	switch {
	case !ok:
		return emptyContent, ""
	case env.State.IsForgotten(c):
		return nil, "what " + env.Deck.WellName(r) + " holds was forgotten: a protocol ran of which nothing is known"
	case c.Unknown:
		return nil, "the amount in " + env.Deck.WellName(r) + " was not declared"
	}
	return c, ""
}

func wellDiameter(env *Env, v Value, at where) Value {
	w := env.Deck.Well(v.place)
	if !w.Round {
		return env.fail(at, diag.NotRound, env.Deck.WellName(v.place)+" is not round and has no diameter", "")
	}
	return baseUnits(quantity.Length, w.Diameter)
}

func liquidVolume(env *Env, v Value, at where) Value {
	return env.totalVolume(env.Deck.Liquids[v.Liquid()].Wells, -1)
}

// totalVolume adds up what wells hold, of one liquid or (-1) of all.
func (env *Env) totalVolume(refs []program.WellRef, liquid int) Value {
	total := int64(0)
	for _, r := range refs {
		c, cause := env.content(r)
		switch {
		case cause != "":
			return UnknownValue(Of(quantity.Volume), cause)
		case liquid < 0:
			total += c.Volume
		case liquid < len(c.Parts):
			total += c.Parts[liquid]
		}
	}
	return baseUnits(quantity.Volume, total)
}

func labwareColumns(env *Env, v Value, at where) Value {
	def := env.Deck.Labware[v.Labware()].Def
	if !env.grow(at, len(def.Wells)+len(def.Columns)) {
		return Value{}
	}
	lists := make([]Value, len(def.Columns))
	for i, column := range def.Columns {
		lists[i] = wellList(v.box, appendRefs(nil, v.Labware(), column))
	}
	return ListValue(ListOf(Type{Kind: Well}), lists)
}

func labwareRows(env *Env, v Value, at where) Value {
	def := env.Deck.Labware[v.Labware()].Def
	if !env.grow(at, 2*len(def.Wells)) {
		return Value{}
	}
	var lists []Value
	for _, row := range rowNames(def) {
		lists = append(lists, wellList(v.box, rowOf(def, v.Labware(), row)))
	}
	return ListValue(ListOf(Type{Kind: Well}), lists)
}

// rowNames lists the rows of a labware from the back.
func rowNames(def *program.Labware) []string {
	var out []string
	for _, column := range def.Columns {
		for _, w := range column {
			if row := def.Wells[w].Row; !slices.Contains(out, row) {
				out = append(out, row)
			}
		}
	}
	slices.SortFunc(out, program.CompareRows)
	return out
}

// rowOf returns the wells of a row from the left; nil if there is none.
func rowOf(def *program.Labware, labware int, row string) []program.WellRef {
	var out []program.WellRef
	for _, column := range def.Columns {
		for _, w := range column {
			if def.Wells[w].Row == row {
				out = append(out, program.WellRef{Labware: int16(labware), Well: int16(w)})
			}
		}
	}
	return out
}

// columnOf returns the wells of the column people call n; nil if there is
// none.
func columnOf(def *program.Labware, labware, n int) []program.WellRef {
	var out []program.WellRef
	for _, column := range def.Columns {
		for _, w := range column {
			if def.Wells[w].Column == n {
				out = append(out, program.WellRef{Labware: int16(labware), Well: int16(w)})
			}
		}
	}
	return out
}

// columnNumbers lists the columns of a labware from the left.
func columnNumbers(def *program.Labware) []int {
	var out []int
	for _, column := range def.Columns {
		for _, w := range column {
			if n := def.Wells[w].Column; !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out
}

// describeWells says which wells a labware has: "rows A–H and columns 1–12".
func describeWells(def *program.Labware) string {
	rows, columns := rowNames(def), columnNumbers(def)
	switch {
	case len(def.Wells) == 0:
		return "no wells"
	case len(def.Wells) == 1:
		return "only the well " + def.Wells[0].Name
	case len(rows) == 1:
		return "the wells " + def.Wells[def.Columns[0][0]].Name + " to " + def.Wells[lastOf(lastOf(def.Columns))].Name
	}
	return fmt.Sprintf("%s and %s", spread("row", rows[0], lastOf(rows)), spread("column", strconv.Itoa(columns[0]), strconv.Itoa(lastOf(columns))))
}

func spread(what, first, last string) string {
	if first == last {
		return "the " + what + " " + first
	}
	return what + "s " + first + "–" + last
}

func lastOf[T any](list []T) T { return list[len(list)-1] }

// find returns the well of a labware by its name.
func (env *Env) find(at where, v Value, name string) Value {
	l := &env.Deck.Labware[v.Labware()]
	if w, ok := l.Def.Well(name); ok {
		return wellIn(v.box, program.WellRef{Labware: int16(v.Labware()), Well: int16(w)})
	}
	message, help := wellProblem(l, name)
	return env.fail(at, diag.UnknownWell, message, help)
}

// wellProblem says that a labware has no such well and what it has.
func wellProblem(l *program.Placed, name string) (message, help string) {
	message = fmt.Sprintf("%s has no well %s; it has %s", l.Name, cut(name, 30), describeWells(l.Def))
	if upper := strings.ToUpper(name); upper != name {
		if _, ok := l.Def.Well(upper); ok {
			return message, "did you mean " + upper + "?"
		}
	}
	if plain := withoutZeros(name); plain != name {
		if _, ok := l.Def.Well(plain); ok {
			return message, "did you mean " + plain + "?"
		}
	}
	return message, ""
}

// withoutZeros turns A01 into A1.
func withoutZeros(name string) string {
	digits := strings.TrimLeft(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	return strings.ToUpper(name[:len(name)-len(digits)]) + strings.TrimLeft(digits, "0")
}

// rectangle lists the wells between two corners, column by column.
func (env *Env) rectangle(at where, v Value, first, last string) Value {
	a := env.find(at, v, first)
	if a.state == failed {
		return a
	}
	b := env.find(at, v, last)
	if b.state == failed {
		return b
	}
	from, to := env.Deck.Well(a.place), env.Deck.Well(b.place)
	if program.CompareRows(from.Row, to.Row) > 0 || from.Column > to.Column {
		return env.fail(at, diag.UnknownWell, fmt.Sprintf("%s:%s is no rectangle from its upper left to its lower right corner", first, last), "write the corner nearest to A1 first")
	}
	def := env.Deck.Labware[v.Labware()].Def
	if !env.spend(at, len(def.Wells)) {
		return Value{}
	}
	var refs []program.WellRef
	for _, column := range def.Columns {
		for _, w := range column {
			c := &def.Wells[w]
			if program.CompareRows(c.Row, from.Row) >= 0 && program.CompareRows(c.Row, to.Row) <= 0 && c.Column >= from.Column && c.Column <= to.Column {
				refs = append(refs, program.WellRef{Labware: int16(v.Labware()), Well: int16(w)})
			}
		}
	}
	if !env.grow(at, len(refs)) {
		return Value{}
	}
	return wellList(v.box, refs)
}
