package diag

import "slices"

// Code is a kind of finding: stable across releases, with a page that
// `ot2flow explain` shows.
type Code struct {
	ID      string // OTF602
	Name    string // over-aspirate
	Explain string // why it matters and what to do, in plain sentences
}

// String returns "OTF602 over-aspirate".
func (c *Code) String() string { return c.ID + " " + c.Name }

// Codes returns every code, by ID. The families: OTF1xx the file, 2xx its
// structure, 3xx names, types and expressions, 4xx deck, labware and pipettes,
// 5xx tips and pipetting limits, 6xx liquids in wells, 7xx the run as a whole,
// 8xx carrying it out, 9xx faults of ot2flow itself.
func Codes() []*Code {
	return slices.Concat(fileCodes, labCodes, testCodes, structureCodes, expressionCodes, valueCodes, tableCodes, flowCodes, deckCodes, moduleCodes, pipettingCodes, liquidCodes, runCodes)
}

// LookupCode finds a code by ID or name.
func LookupCode(s string) (*Code, bool) {
	for _, c := range Codes() {
		if c.ID == s || c.Name == s {
			return c, true
		}
	}
	return nil, false
}
