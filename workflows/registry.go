package workflows

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Check decides whether the file at path is a good workflow. A Registry calls
// it once for every version of the files, for several paths at a time. It must
// return soon after ctx is done; what it returns then is not used.
type Check[V any] func(ctx context.Context, path string) Result[V]

// Result is what a Check found out. Whether the version may be served is OK
// alone; a good version may well have Diagnostics, which are warnings then.
type Result[V any] struct {
	OK          bool
	Name        string    // of the workflow
	NameSpan    diag.Span // where the name is written, zero if unknown
	Hash        string    // of everything the version is made of
	Files       []File    // what the version depends on, the workflow itself included
	Diagnostics diag.List
	Value       V // whatever the version is to be used with later
}

// File is a file that a version was made from. Path is absolute or counts from
// the working directory, as the path of the workflow does. Hash is the SHA-256
// of the contents that were read, in hexadecimal, and empty for a file that
// could not be read: files that are named but missing belong in the list too,
// or nobody would notice that they appear.
type File struct{ Path, Hash string }

// Version is a workflow that passed its check. It is immutable and stays
// usable however the files change: a run keeps the Version that it started
// with.
type Version[V any] struct {
	Name, Path, Hash string
	Files            []File
	Diagnostics      diag.List // warnings
	Value            V
	nameSpan         diag.Span
}

// Problem is what is wrong with one file or folder. Value and Hash are those of
// the version that is refused, so that its text can be shown; Served is the
// last good version, still in use, and nil if there is none.
type Problem[V any] struct {
	Path, Hash  string
	Diagnostics diag.List
	Value       V
	Served      *Version[V]
	key         string // equal keys: the same problem as before
}

// Snapshot is what a Registry held at one moment. It never changes.
type Snapshot[V any] struct {
	Versions []*Version[V] // in order of their names
	Problems []Problem[V]  // in order of their paths
	byName   map[string]*Version[V]
}

// Lookup returns the workflow of that name; "-" and "_" are the same in it.
func (s *Snapshot[V]) Lookup(name string) (*Version[V], bool) {
	v, ok := s.byName[nameKey(name)]
	return v, ok
}

// Hash returns the workflow whose version has that hash.
func (s *Snapshot[V]) Hash(hash string) (*Version[V], bool) {
	i := slices.IndexFunc(s.Versions, func(v *Version[V]) bool { return v.Hash == hash })
	if i < 0 {
		return nil, false
	}
	return s.Versions[i], true
}

// nameKey is the spelling by which names are compared.
func nameKey(name string) string { return strings.ReplaceAll(name, "-", "_") }

// Change is the difference between two snapshots, each list in the order that
// it has in a Snapshot. A workflow that is given another name is Removed under
// the old one and Changed under the new one. Problems are those that are new
// or that come from another version of the file than before; Solved are the
// paths that had a problem and have none now.
type Change[V any] struct {
	Changed  []*Version[V]
	Removed  []*Version[V]
	Problems []Problem[V]
	Solved   []string
}

// Empty reports whether nothing changed.
func (c Change[V]) Empty() bool {
	return len(c.Changed)+len(c.Removed)+len(c.Problems)+len(c.Solved) == 0
}

// Registry holds the last good version of every workflow in some files and
// folders. Readers take a Snapshot, which is one atomic load; only Refresh
// changes anything. The zero Registry is not usable; see NewRegistry.
type Registry[V any] struct {
	check   Check[V]
	roots   []string
	current atomic.Pointer[Snapshot[V]]

	mu      sync.Mutex // held through a Refresh
	files   map[string]*entry[V]
	prints  *prints
	area    area
	trouble []Problem[V] // what keeps a watcher from watching
}

// entry is what is known about one workflow file.
type entry[V any] struct {
	path   string
	latest Result[V]   // of the last check, good or not
	serial int         // counts the checks that were taken over
	seen   []File      // what latest was made from, as it was on disk
	served *Version[V] // the last good version
	rival  *Version[V] // has the name that latest asks for
	root   int         // which of the roots it is under
}

// Roots are the files and folders that the workflows are in.
func (r *Registry[V]) Roots() []string { return slices.Clone(r.roots) }

// NewRegistry returns an empty registry for workflows in roots, each a file or
// a folder. A folder stands for all workflows below it; see Find. Nothing is
// read before the first Refresh.
func NewRegistry[V any](check Check[V], roots ...string) *Registry[V] {
	r := &Registry[V]{check: check, roots: slices.Clone(roots), files: map[string]*entry[V]{}, prints: newPrints()}
	r.current.Store(&Snapshot[V]{})
	return r
}

// Snapshot returns what is served now.
func (r *Registry[V]) Snapshot() *Snapshot[V] { return r.current.Load() }

// Refresh looks at every file again, checks what is new or different, and swaps
// in a new Snapshot if anything changed. The error is that of ctx, and then
// nothing was swapped. Concurrent calls wait for each other.
//
// Of two files with one name the one under the root that was named first gets it.
// Under one root the file that has it keeps it; if both are new, the one whose path
// sorts first gets it.
func (r *Registry[V]) Refresh(ctx context.Context) (Change[V], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prints.begin()
	found := scan(r.prints, r.roots, r.known())
	r.forget(found)
	if err := r.recheck(ctx, found.workflows); err != nil {
		return Change[V]{}, err
	}
	for path, root := range found.rootOf {
		if e := r.files[path]; e != nil {
			e.root = root
		}
	}
	r.area = r.areaOf(found)
	r.prints.forgetUnseen()
	served := r.settle()
	next := newSnapshot(served, r.problems(found))
	change := difference(r.current.Load(), next)
	if !change.Empty() {
		r.current.Store(next)
	}
	return change, nil
}

// known returns the paths that were workflows at the last Refresh. They stay
// workflows, whatever is written into them, until they are deleted.
func (r *Registry[V]) known() map[string]bool {
	known := make(map[string]bool, len(r.files))
	for path := range r.files {
		known[path] = true
	}
	return known
}

// forget drops files that are gone. Files in a folder that cannot be read at
// the moment are not gone.
func (r *Registry[V]) forget(found *findings) {
	here := make(map[string]bool, len(found.workflows))
	for _, path := range found.workflows {
		here[path] = true
	}
	for path := range r.files {
		if !here[path] && !found.hides(path) {
			delete(r.files, path)
		}
	}
}

// recheck runs the check on files that are new or differ from what was checked.
func (r *Registry[V]) recheck(ctx context.Context, paths []string) error {
	var stale []string
	for _, path := range paths {
		if e, ok := r.files[path]; !ok || r.stale(e) {
			stale = append(stale, path)
		}
	}
	results := make([]Result[V], len(stale))
	inParallel(len(stale), func(i int) { results[i] = r.check(ctx, stale[i]) })
	r.prints.next() // a file that was written meanwhile shall be seen as it is now
	for i, path := range stale {
		if err := r.take(ctx, path, results[i]); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// stale reports whether a file that e was made from has changed since.
func (r *Registry[V]) stale(e *entry[V]) bool {
	return slices.ContainsFunc(e.seen, func(f File) bool { return r.prints.look(f.Path).hash != f.Hash })
}

// How often, and how far apart, a file is read again that was being written
// while it was checked. A file is not taken over before it has rested for as
// long, since half a workflow may be a good one too. The debounce of a watcher
// lasts longer, so that usually nothing has to wait here. An empty file is most
// often one that is about to be written.
const (
	settleTries = 10
	settlePause = 15 * time.Millisecond
	emptyPause  = 100 * time.Millisecond
)

// take adopts a result once the files on disk are those that it was made from.
// A file that never comes to rest keeps its state; its next write leads here
// again.
func (r *Registry[V]) take(ctx context.Context, path string, res Result[V]) error {
	var before []File
	for range settleTries {
		if err := ctx.Err(); err != nil {
			return err
		}
		seen, settled := r.compare(path, res, before)
		before = seen
		if settled {
			r.adopt(path, res, seen)
			return nil
		}
		if !sleep(ctx, settlePause) {
			return ctx.Err()
		}
		r.prints.next()
		res = r.check(ctx, path)
	}
	return nil
}

// compare returns the files behind res as they are on disk now, and whether
// they are what res was made from. A file that the check could not use may have
// appeared since, or be there and useless; it is the latter when it was the
// same before the check.
func (r *Registry[V]) compare(path string, res Result[V], before []File) (seen []File, settled bool) {
	files := res.Files
	if !slices.ContainsFunc(files, func(f File) bool { return f.Path == path }) {
		files = append(slices.Clip(files), File{Path: path})
	}
	settled = true
	for _, f := range files {
		is := r.prints.look(f.Path)
		now := File{f.Path, is.hash}
		settled = settled && is.rests() && (f.Hash == now.Hash || f.Hash == "" && slices.Contains(before, now))
		seen = append(seen, now)
	}
	return seen, settled
}

func (r *Registry[V]) adopt(path string, res Result[V], seen []File) {
	e := r.files[path]
	if e == nil {
		e = &entry[V]{path: path}
		r.files[path] = e
	}
	e.latest, e.seen, e.serial = res, seen, e.serial+1
}

// sleep waits and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// inParallel calls work(0) … work(n-1) on as many goroutines as there are
// processors and waits for all of them.
func inParallel(n int, work func(int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	group.Wait()
}

func newSnapshot[V any](served map[string]*Version[V], problems []Problem[V]) *Snapshot[V] {
	s := &Snapshot[V]{byName: served, Problems: problems}
	for _, key := range slices.Sorted(maps.Keys(served)) {
		s.Versions = append(s.Versions, served[key])
	}
	return s
}

// difference returns what distinguishes next from before.
func difference[V any](before, next *Snapshot[V]) Change[V] {
	var c Change[V]
	for _, v := range next.Versions {
		if old, ok := before.Lookup(v.Name); old != v || !ok {
			c.Changed = append(c.Changed, v)
		}
	}
	for _, v := range before.Versions {
		if _, ok := next.Lookup(v.Name); !ok {
			c.Removed = append(c.Removed, v)
		}
	}
	for _, p := range next.Problems {
		if !slices.ContainsFunc(before.at(p.Path), func(q Problem[V]) bool { return q.key == p.key }) {
			c.Problems = append(c.Problems, p)
		}
	}
	for _, p := range before.Problems {
		if len(next.at(p.Path)) == 0 && !slices.Contains(c.Solved, p.Path) {
			c.Solved = append(c.Solved, p.Path)
		}
	}
	return c
}

// at returns the problems of one path.
func (s *Snapshot[V]) at(path string) []Problem[V] {
	from, _ := slices.BinarySearchFunc(s.Problems, path, func(p Problem[V], path string) int { return cmp.Compare(p.Path, path) })
	to := from
	for to < len(s.Problems) && s.Problems[to].Path == path {
		to++
	}
	return s.Problems[from:to]
}

// areaOf returns where something must happen to change what a Refresh finds.
func (r *Registry[V]) areaOf(found *findings) area {
	a := found.area
	for _, e := range r.files {
		for _, f := range e.seen {
			a.include(found.links, f.Path)
		}
	}
	return a
}

// watched returns the area of the last Refresh.
func (r *Registry[V]) watched() area {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.area
}

// report makes p the only trouble of watching, nil none. The next Refresh tells.
func (r *Registry[V]) report(p []Problem[V]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = p
}
