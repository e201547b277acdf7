package main

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// offsetText reads "0.1, -0.2, 0.35": mm to the right, to the back and up.
func offsetText(text string) (x, y, z int64, ok bool) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	var um [3]int64
	for i, part := range parts {
		v, err := quantity.Scaled(part, 1000)
		if err != nil || v < -maxOffset || v > maxOffset {
			return 0, 0, 0, false
		}
		um[i] = v
	}
	return um[0], um[1], um[2], true
}

// maxOffset is the greatest offset that is believed, in µm. What stands further
// from its place stands in the wrong one.
const maxOffset = 10_000
