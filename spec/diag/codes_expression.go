package diag

// Codes OTF3xx, names, types and expressions.
var (
	UnknownName = &Code{
		"OTF301", "unknown-name",
		"An expression uses a name that is not declared. Names come from the sections params, let, vars, labware, liquids and instruments, from the variable of a loop around the step, and from `as:` of a step before it. Check the spelling, capital letters included, or declare the name. Example: with `vol` under params, `volume: vlo * 2` fails and `volume: vol * 2` works.",
	}
	TypeMismatch = &Code{
		"OTF302", "type-mismatch",
		"A value of one kind stands where another kind is needed: a well where a number belongs, or a number where true or false belongs. The message names both. Example: `if: w` fails because w is a well; `if: w.volume > 0 uL` compares its volume, which is true or false.",
	}
	WrongDimension = &Code{
		"OTF303", "wrong-dimension",
		"Quantities are added, compared and passed on only if they measure the same thing. A volume and a duration cannot be added, and a volume is not a flow rate. A number without a unit takes the unit of the field, or of the other side. A ratio (20 %, or one volume divided by another) never becomes a quantity by itself: write `R * 20 %`, not `R + 20 %`.",
	}
	UnknownWell = &Code{
		"OTF304", "unknown-well",
		"A labware has no well, row or column of that name. Rows are letters from the back to the front, columns are numbers from left to right, so the first well is A1. A 96-well plate has rows A to H and columns 1 to 12; a 24-tube rack has rows A to D and columns 1 to 6. Example: `plate.A13` does not exist on a 96-well plate.",
	}
	DivisionByZero = &Code{
		"OTF305", "division-by-zero",
		"An expression divides by zero, or takes the remainder by zero. The values it read are shown with the message. Guard the division, for example `if n > 0 {R / n} else {0 uL}`, or set a minimum for the parameter.",
	}
	NotFinite = &Code{
		"OTF306", "not-finite",
		"A result is too large, too fine or not defined: the logarithm of zero, the root of a negative number, a volume of a million litres, or more digits than are kept. Volumes are whole nanolitres, times whole milliseconds and lengths whole micrometres. Look at the values shown with the message to see which one is out of place.",
	}
	TooMuch = &Code{
		"OTF307", "too-much",
		"An expression is larger, or makes more, than ot2flow allows: more than a million list elements, ten million steps of calculation, a text of more than a megabyte, or brackets nested more than a hundred deep. No protocol needs that, so it is most likely a slip, such as `1..1000000000`. Compute with fewer elements, or split the expression under `let`.",
	}
	ExprSyntax = &Code{
		"OTF308", "expression-syntax",
		"The text of a field cannot be read as an expression: a parenthesis is not closed, an operator is missing, or a character has no meaning. Comparing is ==, and the alternatives of a choice are `if x {1} else {2}`. Put the whole expression in quotes when it holds , : # { or }, which YAML would otherwise take for its own.",
	}
	UnknownFunction = &Code{
		"OTF309", "unknown-function",
		"An expression calls a function that does not exist. There is a fixed list of functions, each with an example, in the reference. There is none for the date, the clock or unseeded chance, because the same file must always give the same program. Example: `avg([1, 2])` fails and `mean([1, 2])` works.",
	}
	WrongArguments = &Code{
		"OTF310", "wrong-arguments",
		"A function gets too many or too few values, or one of a kind it cannot use. The message shows how the function is written. Example: `chunk(wells)` fails because the size is missing; `chunk(wells, 8)` works.",
	}
	UnknownUnit = &Code{
		"OTF311", "unknown-unit",
		"The word after a number is not a unit, or a unit follows something that is no number. Units are nL, uL, mL, L, ms, s, min, h, um, mm, cm, mm/s, cm/s, uL/s, mL/s, C, rpm, mass per volume such as ng/uL, mM and its relatives, % and x. Capital letters count: mL is a unit and ML is not. To give a computed number a unit, multiply: `n * 1 mL`.",
	}
	NameTaken = &Code{
		"OTF312", "name-taken",
		"Parameters, labware, modules, pipettes, liquids, instruments, constants, variables and loop variables share one list of names, and a name means one thing. Nor can a name be a function (`min`), a word of the expression language (`and`) or a word that fields understand (`new`, `trash`). Choose another name.",
	}
	UnknownProperty = &Code{
		"OTF313", "unknown-property",
		"A value does not have the property after the dot. A well has name, row, column, labware, volume, capacity, liquids, depth and diameter; a labware has its wells, name, wells, rows and columns; a list has first(n) and last(n). To take a property of every element of a list, write `map(wells, .volume)`.",
	}
	OutOfRange = &Code{
		"OTF314", "out-of-range",
		"An expression takes an element that a list does not have. Elements are counted from 0, so a list of three has the elements 0, 1 and 2, and -1 is the last. `.first(n)` and `.last(n)` need at least n elements.",
	}
	NotWhole = &Code{
		"OTF315", "not-whole",
		"A whole number is needed, such as how often something happens, and the expression gives a fraction. Say how to round it: `round(x)`, `floor(x)` or `ceil(x)`.",
	}
	NoValue = &Code{
		"OTF316", "no-value",
		"An expression uses something that has no value: find() found nothing, an optional field is empty, or nil was written. Give a value to use instead with ??, for example `find(wells, .volume > 0 uL) ?? plate.A1`, or test for it with `x != nil`.",
	}
	PartialTemplate = &Code{
		"OTF317", "partial-template",
		"`${ … }` puts a value into text. A field that wants a volume, a well, a number or a condition is an expression as a whole, so there is no text to put it into, and `${ R } mL` is not a volume. Write the expression alone, `R`, and give a plain number a unit by multiplying: `n * 1 mL`.",
	}
	NotRound = &Code{
		"OTF318", "not-a-circle",
		"The diameter of a well that is not round was asked for. Troughs and square wells have none.",
	}
)

var expressionCodes = []*Code{
	UnknownName, TypeMismatch, WrongDimension, UnknownWell, DivisionByZero, NotFinite, TooMuch, ExprSyntax, UnknownFunction,
	WrongArguments, UnknownUnit, NameTaken, UnknownProperty, OutOfRange, NotWhole, NoValue, PartialTemplate, NotRound,
}
