package journal

import (
	"fmt"
	"strings"
	"time"
)

// Last stands for the newest run where a run is named.
const Last = "last"

// Ids of runs are the day and the time of day they began at, such as
// 261123-4x7k: they sort by time, and can be read out and typed. The time of
// day is in steps of 82 ms, in base 32 without letters that look like digits.
// Where several began in such a step, the others have two more digits of the
// time, and runs that were computed, of which there are thousands, three.
const (
	digits  = "0123456789abcdefghjkmnpqrstvwxyz"
	slots   = 1 << 20 // of a day: four digits
	daySecs = 24 * 60 * 60
)

// usOf returns the time of day in µs.
func usOf(t time.Time) int64 {
	return int64(t.Hour()*3600+t.Minute()*60+t.Second())*1_000_000 + int64(t.Nanosecond())/1000
}

// slotOf returns the time of day as a number below slots.
func slotOf(t time.Time) int64 { return usOf(t) * slots / (daySecs * 1_000_000) }

// idOf returns the id of a number that is written with some digits, or more.
func idOf(day time.Time, n int64, least int) string {
	b := day.AppendFormat(make([]byte, 0, 16), "060102-")
	for i := max(least, digitsOf(n)) - 1; i >= 0; i-- {
		b = append(b, digits[n>>(5*i)&31])
	}
	return string(b)
}

// digitsOf is how many digits a number has.
func digitsOf(n int64) int {
	i := 1
	for n >= 32 {
		n >>= 5
		i++
	}
	return i
}

// newID returns an id that no run has: that of now, or the next free one.
func (t *tx) newID(now time.Time) (string, error) {
	slot := slotOf(now)
	id := idOf(now, slot, 4)
	free, err := t.isFree(id)
	// The time within the step is where the next ones are free.
	const day = daySecs * 1_000_000
	for n := slot<<10 + usOf(now)*slots%day*1024/day; err == nil && !free; n++ {
		if n > 2*slots<<10 {
			return "", fmt.Errorf("there are too many runs on %s", now.Format(time.DateOnly))
		}
		id = idOf(now, n, 6)
		free, err = t.isFree(id)
	}
	return id, err
}

func (t *tx) isFree(id string) (bool, error) {
	var one int
	found, err := t.row("SELECT 1 FROM runs WHERE id = ? UNION ALL SELECT 1 FROM submissions WHERE id = ? LIMIT 1", []any{id, id}, &one)
	return !found, err
}

// plainRef is what a person typed as digits and letters of ids.
func plainRef(ref string) string {
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(ref)))
}
