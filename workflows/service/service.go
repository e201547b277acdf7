package service

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

// None is the State of a service that remembers nothing, which only simulates.
const None = "none"

// Service carries workflows out. Its fields are set before it is used; its methods
// may be called by several goroutines.
type Service struct {
	State   string // the journal: a file, the folder it is in, None, or empty for the user's own
	Version string // of ot2flow, for the journal
	// Reach is where workflows may send requests; nil is everywhere.
	Reach *outside.Reach
	// Around is put around the journal of a run, where a test wants to be there when
	// something is written; nil otherwise. Through is put around the robot, likewise.
	Around  func(run.Journal) run.Journal
	Through func(run.Backend) run.Backend
	Opening journal.Options // how the journal is opened; a test bounds it

	mu    sync.Mutex
	store *journal.Store
}

// Path returns where the journal is.
func (s *Service) Path() (string, error) {
	if s.State != "" {
		if info, err := os.Stat(s.State); err == nil && info.IsDir() {
			return filepath.Join(s.State, journal.FileName), nil
		}
		return s.State, nil
	}
	path, err := journal.DefaultPath()
	if err != nil {
		return "", cannot("%v", err)
	}
	return path, nil
}

// Journal returns the journal to be written, which is open until Close.
func (s *Service) Journal(ctx context.Context) (*journal.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store != nil {
		return s.store, nil
	}
	path, err := s.Path()
	if err != nil {
		return nil, err
	}
	store, err := journal.Open(ctx, path, s.Opening)
	if err != nil {
		return nil, cannot("%v", err)
	}
	s.store = store
	return store, nil
}

// History opens the journal to be read; whoever asked for it closes it. The user's
// own that is not there is empty, which is nil.
func (s *Service) History(ctx context.Context) (*journal.Store, error) {
	path, err := s.Path()
	if err != nil {
		return nil, err
	}
	store, err := journal.Open(ctx, path, journal.Options{ReadOnly: true})
	switch _, statErr := os.Stat(path); {
	case err == nil:
		return store, nil
	case errors.Is(statErr, fs.ErrNotExist) && s.State == "":
		return nil, nil
	}
	return nil, cannot("%v", err)
}

// Close lets go of the journal. No job may be open any more.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store != nil {
		_ = s.store.Close() // everything was synced when it was written
		s.store = nil
	}
}

// Myself is who runs this program.
func Myself() journal.Holder { return myself() }

// myself is found out once: the system is asked for it, and it stays the same.
var myself = sync.OnceValue(func() journal.Holder {
	h := journal.Holder{Name: "somebody", Host: "this computer", PID: os.Getpid()}
	if u, err := user.Current(); err == nil && u.Username != "" {
		h.Name = u.Username
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		h.Host = host
	}
	return h
})
