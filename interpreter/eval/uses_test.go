package eval_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/eval"
)

func TestUses(t *testing.T) {
	for _, c := range []struct {
		value string
		text  bool
		want  string
	}{
		{"R + Y", false, "R Y"},
		{"plate.A1", false, "plate"},
		{"plate.A1:D6", false, "plate"},
		{"plate.column(c + 1).first(n)", false, "plate c n"},
		{"min(R, 3 uL)", false, "R"},
		{"all(plate.row(\"A\"), .volume == final)", false, "plate final"},
		{"row.well.volume >= R", false, "row R"},
		{`"R" + name`, false, "name"},
		{"${ R }", false, "R"},
		{"R is ${ R } of ${ Y + 1 uL }, not $${ Z }", true, "R Y"},
		{"R", true, ""},
		{"3 x 50 uL", false, ""},
		{"R +", false, "R"},
		{"µ + R", false, "µ R"},
	} {
		var got []string
		for _, at := range eval.Uses(c.value, c.text) {
			got = append(got, c.value[at[0]:at[1]])
		}
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %q, not %q", c.value, got, c.want)
		}
	}
}
