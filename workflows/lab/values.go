package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows/timetable"
)

func (r *reader) add(code *diag.Code, at diag.Span, message, help string) *diag.Diagnostic {
	r.found = append(r.found, diag.Diagnostic{Code: code, Span: at, Message: message, Help: help})
	return &r.found[len(r.found)-1]
}

// whole is where a value stands.
func whole(g *spec.Given) diag.Span { return g.Span(0, len(g.Text)) }

// duration reads a duration that is not negative; a bare number is in s, as everywhere.
func (r *reader) duration(g *spec.Given, otherwise time.Duration) time.Duration {
	if !g.Set {
		return otherwise
	}
	text := g.Text
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += " s"
	}
	q, err := quantity.Parse(text)
	const ms = int64(time.Millisecond)
	if err != nil || q.Dim != quantity.Time || q.N < 0 || q.N > int64(time.Duration(1<<62))/ms {
		r.add(diag.LabValue, whole(g), fmt.Sprintf("%s is no duration", g.Text), "write a number and ms, s, min or h, for example 10 min")
		return otherwise
	}
	return time.Duration(q.N * ms)
}

func (r *reader) whole(g *spec.Given) int {
	if !g.Set {
		return 0
	}
	const most = 1000
	n, err := strconv.Atoi(strings.TrimSpace(g.Text))
	if err != nil || n < -most || n > most {
		r.add(diag.LabValue, whole(g), fmt.Sprintf("%s is no whole number from -%d to %d", g.Text, most, most), "the greater, the sooner; 0 is what other runs have")
	}
	return n
}

// path is a path that counts from the working directory.
func (r *reader) path(g *spec.Given) string {
	if !g.Set || filepath.IsAbs(g.Text) {
		return g.Text
	}
	return filepath.Join(r.dir, filepath.FromSlash(g.Text))
}

func (r *reader) zone(g *spec.Given) *time.Location {
	if !g.Set {
		return time.Local
	}
	zone, err := time.LoadLocation(g.Text)
	if err != nil || g.Text == "Local" {
		r.add(diag.LabValue, whole(g), "there is no time zone "+g.Text, "write region and city, for example Europe/Berlin, or UTC")
		return time.Local
	}
	return zone
}

func (r *reader) table(g *spec.Given, zone *time.Location) *timetable.Table {
	t, err := timetable.Parse(g.Text, zone)
	if err != nil {
		r.add(diag.LabValue, whole(g), err.Error(), "at 6 in the morning from Monday to Friday is 0 6 * * mon-fri, and every quarter of an hour */15 * * * *")
	}
	return t
}

// layouts are how a date and a time of day are written.
var layouts = [...]string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02"}

// ParseInstant reads a date and a time of day by the clock of a place; a date alone is
// its first moment.
func ParseInstant(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, strings.TrimSpace(text), zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New(text + " is no date with a time of day")
}

func (r *reader) instant(g *spec.Given, zone *time.Location) time.Time {
	t, err := ParseInstant(g.Text, zone)
	if err != nil {
		r.add(diag.LabValue, whole(g), err.Error(), "write it like 2026-12-01 14:00")
	}
	return t
}

// named sees to it that what is named is there.
func (r *reader) named(w *spec.Word, what string, there []string) {
	if slices.Contains(there, w.Value) {
		return
	}
	help := "there is no " + what + " at all"
	if len(there) > 0 {
		help = "there are " + strings.Join(there, ", ")
	}
	if near, ok := diag.Nearest(w.Value, there); ok {
		help = "did you mean " + near + "?"
	}
	of := "the lab has no robot " + w.Value
	if what != "robot" {
		of = "no robot of the lab has the " + what + " " + w.Value
	}
	r.add(diag.LabName, w.Span, of, help)
}

// params are the values as JSON: what is a number or a truth there is one here, and
// anything else is text.
func params(list []spec.LabParam) json.RawMessage {
	out := map[string]any{}
	for i := range list {
		out[list[i].Name.Value] = valueOf(&list[i].Value)
	}
	data, err := json.Marshal(out)
	if err != nil {
		panic(err) // texts and raw JSON that is valid
	}
	return data
}

func valueOf(w *spec.Written) any {
	if !w.Many {
		return scalarOf(w.Text)
	}
	items := []any{}
	for i := range w.Items {
		item := &w.Items[i]
		if !item.IsRow {
			items = append(items, scalarOf(item.Text))
			continue
		}
		row := map[string]any{}
		for _, c := range item.Cells {
			row[c.Column.Value] = scalarOf(c.Value.Text)
		}
		items = append(items, row)
	}
	return items
}

func scalarOf(text string) any {
	if _, err := strconv.ParseFloat(text, 64); (err == nil || text == "true" || text == "false") && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}
