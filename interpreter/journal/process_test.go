package journal

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/ot2flow/ot2flow/interpreter/run"
)

// The test binary is also the other processes of these tests: what it does
// then is in the environment.
const childEnv = "JOURNAL_TEST_CHILD"

func TestMain(m *testing.M) {
	if what := os.Getenv(childEnv); what != "" {
		if err := child(what, os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// child writes a run and says after every record that it is on the disk.
func child(what string, args []string) error {
	ctx := context.Background()
	s, err := Open(ctx, args[0], Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	l, err := s.Lease(ctx, args[1], Holder{"child", "here", os.Getpid()})
	if err != nil {
		return err
	}
	steps, _ := strconv.Atoi(args[2])
	r, err := s.Begin(ctx, Start{Plan: planOf("p", steps), Robot: Robot{Key: args[1]}, Lease: l})
	if err != nil {
		return err
	}
	fmt.Println("run", r.ID())
	for _, rec := range whole(steps) {
		if err := r.Append(ctx, rec); err != nil {
			return err
		}
		if what == "tell" {
			fmt.Println(rec.Seq)
		}
	}
	return l.Release(ctx)
}

func process(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), childEnv+"="+what)
	c.Stderr = os.Stderr
	return c
}

// Whenever a process is killed, what it was told is on the disk is there, in
// order; its robot is free, and the run is to be reconciled.
func TestKilledWhileAppending(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "j.db")
	want := whole(5000)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		c := process(t, "tell", path, "OT2-"+strconv.Itoa(i), "5000")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		id, told := "", 0
		until := 1 + random.IntN(60)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "run "); ok {
				id = name
				continue
			}
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if told = n; told == until {
				// Anywhere in the records that follow.
				time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = c.Wait() // it was killed
		s := opened(t, path, Options{})
		l := leased(t, s, "OT2-"+strconv.Itoa(i))
		if told >= 3 && (len(l.Unfinished()) != 1 || l.Unfinished()[0] != id) {
			t.Errorf("unfinished: %v, want %s", l.Unfinished(), id)
		}
		r, err := s.Continue(t.Context(), id, l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(got) < told {
			t.Fatalf("%d records are there, and it was told of %d", len(got), told)
		}
		if diff := cmp.Diff(want[:len(got)], got); diff != "" {
			t.Fatal(diff)
		}
		var m run.Machine
		for i := range got {
			if _, err := m.On(got[i].Event); err != nil {
				t.Error(err)
			}
		}
		appended(t, r, want[len(got)])
	}
}

// Several processes make, migrate and write the same journal at the same time.
func TestProcessesShare(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "new", "j.db")
	const n, steps = 6, 40
	var all sync.WaitGroup
	outs := make([][]byte, n)
	errs := make([]error, n)
	for i := range n {
		c := process(t, "write", path, "OT2-"+strconv.Itoa(i), strconv.Itoa(steps))
		all.Go(func() { outs[i], errs[i] = c.Output() })
	}
	all.Wait()
	for i := range n {
		if errs[i] != nil {
			t.Fatalf("%v %s", errs[i], outs[i])
		}
	}
	s := opened(t, path, Options{ReadOnly: true})
	want, runs := whole(steps), 0
	for sum, err := range s.Runs(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		var got []run.Record
		for e, err := range s.Events(t.Context(), Query{Run: sum.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Record)
		}
		if diff := cmp.Diff(want, got); diff != "" || sum.State != "ok" {
			t.Error(sum.State, diff)
		}
		runs++
	}
	if runs != n {
		t.Errorf("%d runs", runs)
	}
}

// Of many who want a robot at the same time, one gets it.
func TestOneGetsTheRobot(t *testing.T) {
	s := fresh(t)
	var mu sync.Mutex
	var got []*Lease
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			l, err := s.Lease(t.Context(), "OT2-1", me)
			var held *Held
			if err != nil && !errors.As(err, &held) {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				got = append(got, l)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(got) != 1 {
		t.Errorf("%d have it", len(got))
	}
	for _, l := range got {
		if err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Writers at the same time share syncs, and one's fault is its own.
func TestGroup(t *testing.T) {
	s := fresh(t)
	var all sync.WaitGroup
	want := whole(20)
	for i := range 16 {
		l := leased(t, s, "OT2-"+strconv.Itoa(i))
		r := begun(t, s, l, planOf("p", 20))
		all.Go(func() {
			for k := range want {
				if k == 10 && i%2 == 0 {
					l.unlock()
					next, err := s.Lease(t.Context(), l.Robot(), me)
					if err != nil {
						t.Error(err)
						return
					}
					defer next.Release(context.Background())
				}
				err := r.Append(t.Context(), want[k])
				var fenced *Fenced
				switch late := k >= 10 && i%2 == 0; {
				case late && !errors.As(err, &fenced):
					t.Error("an old owner wrote:", err)
				case late:
					return
				case err != nil:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := map[int64]int{}
	for sum, err := range s.Runs(t.Context(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n[sum.Seq]++
	}
	if diff := cmp.Diff(map[int64]int{10: 8, int64(len(want)): 8}, n); diff != "" {
		t.Error(diff)
	}
}

// A journal that cannot be used is an error that says why, and stays as it is.
func TestTroubles(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.db")
	s, err := Open(t.Context(), good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := leased(t, s, "OT2-1")
	appended(t, begun(t, s, l, planOf("mix", 300)), whole(300)...)
	if err := errors.Join(l.Release(t.Context()), s.Close()); err != nil {
		t.Fatal(err)
	}
	whole := read(t, good)
	for _, c := range []struct {
		name   string
		damage func(data []byte, path string) []byte
		want   Trouble
	}{
		{"newer", func(data []byte, path string) []byte { return changed(t, data, path, "PRAGMA user_version = 99") }, Newer},
		{"another program's", func(data []byte, path string) []byte { return changed(t, data, path, "PRAGMA application_id = 7") }, NotJournal},
		{"text", func([]byte, string) []byte { return []byte(strings.Repeat("my notes\n", 500)) }, NotJournal},
		{"short text", func([]byte, string) []byte { return []byte("my notes\n") }, NotJournal},
		{"no header", func(data []byte, _ string) []byte { clear(data[:100]); return data }, NotJournal},
		{"the schema is gone", func(data []byte, _ string) []byte { clear(data[100:4096]); return data }, Damaged},
		{"cut off", func(data []byte, _ string) []byte { return data[:len(data)/2] }, Damaged},
		{"pages are gone", func(data []byte, _ string) []byte { clear(data[4096*3:]); return data }, Damaged},
		{"scribbled over", func(data []byte, _ string) []byte {
			_, _ = rand.NewChaCha8([32]byte{}).Read(data[4096:])
			return data
		}, Damaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			data := c.damage([]byte(whole), path)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, o := range []Options{{}, {ReadOnly: true}} {
				err := use(t, path, o)
				if troubleOf(err) != c.want || !strings.Contains(err.Error(), path) {
					t.Errorf("%+v: %v", o, err)
				}
			}
			if read(t, path) != string(data) {
				t.Error("it was changed")
			}
		})
	}
	t.Run("empty beside what belongs to it", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "j.db")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.WriteFile(path+"-wal", []byte("records"), 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, Options{}); troubleOf(err) != Damaged {
			t.Error(err)
		}
		if read(t, path+"-wal") != "records" {
			t.Error("it was changed")
		}
	})
	t.Run("only read", func(t *testing.T) {
		s := opened(t, good, Options{ReadOnly: true})
		if _, err := s.Begin(t.Context(), Start{Plan: planOf("p", 1)}); troubleOf(err) != ReadOnly {
			t.Error(err)
		}
	})
}

// use opens a journal, reads all of it and adds a run.
func use(t *testing.T, path string, o Options) error {
	s, err := Open(t.Context(), path, o)
	if err != nil {
		return err
	}
	defer s.Close()
	for sum, err := range s.Runs(t.Context(), Filter{}) {
		if err != nil {
			return err
		}
		if _, err := s.PlanJSON(t.Context(), sum); err != nil {
			return err
		}
	}
	for _, err := range s.Events(t.Context(), Query{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// changed is a journal after a statement.
func changed(t *testing.T, data []byte, path, statement string) []byte {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{statement, "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(read(t, path))
}

// A full disk is said, loses nothing, and does not last.
func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	s := opened(t, path, Options{MaxBytes: 400 << 10})
	l := leased(t, s, "OT2-1")
	r := begun(t, s, l, planOf("mix", 5000))
	all, n := whole(5000), 0
	var err error
	for n < len(all) {
		if err = r.Append(t.Context(), all[n]); err != nil {
			break
		}
		n++
	}
	if troubleOf(err) != Full || n < 100 {
		t.Fatalf("after %d: %v", n, err)
	}
	if err := r.Append(t.Context(), all[n]); troubleOf(err) != Full {
		t.Error(err)
	}
	if got, err := r.Read(t.Context()); err != nil || cmp.Diff(all[:n], got) != "" {
		t.Errorf("%d of %d records, %v", len(got), n, err)
	}
	if err := l.Release(t.Context()); err != nil && troubleOf(err) != Full {
		t.Error(err)
	}
	room := opened(t, path, Options{})
	next := leased(t, room, "OT2-1")
	again, err := room.Continue(t.Context(), r.ID(), next)
	if err != nil {
		t.Fatal(err)
	}
	appended(t, again, all[n:n+100]...)
}

// What ran on a robot before there were ledgers is in its ledger.
func TestMigrationToLedgers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	one := &Store{path: path, now: time.Now, migrations: migrations[:1]}
	if err := one.open(t.Context(), Options{}); err != nil {
		t.Fatal(err)
	}
	leaveRun(t, one)
	known, err := opened(t, path, Options{}).Ledgers(t.Context())
	if err != nil || len(known) != 1 || known[0] != (Known{"OT2-1", "left", ""}) {
		t.Error(known, err)
	}
}

// A journal is brought to the newest version, by whoever comes first, and keeps
// what is in it.
func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	open := func(list []string, o Options) (*Store, error) {
		s := &Store{path: path, now: time.Now, migrations: list}
		return s, s.open(t.Context(), o)
	}
	one, err := open(migrations, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := leased(t, one, "OT2-1")
	r := begun(t, one, l, planOf("mix", 3))
	appended(t, r, whole(3)...)
	if err := errors.Join(l.Release(t.Context()), one.Close()); err != nil {
		t.Fatal(err)
	}
	newer := append(append([]string{}, migrations...), "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; UPDATE runs SET note = 'old'", "CREATE TABLE more (x)")
	if s, err := open(newer, Options{ReadOnly: true}); troubleOf(err) != ReadOnly {
		t.Error("reading migrates:", err)
	} else {
		_ = s.Close()
	}
	broken := append(append([]string{}, migrations...), "CREATE TABLE more (x); CREATE TABLE more (x)")
	if s, err := open(broken, Options{}); err == nil {
		t.Error("a migration that fails is taken")
	} else {
		_ = s.Close()
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := open(newer, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			var version int
			var note string
			if err := s.db.QueryRow("SELECT user_version, note FROM pragma_user_version, runs").Scan(&version, &note); err != nil || version != len(newer) || note != "old" {
				t.Error(version, note, err)
			}
			var got []run.Record
			for e, err := range s.Events(t.Context(), Query{Run: r.ID()}) {
				if err != nil {
					t.Error(err)
				}
				got = append(got, e.Record)
			}
			if diff := cmp.Diff(whole(3), got); diff != "" {
				t.Error(diff)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, err := Open(t.Context(), path, Options{}); troubleOf(err) != Newer {
		t.Error(err)
	}
}

// A journal that an earlier version of this program left is opened by several of
// today's at once: one of them brings it up to date, all of them write to it, and
// what was in it is still there.
func TestProcessesMigrate(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, version := range []int{0, 1, len(migrations) - 1} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			old := &Store{path: path, now: time.Now, migrations: migrations[:version]}
			if version > 0 { // 0 is a file that nobody has written to
				if err := old.open(t.Context(), Options{}); err != nil {
					t.Fatal(err)
				}
				leaveRun(t, old)
			}
			var all sync.WaitGroup
			for i := range 4 {
				c := process(t, "quiet", path, "OT2-"+strconv.Itoa(i), "3")
				all.Go(func() {
					if out, err := c.Output(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
				})
			}
			all.Wait()
			s := opened(t, path, Options{})
			var runs int
			for r, err := range s.Runs(t.Context(), Filter{}) {
				runs++
				old := err == nil && r.ID == "a" && r.Workflow == "w" && r.Robot.Name == "left"
				if err != nil || !old && r.Verdict != run.VerdictOK {
					t.Errorf("%+v, %v", r, err)
				}
			}
			if runs != 4+min(version, 1) {
				t.Errorf("%d runs", runs)
			}
		})
	}
}

// leaveRun has a run in a journal of whatever version, and closes it.
func leaveRun(t *testing.T, s *Store) {
	t.Helper()
	for _, sql := range []string{
		"INSERT INTO blobs VALUES (1, 'x', 0, '')",
		`INSERT INTO runs (id, workflow, file, fingerprint, plan, steps, estimate, robot, robot_name, address, serial, software, simulated, name, host, pid, version, repeats, fence, began, at)
			VALUES ('a', 'w', 'w.yaml', 'f', 1, 1, 0, 'OT2-1', 'left', '', 'OT2-1', '', 0, 'anna', '', 1, '', '', 1, 0, 0)`,
	} {
		if _, err := s.db.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Events are JSON that a person finds with any SQLite program.
func TestEventsAreJSON(t *testing.T) {
	s := fresh(t)
	appended(t, begun(t, s, leased(t, s, "OT2-1"), planOf("mix", 3)), whole(3)...)
	rows, err := s.db.Query("SELECT data FROM events")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var data string
		if err := rows.Scan(&data); err != nil || !json.Valid([]byte(data)) {
			t.Error(data, err)
		}
	}
}
