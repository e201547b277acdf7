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
const (
	digits  = "0123456789abcdefghjkmnpqrstvwxyz"
	slots   = 1 << 20 // of a day: four digits
	daySecs = 24 * 60 * 60
)

// slotOf returns the time of day as a number below slots.
func slotOf(t time.Time) int64 {
	ns := int64(t.Hour()*3600+t.Minute()*60+t.Second())*int64(time.Second) + int64(t.Nanosecond())
	return ns / 1000 * slots / (daySecs * 1_000_000)
}

func idOf(day time.Time, slot int64) string {
	var b [5]byte
	n := len(b)
	for i := 0; i < 4 || slot > 0; i++ {
		n--
		b[n] = digits[slot%32]
		slot /= 32
	}
	return day.Format("060102") + "-" + string(b[n:])
}

// newID returns an id that no run has: that of now, or the next free one.
func (t *tx) newID(now time.Time) (string, error) {
	for slot := slotOf(now); ; slot++ {
		id := idOf(now, slot)
		var one int
		found, err := t.row("SELECT 1 FROM runs WHERE id = ? UNION ALL SELECT 1 FROM submissions WHERE id = ? LIMIT 1", []any{id, id}, &one)
		if err != nil || !found {
			return id, err
		}
		if slot > 2*slots {
			return "", fmt.Errorf("there are too many runs on %s", now.Format(time.DateOnly))
		}
	}
}

// plainRef is what a person typed as digits and letters of ids.
func plainRef(ref string) string {
	return strings.NewReplacer("o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(ref)))
}
