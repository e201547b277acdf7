package interpreter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// One mistake, one message: what only comes of another finding is not told beside it.

// ofOneCause are the findings that one thing that is missing makes wherever it is
// used. Those with the same message are told once, with the other lines.
var ofOneCause = []*diag.Code{diag.UnknownName, diag.OutOfTips, diag.NoDedicatedTip, diag.CallMismatch, diag.NoEffect, diag.WhichPipette, diag.NoPipette}

// ofContents say what wells and tips hold, which is not known where something is wrong
// before.
var ofContents = []*diag.Code{diag.StockContaminated, diag.KeptTipDirty, diag.KeptTipDropped, diag.DrawsAir, diag.LiquidLost}

// ofChecks are what the workflow itself says of such a state.
var ofChecks = []*diag.Code{diag.CheckFailed, diag.BoundReached}

// followedUp joins what the expansion and the rules have found in a program.
func followedUp(expansion, rules diag.List) diag.List {
	if rules.HasErrors() {
		expansion = slices.DeleteFunc(expansion, func(d diag.Diagnostic) bool { return slices.Contains(ofChecks, d.Code) })
	}
	if expansion.HasErrors() || rules.HasErrors() {
		rules = slices.DeleteFunc(rules, func(d diag.Diagnostic) bool { return slices.Contains(ofContents, d.Code) })
	}
	return append(oneCause(expansion), rules...)
}

// oneCause tells findings of one cause once.
func oneCause(list diag.List) diag.List {
	type cause struct {
		code *diag.Code
		text string
	}
	first := map[cause]int{}
	var out diag.List
	var at [][]string // the further lines of each
	for i := range list {
		d := &list[i]
		k, folds := cause{d.Code, d.Message}, slices.Contains(ofOneCause, d.Code)
		if labware, ok := lacksWell(d); ok {
			k.text, folds = labware, true
		}
		j, known := first[k]
		if !folds || !known || d.Span.File != out[j].Span.File {
			if folds && !known {
				first[k] = len(out)
			}
			out, at = append(out, *d), append(at, nil)
			continue
		}
		if line := strconv.Itoa(d.Span.Start.Line); d.Span.Start.Line != out[j].Span.Start.Line && !slices.Contains(at[j], line) {
			at[j] = append(at[j], line)
		}
	}
	for i, lines := range at {
		switch n := len(lines); {
		case n == 1:
			out[i].Notes = append(slices.Clone(out[i].Notes), "the same is found in line "+lines[0])
		case n > 1:
			out[i].Notes = append(slices.Clone(out[i].Notes), "the same is found in the lines "+strings.Join(lines[:n-1], ", ")+" and "+lines[n-1])
		}
	}
	return out
}

// lacksWell is the labware of a well that there is not, where it has a single one: then
// it is the labware that is another one than was thought.
func lacksWell(d *diag.Diagnostic) (labware string, ok bool) {
	if d.Code != diag.UnknownWell || !strings.Contains(d.Message, "; it has only the well ") {
		return "", false
	}
	labware, _, ok = strings.Cut(d.Message, " has no ")
	return labware, ok
}
