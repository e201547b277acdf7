package eval

import (
	"slices"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Function is one row of the table of functions, for the reference, for
// completion and for the checker. Example is an expression without names but
// plate (a 96-well plate) and Result is what it gives.
type Function struct {
	Name      string
	Signature string
	Doc       string
	Example   string
	Result    string

	build builder // nil for those that ask something of each element
	live  bool    // reads the state of the deck
	takes func(Type) bool
}

// Functions returns every function of the language, by name.
func Functions() []Function { return slices.Clone(functionTable) }

// Methods returns what can be called after a dot, by name; Signature shows
// the value it is called on.
func Methods() []Function { return slices.Clone(methodTable) }

// Property is one row of what a kind of value has after a dot.
type Property struct {
	Name string
	Type Type
	Doc  string
}

// Properties returns what a value of kind k has after a dot, besides the
// wells of a labware, the fields of a record and the methods.
func Properties(k Kind) []Property {
	var out []Property
	for _, p := range properties(Type{Kind: k}) {
		out = append(out, Property{p.name, p.typ, p.doc})
	}
	if k == Well {
		out = append(out, Property{"liquids", Of(quantity.Volume), "how much of it is the liquid named after another dot, 0 if none"})
	}
	return out
}

func lookupFunction(name string) (Function, bool) { return lookup(functionTable, name) }

func lookupMethod(name string) (Function, bool) { return lookup(methodTable, name) }

func lookup(table []Function, name string) (Function, bool) {
	for i := range table {
		if table[i].Name == name {
			return table[i], true
		}
	}
	return Function{}, false
}

func isFunction(name string) bool {
	_, ok := lookupFunction(name)
	return ok
}

func functionNames() []string {
	out := make([]string, len(functionTable))
	for i, f := range functionTable {
		out[i] = f.Name
	}
	return out
}

func methodNames(t Type) []string {
	var out []string
	for _, m := range methodTable {
		if m.takes(t) {
			out = append(out, m.Name)
		}
	}
	return out
}

// methodExample is the call part of a method's example: first(24).
func methodExample(name string) string {
	m, _ := lookupMethod(name)
	_, call, _ := cutDot(m.Example)
	return call
}

func cutDot(s string) (before, after string, ok bool) {
	for i := range s {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, s, false
}

var functionTable = []Function{
	{Name: "abs", Signature: "abs(x)", Doc: "The size of a number or quantity without its sign.", Example: "abs(-3 mm)", Result: "3 mm", build: buildAbs},
	{Name: "all", Signature: "all(list, condition)", Doc: "Whether the condition holds for every element; # is the element and .volume its volume.", Example: "all([1, 2], # > 0)", Result: "true"},
	{Name: "any", Signature: "any(list, condition)", Doc: "Whether the condition holds for at least one element.", Example: "any([1, 2], # > 1)", Result: "true"},
	{Name: "by_column", Signature: "by_column(wells)", Doc: "The wells column by column: A1, B1, … of each labware in turn.", Example: "by_column(plate.row(\"A\")).first(2)", Result: "[plate.A1, plate.A2]", build: buildByColumn},
	{Name: "by_row", Signature: "by_row(wells)", Doc: "The wells row by row: A1, A2, … of each labware in turn.", Example: "by_row(plate).first(3)", Result: "[plate.A1, plate.A2, plate.A3]", build: buildByRow},
	{Name: "ceil", Signature: "ceil(x) or ceil(x, step)", Doc: "Rounded up to a whole number, or to a multiple of the step.", Example: "ceil(2.1)", Result: "3", build: buildRound(ceil)},
	{Name: "chunk", Signature: "chunk(list, size)", Doc: "The list in pieces of that size; the last may be shorter.", Example: "chunk([1, 2, 3], 2)", Result: "[[1, 2], [3]]", build: buildChunk},
	{Name: "concat", Signature: "concat(list, list, …)", Doc: "The lists one after the other as one list.", Example: "concat([1], [2, 3])", Result: "[1, 2, 3]", build: buildConcat},
	{Name: "count", Signature: "count(list, condition)", Doc: "For how many elements the condition holds.", Example: "count([1, 2, 3], # > 1)", Result: "2"},
	{Name: "delta_e00", Signature: "delta_e00(color, color)", Doc: "How different two colors look: the CIEDE2000 difference, about 1 where it is just noticed.", Example: "round(delta_e00(\"#c8102e\", \"#ffcd00\"), 1)", Result: "57.5", build: buildDeltaE},
	{Name: "each", Signature: "each(list, n)", Doc: "Every element n times in a row, such as triplicates.", Example: "each([1, 2], 2)", Result: "[1, 1, 2, 2]", build: buildEach},
	{Name: "exp", Signature: "exp(x)", Doc: "e to the power of x.", Example: "exp(0)", Result: "1", build: buildReal(exp)},
	{Name: "filter", Signature: "filter(list, condition)", Doc: "The elements for which the condition holds.", Example: "filter([1, 2, 3], # != 2)", Result: "[1, 3]"},
	{Name: "find", Signature: "find(list, condition)", Doc: "The first element for which the condition holds, or nothing; give another value with ??.", Example: "find([1, 2, 3], # > 3) ?? 0", Result: "0"},
	{Name: "flatten", Signature: "flatten(list)", Doc: "A list of lists as one list, however deep.", Example: "flatten([[1], [2, 3]])", Result: "[1, 2, 3]", build: buildFlatten},
	{Name: "floor", Signature: "floor(x) or floor(x, step)", Doc: "Rounded down to a whole number, or to a multiple of the step.", Example: "floor(2.9)", Result: "2", build: buildRound(floor)},
	{Name: "int", Signature: "int(x)", Doc: "A number without its fraction, or a text as a whole number.", Example: "int(\"42\")", Result: "42", build: buildInt},
	{Name: "join", Signature: "join(list, separator)", Doc: "The elements as one text, with the separator between them.", Example: "join([1, 2], \" and \")", Result: "1 and 2", build: buildJoin},
	{Name: "len", Signature: "len(x)", Doc: "How many elements are in a list, wells in a labware, or characters in a text.", Example: "len(plate)", Result: "96", build: buildLen},
	{Name: "linspace", Signature: "linspace(first, last, n)", Doc: "n values at equal distances, both ends included.", Example: "linspace(0 uL, 100 uL, 3)", Result: "[0 uL, 50 uL, 100 uL]", build: buildLinspace},
	{Name: "ln", Signature: "ln(x)", Doc: "The natural logarithm; the same as log(x).", Example: "ln(1)", Result: "0", build: buildReal(ln)},
	{Name: "log", Signature: "log(x)", Doc: "The natural logarithm, as in Python; log10 is the one to base 10.", Example: "log(exp(2))", Result: "2", build: buildReal(ln)},
	{Name: "log10", Signature: "log10(x)", Doc: "The logarithm to base 10.", Example: "log10(1000)", Result: "3", build: buildReal(log10)},
	{Name: "logspace", Signature: "logspace(first, last, n)", Doc: "n values from first to last, each the same multiple of the one before; first and last are the values themselves.", Example: "logspace(1 uL, 100 uL, 3)", Result: "[1 uL, 10 uL, 100 uL]", build: buildLogspace},
	{Name: "lower", Signature: "lower(text)", Doc: "The text in small letters.", Example: "lower(\"PBS\")", Result: "pbs", build: buildText(lower)},
	{Name: "map", Signature: "map(list, expression)", Doc: "The list of what the expression gives for each element.", Example: "map([1, 2], # * 10 uL)", Result: "[10 uL, 20 uL]"},
	{Name: "max", Signature: "max(x, y, …) or max(list)", Doc: "The largest of numbers or quantities.", Example: "max(1 mL, 300 uL)", Result: "1000 uL", build: buildExtreme(1)},
	{Name: "mean", Signature: "mean(list)", Doc: "The arithmetic mean.", Example: "mean([1, 2, 6])", Result: "3", build: buildMean},
	{Name: "median", Signature: "median(list)", Doc: "The value in the middle, or the mean of the two in the middle.", Example: "median([5, 1, 2])", Result: "2", build: buildMedian},
	{Name: "min", Signature: "min(x, y, …) or min(list)", Doc: "The smallest of numbers or quantities.", Example: "min([3, 1, 2])", Result: "1", build: buildExtreme(-1)},
	{Name: "next_empty", Signature: "next_empty(wells)", Doc: "The first well, in the given order, that holds nothing and never did.", Example: "next_empty(plate)", Result: "plate.A1", build: buildNext(isEmpty, "no well here is still empty", "put a new one there, and say so: --new SLOT; or have a person put one there when it is full: exchange: ask under the labware"), live: true},
	{Name: "next_tip", Signature: "next_tip(places)", Doc: "The first place, in the given order, with a tip that was never used and that no liquid keeps for itself.", Example: "next_tip(tips)", Result: "tips.C1", build: buildNext(hasNewTip, "no tip here is still new", "put a new rack there, and say so: --new SLOT; or have a person bring racks when there is none left: refill: ask under the pipette"), live: true},
	{Name: "none", Signature: "none(list, condition)", Doc: "Whether the condition holds for no element.", Example: "none([1, 2], # > 2)", Result: "true"},
	{Name: "number", Signature: "number(quantity, unit) or number(text)", Doc: "How many of the unit a quantity is, or a text as a number.", Example: "number(1.5 mL, \"uL\")", Result: "1500", build: buildNumber},
	{Name: "one", Signature: "one(list, condition)", Doc: "Whether the condition holds for exactly one element.", Example: "one([1, 2], # > 1)", Result: "true"},
	{Name: "pow", Signature: "pow(x, y)", Doc: "x to the power of y; the same as x ** y.", Example: "pow(2, 10)", Result: "1024", build: buildPow},
	{Name: "range", Signature: "range(n), range(from, to) or range(from, to, step)", Doc: "Whole numbers from 0 or from, up to but without the end, as in Python; a..b includes both ends.", Example: "range(2, 5)", Result: "[2, 3, 4]", build: buildRange},
	{Name: "reverse", Signature: "reverse(list)", Doc: "The list from its end to its beginning.", Example: "reverse([1, 2, 3])", Result: "[3, 2, 1]", build: buildReverse},
	{Name: "round", Signature: "round(x), round(number, digits) or round(quantity, step)", Doc: "Rounded to a whole number, to digits after the point, or to a multiple of the step; halves away from zero.", Example: "round(33.3 uL, 5 uL)", Result: "35 uL", build: buildRound(nearest)},
	{Name: "shuffle", Signature: "shuffle(list, seed)", Doc: "The list in an order that looks random and is always the same for the same seed.", Example: "shuffle([1, 2, 3, 4], 7)", Result: "[2, 3, 1, 4]", build: buildShuffle},
	{Name: "sort", Signature: "sort(list)", Doc: "Numbers, quantities or texts in rising order.", Example: "sort([3, 1, 2])", Result: "[1, 2, 3]", build: buildSort},
	{Name: "split", Signature: "split(text, separator)", Doc: "The parts of the text between the separators.", Example: "split(\"a,b\", \",\")", Result: "[a, b]", build: buildSplit},
	{Name: "sqrt", Signature: "sqrt(x)", Doc: "The square root.", Example: "sqrt(16)", Result: "4", build: buildReal(sqrt)},
	{Name: "string", Signature: "string(x)", Doc: "Any value as people read it.", Example: "string(50 uL)", Result: "50 uL", build: buildString},
	{Name: "sum", Signature: "sum(list) or sum(list, expression)", Doc: "The sum of numbers or quantities, or of what the expression gives for each element.", Example: "sum([10 uL, 20 uL])", Result: "30 uL"},
	{Name: "total", Signature: "total(wells) or total(wells, \"liquid\")", Doc: "What the wells hold now, together; of all liquids or of one.", Example: "total(plate.column(3))", Result: "0 uL", build: buildTotal, live: true},
	{Name: "trim", Signature: "trim(text)", Doc: "The text without spaces at its ends.", Example: "trim(\" a \")", Result: "a", build: buildText(trim)},
	{Name: "unique", Signature: "unique(list)", Doc: "The list without repetitions, each element where it came first.", Example: "unique([1, 2, 1])", Result: "[1, 2]", build: buildUnique},
	{Name: "upper", Signature: "upper(text)", Doc: "The text in capital letters.", Example: "upper(\"pbs\")", Result: "PBS", build: buildText(upper)},
	{Name: "zip", Signature: "zip(list, list, …)", Doc: "The lists side by side: pairs (or more) of their first elements, of their second, and so on; pair[0] is from the first list. All must be equally long.", Example: "zip([1, 2], [3, 4])", Result: "[[1, 3], [2, 4]]", build: buildZip},
}

var methodTable = []Function{
	{Name: "column", Signature: "plate.column(n)", Doc: "The wells of the column with that number, from 1.", Example: "plate.column(12).first(2)", Result: "[plate.A12, plate.B12]", build: buildColumn, takes: isLabware},
	{Name: "columns", Signature: "plate.columns(n, m, …)", Doc: "The wells of several columns, column by column.", Example: "plate.columns(1, 3).last(1)", Result: "[plate.H3]", build: buildColumn, takes: isLabware},
	{Name: "concentration", Signature: "well.concentration(\"component\")", Doc: "How much of a component a well holds now, by what the liquids in it are declared to contain. A liquid that does not name the component holds none of it.", Example: "plate.H12.concentration(\"glucose\")", Result: "100 mM", build: buildConcentration, live: true, takes: isWell},
	{Name: "first", Signature: "wells.first(n)", Doc: "The first n elements of a list, or wells of a labware.", Example: "plate.first(2)", Result: "[plate.A1, plate.B1]", build: buildFirst(true), takes: Type.isSequence},
	{Name: "last", Signature: "wells.last(n)", Doc: "The last n elements of a list, or wells of a labware.", Example: "plate.last(2)", Result: "[plate.G12, plate.H12]", build: buildFirst(false), takes: Type.isSequence},
	{Name: "row", Signature: "plate.row(\"B\")", Doc: "The wells of the row with that letter.", Example: "plate.row(\"B\").first(2)", Result: "[plate.B1, plate.B2]", build: buildRow, takes: isLabware},
	{Name: "rows", Signature: "plate.rows(\"A\", \"C\", …)", Doc: "The wells of several rows, row by row.", Example: "plate.rows(\"A\", \"C\").last(1)", Result: "[plate.C12]", build: buildRow, takes: isLabware},
}

func isWell(t Type) bool { return t.Kind == Well }

func isLabware(t Type) bool { return t.Kind == Labware }
