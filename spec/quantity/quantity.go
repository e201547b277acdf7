// Package quantity holds physical quantities as fixed-point integers, and the
// units people write them in.
//
// It owns the dimensions of the field (volume, time, length, …), the base unit
// each is counted in, every accepted spelling of a unit, and how a quantity is
// read and printed. It knows nothing of YAML or expressions.
package quantity

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Dim is a physical dimension. The zero value is a plain number.
type Dim uint8

// The dimensions, each with the base unit that its integers count.
const (
	Number      Dim = iota // 1 (not fixed-point; only inside arithmetic)
	Volume                 // nL
	Time                   // ms
	Length                 // µm
	Speed                  // µm/s, of the gantry
	FlowRate               // nL/s, of the plunger
	Temperature            // m°C
	Rotation               // thousandths of a turn per minute
	MassConc               // pg/µL
	MolarConc              // nM
	dims
)

type dimInfo struct {
	name string // as in messages: "a volume"
	unit string // the documented unit that a bare number takes
	base int64  // base units in one unit
}

var dimTable = [dims]dimInfo{
	Number:      {"number", "", 1},
	Volume:      {"volume", "uL", 1000},
	Time:        {"duration", "s", 1000},
	Length:      {"length", "mm", 1000},
	Speed:       {"speed", "mm/s", 1000},
	FlowRate:    {"flow rate", "uL/s", 1000},
	Temperature: {"temperature", "C", 1000},
	Rotation:    {"rotation speed", "rpm", 1000},
	MassConc:    {"mass concentration", "ng/uL", 1000},
	MolarConc:   {"molar concentration", "mM", 1000_000},
}

// String returns the dimension's name as messages use it, such as "flow rate".
func (d Dim) String() string { return dimTable[d].name }

// Unit returns the unit that a bare number takes where d is wanted.
func (d Dim) Unit() string { return dimTable[d].unit }

// Base returns how many base units make one Unit.
func (d Dim) Base() int64 { return dimTable[d].base }

// Unit is one spelling of a unit of measurement.
type Unit struct {
	Dim   Dim
	scale int64 // base units in one of this; 0 marks a percentage
}

// units maps every accepted spelling. The micro sign U+00B5, the Greek mu
// U+03BC and a plain u are the same letter here.
var units = map[string]Unit{
	"nL": {Volume, 1}, "uL": {Volume, 1000}, "mL": {Volume, 1000_000}, "L": {Volume, 1000_000_000},
	"nl": {Volume, 1}, "ul": {Volume, 1000}, "ml": {Volume, 1000_000},
	"ms": {Time, 1}, "s": {Time, 1000}, "min": {Time, 60_000}, "h": {Time, 3600_000},
	"um": {Length, 1}, "mm": {Length, 1000}, "cm": {Length, 10_000},
	"mm/s": {Speed, 1000}, "cm/s": {Speed, 10_000},
	"uL/s": {FlowRate, 1000}, "mL/s": {FlowRate, 1000_000}, "ul/s": {FlowRate, 1000}, "ml/s": {FlowRate, 1000_000},
	"C": {Temperature, 1000}, "°C": {Temperature, 1000}, "degC": {Temperature, 1000},
	"rpm":   {Rotation, 1000},
	"pg/uL": {MassConc, 1}, "ng/uL": {MassConc, 1000}, "ug/uL": {MassConc, 1000_000},
	"ng/mL": {MassConc, 1}, "ug/mL": {MassConc, 1000}, "mg/mL": {MassConc, 1000_000}, "mg/L": {MassConc, 1000}, "g/L": {MassConc, 1000_000},
	"nM": {MolarConc, 1}, "uM": {MolarConc, 1000}, "mM": {MolarConc, 1000_000}, "M": {MolarConc, 1000_000_000},
	"%": {Number, 0}, "x": {Number, 1},
}

// Text renders n base units of the dimension, such as 50 uL for 50,000 nL.
func (d Dim) Text(n int64) string { return Quantity{Dim: d, N: n}.String() }

// LookupUnit finds a unit by its spelling.
func LookupUnit(s string) (Unit, bool) {
	if strings.ContainsAny(s, "µμ") {
		s = strings.NewReplacer("µ", "u", "μ", "u").Replace(s)
	}
	u, ok := units[s]
	return u, ok
}

// UnitNames returns the spellings of the units of d, the documented one first.
// It serves suggestions; the order of the rest is alphabetic.
func UnitNames(d Dim) []string {
	out := []string{}
	for _, name := range unitOrder {
		if units[name].Dim == d {
			out = append(out, name)
		}
	}
	return out
}

var unitOrder = []string{
	"uL", "mL", "nL", "L", "s", "min", "h", "ms", "mm", "um", "cm", "mm/s", "cm/s", "uL/s", "mL/s", "C", "rpm",
	"ng/uL", "ug/uL", "pg/uL", "ng/mL", "ug/mL", "mg/mL", "mg/L", "g/L", "mM", "uM", "nM", "M",
}

// Quantity is a value of a dimension in that dimension's base units.
type Quantity struct {
	Dim Dim
	N   int64
}

// Errors of reading a number with a unit.
var (
	ErrSyntax     = errors.New("not a number with a unit")
	ErrUnit       = errors.New("unknown unit")
	ErrRange      = errors.New("too large")
	ErrResolution = errors.New("finer than can be kept")
)

// Limit bounds what a Quantity may hold, so that sums of many stay exact in
// int64 and in float64.
const Limit = int64(1) << 50

// Of converts decimal text such as "0.5" in unit u to base units, exactly.
// It returns ErrResolution when the value is not a whole number of base units
// and ErrRange beyond Limit. For a percentage use Fraction instead.
func Of(decimal string, u Unit) (Quantity, error) {
	neg := strings.HasPrefix(decimal, "-")
	digits, exp, err := splitDecimal(strings.TrimPrefix(decimal, "-"))
	if err != nil {
		return Quantity{}, err
	}
	n, err := scaleDecimal(digits, exp, u.scale)
	if neg {
		n = -n
	}
	return Quantity{u.Dim, n}, err
}

// Scaled converts decimal text to a whole number of 1/per, exactly: 92.86 with
// per 1000 is 92860. Errors are those of Of.
func Scaled(decimal string, per int64) (int64, error) {
	q, err := Of(decimal, Unit{scale: per})
	return q.N, err
}

// IsPercent reports whether u is %, which gives a plain number.
func (u Unit) IsPercent() bool { return u.Dim == Number && u.scale == 0 }

// Parse reads a number with a unit, such as "50 uL" or "1.5mL".
func Parse(s string) (Quantity, error) {
	s = strings.TrimSpace(s)
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == '-' && i == 0 || s[i] == '+' && i == 0) {
		i++
	}
	if i < len(s)-1 && (s[i] == 'e' || s[i] == 'E') && (s[i+1] == '-' || s[i+1] >= '0' && s[i+1] <= '9') {
		for i += 2; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		}
	}
	if i == 0 {
		return Quantity{}, ErrSyntax
	}
	u, ok := LookupUnit(strings.TrimSpace(s[i:]))
	if !ok || u.IsPercent() {
		return Quantity{}, ErrUnit
	}
	return Of(strings.TrimPrefix(s[:i], "+"), u)
}

// splitDecimal turns "12.50e1" into digits "1250" and the power of ten -1.
func splitDecimal(s string) (digits string, exp int, err error) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		exp, err = strconv.Atoi(strings.TrimPrefix(s[i+1:], "+"))
		if err != nil || exp > 400 || exp < -400 {
			return "", 0, ErrRange
		}
		s = s[:i]
	}
	whole, frac, _ := strings.Cut(s, ".")
	digits = strings.TrimLeft(whole+frac, "0")
	exp -= len(frac)
	for strings.HasSuffix(digits, "0") {
		digits, exp = digits[:len(digits)-1], exp+1
	}
	if whole+frac == "" || strings.Trim(digits, "0123456789") != "" {
		return "", 0, ErrSyntax
	}
	return digits, exp, nil
}

func scaleDecimal(digits string, exp int, scale int64) (int64, error) {
	if digits == "" {
		return 0, nil
	}
	if len(digits)+exp > 17 || len(digits) > 18 {
		if len(digits)+exp > 17 {
			return 0, ErrRange
		}
		return 0, ErrResolution
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, ErrSyntax
	}
	for ; exp < 0 && scale%10 == 0; exp++ {
		scale /= 10
	}
	for ; exp < 0 && n%10 == 0; exp++ {
		n /= 10
	}
	if exp < 0 {
		return 0, ErrResolution
	}
	for ; exp > 0; exp-- {
		if scale > Limit {
			return 0, ErrRange
		}
		scale *= 10
	}
	if n > Limit/scale {
		return 0, ErrRange
	}
	return n * scale, nil
}

// Float returns q in its documented unit: 50 for 50 uL.
func (q Quantity) Float() float64 { return float64(q.N) / float64(q.Dim.Base()) }

// Round returns the quantity nearest to f base units, half away from zero.
// ok is false when f is not finite or beyond Limit.
func Round(d Dim, f float64) (q Quantity, ok bool) {
	if math.IsNaN(f) || math.Abs(f) > float64(Limit) {
		return Quantity{Dim: d}, false
	}
	return Quantity{d, int64(math.Round(f))}, true
}

// String prints q in the unit people would use: "50 uL", "12 mL", "5 min".
func (q Quantity) String() string {
	unit, per := q.Dim.Unit(), q.Dim.Base()
	switch {
	case q.Dim == Volume && abs(q.N) >= 2000_000:
		unit, per = "mL", 1000_000
	case q.Dim == Time && q.N != 0 && q.N%3600_000 == 0:
		unit, per = "h", 3600_000
	case q.Dim == Time && q.N != 0 && q.N%60_000 == 0:
		unit, per = "min", 60_000
	}
	out := AppendDecimal(nil, q.N, per)
	if unit == "" {
		return string(out)
	}
	return string(append(out, " "+unit...))
}

// AppendDecimal appends n/per as a decimal without trailing zeros; per must be
// a power of ten or a divisor of n.
func AppendDecimal(b []byte, n, per int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/per, 10)
	rest := n % per
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for rest > 0 {
		rest *= 10
		b = append(b, byte('0'+rest/per))
		rest %= per
	}
	return b
}

// Decimal prints q's number in its documented unit without the unit: "92.86".
func (q Quantity) Decimal() string { return string(AppendDecimal(nil, q.N, q.Dim.Base())) }

// Example is a well-formed value of d for messages and documentation.
func (d Dim) Example() string {
	return [dims]string{"2", "50 uL", "30 s", "3 mm", "100 mm/s", "150 uL/s", "37 C", "500 rpm", "5 ng/uL", "100 mM"}[d]
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// Describe explains an error of Parse or Of for the text s where d is wanted.
func Describe(err error, s string, d Dim) string {
	switch {
	case errors.Is(err, ErrUnit):
		return fmt.Sprintf("%q has no unit of a %s; write for example %s", s, d, d.Example())
	case errors.Is(err, ErrResolution):
		return fmt.Sprintf("%q is finer than ot2flow keeps (%s); write fewer digits", s, Quantity{d, 1})
	case errors.Is(err, ErrRange):
		return fmt.Sprintf("%q is too large; check the number and its unit", s)
	}
	return fmt.Sprintf("%q is not a %s; write for example %s", s, d, d.Example())
}

// Product returns the dimension of a·b and the factor from base·base to base.
// ok is false when the field has no name for it.
func Product(a, b Dim) (d Dim, factor float64, ok bool) {
	switch {
	case a == Number:
		return b, 1, true
	case b == Number:
		return a, 1, true
	case a == FlowRate && b == Time || a == Time && b == FlowRate:
		return Volume, 1e-3, true
	case a == Speed && b == Time || a == Time && b == Speed:
		return Length, 1e-3, true
	}
	return Number, 0, false
}

// Quotient returns the dimension of a/b and the factor from base/base to base.
func Quotient(a, b Dim) (d Dim, factor float64, ok bool) {
	switch {
	case b == Number:
		return a, 1, true
	case a == b:
		return Number, 1, true
	case a == Volume && b == Time:
		return FlowRate, 1e3, true
	case a == Volume && b == FlowRate:
		return Time, 1e3, true
	case a == Length && b == Time:
		return Speed, 1e3, true
	case a == Length && b == Speed:
		return Time, 1e3, true
	}
	return Number, 0, false
}
