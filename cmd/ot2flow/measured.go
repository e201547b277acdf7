package main

import (
	"bufio"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/ot2/sim"
)

// What instruments gave and what workflows returned in many runs, as people
// read it.

// valuesTable shows how values are spread, those that vary most first, and what
// those are that are no numbers.
func valuesTable(w *bufio.Writer, title string, list []sim.ValueSpread, runs int) {
	var numbers, words []*sim.ValueSpread
	for i := range list {
		if v := &list[i]; v.Numbers.Runs > 0 {
			numbers = append(numbers, v)
		}
		if v := &list[i]; len(v.Words) > 0 {
			words = append(words, v)
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(numbers, func(a, b *sim.ValueSpread) int { return cmp.Compare(b.Numbers.CV(), a.Numbers.CV()) })
	numbersTable(w, title, numbers, runs)
	if len(numbers) == 0 {
		fmt.Fprintf(w, "\n%s\n", title)
	}
	for i, v := range words {
		if i == mostShown {
			fmt.Fprintf(w, "  and %d more\n", len(words)-i)
			break
		}
		fmt.Fprintf(w, "  %s: %s\n", valueName(v), wordsText(v.Words, runs))
	}
}

func numbersTable(w *bufio.Writer, title string, list []*sim.ValueSpread, runs int) {
	if len(list) == 0 {
		return
	}
	shown := list[:min(len(list), mostShown)]
	width := 0
	for _, v := range shown {
		width = max(width, len([]rune(valueName(v))))
	}
	of := ""
	if len(list) > mostShown {
		of = fmt.Sprintf(", the %d most uncertain of %d", mostShown, len(list))
	}
	fmt.Fprintf(w, "\n%s%s\n  %-*s  %12s  %12s  %12s  %s\n", title, of, width, "", "likely", "mean", "SD", "5 % to 95 %")
	for _, v := range shown {
		d := &v.Numbers
		text := func(n float64) string { return numberText(n, d.SD, v.Dim.Unit()) }
		in := ""
		if d.Runs < runs {
			in = "  in " + share(d.Runs, runs)
		}
		fmt.Fprintf(w, "  %-*s  %12s  %12s  %12s  %-22s %s%s\n", width, valueName(v), text(d.Target), text(d.Mean), text(d.SD), between(text(d.P5), text(d.P95)), histogram(d), in)
	}
}

// valueName is "absorbance.a600 (well = plate.A1, pass 2)" or the name of an output.
func valueName(v *sim.ValueSpread) string {
	if v.Step == "" {
		return v.Name
	}
	var at []string
	for _, loop := range v.In {
		loop, _, _ = strings.Cut(loop, ", line ")
		loop, _, _ = strings.Cut(loop, " (")
		loop, _, _ = strings.Cut(loop, " of at most ")
		at = append(at, loop)
	}
	if len(at) > 0 {
		return v.Name + " (" + strings.Join(at, ", ") + ")"
	}
	return v.Name + " (line " + strconv.Itoa(v.Where.Start.Line) + ")"
}

// numberText writes a number with the digits that its standard deviation leaves
// a meaning to.
func numberText(v, sd float64, unit string) string {
	if math.IsNaN(v) {
		return "-"
	}
	digits := -1
	if sd > 0 && v != math.Trunc(v) {
		digits = max(0, 1-int(math.Floor(math.Log10(sd))))
		digits = min(digits, 6)
	}
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', digits, 64) + " " + unit)
}

// wordsText is "ok 93 %, low 7 %".
func wordsText(words []sim.WordRuns, runs int) string {
	var parts []string
	for i, word := range words {
		if i == mostShown {
			parts = append(parts, fmt.Sprintf("and %d more", len(words)-i))
			break
		}
		parts = append(parts, word.Word+" "+share(word.Runs, runs))
	}
	return strings.Join(parts, ", ")
}
