package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ot2flow/ot2flow/workflows/pages"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// access is who may ask for an operation, and how it is asked for.
type access struct {
	role service.Role
	text bool // the body is text of any kind; otherwise it is JSON
	kept bool // the journal has who asked for it anyway

	stream bool // the answer goes on as long as somebody listens
	page   bool // it is for people, who are told on a page
	robot  bool // which robot it is for stands in the form, and is looked at there
}

// accessKey is where an operation of huma has its access.
const accessKey = "access"

// gate lets requests through to what they ask for, if they may. Everything that is
// served is registered here, so that nothing is without an access.
type gate struct {
	*http.ServeMux
	server *Server
	served map[string]access // by pattern
}

// gate returns one that serves nothing yet.
func (s *Server) gate() *gate { return &gate{http.NewServeMux(), s, map[string]access{}} }

// Handle registers an operation of huma, whose access is among its metadata.
func (g *gate) Handle(op *huma.Operation, handler func(huma.Context)) {
	a := op.Metadata[accessKey].(access) // without one, it is a mistake of ours that every start shows
	g.handle(op.Method+" "+op.Path, a, func(w http.ResponseWriter, r *http.Request) { handler(humago.NewContext(op, r, w)) })
}

// handle registers a handler that is reached by those who may, with the body in memory.
func (g *gate) handle(pattern string, a access, handler http.HandlerFunc) {
	g.served[pattern] = a
	route := g.server.traffic.of(pattern)
	g.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		out := &answer{ResponseWriter: w, status: http.StatusOK, shares: r.ProtoMajor > 1}
		g.server.pass(out, r, a, handler)
		g.server.traffic.answered(route, out.status, time.Since(began), a.stream)
	})
}

// pass has a request handled if it may be.
func (s *Server) pass(w *answer, r *http.Request, a access, handler http.HandlerFunc) {
	who, refused := s.admitted(r, a)
	if refused == nil {
		refused = s.given(w, r, a)
	}
	if refused != nil {
		s.refuse(w, r, who, refused, a)
		return
	}
	if who != nil {
		r = r.WithContext(context.WithValue(r.Context(), askerKey{}, who))
	}
	if a.role <= service.Viewer || a.kept {
		handler(w, r)
		return
	}
	s.noted(w, r, who, handler)
}

// asker is who asks for something, as far as it is known: nil is somebody at this
// computer, of whom nothing is asked.
type asker struct {
	caller *service.Caller // nil where no token was shown
	from   string          // the address
}

type askerKey struct{}

// person is who looks at a page.
func (s *Server) person(r *http.Request) pages.Person {
	who := askerOf(r.Context())
	switch {
	case who != nil && who.caller != nil:
		return pages.Person{Name: who.caller.Name, Role: who.caller.Role, Token: true, May: func(robot string) bool {
			return who.caller.Everywhere() || robot != "" && who.caller.May(robot)
		}}
	case s.options.Tokens:
		return pages.Person{}
	}
	return pages.Person{Role: service.Admin, May: func(string) bool { return true }}
}

func askerOf(ctx context.Context) *asker {
	who, _ := ctx.Value(askerKey{}).(*asker)
	return who
}

// behalf is under whose name something is done. It is that of the token where there
// is one, and what the client says where there is none.
func behalf(ctx context.Context, claimed, project string) (service.Behalf, error) {
	who := askerOf(ctx)
	switch {
	case who == nil:
		return service.Behalf{By: claimed, Project: project}, nil
	case who.caller == nil:
		return service.Behalf{By: claimed, Project: project, From: who.from}, nil
	case claimed != "" && claimed != who.caller.Name:
		return service.Behalf{}, problemf(http.StatusForbidden, "the token is that of %s, and by says %s; leave by out", who.caller.Name, claimed)
	}
	return service.Behalf{By: who.caller.Name, Project: project, From: who.from}, nil
}

// still says why somebody who asked for something that goes on may not any more.
func (s *Server) still(ctx context.Context) error {
	if who := askerOf(ctx); who != nil {
		return s.keyring.Still(ctx, who.caller)
	}
	return nil
}

// admitted says who asks, and why they may not.
func (s *Server) admitted(r *http.Request, a access) (*asker, *problem) {
	needs := a.role
	var who *asker
	if host, _, _ := net.SplitHostPort(r.RemoteAddr); !isLoopback(host) {
		who = &asker{from: host}
	}
	if needs == service.Anybody {
		return who, nil
	}
	secret, shown := secretOf(r)
	switch {
	case !shown && !s.options.Tokens:
		return who, nil
	case !shown:
		return who, unknown("no token was shown; send the header Authorization: Bearer TOKEN. Tokens are made where the server runs: ot2flow tokens add NAME --role %s", needs)
	}
	caller, err := s.keyring.Find(r.Context(), secret)
	if err != nil {
		return who, unknown("%v; another one is made where the server runs: ot2flow tokens add NAME --role %s", err, needs)
	}
	if who == nil {
		who = &asker{}
	}
	who.caller = caller
	switch {
	case caller.Role < needs:
		return who, problemf(http.StatusForbidden, "%s is a %s, and this is for an %s; somebody who may has to do it, or to make another token: ot2flow tokens add NAME --role %s", caller.Name, caller.Role, needs, needs)
	case needs > service.Viewer && !a.robot:
		return who, s.forRobot(r, caller, a.kept)
	}
	return who, nil
}

// forRobot says why a token is not for the robot that a request changes something of:
// the one in its address, or that of the run there, or the one that a run is submitted
// for. What is about no single robot needs a token for all.
func (s *Server) forRobot(r *http.Request, caller *service.Caller, submits bool) *problem {
	if caller.Everywhere() {
		return nil
	}
	robot, run := r.PathValue("robot"), r.PathValue("run")
	switch {
	case run != "":
		v, err := s.device.View(r.Context(), run)
		if err != nil {
			return nil //nolint:nilerr // whoever carries it out says that there is none
		}
		robot = strings.TrimPrefix(v.Queue, "*") // which is any
	case submits:
		robot = r.URL.Query().Get("robot")
		if all := s.device.Robots(); robot == "" && len(all) == 1 {
			robot = all[0].Name
		}
	}
	switch {
	case robot == "" && submits:
		return problemf(http.StatusForbidden, "the token of %s is not for every robot; say for which one with robot=NAME", caller.Name)
	case robot == "":
		return problemf(http.StatusForbidden, "the token of %s is not for every robot, and this is about more than one", caller.Name)
	case !caller.May(robot):
		return problemf(http.StatusForbidden, "the token of %s is not for the robot %s", caller.Name, robot)
	}
	return nil
}

func unknown(format string, args ...any) *problem {
	return problemf(http.StatusUnauthorized, format, args...)
}

// secretOf is the token that a request shows: as a bearer token or, for whoever can do
// nothing else, as the password of whatever user; a browser in which somebody has logged
// in shows it as a cookie.
func secretOf(r *http.Request) (secret string, shown bool) {
	h := r.Header.Get("Authorization")
	if h == "" {
		c, err := r.Cookie(pages.Cookie)
		if err != nil {
			return "", false
		}
		return c.Value, true
	}
	if scheme, rest, ok := strings.Cut(h, " "); ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest), true
	}
	_, secret, _ = r.BasicAuth()
	return secret, true
}

// refuse tells a client, and writes down, that something is not done for it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, who *asker, p *problem, a access) {
	if p.Status == http.StatusUnauthorized && !a.page {
		w.Header().Add("WWW-Authenticate", `Bearer realm="ot2flow"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="ot2flow: any name, and the token as the password", charset="UTF-8"`)
	}
	if p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden {
		if s.refusals.take(time.Now()) {
			why, _, _ := strings.Cut(p.Detail, "; ") // the rest is for the client
			if _, err := s.device.Service.Note(r.Context(), deedOf(r, who), "refused: "+why); err != nil {
				s.options.Log.Error("a refusal could not be written down", "error", err)
			}
			s.options.Log.Warn("refused", "status", p.Status, "why", why, "from", r.RemoteAddr, "asked", r.Method+" "+r.URL.Path)
		}
	}
	if a.page {
		s.pages.Refused(w, r.WithContext(context.WithValue(r.Context(), askerKey{}, who)), p.Status, p.Detail)
		return
	}
	writeProblem(w, p)
}

// deedOf is what a request is about, for those who read later who did what.
func deedOf(r *http.Request, who *asker) service.Deed {
	const most = 300
	d := service.Deed{What: r.Method + " " + r.URL.RequestURI()}
	d.What = strings.ToValidUTF8(d.What[:min(len(d.What), most)], "")
	if who != nil {
		d.From = who.from
		if who.caller != nil {
			d.By, d.Token = who.caller.Name, who.caller.Token
		}
	}
	if d.By == "" {
		d.By = r.URL.Query().Get("by")
	}
	return d
}

// noted has something done that is written down first, and what became of it
// afterwards. A journal that cannot be written does not keep anybody from stopping a
// robot.
func (s *Server) noted(w *answer, r *http.Request, who *asker, handler http.HandlerFunc) {
	become, err := s.device.Service.Note(r.Context(), deedOf(r, who), "")
	if err != nil {
		s.options.Log.Error("who asks for what could not be written down", "error", err, "asked", r.Method+" "+r.URL.Path)
	}
	handler(w, r)
	outcome := service.DeedDone
	if w.status >= http.StatusBadRequest {
		outcome = "refused: " + http.StatusText(w.status)
	}
	if err := become(context.WithoutCancel(r.Context()), outcome); err != nil {
		s.options.Log.Error("what became of it could not be written down", "error", err, "asked", r.Method+" "+r.URL.Path)
	}
}

// answer remembers the status of an answer.
type answer struct {
	http.ResponseWriter
	status int // that it has if nobody says otherwise
	begun  bool
	shares bool      // the connection with other answers, as in HTTP/2
	until  time.Time // if so, what is written now has to be taken
}

// take gives the client time to take what comes where the connection does not, because
// the client may take other answers there and leave this one; see counted.
func (a *answer) take() {
	if !a.shares {
		return
	}
	if now := time.Now(); a.until.Sub(now) < writeWithin/2 {
		a.until = now.Add(writeWithin)
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(a.until) // what has none, in a test, is not slow
	}
}

// WriteHeader begins the answer.
func (a *answer) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.status, a.begun = status, true
		a.take()
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write begins the answer if it is not.
func (a *answer) Write(data []byte) (int, error) {
	a.begun = true
	a.take()
	return a.ResponseWriter.Write(data)
}

// Flush sends what there is.
func (a *answer) Flush() {
	if f, is := a.ResponseWriter.(http.Flusher); is {
		f.Flush()
	}
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// read is a body that is in memory.
type read struct {
	bytes.Reader
	data []byte
}

// Close does nothing: there is nothing behind it.
func (*read) Close() error { return nil }

// bodyOf is the body of a request that came through a gate.
func bodyOf(r *http.Request) []byte {
	if in, is := r.Body.(*read); is {
		return in.data
	}
	return nil
}

// given reads the body of a request, as long as it may be and as fast as it has to be,
// and says what is wrong with it.
func (s *Server) given(w http.ResponseWriter, r *http.Request, a access) *problem {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	if r.Method == http.MethodGet {
		return problemf(http.StatusBadRequest, "a GET has no body; what it asks for stands in the address")
	}
	if p := notJSON(r.Header.Get("Content-Type")); p != nil && !a.text {
		return p
	}
	if r.ContentLength > maxBody {
		return tooLarge()
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(s.within)) // a connection that has none, in a test, is not slow
	var data []byte
	var err error
	if n := r.ContentLength; n > 0 && n <= 64<<10 { // more is believed when it comes
		data = make([]byte, n)
		_, err = io.ReadFull(r.Body, data)
	} else {
		data, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return problemf(http.StatusRequestTimeout, "the body did not arrive within %v; send it in one go", s.within)
	case err != nil:
		w.Header().Set("Connection", "close")
		return problemf(http.StatusBadRequest, "the body could not be read: %v", err)
	case len(data) > maxBody:
		w.Header().Set("Connection", "close")
		return tooLarge()
	case !utf8.Valid(data):
		return problemf(http.StatusBadRequest, "the body is not text in UTF-8, which JSON and workflows are written in")
	}
	_ = c.SetReadDeadline(time.Time{})
	in := &read{data: data}
	in.Reset(in.data)
	r.Body = in
	return nil
}

func tooLarge() *problem {
	return problemf(http.StatusRequestEntityTooLarge, "the body is longer than %d MB; keep large tables in files beside the workflow", maxBody>>20)
}

// notJSON refuses a body that says that it is something else than JSON.
func notJSON(contentType string) *problem {
	media, _, _ := strings.Cut(contentType, ";")
	if media = strings.TrimSpace(media); media == "" || strings.EqualFold(media, "application/json") {
		return nil
	}
	return problemf(http.StatusUnsupportedMediaType, "the body is a JSON object, and is said to be %s; send Content-Type: application/json", media)
}
