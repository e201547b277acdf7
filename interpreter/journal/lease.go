package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Holder is a process of somebody.
type Holder struct {
	Name string // of the person
	Host string
	PID  int
}

// String returns the holder for people.
func (h Holder) String() string {
	return fmt.Sprintf("%s on %s (process %d)", h.Name, h.Host, h.PID)
}

const (
	beat = 5 * time.Second // how often a holder says that it is there
	// staleAfter is when a holder counts as gone that has not said so, where
	// the system does not know whether its process is.
	staleAfter = 6 * beat
)

// Lease makes its holder the owner of a robot.
type Lease struct {
	store      *Store
	robot      string
	fence      int64
	lock       *os.File // nil where the system has no locks
	unfinished []string
	quit       chan struct{}
	done       chan struct{}
	release    sync.Once
}

// Fence returns the number of the lease, which is greater than that of every
// lease on the robot before.
func (l *Lease) Fence() int64 { return l.fence }

// Robot returns what the lease is on.
func (l *Lease) Robot() string { return l.robot }

// Unfinished returns the ids of the runs on the robot that were begun and not
// ended, newest first. They must be reconciled with the robot and ended before
// Begin takes another one.
func (l *Lease) Unfinished() []string { return l.unfinished }

// Lease makes who the owner of a robot, until Release or the end of the
// process, however it ends. It is refused as *Held while another process, or
// another part of this one, is. A holder whose process is gone is succeeded at
// once: what its runs had begun is in Unfinished.
func (s *Store) Lease(ctx context.Context, robot string, who Holder) (*Lease, error) {
	if robot == "" {
		return nil, errors.New("a lease needs a robot")
	}
	lock, err := s.lockOf(ctx, robot)
	switch {
	case errors.Is(err, errLocked):
		return nil, s.heldBy(ctx, robot)
	case err != nil && !errors.Is(err, errors.ErrUnsupported):
		return nil, &Error{s.path, Failing, err}
	}
	l := &Lease{store: s, robot: robot, lock: lock, quit: make(chan struct{}), done: make(chan struct{})}
	if err := s.write(ctx, func(t *tx) error { return l.take(t, who) }); err != nil {
		l.unlock()
		return nil, err
	}
	go l.heartbeat()
	return l, nil
}

// lockOf takes the file lock of a robot. Others who look whether it is held
// hold it for a moment, so it is tried more than once.
func (s *Store) lockOf(ctx context.Context, robot string) (*os.File, error) {
	for tries := 0; ; tries++ {
		f, err := tryLock(s.lockPath(robot))
		if !errors.Is(err, errLocked) || tries == 5 {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lockPath returns the file whose lock says that the robot's owner is alive:
// the system lets go of it when the process ends, however it does. The file
// itself stays and says nothing.
func (s *Store) lockPath(robot string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, robot)
	return s.path + "-robot-" + safe
}

// take writes the lease, whose number goes on from the last one.
func (l *Lease) take(t *tx, who Holder) error {
	var was int64
	var held bool
	var heard int64
	if _, err := t.row("SELECT fence, held, heard FROM leases WHERE robot = ?", []any{l.robot}, &was, &held, &heard); err != nil {
		return err
	}
	if l.lock == nil && held && t.now-heard < int64(staleAfter) {
		h, err := t.held(l.robot)
		return orElse(err, h)
	}
	l.fence = was + 1
	err := t.exec(`INSERT INTO leases (robot, fence, held, name, host, pid, since, heard) VALUES (?, ?, 1, ?, ?, ?, ?, ?)
		ON CONFLICT (robot) DO UPDATE SET fence = excluded.fence, held = 1, name = excluded.name, host = excluded.host, pid = excluded.pid, since = excluded.since, heard = excluded.heard`,
		l.robot, l.fence, who.Name, who.Host, who.PID, t.now, t.now)
	if err != nil {
		return err
	}
	l.unfinished, err = t.unfinished(l.robot)
	return err
}

// unfinished returns the runs on a robot that have begun to move something and
// have not ended. A simulator keeps nothing.
func (t *tx) unfinished(robot string) ([]string, error) {
	if robot == "" {
		return nil, nil
	}
	return t.texts("SELECT id FROM runs WHERE robot = ? AND ended IS NULL AND intended ORDER BY key DESC", robot)
}

const selectHolder = `SELECT name, host, pid, since, heard, coalesce((SELECT id FROM runs WHERE runs.robot = leases.robot AND ended IS NULL AND runs.fence = leases.fence ORDER BY key DESC LIMIT 1), '')
	FROM leases WHERE robot = ? AND held`

func scanHeld(robot string, scan func(...any) error) (*Held, error) {
	h := &Held{Robot: robot}
	var since, heard int64
	if err := scan(&h.Holder.Name, &h.Holder.Host, &h.Holder.PID, &since, &heard, &h.Run); err != nil {
		return nil, err
	}
	h.Since, h.Heard = timeOf(since), timeOf(heard)
	return h, nil
}

func (t *tx) held(robot string) (*Held, error) {
	return scanHeld(robot, func(dest ...any) error {
		_, err := t.row(selectHolder, []any{robot}, dest...)
		return err
	})
}

// heldBy returns who holds a robot as an error.
func (s *Store) heldBy(ctx context.Context, robot string) error {
	h, err := scanHeld(robot, s.db.QueryRowContext(ctx, selectHolder, robot).Scan)
	if isNone(err) {
		return &Held{Robot: robot} // it is just being taken or let go of
	}
	return orElse(s.trouble(err), h)
}

// Owner returns who holds a robot now, or nil. A holder whose process is gone
// holds nothing.
func (s *Store) Owner(ctx context.Context, robot string) (*Held, error) {
	h, err := scanHeld(robot, s.db.QueryRowContext(ctx, selectHolder, robot).Scan)
	if err != nil {
		if isNone(err) {
			return nil, nil
		}
		return nil, s.trouble(err)
	}
	switch lock, err := s.lockOf(ctx, robot); {
	case errors.Is(err, errLocked):
		return h, nil
	case err == nil:
		_ = lock.Close() // it lets go of the lock
		return nil, nil
	}
	if s.now().Sub(h.Heard) < staleAfter {
		return h, nil
	}
	return nil, nil
}

// heartbeat says now and then that the holder is there. That it cannot be
// written is told by what cannot be written either: the events of the run.
func (l *Lease) heartbeat() {
	defer close(l.done)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-l.quit:
			return
		case <-tick.C:
			_ = l.store.write(context.Background(), func(t *tx) error {
				return t.exec("UPDATE leases SET heard = ? WHERE robot = ? AND fence = ?", t.now, l.robot, l.fence)
			})
		}
	}
}

// Release gives the robot free. The first error counts; the robot is free in
// any case as soon as the process ends.
func (l *Lease) Release(ctx context.Context) error {
	var err error
	l.release.Do(func() {
		close(l.quit)
		<-l.done
		err = l.store.write(ctx, func(t *tx) error {
			return t.exec("UPDATE leases SET held = 0 WHERE robot = ? AND fence = ?", l.robot, l.fence)
		})
		l.unlock()
	})
	return err
}

func (l *Lease) unlock() {
	if l.lock != nil {
		_ = l.lock.Close() // which lets go of the lock; nothing was written to it
	}
}

// errLocked says that somebody else has the lock.
var errLocked = errors.New("somebody else has the lock")
