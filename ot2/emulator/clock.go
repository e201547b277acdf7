package emulator

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock is the robot's time. Commands take time on it; answers never do.
type Clock interface {
	// Now returns the robot's time of day.
	Now() time.Time
	// Sleep returns nil after d, or earlier with the error of the context.
	Sleep(ctx context.Context, d time.Duration) error
}

// NoTime returns a clock on which commands are over as soon as they begin, and
// that shows the time they would have taken.
func NoTime() Clock { return &noTime{now: time.Now()} }

type noTime struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the start and everything slept since; it never stands still, so
// that nothing happens before its cause.
func (c *noTime) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Microsecond)
	return c.now
}

// Sleep moves the time on.
func (c *noTime) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.now = c.now.Add(d)
	return nil
}

// Scaled returns a clock that runs factor times as fast as a real one: 1 takes
// the time a robot takes.
func Scaled(factor float64) Clock { return scaled{time.Now(), factor} }

type scaled struct {
	start  time.Time
	factor float64
}

// Now returns the start and factor times what has passed since.
func (c scaled) Now() time.Time {
	return c.start.Add(time.Duration(float64(time.Since(c.start)) * c.factor))
}

// Sleep waits for d on the scale.
func (c scaled) Sleep(ctx context.Context, d time.Duration) error {
	return wait(ctx, time.Duration(float64(d)/c.factor))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Manual is a clock that tests move. Its zero value stands at a fixed time.
type Manual struct {
	mu       sync.Mutex
	passed   time.Duration
	ticks    time.Duration
	sleepers []*sleeper
}

type sleeper struct {
	until time.Duration
	wake  chan struct{}
	quit  <-chan struct{}
}

// Now returns a fixed time of day and what was advanced since.
func (c *Manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks += time.Microsecond
	return time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC).Add(c.passed + c.ticks)
}

// Sleep returns when the clock was advanced far enough.
func (c *Manual) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	c.mu.Lock()
	s := &sleeper{c.passed + d, make(chan struct{}), ctx.Done()}
	c.sleepers = append(c.sleepers, s)
	c.mu.Unlock()
	select {
	case <-s.wake:
		return nil
	case <-s.quit:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sleepers = slices.DeleteFunc(c.sleepers, func(o *sleeper) bool { return o == s })
		return ctx.Err()
	}
}

// Advance moves the clock on and wakes who slept until then. Whoever falls
// asleep afterwards sleeps from there.
func (c *Manual) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
	c.sleepers = slices.DeleteFunc(c.sleepers, func(s *sleeper) bool {
		if s.until > c.passed {
			return false
		}
		close(s.wake)
		return true
	})
}

// Asleep returns how many are waiting for the clock to move.
func (c *Manual) Asleep() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sleepers)
}
