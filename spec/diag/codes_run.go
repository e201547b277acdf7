package diag

// Codes OTF7xx to 9xx, the run and carrying it out.
var (
	TipAtEnd   = &Code{"OTF701", "tip-at-end", "The program ends while a tip is on. When a run ends, the robot's own software drops whatever tip is on into the trash and homes. That is what becomes of a plain tip anyway; say so with drop_tip, or return it."}
	ToolAtEnd  = &Code{"OTF702", "tool-at-end", "The program ends while a tool is on that no pipette takes as a plain tip, such as a sensor. When a run ends, the robot's own software drops whatever is on into the trash: the tool would be thrown away. Return it to its place before the end."}
	OtherDeck  = &Code{"OTF703", "other-deck", "A run can begin with what an earlier one left on the deck. What was given for that belongs to a deck with other labware, pipettes or liquids, so it says nothing about this one."}
	SparseRack = &Code{"OTF704", "sparse-tip-rack", "A tip, or a tool such as a sensor, is picked up from a rack that has not all of 8 rows of 12 places. Robot software from 8.3 on keeps track of tips as if every rack had them: up to 8.4 it hangs, from 8.5 on it ends the run with error 4008. Software 8.2 and older does not mind.\nWrite a definition with all 96 places, in which those that are there stay where they are, and use it in the workflow: ot2flow labware pad FILE --out FILE2."}
	NoLayout   = &Code{"OTF705", "no-such-layout", "An 8-channel pipette works with some of its nozzles, and the robot's software is older than 8.0, which was the first to do that. It would end the run at the step that chooses the nozzles. Update the robot with the Opentrons App, or use all nozzles or a single-channel pipette."}
	RunFailed  = &Code{"OTF801", "run-failed", "A step could not be carried out. The message says which, and what was found. Steps before it were carried out; nothing after it was."}

	Disagreement = &Code{"OTF901", "internal-disagreement", "ot2flow checks a workflow twice, once to read it and once to explain what is wrong with it, and here the two do not agree. That is a fault of ot2flow, not of your file. Please report it with the file, so that it can be mended."}
)

var runCodes = []*Code{TipAtEnd, ToolAtEnd, OtherDeck, SparseRack, NoLayout, RunFailed, Disagreement}
