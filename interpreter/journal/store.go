package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// Options says how a journal is opened. The zero Options are those of a
// program that writes.
type Options struct {
	// ReadOnly opens a journal that must be there, and changes nothing in it.
	ReadOnly bool
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// MaxBytes bounds the file, as a full disk would; 0 is no bound.
	MaxBytes int64
}

// Store is an open journal. Its methods may be called by several goroutines.
type Store struct {
	path       string
	now        func() time.Time
	migrations []string
	db         *sql.DB
	writer     *writer
	close      sync.Once
	reads      sync.Map // prepared statements, by their text
}

// patience is how long a process waits for another that writes, in ms.
const patience = 10_000

// Open opens the journal at path. One that is not there is created with its
// folder, unless it is only to be read. The error is an *Error where something
// is wrong with the file, which is then as it was.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s := &Store{path: path, now: o.Now, migrations: migrations}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.open(ctx, o); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Path returns where the journal is.
func (s *Store) Path() string { return s.path }

// Close lets go of the journal. Leases and runs that are open are worth
// nothing afterwards.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		if s.writer != nil {
			err = s.writer.close()
		}
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
	})
	return err
}

func (s *Store) open(ctx context.Context, o Options) error {
	if err := s.look(o); err != nil {
		return err
	}
	if o.ReadOnly {
		return s.openToRead(ctx)
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return &Error{s.path, Missing, err}
	}
	s.db = s.connect("rwc")
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.trouble(err)
	}
	if err := s.prepare(ctx, c, o); err != nil {
		_ = c.Close()
		return err
	}
	s.writer = newWriter(s, c)
	return nil
}

// look refuses what SQLite would take for an empty journal and overwrite. It
// does not open the file: closing it again would take SQLite's locks away
// where this process has the journal open already.
func (s *Store) look(o Options) error {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !o.ReadOnly:
		return nil
	case err != nil:
		return &Error{s.path, Missing, err}
	case info.IsDir():
		return &Error{s.path, Missing, errors.New("it is a folder")}
	case info.Size() > 0:
		return nil
	}
	if wal, err := os.Stat(s.path + "-wal"); err == nil && wal.Size() > 0 {
		return &Error{s.path, Damaged, errors.New("the file is empty, and what belongs to it is not")}
	}
	return nil
}

// connect sets up connections; none is made yet.
func (s *Store) connect(mode string) *sql.DB {
	abs, err := filepath.Abs(s.path)
	if err != nil {
		abs = s.path
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // a drive of Windows
	}
	u := url.URL{Scheme: "file", Path: abs}
	pragmas := fmt.Sprintf("&_pragma=busy_timeout(%d)&_pragma=synchronous(FULL)&_pragma=fullfsync(1)&_pragma=foreign_keys(1)", patience)
	db, err := sql.Open("sqlite", u.String()+"?mode="+mode+pragmas)
	if err != nil {
		panic(err) // the driver is linked
	}
	db.SetMaxIdleConns(16)
	db.SetConnMaxIdleTime(time.Minute)
	return db
}

// query reads rows by a statement that is prepared once. Texts that are put together
// from what somebody asked for are not for it: they would be kept for ever.
func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	known, ok := s.reads.Load(text)
	if !ok {
		stmt, err := s.db.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		var again bool
		if known, again = s.reads.LoadOrStore(text, stmt); again {
			_ = stmt.Close() // another one prepared it meanwhile
		}
	}
	return known.(*sql.Stmt).QueryContext(ctx, args...)
}

// queryRow is query for one row, which is scanned into dest.
func (s *Store) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	if !rows.Next() {
		return orElse(rows.Err(), sql.ErrNoRows)
	}
	return orElse(rows.Scan(dest...), rows.Err())
}

// prepare proves that the file is a journal before the first write, and brings
// it to the newest form.
func (s *Store) prepare(ctx context.Context, c *sql.Conn, o Options) error {
	version, err := s.versionOf(ctx, c)
	if err != nil {
		return err
	}
	if o.MaxBytes > 0 {
		if _, err := c.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count=%d", max(1, o.MaxBytes/4096))); err != nil {
			return s.trouble(err)
		}
	}
	if version == 0 {
		if err := s.create(ctx, c); err != nil {
			return s.trouble(err)
		}
	}
	return s.migrate(ctx, c)
}

// create makes an empty file one in WAL mode. Where another process does the
// same, SQLite does not wait for it by itself.
func (s *Store) create(ctx context.Context, c *sql.Conn) error {
	if _, err := c.ExecContext(ctx, "PRAGMA auto_vacuum=INCREMENTAL"); err != nil {
		return err
	}
	for end := time.Now().Add(patience * time.Millisecond); ; {
		var mode string
		err := c.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		var e *Error
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return &Error{s.path, Failing, errors.New("the file system does not let processes share it")}
		case !errors.As(s.trouble(err), &e) || e.Trouble != InUse || time.Now().After(end):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// openToRead opens without writing. Where even the files that processes share
// cannot be made, as on a read-only disk, the journal is read as it stands if
// nothing is left in its log.
func (s *Store) openToRead(ctx context.Context) error {
	s.db = s.connect("ro")
	err := s.check(ctx)
	if err == nil {
		return nil
	}
	var e *Error
	wal, statErr := os.Stat(s.path + "-wal")
	if !errors.As(err, &e) || e.Trouble != Missing && e.Trouble != ReadOnly || statErr == nil && wal.Size() > 0 {
		return err
	}
	_ = s.db.Close()
	s.db = s.connect("ro&immutable=1")
	return s.check(ctx)
}

// check proves that a journal that is only read is of this version. An older
// one would have to be migrated.
func (s *Store) check(ctx context.Context) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.trouble(err)
	}
	defer func() { _ = c.Close() }() // it goes back to the pool
	version, err := s.versionOf(ctx, c)
	if err == nil && version < len(s.migrations) {
		err = &Error{s.path, ReadOnly, errors.New("it is of an older version, and has to be brought up to date first")}
	}
	return err
}
