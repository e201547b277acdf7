package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// maxWells is how many wells a report lists before it says how many more.
const maxWells = 24

// finalWells prints what wells hold that hold something and were not declared
// as stock, or were.
func finalWells(w io.Writer, d *program.Deck, s *program.State, color bool) {
	shown, more := 0, 0
	for i := range d.Labware {
		def := d.Labware[i].Def
		for _, column := range byName(def) {
			r := program.WellRef{Labware: int16(i), Well: int16(column)}
			c, ok := s.Content(r)
			if !ok || !c.Touched {
				continue
			}
			if shown == maxWells {
				more++
				continue
			}
			shown++
			fmt.Fprintf(w, "%s%-12s %s\n", patch(color, mixed(d, c)), d.WellName(r), content(d, c))
		}
	}
	if more > 0 {
		fmt.Fprintf(w, "           and %d more wells; --format json has them all\n", more)
	}
}

// byName lists a labware's wells row by row, as people read a plate.
func byName(def *program.Labware) []int {
	out := make([]int, 0, len(def.Wells))
	rows := 0
	for _, c := range def.Columns {
		rows = max(rows, len(c))
	}
	for r := range rows {
		for _, c := range def.Columns {
			if r < len(c) {
				out = append(out, c[r])
			}
		}
	}
	return out
}

func content(d *program.Deck, c *program.Content) string {
	if c.Unknown {
		return "unknown amount of " + d.Liquids[c.Of].Name + ", " + volume(-c.Volume) + " taken"
	}
	var parts []string
	for i, v := range c.Parts {
		if v <= 0 {
			continue
		}
		name := "something undeclared"
		if i < len(d.Liquids) {
			name = d.Liquids[i].Name
		}
		parts = append(parts, name+" "+volume(v))
	}
	if len(parts) <= 1 {
		return fmt.Sprintf("%-9s %s", volume(c.Volume), strings.TrimSuffix(strings.Join(parts, ""), " "+volume(c.Volume)))
	}
	return fmt.Sprintf("%-9s %s", volume(c.Volume), strings.Join(parts, ", "))
}

// mixed is a colour for a mixture: that of its liquids by their share. It is a
// help for the eye, not a prediction of what paints do.
func mixed(d *program.Deck, c *program.Content) string {
	var sum [3]int64
	var total int64
	for i := range d.Liquids {
		rgb, err := strconv.ParseUint(strings.TrimPrefix(d.Liquids[i].Color, "#"), 16, 32)
		if err != nil || c.Parts[i] <= 0 {
			continue
		}
		total += c.Parts[i]
		for k, shift := range [3]uint{16, 8, 0} {
			sum[k] += c.Parts[i] * int64(rgb>>shift&255)
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("#%02x%02x%02x", sum[0]/total, sum[1]/total, sum[2]/total)
}
