package program

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec/diag"
)

func TestFramesReadBack(t *testing.T) {
	for text, want := range map[string]struct{ loops, titles []string }{
		"steps[0]":                              {nil, nil},
		"steps[0] [w = plate.A1 (1 of 2)]":      {[]string{"w = plate.A1 (1 of 2)"}, nil},
		"colour [i = 1 (1 of 2)]: Mix it":       {[]string{"i = 1 (1 of 2)"}, []string{"Mix it"}},
		"colour: Mix it [repetition 2 of 3]":    {[]string{"repetition 2 of 3"}, []string{"Mix it"}},
		"a.do[1] [v = [1, 2] (1 of 2)] [again]": {[]string{"v = [1, 2] (1 of 2)", "again"}, nil},
	} {
		f := frameOf(nil, text, diag.Span{})
		if diff := cmp.Diff(want.loops, f.Loops("")) + cmp.Diff(want.titles, f.Titles()); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// However loops and names look, a plan that is read says of them what it said.
func TestSitesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"steps[0]", " [", "]", ": ", "a", " "})).Draw(t, "pieces")
		text := strings.Join(pieces, "")
		if got := frameOf(&Frame{Site: &Site{Path: "outer"}}, text, diag.Span{}).Sites(); len(got) != 2 || got[1] != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
