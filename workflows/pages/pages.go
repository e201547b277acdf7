package pages

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Person is who looks at a page.
type Person struct {
	Name  string // of the token; empty where none was shown
	Role  service.Role
	Token bool // one was shown
	// May reports whether the person may have a robot do something; the empty name is any.
	May func(robot string) bool
}

// Options say what the pages are of.
type Options struct {
	Device  *service.Device
	Keyring *service.Keyring
	Version string
	// Tokens says that everybody has to show one.
	Tokens bool
	// Who is the person that asks.
	Who func(r *http.Request) Person
	// Behalf is under whose name something is asked for.
	Behalf func(ctx context.Context, claimed, project string) (service.Behalf, error)
}

// Pages are those of a device. They are reached by several goroutines.
type Pages struct {
	o          Options
	attentions attentions
}

// New returns the pages of a device.
func New(o Options) *Pages { return &Pages{o: o} }

// Route is a page, or something that a page asks for.
type Route struct {
	Pattern string
	Role    service.Role // who may ask
	Stream  bool         // the answer goes on as long as somebody listens
	Kept    bool         // the journal has who asked for it anyway
	Robot   bool         // it looks itself whether the person may have that robot do it
	Handler http.HandlerFunc
}

// Root is where the pages are.
const Root = "/lab/"

// Routes are the pages.
func (p *Pages) Routes() []Route {
	see := func(path string, f func(*http.Request) (*page, error)) Route {
		return Route{Pattern: "GET " + Root + path, Role: service.Viewer, Handler: p.shown(f)}
	}
	do := func(path string, role service.Role, f func(*http.Request) (string, error)) Route {
		return Route{Pattern: "POST " + Root + path, Role: role, Handler: p.done(f)}
	}
	submit := Route{Pattern: "POST " + Root + "workflows/{task}", Role: service.Operator, Kept: true, Robot: true, Handler: p.filled(p.take)}
	return []Route{
		{Pattern: "GET /{$}", Role: service.Anybody, Handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Root, http.StatusSeeOther) }},
		{Pattern: "GET " + Root + "static/{name}", Role: service.Anybody, Handler: static},
		{Pattern: "GET " + Root + "login", Role: service.Anybody, Handler: p.login},
		{Pattern: "POST " + Root + "login", Role: service.Anybody, Handler: p.enter},
		{Pattern: "POST " + Root + "logout", Role: service.Anybody, Handler: leave},
		{Pattern: "GET " + Root + "changes", Role: service.Viewer, Stream: true, Handler: p.changes},
		see("{$}", p.board),
		see("robots/{robot}", p.robot),
		see("workflows", p.library),
		see("workflows/{task}", p.form),
		submit,
		see("runs/{run}", p.run),
		see("inbox", p.inbox),
		see("history", p.history),
		see("stock", p.stock),
		see("editor", p.edit),
		{Pattern: "POST " + Root + "editor/check", Role: service.Viewer, Handler: p.checked},
		{Pattern: "POST " + Root + "editor/complete", Role: service.Viewer, Handler: p.completed},
		{Pattern: "POST " + Root + "editor", Role: service.Operator, Handler: p.filled(p.save)},
		{Pattern: "GET " + Root + "tokens", Role: service.Admin, Handler: p.shown(p.tokens)},
		{Pattern: "POST " + Root + "tokens", Role: service.Admin, Handler: p.filled(p.newToken)},
		do("tokens/{id}/revoke", service.Admin, p.revoke),
		do("runs/{run}/control", service.Operator, p.control),
		do("runs/{run}/answer", service.Operator, p.answer),
		do("runs/{run}/decision", service.Operator, p.decide),
		do("robots/{robot}/queue", service.Operator, p.queue),
	}
}

// page is what is shown: a template with what it is about.
type page struct {
	Name  string // of the template
	Title string
	Data  any
	// Status is that of the answer; 0 is that all is well.
	Status int
	// Wrong is what could not be done that was asked for here.
	Wrong string
}

// frame is a page with what all pages have.
type frame struct {
	*page
	Who     Person
	Tokens  bool
	Version string
	Robot   string
	Path    string
	Inbox   int // how much waits for a person
	Now     time.Time
	Nonce   string // by which a script of the page may bring styles; empty where none does
}

// May reports whether the person may do what an operator may.
func (f *frame) May() bool { return f.Who.Role >= service.Operator }

// MayAll reports whether the person may do what an admin may.
func (f *frame) MayAll() bool { return f.Who.Role >= service.Admin }

// At reports whether a page is at an address, or below it.
func (f *frame) At(path string) bool {
	return f.Path == path || path != Root && strings.HasPrefix(f.Path, path+"/")
}

// shown answers with a page.
func (p *Pages) shown(f func(*http.Request) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		one, err := f(r)
		if err != nil {
			one = wrong(err)
		}
		p.write(w, r, one)
	}
}

// done does something, and goes on to where it can be seen.
func (p *Pages) done(f func(*http.Request) (string, error)) http.HandlerFunc {
	return p.filled(func(r *http.Request) (*page, string, error) {
		to, err := f(r)
		return nil, to, err
	})
}

// filled answers to a form that was filled in: with a page, or where to go on.
func (p *Pages) filled(f func(*http.Request) (*page, string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			p.write(w, r, wrong(&service.Error{Kind: service.Misuse, Message: "the form could not be read"}))
			return
		}
		one, to, err := f(r)
		switch {
		case err != nil:
			p.write(w, r, wrong(err))
		case to != "":
			http.Redirect(w, r, to, http.StatusSeeOther)
		default:
			p.write(w, r, one)
		}
	}
}

// wrong is the page of an error.
func wrong(err error) *page {
	status := http.StatusInternalServerError
	var e *service.Error
	title := "Something went wrong"
	if errors.As(err, &e) {
		switch e.Kind {
		case service.Misuse:
			status, title = http.StatusUnprocessableEntity, "That cannot be meant so"
		case service.Missing:
			status, title = http.StatusNotFound, "There is no such thing"
		case service.Unable, service.Undecided:
			status, title = http.StatusConflict, "Not as things are"
		}
	}
	return &page{Name: "wrong", Title: title, Status: status, Data: err.Error()}
}

// write answers with a page.
func (p *Pages) write(w http.ResponseWriter, r *http.Request, one *page) {
	f := &frame{page: one, Who: p.o.Who(r), Tokens: p.o.Tokens, Version: p.o.Version, Robot: p.o.Device.Names(), Path: r.URL.Path, Now: time.Now()}
	if f.Who.Role > service.Anybody {
		if now, err := p.attention(r.Context()); err == nil {
			f.Inbox = now.count()
		}
	}
	styles := "'self'"
	if one.Name == "editor" {
		f.Nonce = rand.Text()
		styles += " 'nonce-" + f.Nonce + "'"
	}
	var b bytes.Buffer
	if err := templateOf(one.Name).Execute(&b, f); err != nil {
		http.Error(w, fmt.Sprintf("this page is a bug of ours: %v", err), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src "+styles+"; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	send(w, r, cmp.Or(one.Status, http.StatusOK), b.Bytes())
}

// Refused is the page for somebody who may not see or do something.
func (p *Pages) Refused(w http.ResponseWriter, r *http.Request, status int, why string) {
	if status == http.StatusUnauthorized {
		to := Root
		if r.Method == http.MethodGet {
			to = within(r.URL.RequestURI())
		}
		p.write(w, r, &page{Name: "login", Title: "Log in", Data: map[string]string{"To": to}, Status: status})
		return
	}
	p.write(w, r, &page{Name: "wrong", Title: "Not for you", Status: status, Data: why})
}
