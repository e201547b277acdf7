package ot2

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Software is a version of the robot's software, as far as it matters here.
// The zero Software is unknown, and nothing is held against it.
type Software struct{ Major, Minor int }

// Oldest is the software that JSON protocols of schema 8 came with, which is
// what robots are given.
var Oldest = Software{7, 1}

// ParseSoftware reads a version such as 8.2.0 or 8.5. A robot whose software
// was built by hand says 0.0.0-dev, which is unknown.
func ParseSoftware(s string) (Software, error) {
	major, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(leadingDigits(minor))
	if errA != nil || rest != "" && errB != nil || a < 0 {
		return Software{}, fmt.Errorf("%q is no version of robot software; write one like 8.2", s)
	}
	return Software{a, b}, nil
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// String is 8.2.
func (s Software) String() string { return fmt.Sprintf("%d.%d", s.Major, s.Minor) }

// Known reports whether the version is known.
func (s Software) Known() bool { return s != Software{} }

// Before reports whether s is older than t. Unknown software is not.
func (s Software) Before(t Software) bool {
	return s.Known() && (s.Major < t.Major || s.Major == t.Major && s.Minor < t.Minor)
}

// partialLayouts is the software from which on robots let an 8-channel pipette
// work with some of its nozzles.
var partialLayouts = Software{8, 0}

// NoLayout says why robot software s does not take a nozzle layout, or "".
func NoLayout(s Software, n program.Nozzles) string {
	if n == program.AllNozzles || !s.Before(partialLayouts) {
		return ""
	}
	return "robot software " + s.String() + " has no layout with nozzles " + n.String() + "; " + partialLayouts.String() + " and later have"
}

// Full is how many places a tip rack has that every robot takes: 8 rows of 12.
const Full = 96

// SparseRack says why robot software s does not take the labware, or "". From
// 8.3 on a robot keeps track of the tips of every rack on the deck as if it had
// 8 rows of 12 places; tried with 8.3 to 8.8.2. Unknown software is taken for
// an older one.
func SparseRack(s Software, l *program.Labware) string {
	if !l.IsTipRack || isFull(l) || !s.Known() || s.Before(Software{8, 3}) {
		return ""
	}
	places := fmt.Sprintf("%s has %d tip places where 8 rows of 12 are expected", l.LoadName, len(l.Wells))
	if s.Before(Software{8, 5}) {
		return places + ", on which robot software " + s.String() + " hangs"
	}
	return places + ", and robot software " + s.String() + " refuses it with error 4008"
}

func isFull(l *program.Labware) bool {
	if len(l.Wells) != Full || len(l.Columns) != 12 {
		return false
	}
	for _, c := range l.Columns {
		if len(c) != 8 {
			return false
		}
	}
	return true
}
