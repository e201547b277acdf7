package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
)

// writer is the one connection that writes. What several goroutines want
// written at the same time goes into one transaction, so that they share its
// sync.
type writer struct {
	store *Store
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	jobs  chan *job

	fineDay string // of the last fineID, and what it was made of
	fine    uint64

	inserts [computedRows + 1]string // by how many rows they write

	quit chan struct{}
	done chan struct{}
}

// job is something to be written, all or none. It may be done twice: when
// another one of its transaction failed, it is done again by itself.
type job struct {
	do     func(t *tx) error
	result chan error
}

// groupSize is how many jobs share a transaction at most.
const groupSize = 256

var errClosed = errors.New("the journal was closed")

func newWriter(s *Store, c *sql.Conn) *writer {
	w := &writer{store: s, conn: c, stmts: map[string]*sql.Stmt{}, jobs: make(chan *job, groupSize), quit: make(chan struct{}), done: make(chan struct{})}
	go w.serve()
	return w
}

// write has a job done in a transaction and returns when that is on the disk,
// or was refused. Its own errors come back as they are.
func (s *Store) write(ctx context.Context, do func(t *tx) error) error {
	if s.writer == nil {
		return &Error{s.path, ReadOnly, errors.New("it was opened to be read")}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{do, make(chan error, 1)}
	select {
	case s.writer.jobs <- j:
	case <-s.writer.quit:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.result: // what has begun is waited for: it may be written
		return s.trouble(err)
	case <-s.writer.done:
		select {
		case err := <-j.result:
			return s.trouble(err)
		default:
			return errClosed
		}
	}
}

func (w *writer) close() error {
	close(w.quit)
	<-w.done
	var err error
	for _, s := range w.stmts {
		err = errors.Join(err, s.Close())
	}
	return errors.Join(err, w.conn.Close())
}

func (w *writer) serve() {
	defer close(w.done)
	for {
		select {
		case <-w.quit:
			return
		case j := <-w.jobs:
			w.group(w.gather(j))
		}
	}
}

// gather takes what is waiting besides j, and what comes when everybody had a chance
// to ask who is about to.
func (w *writer) gather(j *job) []*job {
	group, asked := []*job{j}, false
	for len(group) < groupSize {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			if asked {
				return group
			}
			asked = true
			runtime.Gosched()
		}
	}
	return group
}

// group does jobs in one transaction; if that fails, each in its own, so that
// one's failure is not another's.
func (w *writer) group(jobs []*job) {
	err := w.transact(jobs)
	if err != nil && len(jobs) > 1 {
		for _, j := range jobs {
			j.result <- w.transact([]*job{j})
		}
		return
	}
	for _, j := range jobs {
		j.result <- err
	}
}

func (w *writer) transact(jobs []*job) (err error) {
	t := &tx{w: w, ctx: context.Background(), now: w.store.now().UnixNano()}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = w.conn.ExecContext(t.ctx, "ROLLBACK") // SQLite may have done it; the first error is the one to tell
		}
	}()
	for _, j := range jobs {
		if err := j.do(t); err != nil {
			return err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	return t.exec("COMMIT")
}

// tx is a transaction under way.
type tx struct {
	w   *writer
	ctx context.Context
	now int64 // when it began

	form     *Form // the last one that was kept in it
	formBlob int64
	computed []computedRow // that are not written yet
}

// stmt prepares a statement once.
func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if s := t.w.stmts[query]; s != nil {
		return s, nil
	}
	s, err := t.w.conn.PrepareContext(t.ctx, query)
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = s
	return s, nil
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.run(query, args...)
	return err
}

func (t *tx) run(query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(t.ctx, args...)
}

// count is run for how many rows were changed.
func (t *tx) count(query string, args ...any) (int64, error) {
	r, err := t.run(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// insert is run for the key of the new row.
func (t *tx) insert(query string, args ...any) (int64, error) {
	r, err := t.run(query, args...)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// row reads one row into dest; found says whether there is one.
func (t *tx) row(query string, args []any, dest ...any) (found bool, err error) {
	s, err := t.stmt(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(t.ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// texts reads a column of texts.
func (t *tx) texts(query string, args ...any) ([]string, error) {
	s, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(t.ctx, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // its error is that of Err
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("reading a row: %w", err)
		}
		out = append(out, text)
	}
	return out, rows.Err()
}
