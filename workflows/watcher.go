package workflows

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Options adjusts a Watcher. Zero fields take the default.
type Options struct {
	Quiet time.Duration // changes are looked at when nothing happened for so long: 40 ms
	Most  time.Duration // but never later than this after the first event: 250 ms
	// Poll looks at all files again and again, for folders on a network that
	// send no events. 0 is never, unless the operating system refuses events.
	Poll time.Duration
}

const (
	defaultQuiet = 40 * time.Millisecond
	defaultMost  = 250 * time.Millisecond
	// rootEvery is how often the roots themselves are looked for: a folder
	// that is moved away with all that is above it sends no event.
	rootEvery = 500 * time.Millisecond
	// pollEvery replaces the events that the operating system refuses.
	pollEvery = time.Second
)

// Watcher refreshes a Registry whenever something happens to its files. Events
// only say that it is time to look; what changed is found by looking, so that
// it does not matter how an editor saves, what was renamed over what, or
// whether events were lost.
type Watcher[V any] struct {
	registry *Registry[V]
	changed  func(Change[V])
	options  Options
	signal   *signal
	degraded bool // some folder cannot be watched
	identity []fs.FileInfo
	stop     context.CancelFunc
	done     chan struct{}
}

// Watch refreshes the registry at once and then after every change of its
// files, until ctx is done or the Watcher is closed. Each Change that is not
// empty is given to changed, one after the other, from one goroutine; the
// Snapshot of the registry is then at least as new. changed must not call
// Close.
//
// When the operating system refuses to watch, the Change tells so as a Problem
// (see diag.NotWatched) and files are looked at once a second instead.
func Watch[V any](ctx context.Context, r *Registry[V], o Options, changed func(Change[V])) *Watcher[V] {
	ctx, stop := context.WithCancel(ctx)
	w := &Watcher[V]{registry: r, changed: changed, options: o.withDefaults(), stop: stop, done: make(chan struct{})}
	w.signal = newSignal()
	go w.run(ctx)
	return w
}

func (o Options) withDefaults() Options {
	if o.Quiet <= 0 {
		o.Quiet = defaultQuiet
	}
	if o.Most <= 0 {
		o.Most = defaultMost
	}
	return o
}

// Close ends watching and waits until no more calls of changed can come.
func (w *Watcher[V]) Close() {
	w.stop()
	<-w.done
}

func (w *Watcher[V]) run(ctx context.Context) {
	defer close(w.done)
	defer w.stop()
	defer w.signal.close()
	for w.round(ctx) && w.wait(ctx) {
	}
}

// round refreshes until every folder that matters is watched: what happened in
// a new one before the watch was set is found by looking once more.
func (w *Watcher[V]) round(ctx context.Context) bool {
	for again := true; again; {
		w.identity = w.registry.identity()
		change, err := w.registry.Refresh(ctx)
		if err != nil {
			return false
		}
		if !change.Empty() {
			w.changed(change)
		}
		again = w.follow(w.registry.watched())
	}
	return ctx.Err() == nil
}

// follow watches the folders of a, and no others, and reports whether there is
// a reason to look again.
func (w *Watcher[V]) follow(a area) (again bool) {
	added, err := w.signal.follow(a)
	var trouble []Problem[V]
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) {
		trouble = []Problem[V]{refused[V](err, w.registry.roots)}
	}
	w.registry.report(trouble)
	wasDegraded := w.degraded
	w.degraded = err != nil
	return added || w.degraded != wasDegraded
}

// refused tells that a limit of the operating system is reached.
func refused[V any](err error, roots []string) Problem[V] {
	d := diag.Diagnostic{
		Code: diag.NotWatched, Span: diag.Span{File: roots[0]},
		Message: fmt.Sprintf("the operating system watches no more folders (%v); changes are looked for once a second instead", cause(err)),
		Help:    "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, or watch fewer folders",
	}
	return Problem[V]{Path: roots[0], Diagnostics: diag.List{d}, key: d.Message}
}

// wait returns when it is time for another round, false when ctx is done.
func (w *Watcher[V]) wait(ctx context.Context) bool {
	roots := time.NewTicker(rootEvery)
	defer roots.Stop()
	poll := w.poll()
	if poll != nil {
		defer poll.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.signal.wake:
			return w.calm(ctx)
		case <-tick(poll):
			return true
		case <-roots.C:
			if !sameIdentity(w.identity, w.registry.identity()) {
				return w.calm(ctx)
			}
		}
	}
}

func (w *Watcher[V]) poll() *time.Ticker {
	switch {
	case w.options.Poll > 0:
		return time.NewTicker(w.options.Poll)
	case w.degraded:
		return time.NewTicker(pollEvery)
	}
	return nil
}

// tick is the channel of t, which never delivers if there is none.
func tick(t *time.Ticker) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// calm waits until the files are quiet, but not for ever.
func (w *Watcher[V]) calm(ctx context.Context) bool {
	most := time.NewTimer(w.options.Most)
	defer most.Stop()
	quiet := time.NewTimer(w.options.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.signal.wake:
			quiet.Reset(w.options.Quiet)
		case <-quiet.C:
			return true
		case <-most.C:
			return true
		}
	}
}

// identity returns what the roots are, nil for those that do not exist.
func (r *Registry[V]) identity() []fs.FileInfo {
	out := make([]fs.FileInfo, len(r.roots))
	for i, root := range r.roots {
		if info, err := os.Stat(root); err == nil {
			out[i] = info
		}
	}
	return out
}

func sameIdentity(a, b []fs.FileInfo) bool {
	return slices.EqualFunc(a, b, func(a, b fs.FileInfo) bool {
		return a == nil && b == nil || a != nil && b != nil && os.SameFile(a, b)
	})
}

// signal turns the events of fsnotify into "look again". Events are taken from
// fsnotify at any time, since on some systems adding a folder waits for that.
type signal struct {
	wake     chan struct{} // holds one
	notify   *fsnotify.Watcher
	err      error           // why there is no notify
	watching map[string]bool // folders
	scope    atomic.Pointer[scope]
	lost     atomic.Bool // a watch may be gone, or go by the name of another folder
	pump     sync.WaitGroup
}

// scope is an area and the folders that are watched for its sake.
type scope struct {
	area
	watch map[string]bool
}

func newSignal() *signal {
	s := &signal{wake: make(chan struct{}, 1), watching: map[string]bool{}}
	s.scope.Store(&scope{})
	if s.notify, s.err = fsnotify.NewWatcher(); s.err == nil {
		s.pump.Go(s.listen)
	}
	return s
}

// close ends the watching of all folders.
func (s *signal) close() {
	if s.err == nil {
		_ = s.notify.Close() // fails only when it is closed already
	}
	s.pump.Wait()
}

func (s *signal) listen() {
	errs := s.notify.Errors
	for {
		select {
		case ev, ok := <-s.notify.Events:
			if !ok {
				return
			}
			s.hear(ev)
		case _, ok := <-errs:
			if !ok {
				errs = nil // it is closed a moment before Events
				continue
			}
			s.lost.Store(true) // most often events that did not fit into the queue
			s.ring()
		}
	}
}

// hear rings when ev matters. When a watched folder is moved or removed, what
// is watched below it goes on under a name that may belong to another one.
func (s *signal) hear(ev fsnotify.Event) {
	in := s.scope.Load()
	if in.watch[ev.Name] && ev.Op&(fsnotify.Remove|fsnotify.Rename) != 0 {
		s.lost.Store(true)
		s.ring()
		return
	}
	if in.concerns(ev) {
		s.ring()
	}
}

func (s *signal) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// concerns reports whether an event may change what a scan finds. Other
// programs write their own files into the same folders all the time.
func (a *area) concerns(ev fsnotify.Event) bool {
	name := filepath.Base(ev.Name)
	switch {
	case a.points[ev.Name]:
		return true
	case !a.folders[filepath.Dir(ev.Name)] || isTemporary(name):
		return false
	case ev.Op&^(fsnotify.Write|fsnotify.Chmod) == 0:
		return isCandidate(name)
	}
	return true
}

// follow makes the watched folders those of a and reports whether any is new.
// The error is that of the first folder that is there and cannot be watched.
func (s *signal) follow(a area) (added bool, err error) {
	want := a.watchFolders()
	s.scope.Store(&scope{area: a, watch: want})
	if s.err != nil {
		return false, s.err
	}
	s.drop(want)
	for _, folder := range slices.Sorted(maps.Keys(want)) {
		if s.watching[folder] {
			continue
		}
		switch e := s.notify.Add(folder); {
		case e == nil:
			s.watching[folder], added = true, true
		case !errors.Is(e, fs.ErrNotExist) && err == nil:
			err = e
		}
	}
	return added, err
}

// drop ends the watching of folders that are not wanted, and of all of them
// when some may have been lost. It goes by what fsnotify believes to watch; a
// folder that is gone meanwhile is an error there and none here.
func (s *signal) drop(want map[string]bool) {
	all := s.lost.Swap(false)
	for _, folder := range s.notify.WatchList() {
		if all || !want[folder] {
			_ = s.notify.Remove(folder)
		}
	}
	maps.DeleteFunc(s.watching, func(folder string, _ bool) bool { return all || !want[folder] })
}
