package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Behind returns a server that has no tasks: it hands what is asked for at a path to a
// handler, and looks at names, origins, rates, tokens, bodies and connections before that
// as for a device. Who asks needs the role.
func Behind(s *service.Service, o Options, path string, role service.Role, handler http.Handler) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f, err := newFront(&o)
	if err != nil {
		return nil, err
	}
	b := &Server{device: &service.Device{Service: s}, options: o, front: f, keyring: service.NewKeyring(s), within: bodyWithin, began: time.Now()}
	b.instead = func(g *gate) {
		// Which robot it is for, and whether the journal has it, the handler sees to.
		a := access{role: role, kept: true, stream: true, robot: true}
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			g.handle(method+" "+path, a, handler.ServeHTTP)
		}
		g.handle("/", access{role: role}, func(w http.ResponseWriter, r *http.Request) {
			writeProblem(w, problemf(http.StatusNotFound, "there is nothing at %s; ask at %s", r.URL.Path, path))
		})
	}
	return b, nil
}

// CallerOf is whose token a request has shown; nil where none was.
func CallerOf(ctx context.Context) *service.Caller {
	if who := askerOf(ctx); who != nil {
		return who.caller
	}
	return nil
}
