package service

import "fmt"

// Clock is a time of ms milliseconds for people: 8 s, 2 min 05 s, 1 h 10 min.
func Clock(ms int64) string {
	s := (ms + 500) / 1000
	switch {
	case s < 60:
		return fmt.Sprintf("%d s", s)
	case s < 3600:
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	}
	m := (s + 30) / 60
	return fmt.Sprintf("%d h %02d min", m/60, m%60)
}

// Steps is "3 of 8 steps".
func Steps(n, of int) string {
	if of == 1 {
		return fmt.Sprintf("%d of 1 step", n)
	}
	return fmt.Sprintf("%d of %d steps", n, of)
}
