package timetable

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// What comes after what, by people who looked at a calendar.
func TestNext(t *testing.T) {
	for _, tt := range []struct{ text, zone, after, want string }{
		{"0 6 * * mon-fri", "Europe/Berlin", "2026-11-20T06:00:00+01:00", "2026-11-23T06:00:00+01:00"},
		{"0 6 * * mon-fri", "Europe/Berlin", "2026-11-23T05:59:59.9+01:00", "2026-11-23T06:00:00+01:00"},
		{"*/15 * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"},
		{"5/20 3 * * *", "UTC", "2026-01-01T03:05:00Z", "2026-01-01T03:25:00Z"},
		{"0 0 29 feb *", "UTC", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"0 0 13 * 5", "UTC", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z"}, // a 13th, or a Friday
		{"0 0 * * 7", "UTC", "2026-11-23T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"0 0 * * fri-sun", "UTC", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"@monthly", "Asia/Tokyo", "2026-11-23T00:00:00Z", "2026-12-01T00:00:00+09:00"},
		// Clocks go from 2:00 to 3:00: what falls in between comes at 3:00, once.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"0,30 2 * * *", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"},
		{"30 * * * *", "Europe/Berlin", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"},
		// Clocks go from 3:00 back to 2:00: what falls in between comes the first time.
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"},
		{"30 * * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		// Half an hour on Lord Howe, a whole day in Samoa, and midnight in Beirut.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00+10:30", "2026-10-04T02:30:00+11:00"},
		{"0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},
		{"0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00+02:00", "2026-03-29T01:00:00+03:00"},
	} {
		table, err := Parse(tt.text, zone(t, tt.zone))
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		after, _ := time.Parse(time.RFC3339Nano, tt.after)
		want, _ := time.Parse(time.RFC3339Nano, tt.want)
		if got := table.Next(after); !got.Equal(want) {
			t.Errorf("%s after %s in %s: %v, want %v", tt.text, tt.after, tt.zone, got, want)
		}
	}
}

// What cannot be meant is refused in words that help.
func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, says string }{
		{"", "has 0"},
		{"0 6 * *", "has 4"},
		{"0 0 6 * * *", "seconds are not given"},
		{"0 24 * * *", "the hour cannot be 24; it is 0 to 23"},
		{"0 six * * *", `the hour cannot be "six"`},
		{"0 6 * * mno", "did you mean mon?"},
		{"0 6 * * fri-mon", "backwards"},
		{"*/0 * * * *", "the step of the minute"},
		{"*/x * * * *", "the step of the minute"},
		{"0 0 30 2 *", "no such day"},
		{"@dayly", "did you mean @daily?"},
		{"-1 * * * *", "the minute cannot be"},
		{"1--2 * * * *", "the minute cannot be"},
		{"60 * * * *", "the minute cannot be 60"},
		{"0 0 0 * *", "the day of the month cannot be 0"},
	} {
		_, err := Parse(tt.text, time.UTC)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.says)
		}
	}
}

// clock is a table by another way: every minute is looked at, one after the other.
func clock(text string, loc *time.Location, from time.Time, minutes int) []time.Time {
	parts := strings.Fields(text)
	is := func(n int, part string) bool { return part == "*" || part == fmt.Sprint(n) }
	var out []time.Time
	done := map[string]bool{} // wall times that have been
	last := from.Add(-time.Minute).In(loc)
	for i := range minutes {
		now := from.Add(time.Duration(i) * time.Minute).In(loc)
		due := false
		if parts[1] == "*" {
			due = is(now.Minute(), parts[0])
		} else {
			// Every wall time between the last look and this one has been, and this one is.
			_, a := last.Zone()
			_, b := now.Zone()
			jumped := time.Duration(max(0, b-a)) * time.Second
			for back := jumped; back >= 0; back -= time.Minute {
				wall := now.UTC().Add(time.Duration(b)*time.Second - back)
				key := wall.Format("2006-01-02 15:04")
				if is(wall.Minute(), parts[0]) && is(wall.Hour(), parts[1]) && !done[key] {
					done[key], due = true, true
				}
			}
		}
		if due {
			out = append(out, now)
		}
		last = now
	}
	return out
}

// TestNextIsEveryMinute compares with a clock that is looked at every minute, around
// the days on which clocks are changed.
func TestNextIsEveryMinute(t *testing.T) {
	days := map[string][]string{
		"Europe/Berlin": {"2026-03-28", "2026-10-24"}, "America/New_York": {"2026-03-07", "2026-10-31"}, "Australia/Lord_Howe": {"2026-04-04", "2026-10-03"},
		"America/Sao_Paulo": {"2018-02-17", "2018-11-03"}, "Asia/Kolkata": {"2026-03-28"}, "Asia/Beirut": {"2026-03-28"},
	}
	var names []string
	for name := range days {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "zone")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		day, _ := time.ParseInLocation("2006-01-02 15:04", rapid.SampledFrom(days[name]).Draw(t, "day")+" 12:00", loc)
		hour := rapid.SampledFrom([]string{"*", "0", "1", "2", "3", "23"}).Draw(t, "hour")
		minute := rapid.SampledFrom([]string{"*", "0", "15", "30", "59"}).Draw(t, "minute")
		text := minute + " " + hour + " * * *"
		table, err := Parse(text, loc)
		if err != nil {
			t.Fatal(err)
		}
		want := clock(text, loc, day.Add(time.Minute), 36*60)
		at := day
		for i, w := range want {
			if at = table.Next(at); !at.Equal(w) {
				t.Fatalf("%s in %s: the %d. is %v, want %v", text, name, i+1, at, w)
			}
		}
	})
}

func TestWindow(t *testing.T) {
	table, err := Parse("0 12 * * fri", zone(t, "Europe/Berlin"))
	if err != nil {
		t.Fatal(err)
	}
	w := Window{table, 2 * time.Hour}
	at := func(text string) time.Time {
		out, err := time.ParseInLocation("2006-01-02 15:04", text, table.Zone())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for text, end := range map[string]string{"2026-11-27 11:59": "", "2026-11-27 12:00": "2026-11-27 14:00", "2026-11-27 13:59": "2026-11-27 14:00", "2026-11-27 14:00": ""} {
		got, ok := w.At(at(text))
		if ok != (end != "") || ok && !got.Equal(at(end)) {
			t.Errorf("at %s it is until %v, %v", text, got, ok)
		}
	}
	touching, _ := Parse("0 12,13 * * fri", table.Zone())
	if got, ok := (Window{touching, time.Hour}).At(at("2026-11-27 12:30")); !ok || !got.Equal(at("2026-11-27 14:00")) {
		t.Errorf("two that touch end at %v", got)
	}
}
