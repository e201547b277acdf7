package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/workflows"
)

// fixing says what becomes of what findings would have changed.
type fixing struct{ write, show, all bool }

func (f *fixing) on() bool { return f.write || f.show }

// maxFixes is how often a file is looked at again after it was mended: a key that has
// its right name may show the next mistake.
const maxFixes = 10

// fix mends a file, or shows what would be changed. It returns how many findings are
// mended.
func (a *app) fix(path string, how fixing) (int, error) {
	if path == "-" {
		return 0, usage("--fix and --diff change a file, and standard input is none")
	}
	before, err := os.ReadFile(path)
	if err != nil {
		return 0, nil //nolint:nilerr // that is told as a finding
	}
	text, mended := before, 0
	for range maxFixes {
		c := workflows.FromText(path, text)
		name := filepath.ToSlash(path)
		after, n := c.Diagnostics.Fixed(name, text, how.all)
		if n == 0 || bytes.Equal(after, text) {
			break
		}
		text, mended = after, mended+n
	}
	switch {
	case mended == 0:
	case how.show:
		_, err = fmt.Fprint(a.out, unified(path, string(before), string(text)))
		return mended, a.written(err)
	default:
		if err := keepFile(path, text); err != nil {
			return 0, cannot("%s cannot be written: %s", path, reason(err))
		}
	}
	return mended, nil
}

// unified is the difference of two texts in the form that patch takes.
func unified(path, before, after string) string {
	a, b := wholeLines(before), wholeLines(after)
	var all []string // every line with what becomes of it
	kept := common(a, b)
	for k, p := range kept[1:] {
		for i := kept[k].a + 1; i < p.a; i++ {
			all = append(all, "-"+a[i])
		}
		for i := kept[k].b + 1; i < p.b; i++ {
			all = append(all, "+"+b[i])
		}
		if p.a < len(a) {
			all = append(all, " "+a[p.a])
		}
	}
	out := "--- " + path + "\n+++ " + path + "\n"
	for from := 0; from < len(all); {
		if all[from][0] == ' ' {
			from++
			continue
		}
		to := from + 1 // behind the last change of the hunk
		for i := to; i < len(all) && i < to+2*aroundChange; i++ {
			if all[i][0] != ' ' {
				to = i + 1
			}
		}
		first, last := max(0, from-aroundChange), min(len(all), to+aroundChange)
		out += hunkHead(all, first, last) + strings.Join(all[first:last], "")
		from = last
	}
	return out
}

// aroundChange is how many lines are shown before and behind a change.
const aroundChange = 3

// wholeLines are the lines of a text, each with its end.
func wholeLines(text string) []string {
	out := strings.SplitAfter(text, "\n")
	if last := len(out) - 1; out[last] == "" {
		return out[:last]
	} else if last >= 0 {
		out[last] += "\n\\ No newline at end of file\n"
	}
	return out
}

// hunkHead says which lines of either text a hunk has.
func hunkHead(all []string, first, last int) string {
	var at, n [2]int
	for i, line := range all[:last] {
		for k, sign := range "+-" { // a line that is not added is of the text before
			if rune(line[0]) == sign {
				continue
			}
			if i < first {
				at[k]++
			} else {
				n[k]++
			}
		}
	}
	for k := range at {
		if n[k] > 0 {
			at[k]++
		}
	}
	return fmt.Sprintf("@@ -%d,%d +%d,%d @@\n", at[0], n[0], at[1], n[1])
}

// pairOf is a line that both texts have.
type pairOf struct{ a, b int }

// common are the lines that both texts have, in order, with one before the first and
// one behind the last.
func common(a, b []string) []pairOf {
	out := []pairOf{{-1, -1}}
	end := len(a)
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		out = append(out, pairOf{i, i})
	}
	from := len(out) - 1
	for end > from && len(b)-len(a)+end > from && a[end-1] == b[len(b)-len(a)+end-1] {
		end--
	}
	out = append(out, commonBetween(a, b, from, end, len(b)-len(a)+end)...)
	for i := end; i <= len(a); i++ {
		out = append(out, pairOf{i, len(b) - len(a) + i})
	}
	return out
}

// commonBetween are those from a line on to lines of either text: as many as there can be.
func commonBetween(a, b []string, from, endA, endB int) []pairOf {
	length := make([][]int, endA-from+1)
	for i := range length {
		length[i] = make([]int, endB-from+1)
	}
	for i := endA - 1; i >= from; i-- {
		for j := endB - 1; j >= from; j-- {
			x, y := i-from, j-from
			length[x][y] = max(length[x+1][y], length[x][y+1])
			if a[i] == b[j] {
				length[x][y] = length[x+1][y+1] + 1
			}
		}
	}
	var out []pairOf
	for i, j := from, from; i < endA && j < endB; {
		switch {
		case a[i] == b[j]:
			out = append(out, pairOf{i, j})
			i, j = i+1, j+1
		case length[i+1-from][j-from] >= length[i-from][j+1-from]:
			i++
		default:
			j++
		}
	}
	return out
}
