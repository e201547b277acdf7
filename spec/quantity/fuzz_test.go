package quantity_test

import (
	"testing"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// FuzzParse holds that whatever is read as a quantity is shown in a form that
// reads as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"50 uL", "1.5mL", "0.1 µL", "-3 mm", "+4 C", "1e3 nL", "2 min", "90 rpm", "5 ng/uL", "100 mM", "1e400 uL", ".5 h", "1. s", "٣ uL", "7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := quantity.Parse(s)
		if err != nil || q.Dim == quantity.Number {
			return // a plain number is shown without a unit
		}
		again, err := quantity.Parse(q.String())
		if err != nil || again != q {
			t.Fatalf("%q is %+v, shown as %q, which reads as %+v %v", s, q, q.String(), again, err)
		}
	})
}
