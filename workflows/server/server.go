package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Limits of what a client may ask for.
const (
	maxBody    = 4 << 20 // bytes; a workflow that is linted, or parameters with a table
	maxHeader  = 64 << 10
	maxConns   = 2048
	bodyWithin = 10 * time.Second
	headWithin = 10 * time.Second
	idleWithin = 2 * time.Minute
	maxWait    = time.Hour // of Prefer: wait
)

// Server answers requests about one device.
type Server struct {
	device   *service.Device
	version  string
	insecure bool // names of hosts are not looked at
	now      atomic.Pointer[offer]
}

// New returns a server. Version is that of ot2flow. An insecure one answers to
// whatever name a client calls it by; any other only to those of this computer, so
// that no page in a browser reaches it by a name that was made to mean it.
func New(device *service.Device, version string, insecure bool) *Server {
	s := &Server{device: device, version: version, insecure: insecure}
	s.Reload()
	return s
}

// Reload has the tasks offered as they are now.
func (s *Server) Reload() { s.now.Store(s.offer(s.device.Tasks.Snapshot())) }

// routes finds what answers a request. The operations are the same whatever the tasks
// are; they are made when the first request comes that needs them.
func (s *Server) routes() http.Handler {
	mux := sync.OnceValue(func() *http.ServeMux {
		mux := http.NewServeMux()
		s.operations(newAPI(mux, s.blank()))
		mux.HandleFunc("GET /tasks", s.listed)
		mux.HandleFunc("POST /execute/{task}", s.executed)
		mux.HandleFunc("GET /openapi.json", s.openapi)
		mux.HandleFunc("GET /docs", s.docs)
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			writeProblem(w, notThere(mux, r))
		})
		return mux
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux().ServeHTTP(w, r) })
}

// notThere is the error of an address that is not served: with another method it may
// be.
func notThere(mux *http.ServeMux, r *http.Request) *problem {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" && pattern != "/" {
			return problemf(http.StatusMethodNotAllowed, "%s is asked for with %s", r.URL.Path, method)
		}
	}
	return problemf(http.StatusNotFound, "there is nothing at %s; /docs shows what there is", r.URL.Path)
}

// robot is the name of the robot, or the names of all.
func (s *Server) robot() string {
	var names []string
	for _, r := range s.device.Robots() {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

func (s *Server) robotName() string {
	switch name := s.robot(); {
	case len(s.device.Robots()) > 1:
		return "the robots " + name
	case name == service.Sim:
		return "the simulator"
	default:
		return "the robot " + name
	}
}

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	routes := s.routes()
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		routes.ServeHTTP(w, r)
	})
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, problemf(http.StatusForbidden, "a page of another origin may not ask for this"))
	}))
	return s.named(safely(cross.Handler(h)))
}

// named answers only to names of this computer.
func (s *Server) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if !s.insecure && !isLoopback(strings.Trim(host, "[]")) {
			writeProblem(w, problemf(http.StatusMisdirectedRequest, "this server is not called %s", host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// safely answers with an error where a handler fails in a way nobody thought of.
func safely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if fault := recover(); fault != nil {
				if err, is := fault.(error); is && errors.Is(err, http.ErrAbortHandler) {
					panic(fault)
				}
				writeProblem(w, problemf(http.StatusInternalServerError, "this is a bug of ours: %v", fault))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// Loopback reports whether an address to listen on is one of this computer alone.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Serve answers requests until ctx is done; the listener is closed then, and what is
// under way is given a moment to end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headWithin, IdleTimeout: idleWithin, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	gone := make(chan error, 1)
	go func() { gone <- h.Serve(&limited{Listener: l, free: make(chan struct{}, maxConns)}) }()
	select {
	case err := <-gone:
		return err
	case <-ctx.Done():
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := h.Shutdown(soon); err != nil {
		_ = h.Close() // whoever is still there is not waited for
	}
	if err := <-gone; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
