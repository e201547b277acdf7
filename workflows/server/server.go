package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/workflows/pages"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Limits of what a client may ask for.
const (
	maxBody   = 4 << 20 // bytes; a workflow that is linted, or parameters with a table
	maxHeader = 64 << 10

	maxConns     = 2048
	maxConnsEach = 256 // from one address, unless it is this computer's

	bodyWithin = 10 * time.Second
	headWithin = 10 * time.Second
	idleWithin = 2 * time.Minute
	maxWait    = time.Hour // of Prefer: wait
)

// Server answers requests about one device.
type Server struct {
	device   *service.Device
	version  string
	options  Options
	front    *front
	keyring  *service.Keyring
	pages    *pages.Pages
	refusals few           // of those that are written down
	within   time.Duration // a body has to arrive; a test makes it shorter
	now      atomic.Pointer[offer]
	instead  func(*gate) // registers what is served; nil where that are the tasks of a device

	began          time.Time
	ending         atomic.Bool
	reloads, unfit atomic.Int64
	traffic        traffic
}

// New returns a server. Version is that of ot2flow.
func New(device *service.Device, version string, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f, err := newFront(&o)
	if err != nil {
		return nil, err
	}
	s := &Server{device: device, version: version, options: o, front: f, keyring: service.NewKeyring(device.Service), within: bodyWithin, began: time.Now()}
	s.pages = pages.New(pages.Options{Device: device, Keyring: s.keyring, Version: version, Tokens: o.Tokens, Who: s.person, Behalf: behalf})
	s.now.Store(s.offer(device.Tasks.Snapshot()))
	return s, nil
}

// Reload has the tasks offered as they are now.
func (s *Server) Reload() {
	s.reloads.Add(1)
	s.now.Store(s.offer(s.device.Tasks.Snapshot()))
	s.device.Served()
}

// routes finds what answers a request. The operations are the same whatever the tasks
// are; they are made when the first request comes that needs them.
func (s *Server) routes() http.Handler {
	mux := sync.OnceValue(func() *gate {
		g := s.gate()
		if s.instead != nil {
			s.instead(g)
			return g
		}
		s.operations(g, s.blank())
		return g
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux().ServeHTTP(w, r) })
}

// notThere answers for an address that is not served: with another method it may be.
func notThere(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		writeProblem(w, problemf(http.StatusNotFound, "there is nothing at %s; /docs shows what there is", r.URL.Path))
		return
	}
	w.Header().Set("Allow", strings.Replace(strings.Join(allowed, ", "), http.MethodGet, "GET, HEAD", 1))
	writeProblem(w, problemf(http.StatusMethodNotAllowed, "%s is asked for with %s", r.URL.Path, strings.Join(allowed, " or ")))
}

// robotName is what is at the robots, in a sentence.
func (s *Server) robotName() string {
	switch name := s.device.Names(); {
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
	return safely(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Content-Type-Options"] = noSniff
		if p := s.front.unfit(w, r); p != nil {
			s.unfit.Add(1)
			writeProblem(w, p)
			return
		}
		if s.front.shared(w, r) {
			return
		}
		routes.ServeHTTP(w, r)
	}))
}

var noSniff = []string{"nosniff"}

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
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Serve answers requests until ctx is done; the listener is closed then, and what is
// under way is given a moment to end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: headWithin, IdleTimeout: idleWithin, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    log.New(&faultLog{log: s.options.Log}, "", 0),
	}
	serve := h.Serve
	if files := s.options.Certificate; files != nil {
		h.TLSConfig = &tls.Config{GetCertificate: files.Get, MinVersion: tls.VersionTLS12}
		serve = func(l net.Listener) error { return h.ServeTLS(l, "", "") }
	}
	gone := make(chan error, 1)
	go func() { gone <- serve(newLimited(l)) }()
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

// faultLog takes what goes wrong with connections, of which anybody can make many.
type faultLog struct {
	log  *slog.Logger
	some few
}

// Write logs a line.
func (f *faultLog) Write(line []byte) (int, error) {
	if f.some.take(time.Now()) {
		f.log.Warn("connection: " + strings.TrimSpace(string(line)))
	}
	return len(line), nil
}
