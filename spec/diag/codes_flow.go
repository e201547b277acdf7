package diag

// Codes OTF35x to OTF36x, the flow of a program: checks, bounds and calls.
var (
	CheckFailed = &Code{ID: "OTF351", Name: "check-failed", Explain: `A step check says what must hold at that point of the program, and it does not. The message is the author's; the values that the condition read are shown below it. ot2flow goes through the whole program before the robot moves, so nothing has been done yet.
Change the steps before the check, or give other parameters.`}

	Failed = &Code{ID: "OTF352", Name: "failed", Explain: `The program comes to a step fail, which its author put where it must never come, usually under an if. The message is the author's. ot2flow goes through the whole program before the robot moves, so nothing has been done yet, and what stands behind the step was not looked at.
Give other parameters, or change the condition that leads there.`}

	BoundReached = &Code{ID: "OTF353", Name: "bound-reached", Explain: `A step with while or until went round as often as at_most allows, and its condition would have it go on. The values that the condition read are those after the last pass. Often the condition compares with an amount that the steps never reach, or nothing in the loop changes what the condition reads.
Allow more passes, correct the condition, or say under else what is to be done then. The rest of the program was not looked at.`}
)

var flowCodes = []*Code{CheckFailed, Failed, BoundReached}
