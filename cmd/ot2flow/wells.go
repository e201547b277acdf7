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

// wellTable prints what wells hold: one a line, with a patch of its colour.
type wellTable struct {
	w           io.Writer
	deck        *program.Deck
	color       bool
	shown, more int
}

func newWellTable(w io.Writer, d *program.Deck, color bool) *wellTable {
	return &wellTable{w: w, deck: d, color: color}
}

func (t *wellTable) add(r program.WellRef, c *program.Content) {
	if t.shown == maxWells {
		t.more++
		return
	}
	t.shown++
	fmt.Fprintf(t.w, "%s%-12s %s\n", patch(t.color, mixed(t.deck, c)), t.deck.WellName(r), content(t.deck, c))
}

func (t *wellTable) end() {
	if t.shown == 0 {
		fmt.Fprintln(t.w, "         no well holds anything")
	}
	if t.more > 0 {
		fmt.Fprintf(t.w, "         and %d more; --format json shows them all\n", t.more)
	}
}

// content says what a well holds: "180 uL  red 100 uL, yellow 50 uL".
func content(d *program.Deck, c *program.Content) string {
	if c.Unknown {
		return "unknown amount of " + d.Liquids[c.Of].Name + ", " + volume(-c.Volume) + " taken"
	}
	var names, parts []string
	for i, v := range c.Parts {
		if v <= 0 {
			continue
		}
		name := "something undeclared"
		if i < len(d.Liquids) {
			name = d.Liquids[i].Name
		}
		names, parts = append(names, name), append(parts, name+" "+volume(v))
	}
	if len(names) == 1 {
		parts = names
	}
	return strings.TrimRight(fmt.Sprintf("%-10s %s", volume(c.Volume), strings.Join(parts, ", ")), " ")
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
