package diag

// Codes OTF1xx, the file and its YAML.
var (
	NotFound = &Code{ID: "OTF101", Name: "file-not-found", Explain: `A file that was named does not exist.
A file named inside a workflow is looked for from the folder of that workflow, not from the folder you are in. Upper and lower case matter, even if your own computer does not mind.
Correct the name, or put the file where the workflow looks for it.`}

	NotAFile = &Code{ID: "OTF102", Name: "not-a-file", Explain: `A file was wanted and something else was found: a folder, or a pipe or device that cannot be read twice.
Name the file itself. To hand over a workflow through a pipe, write "-" as its name.`}

	Unreadable = &Code{ID: "OTF103", Name: "file-unreadable", Explain: `The file exists, but the operating system did not let it be read.
Most often the permissions of the file or its folder are the reason, or a network drive that has gone away.
Check that you can open the file in an editor as the same user.`}

	FileChanged = &Code{ID: "OTF104", Name: "file-changed", Explain: `The file was being written each time it was read, so half of the old and half of the new text could have been taken.
A workflow is only used when it was read in one piece. Wait until the program that writes the file is done, then try again.`}

	FileTooLarge = &Code{ID: "OTF105", Name: "file-too-large", Explain: `Workflows and labware definitions are a few kilobytes of text; this file is many times larger and was not read.
Most often the wrong file was named. If the file holds data, give it as a table of parameters instead.`}

	EmptyFile = &Code{ID: "OTF106", Name: "empty-file", Explain: `The file holds nothing, or nothing but comments and empty lines.
Perhaps it was not saved yet, or copying it was interrupted. "ot2flow explain workflow" shows what a workflow has.`}

	NotUTF8 = &Code{ID: "OTF107", Name: "not-utf8", Explain: `Workflows are text in UTF-8, the encoding in which nearly all editors save today. This file holds bytes that are no UTF-8, so letters such as µ or ° could be misread.
Open the file in an editor and save it again with the encoding UTF-8. Files of older Windows programs are often in Windows-1252 or UTF-16.`}

	NotText = &Code{ID: "OTF108", Name: "not-text", Explain: `The file holds a control character, a byte that no text has. Most often it is not a text file at all (a spreadsheet, an archive), or it was damaged when it was copied or saved.
Open it in a text editor and remove the character, or name the right file.`}

	FileOutside = &Code{ID: "OTF109", Name: "file-outside", Explain: `A workflow names its files by a path that starts at its own folder, with "/" between folders, and stays inside the folder it was given to ot2flow with. Only so can the workflow be moved, sent to a colleague or run by a server and still find them.
Put the file beside the workflow and write its name as "./labware/name.json".`}

	YAMLSyntax = &Code{ID: "OTF110", Name: "yaml-syntax", Explain: `The file cannot be taken apart into keys and values. Workflows are written in YAML, where the indentation says what belongs to what, "key: value" needs a space after the colon, and text with special characters needs quotes.
The place shown is where reading stopped. The mistake is there or shortly before: a missing space, quote or bracket, or a line that is indented too far or not far enough.`}

	TabIndent = &Code{ID: "OTF111", Name: "tab-indent", Explain: `A line is indented with a tab. YAML takes only spaces there, because a tab is wider in one editor than in another and the indentation says what belongs to what.
Replace the tab by spaces, two for each level. Most editors can do that for the whole file.`}

	DuplicateKey = &Code{ID: "OTF112", Name: "duplicate-key", Explain: `The same key stands twice in one place. Only one of the two could count, and which one is easily misjudged, so neither is guessed.
Remove one of them, or rename it if two things were meant. In a list of steps each step starts with "- ".`}

	SeveralDocuments = &Code{ID: "OTF113", Name: "several-documents", Explain: `A line "---" starts a new YAML document, and a workflow file holds exactly one. The part after that line would have been ignored.
Remove the line, or put the second part into a file of its own.`}

	NotInLanguage = &Code{ID: "OTF114", Name: "yaml-reference", Explain: `YAML can name a piece of a file with "&name" and repeat it with "*name" or "<<: *name". Workflows do not use this: what a line means should be readable where it stands, and every message should point at one place.
Give a repeated value a name under "let", repeat steps with "for", and put common options under "defaults". If a text starts with * or &, put it in quotes.`}

	KeyNotText = &Code{ID: "OTF115", Name: "key-not-text", Explain: `A key is the name in front of a colon, and here YAML read something else: a number, true or false, nothing, or a whole list or mapping.
Put quotes around the key if it really is meant as a name. A "?" or "{" at the start of a value also leads here; put quotes around such a value.`}

	UnknownTag = &Code{ID: "OTF116", Name: "yaml-tag", Explain: `YAML takes a word that starts with "!" as a tag, a remark on the type of what follows, and not as part of the value. So "if: !done" holds nothing but a tag.
Write "not done" instead of "!done", or put quotes around the text.`}

	TooDeep = &Code{ID: "OTF117", Name: "too-deep", Explain: `Lists and mappings stand inside one another more than 100 levels deep. No protocol needs that; the file was most likely made by a program that went wrong.
Move parts of the workflow into workflows of their own and use "call".`}

	SplitValue = &Code{ID: "OTF121", Name: "split-value", Explain: `Inside { } and [ ], YAML ends a value at every comma, also at one between the parentheses of a function. So "{in: plate.columns(1, 2)}" becomes the value "plate.columns(1" and a key "2)".
Put quotes around the whole expression, or write the mapping or list over several lines, where commas mean nothing to YAML.`}

	CutOff = &Code{ID: "OTF122", Name: "cut-off", Explain: `A # with a blank before it begins a comment in YAML, also in the middle of an expression: of "any(wells, # == plate.A1)" only "any(wells," is left. Put quotes around an expression that holds a #.`}

	BadIgnore = &Code{ID: "OTF123", Name: "bad-ignore", Explain: `A comment that begins "# ot2flow: ignore" keeps a finding from being told, at the line that it ends or stands in front of and all that is indented below. It names the finding by its code, and says why that does no harm here, because whoever reads the workflow next will ask.
Write it as in: volume: 15 uL  # ot2flow: ignore OTF505 because 15 uL were weighed and are good enough here.`}

	UnusedIgnore = &Code{ID: "OTF124", Name: "unused-ignore", Explain: `A comment says that a finding is to be ignored, and there is none of this kind at that place. Most often what it was written for has been mended, or it stands at another line than the finding. Left in the file, it would hide the next such finding.
Remove it, or move it to the line that the finding names.`}

	// SameName is reported on a workflow whose name another file already has.
	SameName = &Code{ID: "OTF119", Name: "same-workflow-name", Explain: `Two files give their workflow the same name. A workflow is started by its name, over HTTP, over MQTT and from other workflows, so a name must belong to one file. "-" and "_" count as the same character, because some of these transports allow only one of them.
The file that had the name first stays in use. Change the line "name:" in the other one, or remove that file.`}

	// NotWatched is reported when the operating system refuses to tell of changes.
	NotWatched = &Code{ID: "OTF120", Name: "not-watched", Explain: `The operating system limits how many folders a user may have watched, and the limit is reached. Changes are still found, but by looking at the files once a second, which is slower and costs more.
On Linux an administrator raises the limits with "sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512". Or watch fewer folders: an editor that has a large project open may use up most of the limit.`}

	TooManyValues = &Code{ID: "OTF118", Name: "too-many-values", Explain: `The file holds more than a million values, more than can be checked in reasonable time.
Give large data as a table of parameters (a CSV file), and repeat steps with "for".`}
)

var fileCodes = []*Code{
	SplitValue, CutOff, BadIgnore, UnusedIgnore, SameName, NotWatched, NotFound, NotAFile, Unreadable, FileChanged, FileTooLarge, EmptyFile, NotUTF8, NotText, FileOutside,
	YAMLSyntax, TabIndent, DuplicateKey, SeveralDocuments, NotInLanguage, KeyNotText, UnknownTag, TooDeep, TooManyValues,
}
