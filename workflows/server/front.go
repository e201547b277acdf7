package server

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/workflows/certs"
)

// Options say who may ask a server, and how much. The zero Options are those of a
// server that is reached from its own computer only.
type Options struct {
	// Tokens has everybody show one; otherwise it is only that a token that is shown
	// has to be good.
	Tokens bool
	// Hosts are names by which clients may call the server, beside those of this
	// computer and of the certificate; "*" is any.
	Hosts []string
	// Origins are those of pages that may ask for things, such as
	// https://lims.example.org.
	Origins []string
	// Rate is how many requests a second one address may send, two seconds' worth of
	// them at once; 0 is any number. This computer may send any.
	Rate float64
	// Certificate is by what the server is known; nil without TLS.
	Certificate *certs.Files
	// Log takes what is refused, and faults; nil is none.
	Log *slog.Logger
}

// front is what every request has to pass before it is looked at.
type front struct {
	options *Options
	cross   *http.CrossOriginProtection
	rates   rates
}

func newFront(o *Options) (*front, error) {
	f := &front{options: o, cross: http.NewCrossOriginProtection(), rates: rates{each: o.Rate}}
	for _, origin := range o.Origins {
		if err := f.cross.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// unfit says why a request is not even looked at.
func (f *front) unfit(w http.ResponseWriter, r *http.Request) *problem {
	if after := f.rates.take(r.RemoteAddr, time.Now()); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)+1))
		return problemf(http.StatusTooManyRequests, "more than %g requests a second come from this address; wait a moment, and wait for runs with Prefer: wait=60 or their events instead of asking again and again", f.options.Rate)
	}
	if !f.called(r.Host) && !probes[r.URL.Path] {
		return problemf(http.StatusMisdirectedRequest, "this server is not called %s; if it should be, its certificate has to say so, or serve --host %s", hostOf(r.Host), hostOf(r.Host))
	}
	if !plain(r.URL) {
		return problemf(http.StatusBadRequest, "the address is not written plainly: it has empty or dotted parts, or bytes that are no text")
	}
	if err := f.cross.Check(r); err != nil {
		return problemf(http.StatusForbidden, "a page of another origin may not ask for this; if it should, begin the server with --origin %s", originOf(r))
	}
	return nil
}

// probes are asked by programs that look after servers, by whatever name; they tell
// nothing that is worth asking for by a trick.
var probes = map[string]bool{"/healthz": true, "/readyz": true}

// originOf is that of the page that asks.
func originOf(r *http.Request) string {
	if o := r.Header.Get("Origin"); o != "" {
		return o
	}
	return "https://…"
}

// shared lets a page of another origin read the answer, if its origin is one of those
// that may. It reports whether that is all that was asked.
func (f *front) shared(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(f.options.Origins, origin) {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Location, Preference-Applied, Retry-After")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// called reports whether the server is known by a name.
func (f *front) called(hostPort string) bool {
	host := hostOf(hostPort)
	if isLoopback(host) {
		return true
	}
	for _, known := range f.options.Hosts {
		if known == "*" || strings.EqualFold(known, host) {
			return true
		}
	}
	return f.options.Certificate != nil && f.options.Certificate.Leaf().VerifyHostname(host) == nil
}

// hostOf is the name in what may have a port.
func hostOf(hostPort string) string {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.Trim(host, "[]"), ".")
}

// plain reports whether an address means only what stands there.
func plain(u *url.URL) bool {
	p := u.Path
	if p != "/" && (strings.Contains(p, "//") || strings.Contains(p, "/.")) && path.Clean(p) != strings.TrimSuffix(p, "/") {
		return false
	}
	if !isText(p) {
		return false
	}
	if !strings.ContainsAny(u.RawQuery, "%;") {
		return isText(u.RawQuery)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return false
	}
	for name, list := range values {
		if !isText(name) || slices.ContainsFunc(list, func(v string) bool { return !isText(v) }) {
			return false
		}
	}
	return true
}

// isText reports whether s is text without bytes that steer terminals.
func isText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}
