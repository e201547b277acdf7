package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// With tokens, nobody sees anything before they have logged in, and everybody is offered
// what they may do, and no more.
func TestRoles(t *testing.T) {
	s := open(t, server.Options{Tokens: true}, nil, mixText)
	secrets := map[string]string{}
	for name, role := range map[string]service.Role{"vera": service.Viewer, "otto": service.Operator, "ada": service.Admin} {
		secret, _, err := s.service.NewToken(t.Context(), name, role, nil, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		secrets[name] = secret
	}
	run := s.submit(t, "mix-colors", "", "{}")
	s.wait(t, run, service.StateOK)
	b := browse(t, s)
	b.visit("/lab/workflows/mix-colors")
	b.says("h1", "Log in")
	b.look("50-login")
	b.do(chromedp.SetValue("#token", "ot2flow_nobody"))
	b.press("Log in")
	b.says(".banner.bad", "not known")
	b.do(chromedp.SetValue("#token", secrets["vera"]))
	b.press("Log in")
	b.says("h1", "mix-colors") // where she had meant to go
	b.says(".who", "vera, viewer")
	b.look("51-viewer")
	offered := func(path string) string {
		b.visit(path)
		return value[string](b, `[...document.querySelectorAll("main button, main a.button, nav a")].map((e) => e.textContent.trim()).join("|")`)
	}
	for _, c := range []struct {
		who   string
		path  string
		has   string // some of what is offered, between |
		lacks string
	}{
		{"vera", "/lab/workflows", "", "Write a new one|Tokens"},
		{"vera", "/lab/workflows/mix-colors", "See its text", "Show what it will do|Change it"},
		{"vera", "/lab/editor?task=mix-colors", "Check", "Save"},
		{"vera", "/lab/runs/" + run, "", "Run it again|Go on"},
		{"vera", "/lab/robots/left-bench", "", "Begin nothing more"},
		{"otto", "/lab/workflows", "Write a new one", "Tokens"},
		{"otto", "/lab/workflows/mix-colors", "Show what it will do|Change it", ""},
		{"otto", "/lab/editor?task=mix-colors", "Save|Check", ""},
		{"otto", "/lab/runs/" + run, "Run it again", ""},
		{"otto", "/lab/robots/left-bench", "Begin nothing more", "Tokens"},
		{"ada", "/lab/robots/left-bench", "Begin nothing more|Tokens", ""},
	} {
		if is := value[string](b, `document.querySelector(".who").textContent`); !strings.Contains(is, c.who) {
			b.press("Log out")
			b.says("h1", "Log in")
			b.do(chromedp.SetValue("#token", secrets[c.who]))
			b.press("Log in")
			b.says(".who", c.who)
		}
		got := "|" + offered(c.path) + "|"
		for want := range strings.SplitSeq(c.has, "|") {
			if want != "" && !strings.Contains(got, want) {
				t.Errorf("%s is not offered %q at %s, but %s", c.who, want, c.path, got)
			}
		}
		for bad := range strings.SplitSeq(c.lacks, "|") {
			if bad != "" && strings.Contains(got, bad) {
				t.Errorf("%s is offered %q at %s", c.who, bad, c.path)
			}
		}
		if c.who == "vera" && c.path == "/lab/robots/left-bench" {
			b.visit("/lab/tokens")
			b.says("h1", "Not for you")
			b.says(".banner", "vera is a viewer")
			b.look("52-not-for-you")
		}
	}
	b.visit("/lab/tokens")
	b.do(chromedp.SetValue("#name", "olga"))
	b.press("Make it")
	b.says("#secret", "ot2flow_")
	b.look("53-tokens")
	made := value[string](b, `document.getElementById("secret").textContent`)
	if _, err := service.NewKeyring(s.service).Find(t.Context(), made); err != nil {
		t.Error(err)
	}
	b.visit("/lab/tokens")
	b.press("Revoke the token of olga")
	b.says("table", "revoked")
	if _, err := service.NewKeyring(s.service).Find(t.Context(), made); err == nil {
		t.Error("a token that was revoked is good")
	}
	b.press("Log out")
	b.visit("/lab/history")
	b.says("h1", "Log in")
}
