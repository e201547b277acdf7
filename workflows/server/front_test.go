package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/certs"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// What reaches no task: other names, pages of other origins, addresses and bodies that
// are not what they should be. Each gets a problem that says what to do.
func TestUnfitRequests(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, mixText), Options{Hosts: []string{"bench-3.lab.example"}, Origins: []string{"https://lims.example.org"}})
	huge := `{"R": "` + strings.Repeat("x", maxBody) + `"}`
	for _, c := range []struct {
		status             int
		method, path, body string
		header             []string
		says               string
	}{
		{421, "GET", "/health", "", []string{"Host", "evil.example"}, "--host evil.example"},
		{421, "GET", "/health", "", []string{"Host", "192.168.1.20:8000"}, "--host 192.168.1.20"},
		{200, "GET", "/health", "", []string{"Host", "Bench-3.lab.example:8000"}, ""},
		{200, "GET", "/health", "", []string{"Host", "[::1]:8000"}, ""},
		{403, "POST", "/execute/mix-colors", "{}", []string{"Origin", "https://evil.example"}, "--origin https://evil.example"},
		{403, "POST", "/execute/mix-colors", "{}", []string{"Sec-Fetch-Site", "cross-site"}, "--origin"},
		{403, "POST", "/execute/mix-colors", "{}", []string{"Origin", "null"}, "another origin"},
		{200, "POST", "/execute/mix-colors", "{}", []string{"Origin", "https://lims.example.org", "Sec-Fetch-Site", "cross-site"}, ""},
		{415, "POST", "/execute/mix-colors", "R=50", []string{"Content-Type", "application/x-www-form-urlencoded"}, "send Content-Type: application/json"},
		{415, "POST", "/runs/last/answer", `{"value": "1"}`, []string{"Content-Type", "text/plain"}, "send Content-Type: application/json"},
		{200, "POST", "/lint", "name: x\n", []string{"Content-Type", "application/x-www-form-urlencoded"}, ""},
		{400, "POST", "/execute/mix-colors", "{\"R\": \"\xff\xfe\"}", nil, "UTF-8"},
		{400, "POST", "/lint", "name: \xc3\x28\n", nil, "UTF-8"},
		{413, "POST", "/execute/mix-colors", huge, nil, "longer than 4 MB"},
		{413, "POST", "/lint", huge, nil, "longer than 4 MB"},
		{400, "GET", "/health", "{}", nil, "a GET has no body"},
		{400, "GET", "/runs/%2e%2e/%2e%2e/etc/passwd", "", nil, "not written plainly"},
		{400, "GET", "/runs/..%2f..%2fetc%2fpasswd", "", nil, "not written plainly"},
		{400, "GET", "//health", "", nil, "not written plainly"},
		{400, "GET", "/tasks/mix%00colors", "", nil, "not written plainly"},
		{400, "GET", "/tasks/%ff", "", nil, "not written plainly"},
		{400, "GET", "/runs?by=%ff", "", nil, "not written plainly"},
		{400, "GET", "/runs?by=%1b[2J", "", nil, "not written plainly"},
		{404, "GET", "/runs/..a", "", nil, "..a"},
		{404, "GET", "/etc/passwd", "", nil, "/docs"},
	} {
		resp, v := b.ask(c.method, c.path, c.body, c.header...)
		detail, _ := v["detail"].(string)
		if resp.StatusCode != c.status || !strings.Contains(detail, c.says) {
			t.Errorf("%s %s %.60q %v: %d %v, want %d %q", c.method, c.path, c.body, c.header, resp.StatusCode, v, c.status, c.says)
		}
		if c.status >= 400 && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", c.method, c.path, resp.Header.Get("Content-Type"))
		}
	}
}

// A page of an origin that may is let through by its browser; any other is not.
func TestPagesOfOtherOrigins(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, mixText), Options{Origins: []string{"https://lims.example.org"}})
	for origin, may := range map[string]bool{"https://lims.example.org": true, "https://evil.example": false, "http://lims.example.org": false} {
		r, _ := http.NewRequestWithContext(t.Context(), "OPTIONS", b.URL+"/execute/mix-colors", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); (got == origin) != may || may != (resp.StatusCode == 204) {
			t.Errorf("%s: %d, allowed %q", origin, resp.StatusCode, got)
		}
	}
}

// An address that sends more than it may waits, others do not; this computer never.
func TestRates(t *testing.T) {
	r := rates{each: 10}
	now := time.Now()
	sent := 0
	for r.take("10.0.0.1:99", now) == 0 {
		if sent++; sent > 100 {
			t.Fatal("there is no bound")
		}
	}
	if sent != 21 { // two seconds' worth, and the one that is due
		t.Errorf("%d at once", sent)
	}
	if r.take("10.0.0.2:1", now) != 0 || r.take("127.0.0.1:1", now) != 0 || r.take("[::1]:1", now) != 0 {
		t.Error("others have to wait, too")
	}
	for range 1000 {
		if r.take("127.0.0.1:1", now) != 0 {
			t.Fatal("this computer has to wait")
		}
	}
	if r.take("10.0.0.1:98", now.Add(50*time.Millisecond)) == 0 || r.take("10.0.0.1:98", now.Add(101*time.Millisecond)) != 0 {
		t.Error("it is not one in a tenth of a second")
	}
	for i := range 50 {
		_ = r.take(fmt.Sprintf("[2001:db8::%x]:1", i), now)
	}
	if r.take("[2001:db8::ffff]:1", now) == 0 {
		t.Error("an address of a network that sends too much is taken")
	}
	_ = r.take("10.0.0.9:1", now.Add(time.Hour))
	if len(r.due) != 1 {
		t.Errorf("%d addresses are remembered", len(r.due))
	}
}

// Rates are kept over HTTP: a client that may not is told when to come again.
func TestRateOverHTTP(t *testing.T) {
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, mixText), Options{Rate: 1})
	h := b.server.Handler()
	var last *httptest.ResponseRecorder
	for range 5 {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost/health", nil) // from 192.0.2.1
		last = httptest.NewRecorder()
		h.ServeHTTP(last, r)
	}
	if last.Code != 429 || last.Header().Get("Retry-After") != "1" || !strings.Contains(last.Body.String(), "Prefer: wait") {
		t.Errorf("%d %v %s", last.Code, last.Header(), last.Body)
	}
}

// raw sends bytes on a connection and returns the answers, until the server closes it
// or is silent.
func (b *bench) raw(text string) string {
	b.t.Helper()
	c, err := net.Dial("tcp", b.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		b.t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	out, err := io.ReadAll(c)
	if err != nil {
		b.t.Errorf("%q: %v", text, err)
	}
	return string(out)
}

// A request that proxies and servers may cut differently is no two requests: what is
// smuggled behind it is never carried out.
func TestNothingIsSmuggled(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText)
	const smuggled = "POST /execute/mix-colors HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	for name, text := range map[string]string{
		"two lengths":            "GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n" + smuggled,
		"a length with a sign":   "POST /lint HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n" + smuggled,
		"lengths with a comma":   "POST /lint HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0, 0\r\n\r\n" + smuggled,
		"an encoding like that":  "POST /lint HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"two encodings":          "POST /lint HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled,
		"a space before a colon": "POST /lint HTTP/1.1\r\nHost: localhost\r\nContent-Length : 0\r\n\r\n" + smuggled,
		"a folded header":        "POST /lint HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Content-Length: 0\r\nContent-Length: x\r\n\r\n" + smuggled,
		"a broken chunk":         "POST /lint HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + smuggled,
		"a body of a GET":        fmt.Sprintf("GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", len(smuggled)) + smuggled,
		"two hosts":              "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"no host":                "GET /health HTTP/1.1\r\n\r\n",
		"a line that is none":    "GET /health\r\nHost: localhost\r\n\r\n",
	} {
		out := b.raw(text)
		if !strings.HasPrefix(out, "HTTP/1.1 4") && !strings.HasPrefix(out, "HTTP/1.1 501") || strings.Contains(out, "task_name") {
			t.Errorf("%s: %s", name, out)
		}
	}
	// With both, the encoding counts, as it does for every proxy that keeps to RFC 9112.
	both := b.raw("POST /lint HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled))
	if strings.Count(both, "HTTP/1.1 ") != 1 || strings.Contains(both, "task_name") {
		t.Error(both)
	}
	if list := b.want(200, "GET", "/runs", "")["runs"].([]any); len(list) != 0 {
		t.Errorf("%v", list)
	}
}

// A body that does not come is not waited for, and one that comes after all may be
// followed by a long wait.
func TestSlowBodies(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), askText)
	b.server.within = 50 * time.Millisecond
	c, err := net.Dial("tcp", b.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST /lint HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nname:")
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	out, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 408") || !strings.Contains(string(out), "did not arrive within") {
		t.Errorf("%s %v", out, err)
	}
	// The deadline of the body is over when the answer comes.
	resp, v := b.ask("POST", "/tasks/asks/runs", `{}`, "Prefer", "wait=1")
	if resp.StatusCode != 202 || v["question"] == nil {
		t.Errorf("%d %v", resp.StatusCode, v)
	}
}

// A client that does not read what it asked for is given up. How long it has is not said
// anew for every answer, and who sets a time of their own is not overruled.
func TestSlowReaders(t *testing.T) {
	for name, own := range map[string]time.Time{"a time of ours": {}, "one of their own": time.Unix(1, 0)} {
		here, there := net.Pipe()
		l := newLimited(nil)
		l.within = 50 * time.Millisecond
		if !own.IsZero() {
			l.within = time.Hour
		}
		l.free <- struct{}{}
		c := &counted{Conn: here, limited: l}
		go func() { _, _ = io.CopyN(io.Discard, there, 4) }()
		if _, err := c.Write([]byte("read")); err != nil {
			t.Errorf("%s: what is read: %v", name, err)
		}
		if err := c.SetWriteDeadline(own); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte("not read")); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: what is not read: %v", name, err)
		}
		_, _ = c.Close(), there.Close()
	}
}

// With a certificate the server is known by its names, also when it gets another one.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	if _, err := certs.Make(dir, certs.Order{Names: []string{"bench-3.lab.example", "127.0.0.1"}, For: time.Hour, Now: now}); err != nil {
		t.Fatal(err)
	}
	files, err := certs.Open(filepath.Join(dir, certs.ServerFile), filepath.Join(dir, certs.ServerKeyFile), func(text string, err error) { t.Log(text, err) })
	if err != nil {
		t.Fatal(err)
	}
	b := serveGuarded(t, service.Sim, journalFile(t), folderOf(t, mixText), Options{Certificate: files})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	ctx, cancel := contextOf(t)
	go func() { served <- b.server.Serve(ctx, l) }()
	defer func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	ca, err := os.ReadFile(filepath.Join(dir, certs.AuthorityFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for host, want := range map[string]int{"127.0.0.1": 200, "bench-3.lab.example": 200, "bench-4.lab.example": 421} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+l.Addr().String()+"/health", nil)
		r.Host = host
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want || resp.ProtoMajor != 2 {
			t.Errorf("%s: %d over %s", host, resp.StatusCode, resp.Proto)
		}
	}
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}) //nolint:gosec // that is what is refused
	if err == nil {
		_ = c.Close()
		t.Error("an old version of TLS is taken")
	}
	plain, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	_, _ = io.WriteString(plain, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
	line, _ := bufio.NewReader(plain).ReadString('\n')
	if !strings.Contains(line, "400") {
		t.Errorf("without TLS: %q", line)
	}
}

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// Workflows that are made to cost: each is answered, as a mistake and soon.
func TestHugeWorkflows(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText)
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'j'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 8), c-1)
	}
	for name, text := range map[string]string{
		"aliases of aliases": laughs,
		"deep":               strings.Repeat("- ", 50_000) + "x",
		"deep braces":        strings.Repeat("{a: ", 50_000),
		"many keys":          "ot2flow: 1\n" + strings.Repeat("x", 1000) + ": " + strings.Repeat("y", maxBody/2),
		"many steps":         "ot2flow: 1\nname: x\nsteps:\n" + strings.Repeat("- {comment: x}\n", 15_000),
		"many loops":         "ot2flow: 1\nname: x\nsteps:\n  - repeat: 1000000000\n    do: [{repeat: 1000000000, do: [{comment: x}]}]\n",
		"an alias of itself": "a: &a [*a]\n",
	} {
		resp, v := b.ask("POST", "/lint", text)
		list, _ := v["diagnostics"].([]any)
		if resp.StatusCode != 200 && (resp.StatusCode < 400 || resp.StatusCode > 499) || resp.StatusCode == 200 && len(list) == 0 && name != "many steps" {
			t.Errorf("%s: %d %.300v", name, resp.StatusCode, v)
		}
	}
}
