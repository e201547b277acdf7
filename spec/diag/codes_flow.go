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

	NotRepeatable = &Code{ID: "OTF357", Name: "not-repeatable", Explain: `Where a step fails that retry stands around, everything in that step is done again. Of a step that moves liquid, takes or drops a tip or moves labware nobody knows then how much of it has happened: done again, there would be twice as much in the well. So retry stands around what can be done twice without harm: questions, measurements, requests, messages, checks, variables, waits, homing and the steps of modules. A do with a measurement and a check of what it gave is what it is for. A request that does something over there is tried again after timeout and in_doubt only if it names itself by a key.
Put retry at the step that can fail, and what moves liquid behind it.`}

	NotInFinally = &Code{ID: "OTF358", Name: "not-in-finally", Explain: `The steps of finally are done at the end of a run, also of one in which a step has failed. Nobody knows before what the wells hold then, whether a tip is on and with what in it. So only steps belong there that are possible from every state: drop_tip, return_tip and blow_out, which do nothing there where no tip is on; home, the steps of modules, lights, delays, pauses, messages, questions and requests.
Put what moves liquid at the end of steps.`}

	OpenSecret = &Code{ID: "OTF359", Name: "open-secret", Explain: `A workflow is read by many, kept for years and sent along with its plans, so it must hold no secret. Here a password, a token or a key stands in the address or in a header of a request.
Write secret("TOKEN") in its place, inside of ${ }. The value is read when the request is sent, from OT2FLOW_SECRET_TOKEN in the environment, or from a file TOKEN in the folder that OT2FLOW_SECRETS names; it is in no plan, no journal and no message. A secret that has been in a file is known: have it changed.`}

	TooShort = &Code{ID: "OTF360", Name: "too-short", Explain: `A timeout says how long steps may take together, and by the model of the robot's time they take longer. The model knows moves, strokes, waits and modules, and is within a few percent where nothing is waited for; questions, measurements and requests count for nothing in it. In the run the time would be over while the robot is in the middle of something. That cannot be given up without harm: the robot is paused, and a person has to say whether it goes on.
Allow more time. To bound only what is asked or measured, put timeout at that step, or inside of measure, request or ask.`}

	BudgetReached = &Code{ID: "OTF361", Name: "budget-reached", Explain: `A workflow says with budget how many tips and how much of its liquids a run may use, and its steps would use more. It comes to its end before the first step, or the first turn of an outermost loop, with which that would be so: what stands under finally is done, and outputs are computed. That is what a budget is for, so this is no mistake; it is told because what comes behind is left out.
Give the workflow a larger budget, or less to do, if it is to do all of it.`}

	BadAddress = &Code{ID: "OTF362", Name: "bad-address", Explain: `What is sent goes to an address: of HTTP, http:// or https://; or, where there is a topic, of a broker, mqtt:// or over TLS mqtts://. A topic is words with / between. It has no + and no #, which stand for any word where one listens, and does not begin with $, which is what the broker says about itself. Nothing could be sent to this one, and that would be found in the middle of a run.
Where it is put together from parameters or from names of wells, look at what these are.`}

	SamePlace = &Code{ID: "OTF363", Name: "same-place", Explain: `A message that goes over a broker has an id in it, by which the answer to it is known, and may have the id of the run and the values that are sent. Two of these stand at the same place in it, or one inside of the other, so that one would be lost.
Give each a place of its own: id: and session: say where these two stand, within: where the values do. Places inside of each other are written with dots: data.id.`}
)

var flowCodes = []*Code{CheckFailed, Failed, BoundReached, Recursion, TooManyCalls, CallMismatch, NotRepeatable, NotInFinally, OpenSecret, TooShort, BudgetReached, BadAddress, SamePlace}
