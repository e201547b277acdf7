package diag

// Codes OTF33x to OTF34x, the values a run is given and what must hold of them.
var (
	BadValue          = &Code{"OTF331", "bad-value", "A value given for a parameter, or written as its default, example, bound or choice, is not of the parameter's type. Such values are written out with their unit, such as 100 uL or A1; they are not expressions."}
	BadBounds         = &Code{"OTF332", "bad-bounds", "The bounds of a parameter contradict each other, or a choice has no choices, so that no value could ever be right. Correct the declaration under params."}
	OutOfBounds       = &Code{"OTF333", "out-of-bounds", "A value lies outside what the workflow allows for this parameter. Its author set the bounds with min, max or choices, usually because the labware or the chemistry needs them. Give a value within them."}
	MissingValue      = &Code{"OTF334", "missing-value", "A parameter has no value: the run gives none and the declaration has no default. Give one with --set name=value. While checking a file, ot2flow takes the default, or else the example; without either it cannot expand the steps, so it cannot prove them."}
	RequirementFailed = &Code{"OTF335", "requirement-failed", "The workflow says under require what must hold before anything is done, and it does not hold for these parameters. The message is the author's. Give other parameters."}
	NoEffect          = &Code{"OTF336", "no-effect", "Something is written that can have no effect where it stands. ot2flow ignores nothing silently: whoever wrote it expected it to do something. Remove it, or move it to where it belongs."}
	NotAVariable      = &Code{"OTF337", "not-a-variable", "`set` gives a new value to a variable declared under vars. Parameters, constants of let, labware and liquids keep their value for the whole run. Declare a variable with its initial value and set that."}
	Undecidable       = &Code{"OTF338", "undecidable", "ot2flow expands the whole program before the robot moves, so everything it depends on must be known by then. Here something is not, most often what a well holds whose amount was not declared. Declare it: under liquids, volume: says how much stands in each well."}
	UnusedName        = &Code{"OTF340", "unused-name", "A parameter, a constant or a variable is declared, and nothing reads it. Whoever gives a run another value for it expects something else to happen, and nothing will. Often the name was meant to stand where a number was written. Use it, or remove it."}
	NeverDone         = &Code{"OTF341", "never-done", "A step, or a branch of it, is never done, whatever a run is given: its condition reads nothing and never holds, it is repeated 0 times, its loop goes over nothing, or the step before it ends the program. Whoever reads the workflow expects it to happen. Remove it, or have it depend on what it was meant to."}
	TooManySteps      = &Code{"OTF339", "too-many-steps", "The program would have more than three million atomic steps; an OT-2 would need months for them. A loop most likely goes round far too often. Look at its bound."}
)

var valueCodes = []*Code{UnusedName, NeverDone, BadValue, BadBounds, OutOfBounds, MissingValue, RequirementFailed, NoEffect, NotAVariable, Undecidable, TooManySteps}
