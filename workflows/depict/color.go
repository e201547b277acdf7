package depict

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// Mixed is a colour for a mixture: that of its liquids by their share. It is a
// help for the eye, not a prediction of what paints do. Empty is none.
func Mixed(d *program.Deck, c *program.Content) string {
	var sum [3]int64
	var total int64
	for i := range min(len(d.Liquids), len(c.Parts)) {
		r, g, b, ok := Channels(d.Liquids[i].Color)
		if !ok || c.Parts[i] <= 0 {
			continue
		}
		total += c.Parts[i]
		for k, v := range [3]int64{r, g, b} {
			sum[k] += c.Parts[i] * v
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", sum[0]/total, sum[1]/total, sum[2]/total)
}

// Channels reads #rrggbb.
func Channels(color string) (r, g, b int64, ok bool) {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 32)
	return int64(rgb >> 16), int64(rgb >> 8 & 255), int64(rgb & 255), err == nil && len(color) == 7
}
