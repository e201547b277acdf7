package outside_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

func reach(t *testing.T, places ...string) *outside.Reach {
	t.Helper()
	r, err := outside.NewReach(places)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What can be told of an address before anything is sent.
func TestReachChecks(t *testing.T) {
	r := reach(t, "reader.lab.example", "*.west.example:8080", "192.168.1.30", "[2001:db8::1]:443")
	for address, may := range map[string]bool{
		"http://reader.lab.example/x":      true,
		"https://Reader.Lab.example./x":    true, // names of networks may lead there, which is seen when they are looked up
		"http://192.168.1.30:99/":          true,
		"http://192.168.1.31/":             false,
		"http://169.254.169.254/latest":    false,
		"http://[::ffff:192.168.1.30]/":    true,
		"https://[2001:db8::1]/":           true,
		"http://[2001:db8::1]/":            false,
		"http://127.0.0.1:8000/runs":       false,
		"http://0x7f.1/":                   true, // as above
		"mailto:a@lab.example":             true, // the mail server is the one that was set up
		"ftp://reader.lab.example/":        true, // which is no request, and fails as one
		"http://${ secret('where') }/path": true, // known when it is sent
	} {
		err := r.Check(step(program.Request, program.Live{URL: address}))
		if (err == nil) != may {
			t.Errorf("%s: %v", address, err)
		}
	}
	named := reach(t, "reader.lab.example", "*.west.example:8080")
	for address, may := range map[string]bool{
		"http://reader.lab.example:81/":       true,
		"http://a.b.west.example:8080/":       true,
		"http://a.west.example/":              false,
		"http://west.example:8080/":           false,
		"http://reader.lab.example.evil.com/": false,
		"http://evilreader.lab.example/":      false,
		"http://localhost/":                   false,
		"http://0x7f.1/":                      false,
	} {
		err := named.Check(step(program.Notify, program.Live{To: address}))
		if (err == nil) != may || err != nil && !strings.Contains(err.Error(), "--allow ") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := (*outside.Reach)(nil).Check(step(program.Request, program.Live{URL: "http://169.254.169.254/"})); err != nil {
		t.Error(err)
	}
}

// What a name stands for is looked at where the connection is made: one that is
// allowed does not lead to this computer unless its address is, too.
func TestReachConnects(t *testing.T) {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		if r.URL.Path == "/away" {
			u, _ := url.Parse("http://" + r.Host)
			http.Redirect(w, r, "http://localhost:"+u.Port()+"/", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, `{"n": 1}`)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, c := range []struct {
		places []string
		url    string
		says   string
		sent   int
	}{
		{nil, "http://127.0.0.1:" + port, "it takes --allow 127.0.0.1", 0},
		{[]string{"127.0.0.1"}, "http://127.0.0.1:" + port, "", 1},
		{[]string{"127.0.0.1:1"}, "http://127.0.0.1:" + port, "--allow", 0},
		{[]string{"127.0.0.0/8"}, "http://127.0.0.1:" + port, "", 1},
		{[]string{"localhost"}, "http://localhost:" + port, "stands for", 0},
		{[]string{"localhost", "127.0.0.1", "::1"}, "http://localhost:" + port, "", 1},
		{[]string{"127.0.0.1", "::1"}, "http://localhost:" + port, "", 1},
		{[]string{"10.0.0.0/8"}, "http://localhost:" + port, "--allow localhost", 0},
		{[]string{"127.0.0.1"}, "http://127.0.0.1:" + port + "/away", "307", 1}, // another host is not followed
	} {
		n = 0
		o := &outside.Outside{Reach: reach(t, c.places...)}
		_, err := o.Perform(t.Context(), step(program.Request, program.Live{URL: c.url}))
		if (err == nil) != (c.says == "") || err != nil && (!strings.Contains(err.Error(), c.says) || run.KindOf(err) != run.Rejected) {
			t.Errorf("%v %s: %v, want %q", c.places, c.url, err, c.says)
		}
		if n != c.sent {
			t.Errorf("%v %s: %d requests", c.places, c.url, n)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, text := range []string{"", "http://a", "a/b", "*", "*.", "a:b:c", "user@a", "10.0.0.0/99", "a b", "*.*.a"} {
		if _, err := outside.NewReach([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
