package quantity_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		dim  quantity.Dim
		n    int64
	}{
		{"50 uL", quantity.Volume, 50_000},
		{"50µL", quantity.Volume, 50_000},  // micro sign
		{"50 μL", quantity.Volume, 50_000}, // Greek mu
		{"0.1 uL", quantity.Volume, 100},
		{"1.5mL", quantity.Volume, 1_500_000},
		{"-5 mm", quantity.Length, -5000},
		{"1e2 uL", quantity.Volume, 100_000},
		{"2.50 mL", quantity.Volume, 2_500_000},
		{"0 uL", quantity.Volume, 0},
		{"90 s", quantity.Time, 90_000},
		{"1.5 min", quantity.Time, 90_000},
		{"1 h", quantity.Time, 3_600_000},
		{"37 °C", quantity.Temperature, 37_000},
		{"100 mm/s", quantity.Speed, 100_000},
		{"92.86 uL/s", quantity.FlowRate, 92_860},
		{"5 ng/uL", quantity.MassConc, 5000},
		{"1 M", quantity.MolarConc, 1_000_000_000},
	} {
		q, err := quantity.Parse(c.text)
		if err != nil || q.Dim != c.dim || q.N != c.n {
			t.Errorf("%q: %v %d, %v; want %v %d", c.text, q.Dim, q.N, err, c.dim, c.n)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"": quantity.ErrSyntax, "uL": quantity.ErrSyntax, "5": quantity.ErrUnit, "5 furlong": quantity.ErrUnit, "5 ML": quantity.ErrUnit,
		"20 %": quantity.ErrUnit, "1.2.3 uL": quantity.ErrSyntax, "0.0001 uL": quantity.ErrResolution, "1e400 uL": quantity.ErrRange,
		"999999999999999999999 uL": quantity.ErrRange, "9e12 uL": quantity.ErrRange, "- uL": quantity.ErrSyntax,
	} {
		if q, err := quantity.Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %v %v, want %v", text, q, err, want)
		}
	}
}

func TestString(t *testing.T) {
	for want, q := range map[string]quantity.Quantity{
		"50 uL": {Dim: quantity.Volume, N: 50_000}, "0.1 uL": {Dim: quantity.Volume, N: 100}, "1500 uL": {Dim: quantity.Volume, N: 1_500_000},
		"12 mL": {Dim: quantity.Volume, N: 12_000_000}, "11.95 mL": {Dim: quantity.Volume, N: 11_950_000}, "-5 mm": {Dim: quantity.Length, N: -5000},
		"90 s": {Dim: quantity.Time, N: 90_000}, "5 min": {Dim: quantity.Time, N: 300_000}, "2 h": {Dim: quantity.Time, N: 7_200_000}, "0 s": {Dim: quantity.Time},
	} {
		if got := q.String(); got != want {
			t.Errorf("%d of %v prints %q, want %q", q.N, q.Dim, got, want)
		}
	}
}

// What is printed reads back as the same, and what people add up in decimals
// is exact.
func TestPrintedReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dim := quantity.Dim(rapid.IntRange(int(quantity.Volume), int(quantity.MolarConc)).Draw(t, "dim"))
		q := quantity.Quantity{Dim: dim, N: rapid.Int64Range(-quantity.Limit, quantity.Limit).Draw(t, "n")}
		back, err := quantity.Parse(q.String())
		if err != nil || back != q {
			t.Fatalf("%q reads back as %v, %v", q, back, err)
		}
	})
}

// A product and the quotient of it are each other's opposite wherever both
// have a name.
func TestProductAndQuotientAgree(t *testing.T) {
	for a := quantity.Number; a <= quantity.MolarConc; a++ {
		for b := quantity.Number; b <= quantity.MolarConc; b++ {
			d, f, ok := quantity.Product(a, b)
			if !ok {
				continue
			}
			back, g, ok := quantity.Quotient(d, b)
			if !ok || back != a || f*g < 0.999999 || f*g > 1.000001 {
				t.Errorf("%v · %v = %v (%v), but %v / %v = %v (%v, %v)", a, b, d, f, d, b, back, g, ok)
			}
		}
	}
}

func TestEveryUnitHasADimension(t *testing.T) {
	for d := quantity.Volume; d <= quantity.MolarConc; d++ {
		names := quantity.UnitNames(d)
		if len(names) == 0 || names[0] != d.Unit() {
			t.Errorf("%v: %v, and the documented unit is %s", d, names, d.Unit())
		}
		if q, err := quantity.Parse(d.Example()); err != nil || q.Dim != d {
			t.Errorf("the example of %v, %q: %v %v", d, d.Example(), q, err)
		}
	}
}
