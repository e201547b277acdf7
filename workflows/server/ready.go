package server

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// readyWithin is how long the journal may take to answer, for a server that says that
// it is ready.
const readyWithin = 5 * time.Second

// alive answers GET /healthz: the process answers, and that is all.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write([]byte("{\"status\":\"alive\"}\n")) // whoever asked may be gone
}

// ready answers GET /readyz: whether something that is submitted now is accepted.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if err := s.Ready(r.Context()); err != nil {
		w.Header().Set("Retry-After", "5")
		writeProblem(w, problemf(http.StatusServiceUnavailable, "not ready: %v", err))
		return
	}
	w.Header()["Content-Type"] = jsonType
	_, _ = w.Write([]byte("{\"status\":\"ready\"}\n")) // as above
}

// Ready says why the server does not accept anything at the moment.
func (s *Server) Ready(ctx context.Context) error {
	if s.ending.Load() {
		return errEnding
	}
	return s.Well(ctx)
}

// Well says what is wrong with the server, though it runs.
func (s *Server) Well(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	_, _, err := s.device.Load(ctx)
	return err
}

var errEnding = errors.New("the server is about to end")

// End says that the server is about to end: whoever has a choice asks another one. What
// is asked of this one is answered still.
func (s *Server) End() { s.ending.Store(true) }
