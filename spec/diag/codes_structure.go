package diag

// Codes OTF2xx, the structure of a workflow.
var (
	NoStepKey = &Code{ID: "OTF201", Name: "no-step-key", Explain: `A step is a mapping with one step key, such as transfer or do, which says what is done, and modifiers such as if or for, which say when and how often. Without a step key there is nothing to do.
Add one, or remove the step. "ot2flow explain step" lists the step keys.`}

	TwoStepKeys = &Code{ID: "OTF202", Name: "two-step-keys", Explain: `A step has exactly one step key, which says what is done. Two of them in one step would leave open which comes first.
Most often a dash is missing before the second, which then is a step of its own. Or the second is meant as an option of the first, and has to be indented so that it stands inside it.`}

	DuplicateID = &Code{ID: "OTF203", Name: "duplicate-id", Explain: `Two steps of the same list, or of the two branches of the same step, have the same id. Everything the robot does is reported under the id of its step, so the reports of the two could not be told apart.
Give each of them an id of its own.`}

	OddNumber = &Code{ID: "OTF204", Name: "odd-number", Explain: `A number is written in a way that people and programs read differently: with a leading 0, which some read as an octal number, with a comma, with _ between its digits, or in the notation of programmers (0x1F).
A wrong reading would become a wrong volume, so none is chosen. Write plain decimal digits with a decimal point.`}

	UnknownKey = &Code{ID: "OTF210", Name: "unknown-key", Explain: `A key stands where the language knows none of that name. It would have no effect, and you would not notice, so it is an error.
Most often it is a slip of the pen, or an option that belongs somewhere else, one level further in or out. "ot2flow explain KEY" lists the keys that can stand inside KEY.`}

	MissingKey = &Code{ID: "OTF211", Name: "missing-key", Explain: `Something cannot be left out here, because there is no sensible value to assume: how much is to be transferred, or where a labware stands.
Add the key that the message names.`}

	WrongType = &Code{ID: "OTF212", Name: "wrong-type", Explain: `A value has another form than its key expects: a list where one value is wanted, a number where a name is wanted, or a plain value where several keys are wanted.
Sometimes YAML made of the text something else than you meant; then the message says what, and what to write instead.`}

	WrongForm = &Code{ID: "OTF213", Name: "wrong-form", Explain: `A text does not look like what its key expects. A height, for example, starts with top, bottom or center; a colour is # and six digits or letters from a to f; a name has no blanks and no dashes.
The message shows an example of what is expected.`}

	UnknownWord = &Code{ID: "OTF214", Name: "unknown-word", Explain: `The key takes one word out of a fixed list, and what stands here is not in that list.
Take one of the words that the message names. They are written in small letters.`}

	EmptyValue = &Code{ID: "OTF215", Name: "empty-value", Explain: `A key is written, and nothing stands behind it where something is wanted. This also happens when what belongs to the key is not indented far enough, or when a # turns the rest of the line into a comment.
Write the value, or remove the key.`}

	MisplacedKey = &Code{ID: "OTF216", Name: "misplaced-key", Explain: `The key exists in the language, but it belongs one level further in or out: inside a step key, beside it, or under "aspirate" or "dispense".
In YAML the indentation says what belongs to what. Move the key to where the message says.`}

	BarredKey = &Code{ID: "OTF218", Name: "key-without-effect", Explain: `The key can have no effect together with another one that stands beside it, such as "min" in a parameter that is true or false. Nothing that is written is silently ignored, so this is an error.
Remove one of the two keys.`}

	MissingPartner = &Code{ID: "OTF219", Name: "missing-partner-key", Explain: `A key makes sense only together with another one, which is missing: "else" without "if", or a parameter of type "choice" without its "choices".
Add the other key, or remove this one.`}
)

var structureCodes = []*Code{
	NoStepKey, TwoStepKeys, DuplicateID, OddNumber,
	UnknownKey, MissingKey, WrongType, WrongForm, UnknownWord, EmptyValue, MisplacedKey, BarredKey, MissingPartner,
}
