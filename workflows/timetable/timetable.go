// Package timetable owns times that come again and again: how they are written, and
// when the next one is, by the clock of a time zone.
//
// They are written as for cron. What falls into an hour that is left out when clocks
// are put forward comes right behind it, once; what falls into an hour that comes twice
// when they are put back comes the first time only. Where the hour is *, as in every
// quarter of an hour, it is real time that counts: nothing is left out and nothing is
// made up for.
package timetable

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Table is a set of times of day, days and months, by the clock of a place. It never
// changes.
type Table struct {
	text                              string
	zone                              *time.Location
	minutes, hours, days, months      uint64 // a bit for each that counts
	weekdays                          uint64
	everyHour, everyDay, everyWeekday bool // the field begins with a *
}

// field is one of the five, with what it may be.
type field struct {
	name     string
	min, max int
	names    []string // of values from min on
}

var fields = [...]field{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

var short = [...][2]string{
	{"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
}

// Parse reads a table: minute, hour, day of the month, month and day of the week. The
// error is a sentence for people.
func Parse(text string, zone *time.Location) (*Table, error) {
	t := &Table{text: strings.TrimSpace(text), zone: zone}
	full, err := spelledOut(t.text)
	if err != nil {
		return nil, err
	}
	parts := strings.Fields(full)
	if len(parts) != len(fields) {
		why := ""
		if len(parts) == len(fields)+1 {
			why = "; seconds are not given"
		}
		return nil, fmt.Errorf("a time has %d parts, minute, hour, day of the month, month and day of the week, and this has %d%s", len(fields), len(parts), why)
	}
	var sets [len(fields)]uint64
	for i, part := range parts {
		if sets[i], err = fields[i].set(part); err != nil {
			return nil, err
		}
	}
	t.minutes, t.hours, t.days, t.months, t.weekdays = sets[0], sets[1], sets[2], sets[3], sets[4]
	t.weekdays = t.weekdays&^(1<<7) | t.weekdays>>7 // Sunday is 0 and 7
	t.everyHour, t.everyDay, t.everyWeekday = parts[1] == "*", strings.HasPrefix(parts[2], "*"), strings.HasPrefix(parts[4], "*")
	if t.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("there is no such day: that month is shorter")
	}
	return t, nil
}

func spelledOut(text string) (string, error) {
	if !strings.HasPrefix(text, "@") {
		return text, nil
	}
	var known []string
	for _, s := range short {
		if strings.EqualFold(s[0], text) {
			return s[1], nil
		}
		known = append(known, s[0])
	}
	return "", fmt.Errorf("%s is no time%s; there are %s", text, didYouMean(text, known), strings.Join(known, ", "))
}

func didYouMean(word string, known []string) string {
	if near, ok := diag.Nearest(strings.ToLower(word), known); ok {
		return "; did you mean " + near + "?"
	}
	return ""
}

// set reads one field: parts with commas between.
func (f *field) set(text string) (uint64, error) {
	var out uint64
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to, err := f.span(span, stepped)
		if err != nil {
			return 0, err
		}
		step := 1
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.max {
				return 0, fmt.Errorf("the step of the %s is a whole number from 1 to %d, and not %q", f.name, f.max, stepText)
			}
		}
		for n := from; n <= to; n += step {
			out |= 1 << n
		}
	}
	return out, nil
}

// span reads *, a value, or two with a dash between.
func (f *field) span(text string, open bool) (from, to int, err error) {
	if text == "*" {
		return f.min, f.top(), nil
	}
	first, last, ranged := strings.Cut(text, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if to, err = f.value(last); err != nil {
			return 0, 0, err
		}
	case open: // 5/15 is from 5 on
		to = f.top()
	default:
		to = from
	}
	if f.max == 7 && to == 0 && from > 0 { // fri-sun
		to = 7
	}
	if to < from {
		return 0, 0, fmt.Errorf("the %s goes from %s to %s, which is backwards; write both parts with a comma between", f.name, first, last)
	}
	return from, to, nil
}

// top is the greatest value that * stands for.
func (f *field) top() int {
	if f.max == 7 {
		return 6
	}
	return f.max
}

func (f *field) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && f.names != nil:
		return 0, fmt.Errorf("the %s cannot be %q%s; it is %d to %d, or %s", f.name, text, didYouMean(text, f.names), f.min, f.max, strings.Join(f.names, ", "))
	case err != nil:
		return 0, fmt.Errorf("the %s cannot be %q; it is *, or %d to %d", f.name, text, f.min, f.max)
	case n < f.min || n > f.max:
		return 0, fmt.Errorf("the %s cannot be %d; it is %d to %d", f.name, n, f.min, f.max)
	}
	return n, nil
}

// String returns the table as it was written.
func (t *Table) String() string { return t.text }

// Zone is whose clock it is.
func (t *Table) Zone() *time.Location { return t.zone }

// longest is how far apart two times can be: from one 29th of February to the next,
// over a year that is none.
const longest = 9 * 366

// Next returns the first time after another, to the minute. It is zero where none
// comes within eight years.
func (t *Table) Next(after time.Time) time.Time {
	at := after.In(t.zone)
	y, m, d := at.Date()
	for i := range longest {
		day := time.Date(y, m, d+i, 12, 0, 0, 0, time.UTC) // only its date counts
		if !t.onDay(day) {
			continue
		}
		if next := t.inDay(day, after); !next.IsZero() {
			return next
		}
	}
	return time.Time{}
}

// onDay reports whether times of the table fall on a day. Where both kinds of days are
// said, either is enough.
func (t *Table) onDay(day time.Time) bool {
	if t.months>>uint(day.Month())&1 == 0 {
		return false
	}
	inMonth, inWeek := t.days>>uint(day.Day())&1 == 1, t.weekdays>>uint(day.Weekday())&1 == 1
	if t.everyDay || t.everyWeekday {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// inDay returns the first time of a day after another, or zero.
func (t *Table) inDay(day, after time.Time) time.Time {
	if t.everyHour {
		return t.inRealHours(day, after)
	}
	for hours := t.hours; hours != 0; hours &= hours - 1 {
		for minutes := t.minutes; minutes != 0; minutes &= minutes - 1 {
			at := t.instant(day, bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes))
			if at.After(after) {
				return at
			}
		}
	}
	return time.Time{}
}

// inRealHours goes through a day as long as it is.
func (t *Table) inRealHours(day, after time.Time) time.Time {
	at := t.instant(day, 0, 0)
	if !at.After(after) {
		at = after.Truncate(time.Minute).Add(time.Minute)
	}
	for ; ; at = at.Add(time.Minute) {
		wall := at.In(t.zone)
		if wall.Day() != day.Day() {
			return time.Time{}
		}
		if t.minutes>>uint(wall.Minute())&1 == 1 {
			return wall
		}
	}
}

// instant is when clocks show a time for the first time on a day, or when they jump
// over it.
func (t *Table) instant(day time.Time, hour, minute int) time.Time {
	at := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, t.zone)
	start, end := at.ZoneBounds()
	wanted := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	_, offset := at.Zone()
	shown := at.Add(time.Duration(offset) * time.Second).UTC()
	switch {
	case shown.After(wanted): // it is behind the jump
		return start
	case shown.Before(wanted):
		return end
	case start.IsZero():
		return at
	}
	_, before := start.Add(-time.Nanosecond).Zone()
	back := time.Duration(before-offset) * time.Second
	if back > 0 && at.Sub(start) < back {
		return at.Add(-back)
	}
	return at
}

// Window is a time that comes again and again, and lasts.
type Window struct {
	Begins *Table
	Lasts  time.Duration
}

// most bounds how many windows that touch each other count as one.
const most = 1000

// At returns when the window ends that a moment is in; ok is false where it is in none.
func (w Window) At(now time.Time) (end time.Time, ok bool) {
	from := w.Begins.Next(now.Add(-w.Lasts))
	if from.IsZero() || from.After(now) {
		return end, false
	}
	end = from.Add(w.Lasts)
	for range most {
		if from = w.Begins.Next(from); from.IsZero() || from.After(end) {
			break
		}
		end = from.Add(w.Lasts)
	}
	return end, true
}
