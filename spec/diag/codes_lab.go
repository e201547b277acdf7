package diag

// Codes OTF13x, the file of a lab.
var (
	LabValue = &Code{ID: "OTF131", Name: "lab-value", Explain: `A value in the file of a lab cannot be meant so: a time that never comes, a duration without a unit, a time zone that nobody has, or two robots with one address.
The message says what it is, and what can stand there. As long as it is wrong, a server that is running goes on with the last good version of the file.`}

	LabName = &Code{ID: "OTF132", Name: "lab-name", Explain: `A schedule or a time of maintenance names a robot or a label that the lab does not have, so it would never come to anything.
Names are those under robots, written in the same way; upper and lower case matter.`}
)

var labCodes = []*Code{LabValue, LabName}
