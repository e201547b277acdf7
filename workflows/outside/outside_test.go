package outside_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

func step(kind program.Kind, l program.Live) *program.Step {
	return &program.Step{N: 1, Op: program.Op{Kind: kind}, Live: &l}
}

// What an instrument answers becomes values as people write them.
func TestAnswersAreRead(t *testing.T) {
	fields := []program.LiveField{
		{Name: "f1", Type: "integer", Path: "data.channels.1"},
		{Name: "level", Type: "volume", Unit: "mL"},
		{Name: "ready", Type: "boolean"},
		{Name: "state", Type: "choice"},
		{Name: "gone", Type: "number"},
	}
	full := map[string]string{"f1": "1234567890123", "level": "1.50 mL", "ready": "true", "state": "charging"}
	for _, c := range []struct {
		status int
		body   string
		want   map[string]string
		kind   run.Kind
		says   string
	}{
		{200, `{"data": {"channels": [1, 1234567890123]}, "level": 1.50, "ready": true, "state": "charging", "gone": null}`, full, 0, ""},
		{201, `{"data": {"channels": [1]}, "level": "2 uL"}`, map[string]string{"level": "2 uL"}, 0, ""},
		{200, `{"f1": 5}`, map[string]string{}, 0, ""},
		{200, `{"level": [1]}`, nil, run.Rejected, "level: a single value is wanted"},
		{200, `<html>`, nil, run.Rejected, "no JSON: <html>"},
		{200, strings.Repeat(" ", 1<<20+1), nil, run.Rejected, "more than a megabyte"},
		{404, "no such\nthing", nil, run.Rejected, "404 Not Found: no such thing"},
		{302, "", nil, run.Rejected, "302"},
		{429, "", nil, run.Busy, "busy"},
		{503, "", nil, run.Busy, "busy"},
		{500, "", nil, run.InDoubt, "500"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		got, err := new(outside.Outside).Perform(t.Context(), step(program.Measure, program.Live{URL: server.URL, Fields: fields}))
		server.Close()
		if (err == nil) != (c.says == "") || err != nil && (run.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%d %.40s: %v, want %s %q", c.status, c.body, err, c.kind, c.says)
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%d %.40s: %v, want %v", c.status, c.body, got, c.want)
		}
	}
}

// What is sent is sent once, with everything that belongs to it.
func TestRequestsAreSentOnce(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %q %q", r.Method, r.URL.Path, body, r.Header.Get("X-Lab"), r.Header.Get("Idempotency-Key")))
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	o := new(outside.Outside)
	for _, l := range []program.Live{
		{URL: server.URL + "/a", Body: `{"n": 1}`, Headers: []string{"X-Lab: north: 2"}, Key: "A1-1"},
		{URL: server.URL + "/b"},
		{URL: server.URL + "/c", Method: "PUT", Body: `{}`},
	} {
		if _, err := o.Perform(t.Context(), step(program.Request, l)); run.KindOf(err) != run.InDoubt {
			t.Errorf("%s: %v", l.URL, err)
		}
	}
	want := []string{`POST /a {"n": 1} "north: 2" "A1-1"`, `GET /b  "" ""`, `PUT /c {} "" ""`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("sent:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What is known after a request without an answer decides what may be done
// about it.
func TestNoAnswer(t *testing.T) {
	hold := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer slow.Close()
	defer close(hold)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = conn.Close()
		}
	}))
	defer cut.Close()
	nobody := httptest.NewServer(nil)
	nobody.Close()
	for _, c := range []struct {
		url  string
		kind run.Kind
	}{{slow.URL, run.Timeout}, {cut.URL, run.InDoubt}, {nobody.URL, run.Unreachable}, {"sensor.local", run.Rejected}, {"ftp://sensor.local", run.Rejected}} {
		_, err := new(outside.Outside).Perform(t.Context(), step(program.Request, program.Live{URL: c.url, TimeoutMS: 50}))
		if err == nil || run.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %s", c.url, err, c.kind)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := new(outside.Outside).Perform(ctx, step(program.Request, program.Live{URL: slow.URL})); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// A mail arrives with its sender, its subject and its text.
func TestMail(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	got := make(chan string, 1)
	go func() { got <- serveMail(listener) }()
	m, err := outside.ParseMail("smtp://" + listener.Addr().String() + "?from=robot@example.org")
	if err != nil {
		t.Fatal(err)
	}
	o := &outside.Outside{Mail: m}
	if _, err := o.Perform(t.Context(), step(program.Notify, program.Live{To: "mailto:lab@example.org", Message: "the plate of Jürgen is ready\nall 96 wells", TimeoutMS: 5000})); err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-got:
		for _, want := range []string{"MAIL FROM:<robot@example.org>", "RCPT TO:<lab@example.org>", "Subject: =?utf-8?q?the_plate_of_J=C3=BCrgen_is_ready?=", "all 96 wells"} {
			if !strings.Contains(text, want) {
				t.Errorf("the mail lacks %q:\n%s", want, text)
			}
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no mail came")
	}
	if _, err := new(outside.Outside).Perform(t.Context(), step(program.Notify, program.Live{To: "mailto:lab@example.org", Message: "x"})); run.KindOf(err) != run.Rejected || !strings.Contains(err.Error(), "OT2FLOW_MAIL") {
		t.Errorf("without a server: %v", err)
	}
}

// serveMail plays a mail server for one mail and returns what it was told.
func serveMail(l net.Listener) string {
	conn, err := l.Accept()
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	var told strings.Builder
	in := bufio.NewScanner(conn)
	fmt.Fprint(conn, "220 here\r\n")
	for inside := false; in.Scan(); {
		line := in.Text()
		told.WriteString(line + "\n")
		switch {
		case inside && line == ".":
			inside = false
			fmt.Fprint(conn, "250 taken\r\n")
		case inside:
		case line == "DATA":
			inside = true
			fmt.Fprint(conn, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return told.String()
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
	return told.String()
}

func TestParseMail(t *testing.T) {
	for _, c := range []struct {
		in   string
		want outside.Mail
		bad  bool
	}{
		{"", outside.Mail{}, false},
		{"smtp://u%40x:p%2Fw@mail.example.org:587", outside.Mail{Server: "mail.example.org:587", From: "u@x", User: "u@x", Password: "p/w"}, false},
		{"smtp://mail.example.org", outside.Mail{Server: "mail.example.org:25", From: "ot2flow@mail.example.org"}, false},
		{"mail.example.org:25", outside.Mail{}, true},
		{"https://mail.example.org", outside.Mail{}, true},
	} {
		got, err := outside.ParseMail(c.in)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s: %+v %v", c.in, got, err)
		}
	}
}

// A secret is in the request and nowhere else: not in what is reported of a
// refusal that says it back, nor in an answer that does.
func TestSecrets(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.URL.RawQuery)
		if r.URL.Path == "/refuse" {
			http.Error(w, "the token "+r.Header.Get("Authorization")+" is not known", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, `{"echo": %q}`, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	o := &outside.Outside{Secret: func(name string) (string, error) {
		if name != "TOKEN" {
			return "", errors.New("no " + name)
		}
		return "s3cr3t", nil
	}}
	live := program.Live{
		URL: server.URL + "/read?t=" + program.SecretMark("TOKEN"), Headers: []string{"Authorization: Bearer " + program.SecretMark("TOKEN")},
		Secrets: []string{"TOKEN"}, Fields: []program.LiveField{{Name: "echo", Type: "string"}},
	}
	values, err := o.Perform(context.Background(), step(program.Request, live))
	if err != nil || values["echo"] != "Bearer ‹secret TOKEN›" || len(got) != 1 || got[0] != "Bearer s3cr3t t=s3cr3t" {
		t.Errorf("the server got %q, the answer is %v, %v", got, values, err)
	}
	refused := live
	refused.URL = server.URL + "/refuse"
	if _, err := o.Perform(context.Background(), step(program.Request, refused)); err == nil || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "‹secret TOKEN›") {
		t.Errorf("a refusal says %v", err)
	}
	gone := live
	gone.URL = "http://127.0.0.1:1/?t=" + program.SecretMark("TOKEN")
	if _, err := o.Perform(context.Background(), step(program.Request, gone)); err == nil || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("a robot that is not there: %v", err)
	}
	unknown := live
	unknown.Secrets = []string{"OTHER"}
	if _, err := o.Perform(context.Background(), step(program.Request, unknown)); err == nil || len(got) != 2 {
		t.Errorf("without its secret it is sent: %q, %v", got, err)
	}
}

// A secret comes from the environment under a name that is meant for it, or
// from a file.
func TestSecretIsRead(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "KEY"), []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OT2FLOW_SECRETS", folder)
	t.Setenv("OT2FLOW_SECRET_TOKEN", "from outside")
	t.Setenv("PLAIN", "not meant for it")
	for name, want := range map[string]string{"KEY": "from a file", "TOKEN": "from outside", "PLAIN": "", "../KEY": "from a file"} {
		if got, err := outside.Secret(name); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
}
