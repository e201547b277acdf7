package workflows

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/spec/diag"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come. It is long because
// many tests share few processors; nothing waits for it to pass.
const patience = 20 * time.Second

// watched is a folder that is being watched, and what was told about it.
type watched struct {
	t    *testing.T
	dir  string
	reg  *Registry[string]
	w    *Watcher[string]
	news chan struct{}
	mu   sync.Mutex
	said []string
}

// watch watches dir, or roots if there are any.
func watch(t *testing.T, dir string, o Options, roots ...string) *watched {
	t.Helper()
	if len(roots) == 0 {
		roots = []string{dir}
	}
	w := &watched{t: t, dir: dir, reg: NewRegistry(checkText, roots...), news: make(chan struct{}, 1)}
	w.w = Watch(t.Context(), w.reg, o, w.hear)
	t.Cleanup(w.w.Close)
	return w
}

func (w *watched) hear(c Change[string]) {
	w.mu.Lock()
	w.said = append(w.said, told(w.dir, c)...)
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// expect waits until all of want were told, in any order, and forgets them.
func (w *watched) expect(want ...string) {
	w.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if w.take(want) {
			return
		}
		select {
		case <-w.news:
		case <-late.C:
			w.mu.Lock()
			defer w.mu.Unlock()
			w.t.Fatalf("was told %q; still waiting for %q", w.said, want)
		}
	}
}

func (w *watched) take(want []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range want {
		if !slices.Contains(w.said, s) {
			return false
		}
	}
	for _, s := range want {
		w.said = slices.Delete(w.said, slices.Index(w.said, s), slices.Index(w.said, s)+1)
	}
	return true
}

// nothingElse makes sure that everything that was told was expected. A file that
// is being written may be seen empty on the way, and is then a workflow without
// a name.
func (w *watched) nothingElse() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = slices.DeleteFunc(w.said, func(s string) bool {
		return s == "removed " || strings.HasPrefix(s, "changed  in ")
	})
	if len(w.said) > 0 {
		w.t.Errorf("was also told %q", w.said)
	}
}

func TestWatchSaves(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	write(t, workflow("one"), path)
	w := watch(t, dir, Options{})
	w.expect("changed one in a.yaml")
	saves := map[string]func(text string){
		"in place": func(text string) { write(t, text, path) },
		"by rename": func(text string) {
			write(t, text, dir, ".a.yaml.tmp")
			must(t, os.Rename(filepath.Join(dir, ".a.yaml.tmp"), path))
		},
		"with a backup, like vim": func(text string) {
			write(t, "", dir, "4913")
			must(t, os.Remove(filepath.Join(dir, "4913")))
			must(t, os.Rename(path, path+"~"))
			write(t, text, path)
			must(t, os.Remove(path+"~"))
		},
		"like JetBrains": func(text string) {
			write(t, text, path+"___jb_tmp___")
			must(t, os.Rename(path, path+"___jb_old___"))
			must(t, os.Rename(path+"___jb_tmp___", path))
			must(t, os.Remove(path+"___jb_old___"))
		},
		"in pieces": func(text string) {
			f, err := os.Create(path)
			must(t, err)
			for i := range len(text) {
				_, err := f.WriteString(text[i : i+1])
				must(t, err)
			}
			must(t, f.Close())
		},
	}
	for how, save := range saves {
		t.Run(how, func(t *testing.T) {
			w.t = t
			save(workflow("one", how))
			w.expect("changed one in a.yaml")
			if v := w.reg.Snapshot().Versions[0]; !strings.Contains(v.Value, how) {
				t.Errorf("serves %q", v.Value)
			}
		})
	}
	w.t = t
	w.nothingElse()
}

func TestWatchProblems(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir, Options{})
	write(t, workflow("one"), dir, "a.yaml")
	w.expect("changed one in a.yaml")
	write(t, workflow("one", "bad: no tips"), dir, "a.yaml")
	w.expect("problem in a.yaml: no tips")
	write(t, workflow("one"), dir, "a.yaml")
	w.expect("solved a.yaml")
	must(t, os.Remove(filepath.Join(dir, "a.yaml")))
	w.expect("removed one")
	w.nothingElse()
}

func TestWatchFolders(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir, Options{})
	write(t, workflow("one"), dir, "new/deep/er/a.yaml")
	w.expect("changed one in new/deep/er/a.yaml")
	write(t, workflow("one", "x"), dir, "new/deep/er/a.yaml")
	w.expect("changed one in new/deep/er/a.yaml")

	must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "moved")))
	w.expect("changed one in moved/deep/er/a.yaml")
	write(t, workflow("one", "y"), dir, "moved/deep/er/a.yaml")
	w.expect("changed one in moved/deep/er/a.yaml")

	must(t, os.RemoveAll(filepath.Join(dir, "moved")))
	w.expect("removed one")
	write(t, workflow("one"), dir, "moved/deep/er/a.yaml")
	w.expect("changed one in moved/deep/er/a.yaml")
	write(t, workflow("one", "z"), dir, "moved/deep/er/a.yaml")
	w.expect("changed one in moved/deep/er/a.yaml")
	w.nothingElse()
}

func TestWatchSwappedFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a/sub/w.yaml")
	write(t, workflow("two"), dir, "b/sub/w.yaml")
	w := watch(t, dir, Options{})
	w.expect("changed one in a/sub/w.yaml", "changed two in b/sub/w.yaml")
	for _, move := range [][2]string{{"a", "t"}, {"b", "a"}, {"t", "b"}} {
		must(t, os.Rename(filepath.Join(dir, move[0]), filepath.Join(dir, move[1])))
	}
	for _, name := range []string{"one", "two"} {
		w.until(name, map[string]string{"one": "b/sub/w.yaml", "two": "a/sub/w.yaml"}[name])
	}
	w.forget()
	write(t, workflow("one", "x"), dir, "b/sub/w.yaml")
	w.expect("changed one in b/sub/w.yaml")
	write(t, workflow("two", "x"), dir, "a/sub/w.yaml")
	w.expect("changed two in a/sub/w.yaml")
}

// until waits until the workflow is served from a path.
func (w *watched) until(name, path string) {
	w.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		v, ok := w.reg.Snapshot().Lookup(name)
		if ok && inside(w.dir, v.Path) == path {
			return
		}
		select {
		case <-w.news:
		case <-late.C:
			w.t.Fatalf("%s is not served from %s", name, path)
		}
	}
}

func (w *watched) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = nil
}

func TestWatchLabware(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one", "needs: ../lab/ware/rack.json"), dir, "w/a.yaml")
	w := watch(t, filepath.Join(dir, "w"), Options{})
	w.expect("problem in a.yaml: ../lab/ware/rack.json is missing")
	rack := filepath.Join(dir, "lab", "ware", "rack.json") // its folder is new too, and outside
	write(t, "{}", rack)
	w.expect("changed one in a.yaml", "solved a.yaml")
	write(t, "{ }", rack+".new")
	must(t, os.Rename(rack+".new", rack))
	w.expect("changed one in a.yaml")
	must(t, os.RemoveAll(filepath.Join(dir, "lab")))
	w.expect("problem in a.yaml: ../lab/ware/rack.json is missing")
	write(t, "{ }", rack)
	w.expect("solved a.yaml")
	w.nothingElse()
}

// A config map of Kubernetes: the files are links through a folder link that
// is swapped by rename, so that all of them change at once.
func TestWatchSwappedLink(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "..v1/a.yaml")
	link(t, "..v1", dir, "..data")
	link(t, filepath.Join("..data", "a.yaml"), dir, "a.yaml")
	w := watch(t, dir, Options{})
	w.expect("changed one in a.yaml")
	write(t, workflow("one", "x"), dir, "..v2/a.yaml")
	link(t, "..v2", dir, "..new")
	must(t, os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")))
	w.expect("changed one in a.yaml")
	write(t, workflow("one", "y"), dir, "..v2/a.yaml")
	w.expect("changed one in a.yaml")
	w.nothingElse()
}

func TestWatchLinkedFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "v1/a.yaml")
	write(t, workflow("one", "v2"), dir, "v2/a.yaml")
	must(t, os.Mkdir(filepath.Join(dir, "w"), 0o755))
	link(t, filepath.Join("..", "v1"), dir, "w", "current")
	w := watch(t, filepath.Join(dir, "w"), Options{})
	w.expect("changed one in current/a.yaml")
	write(t, workflow("one", "x"), dir, "v1/a.yaml")
	w.expect("changed one in current/a.yaml")
	link(t, filepath.Join("..", "v2"), dir, "w", "next")
	must(t, os.Rename(filepath.Join(dir, "w", "next"), filepath.Join(dir, "w", "current")))
	w.until("one", "current/a.yaml")
	write(t, workflow("two", "x"), dir, "v2/b.yaml")
	w.expect("changed two in current/b.yaml")
}

func TestWatchRootThatComesAndGoes(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "up", "w")
	w := watch(t, root, Options{})
	w.expect("problem in .: ROOT does not exist")
	write(t, workflow("one"), root, "a.yaml")
	w.expect("changed one in a.yaml", "solved .")
	// Nothing of this happens in a folder that is watched.
	must(t, os.Rename(filepath.Join(dir, "up"), filepath.Join(dir, "away")))
	w.expect("removed one", "problem in .: ROOT does not exist")
	must(t, os.Rename(filepath.Join(dir, "away"), filepath.Join(dir, "up")))
	w.expect("changed one in a.yaml", "solved .")
	write(t, workflow("one", "x"), root, "a.yaml")
	w.expect("changed one in a.yaml")
	w.nothingElse()
}

func TestWatchOneFile(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.txt")
	write(t, workflow("two"), dir, "b.yaml")
	w := watch(t, dir, Options{}, filepath.Join(dir, "a.txt"))
	w.expect("changed one in a.txt")
	write(t, workflow("two", "x"), dir, "b.yaml")
	write(t, workflow("one", "x"), dir, "a.txt.new")
	must(t, os.Rename(filepath.Join(dir, "a.txt.new"), filepath.Join(dir, "a.txt")))
	w.expect("changed one in a.txt")
	w.nothingElse()
}

func TestWatchPolls(t *testing.T) {
	dir := t.TempDir()
	w := &Watcher[string]{registry: NewRegistry(checkText, dir), options: Options{Poll: time.Millisecond}.withDefaults(), done: make(chan struct{})}
	w.signal = &signal{wake: make(chan struct{}, 1), err: syscall.EMFILE} // as where a system refuses events
	told := make(chan Change[string], 8)
	w.changed = func(c Change[string]) { told <- c }
	ctx, cancel := context.WithCancel(t.Context())
	w.stop = cancel
	go w.run(ctx)
	defer w.Close()
	if p := (<-told).Problems; len(p) != 1 || p[0].Diagnostics[0].Code != diag.NotWatched {
		t.Errorf("problems = %+v; want one that tells that events are refused", p)
	}
	write(t, workflow("one"), dir, "a.yaml")
	if c := <-told; len(c.Changed) != 1 {
		t.Errorf("change = %+v", c)
	}
}

func TestWatchLimit(t *testing.T) {
	p := refused[string](&os.PathError{Op: "x", Path: "y", Err: syscall.ENOSPC}, []string{"w"})
	if !strings.Contains(p.Diagnostics[0].Help, "max_user_watches") || p.Path != "w" {
		t.Errorf("problem = %+v", p)
	}
}

func TestWatchAfterOverflow(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir, Options{})
	write(t, workflow("one"), dir, "a.yaml")
	w.expect("changed one in a.yaml")
	w.w.signal.notify.Errors <- fsnotify.ErrEventOverflow
	write(t, workflow("one", "x"), dir, "a.yaml")
	w.expect("changed one in a.yaml")
	w.nothingElse()
}

// Many files that change at once, again and again, come to the right end.
func TestWatchStorm(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, dir, Options{Quiet: 5 * time.Millisecond, Most: 20 * time.Millisecond})
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 200 {
				name := fmt.Sprintf("w%d", i%20)
				write(t, workflow(fmt.Sprintf("g%d-%s", g, name), fmt.Sprint(i)), dir, fmt.Sprint(g), name+".yaml")
				if i%50 == 49 && i < 199 {
					if err := os.RemoveAll(filepath.Join(dir, fmt.Sprint(g))); err != nil && runtime.GOOS != "windows" {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	fresh := NewRegistry(checkText, dir)
	if _, err := fresh.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := hashes(fresh.Snapshot())
	late := time.NewTimer(patience)
	defer late.Stop()
	for !slices.Equal(hashes(w.reg.Snapshot()), want) {
		select {
		case <-w.news:
		case <-late.C:
			t.Fatalf("serves %d workflows; %d are there", len(w.reg.Snapshot().Versions), len(want))
		}
	}
}

func hashes(s *Snapshot[string]) []string {
	var out []string
	for _, v := range s.Versions {
		out = append(out, v.Hash)
	}
	return out
}

func TestConcerns(t *testing.T) {
	a := area{folders: map[string]bool{"/w": true}, points: map[string]bool{"/lab/rack.json": true}}
	tests := []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"/w/a.yaml", fsnotify.Write, true},
		{"/w/a.yaml", fsnotify.Chmod, true},
		{"/w/trace.jsonl", fsnotify.Write, false},
		{"/w/new", fsnotify.Create, true},
		{"/w/..data", fsnotify.Create, true},
		{"/w/4913", fsnotify.Create, false},
		{"/w/.a.yaml.swp", fsnotify.Write, false},
		{"/w/a.yaml~", fsnotify.Rename, false},
		{"/lab/rack.json", fsnotify.Write, true},
		{"/lab/other.json", fsnotify.Create, false},
		{"", 0, false},
	}
	for _, tt := range tests {
		if got := a.concerns(fsnotify.Event{Name: filepath.FromSlash(tt.name), Op: tt.op}); got != tt.want && runtime.GOOS != "windows" {
			t.Errorf("concerns(%q, %v) = %v", tt.name, tt.op, got)
		}
	}
}

func TestCloseInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	write(t, workflow("one"), dir, "a.yaml")
	started := make(chan struct{}, 100)
	r := NewRegistry(func(ctx context.Context, _ string) Result[string] {
		started <- struct{}{}
		<-ctx.Done()
		return Result[string]{}
	}, dir)
	w := Watch(t.Context(), r, Options{}, func(Change[string]) { t.Error("told of a change after the end") })
	<-started
	w.Close()
	w.Close()
}

// BenchmarkSaveToCallback saves one of 200 workflows by rename, as editors do,
// and measures the time from then until the callback tells of it. How long the
// disk takes to rename is not counted.
func BenchmarkSaveToCallback(b *testing.B) {
	dir := b.TempDir()
	for i := range 200 {
		write(b, workflow(fmt.Sprintf("w%d", i)), dir, fmt.Sprintf("%d/w%d.yaml", i%10, i))
	}
	news := make(chan Change[string], 16)
	w := Watch(b.Context(), NewRegistry(checkText, dir), Options{}, func(c Change[string]) { news <- c })
	defer w.Close()
	if n := len((<-news).Changed); n != 200 {
		b.Fatalf("%d workflows", n)
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		k := i % 200
		path := filepath.Join(dir, fmt.Sprint(k%10), fmt.Sprintf("w%d.yaml", k))
		write(b, workflow(fmt.Sprintf("w%d", k), fmt.Sprint(i)), path+".tmp")
		must(b, os.Rename(path+".tmp", path))
		start := time.Now()
		if c := <-news; len(c.Changed) != 1 {
			b.Fatalf("change = %+v", c)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
