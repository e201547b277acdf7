package diag

import "slices"

// Ignore says that findings of a code in some lines of a file are not to be told.
type Ignore struct {
	Code     *Code
	Span     Span // where that is written
	From, To int  // lines, To inclusive
}

// of reports whether the finding is one of those.
func (g *Ignore) of(d *Diagnostic) bool {
	return g.Code == d.Code && g.Span.File == d.Span.File && d.Span.Start.Line >= g.From && d.Span.Start.Line <= g.To
}

// Ignoring returns the findings that are to be told. used, which is as long as ignores,
// gets true for each of these that kept one from it.
func (l List) Ignoring(ignores []Ignore, used []bool) List {
	if len(ignores) == 0 {
		return l
	}
	return slices.DeleteFunc(slices.Clone(l), func(d Diagnostic) bool {
		drop := false
		for i := range ignores {
			if ignores[i].of(&d) {
				used[i], drop = true, true
			}
		}
		return drop
	})
}

// Unused reports what ignores nothing.
func Unused(ignores []Ignore, used []bool) List {
	var out List
	for i := range ignores {
		if !used[i] {
			out = append(out, Diagnostic{
				Code: UnusedIgnore, Severity: Warning, Span: ignores[i].Span,
				Message: "there is no " + ignores[i].Code.Name + " here that could be ignored", Help: "remove the comment, or put it where the finding is",
			})
		}
	}
	return out
}

// Severities are the severities that findings have instead of their own; Off ones are
// not told.
type Severities map[*Code]Severity

// Off is the severity of what is not told.
const Off Severity = 255

// Apply returns the findings with these severities.
func (s Severities) Apply(l List) List {
	if len(s) == 0 {
		return l
	}
	out := make(List, 0, len(l))
	for _, d := range l {
		if is, given := s[d.Code]; given {
			d.Severity = is
		}
		if d.Severity != Off {
			out = append(out, d)
		}
	}
	return out
}

// NearestCode is the code that was most likely meant, by ID or name.
func NearestCode(s string) (string, bool) {
	var names []string
	for _, c := range Codes() {
		names = append(names, c.ID, c.Name)
	}
	return Nearest(s, names)
}
