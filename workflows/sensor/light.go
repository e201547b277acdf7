package sensor

import "math"

// Saturated is the count at which a channel of an AS7341 ends.
const Saturated = 65535

// Channels are what an AS7341 sees, by the middle of what each lets through, in nm.
var Channels = [8]string{"ch410", "ch440", "ch470", "ch510", "ch550", "ch583", "ch620", "ch670"}

// The paints of the emulator: how much of the light each takes away, as an absorbance where
// a well has 300 uL of it. They are made up, and look like red, yellow and blue.
var (
	white  = [8]float64{9000, 14000, 18000, 24000, 28000, 26000, 30000, 27000} // counts at a gain of 32
	red    = [8]float64{0.90, 1.00, 1.20, 1.40, 1.20, 0.50, 0.10, 0.05}
	yellow = [8]float64{1.30, 1.40, 1.00, 0.30, 0.08, 0.05, 0.04, 0.04}
	blue   = [8]float64{0.30, 0.15, 0.12, 0.25, 0.60, 1.00, 1.30, 1.20}
)

// usualGain is that at which white is what it is.
const usualGain = 32

// Light is what the channels count over a well with so many uL of the paints, at a gain.
func Light(r, y, b, gain float64) [8]int {
	var out [8]int
	for i := range out {
		absorbance := float64(r*red[i]) + float64(y*yellow[i]) + float64(b*blue[i])
		counts := white[i] * gain / usualGain * math.Pow(10, -absorbance/300)
		out[i] = int(math.Round(max(0, min(counts, Saturated))))
	}
	return out
}
