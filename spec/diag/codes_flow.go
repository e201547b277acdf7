package diag

// Codes OTF35x to OTF36x, the flow of a program: checks, bounds and calls.
var (
	CheckFailed = &Code{ID: "OTF351", Name: "check-failed", Explain: `A step check says what must hold at that point of the program, and it does not. The message is the author's; the values that the condition read are shown below it. ot2flow goes through the whole program before the robot moves, so nothing has been done yet.
Change the steps before the check, or give other parameters.`}

	Failed = &Code{ID: "OTF352", Name: "failed", Explain: `The program comes to a step fail, which its author put where it must never come, usually under an if. The message is the author's. ot2flow goes through the whole program before the robot moves, so nothing has been done yet, and what stands behind the step was not looked at.
Give other parameters, or change the condition that leads there.`}

	BoundReached = &Code{ID: "OTF353", Name: "bound-reached", Explain: `A step with while or until went round as often as at_most allows, and its condition would have it go on. The values that the condition read are those after the last pass. Often the condition compares with an amount that the steps never reach, or nothing in the loop changes what the condition reads.
Allow more passes, correct the condition, or say under else what is to be done then. The rest of the program was not looked at.`}

	Recursion = &Code{ID: "OTF354", Name: "recursion", Explain: `A workflow calls itself, directly or by way of another one that it calls. The program would never end. The message shows who calls whom.
Repeat steps with for, repeat, while or until. If two files call each other because they share steps, put those into a third one.`}

	TooManyCalls = &Code{ID: "OTF355", Name: "too-many-calls", Explain: `Workflows that call workflows that call workflows are hard to follow, and a few files can call each other many thousand times that way. ot2flow allows calls 16 deep in each other, and 1000 of them in all; a call in a loop counts once.
Call the workflow in a loop, or bring some of the files together.`}

	CallMismatch = &Code{ID: "OTF356", Name: "call-mismatch", Explain: `A called workflow works on our deck: each labware, liquid and pipette that it declares stands for one of ours, the one named under with or else the one of the same name. A labware of ours must have the same wells, a pipette must be of the same type, and two things there cannot be one here. Where its own tip racks have no counterpart by name, those of our pipette are meant, in their order. What its liquids hold, and in which wells they stand, is what we declare.
Name under with what is meant, for example with: {plate: samples, buffer: water}.`}
)

var flowCodes = []*Code{CheckFailed, Failed, BoundReached, Recursion, TooManyCalls, CallMismatch}
