package depict

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Content says what a well holds: "180 uL  red 100 uL, yellow 50 uL".
func Content(d *program.Deck, c *program.Content) string {
	if c.Unknown && c.Of == len(d.Liquids) {
		return "nobody knows what"
	}
	if c.Unknown {
		return "unknown amount of " + d.Liquids[c.Of].Name + ", " + quantity.Volume.Text(-c.Volume) + " taken"
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
		names, parts = append(names, name), append(parts, name+" "+quantity.Volume.Text(v))
	}
	if len(names) == 1 {
		parts = names
	}
	return strings.TrimRight(fmt.Sprintf("%-9s %s", quantity.Volume.Text(c.Volume), strings.Join(parts, ", ")), " ")
}

// Line is a text in columns as one line.
func Line(text string) string { return strings.Join(strings.Fields(text), " ") }
