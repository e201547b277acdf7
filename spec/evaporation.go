package spec

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// How fast liquid evaporates is a volume per time, which is no quantity that
// expressions calculate with: it is far below what a flow rate counts in.

var evaporationShape = &Shape{
	Name: "evaporation", Noun: "a volume per hour", Doc: "How fast liquid evaporates out of a well.", Example: "1.5 uL/h",
	Scalars: Strings, Pattern: &Pattern{`^[0-9]+([.][0-9]+)?( ?(nL|uL|µL|μL|mL)/(h|min))$`, isEvaporation, "a volume per hour such as 1.5 uL/h"},
}

func isEvaporation(s string) bool {
	volume, per, ok := strings.Cut(s, "/")
	return ok && (per == "h" || per == "min") && isVolume(volume)
}

// EvaporationRate returns how many nL evaporate in an hour where it is written
// as 1.5 uL/h or 0.1 uL/min. ok is false where that is too much, or finer than a
// nanolitre.
func EvaporationRate(s string) (nl int64, ok bool) {
	volume, per, _ := strings.Cut(s, "/")
	times := int64(1)
	if per == "min" {
		times = 60
	}
	q, err := quantity.Parse(volume)
	if err != nil || q.Dim != quantity.Volume || q.N > quantity.Limit/times {
		return 0, false
	}
	return q.N * times, true
}
