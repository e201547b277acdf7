package interpreter

import (
	"regexp"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// A workflow holds no secret: what looks like one in a request is reported.

// secretHeaders are the headers whose value lets somebody in.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token", "x-access-token", "private-token"}

func (p *preparer) openSecrets(w *spec.WebRequest) {
	p.openURL(w.URL)
	for _, h := range w.Headers {
		name, value, _ := strings.Cut(h.Text, ":")
		for _, is := range secretHeaders {
			if strings.EqualFold(strings.TrimSpace(name), is) && strings.TrimSpace(value) != "" && !strings.Contains(value, "${") {
				p.openSecret(h, "what this header says lets anybody in who reads the file", strings.TrimSpace(name)+`: ${ secret("TOKEN") }`)
			}
		}
	}
}

// openURL reports an address with a password in it, or with a key among its
// parameters.
func (p *preparer) openURL(t spec.Text) {
	if m := secretInURL().FindString(t.Text); m != "" && !strings.Contains(m, "${") {
		p.openSecret(t, "this address has a password or a key in it, which anybody can use who reads the file", `${ secret("TOKEN") } in its place`)
	}
}

func secretInURL() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z]+://[^/@:]*:[^/@]+@|[?&](?i:api_?key|key|token|access_token|password|secret)=[^&]{6,}`)
}

func (p *preparer) openSecret(t spec.Text, what, write string) {
	p.fail(diag.OpenSecret, t.Whole(), what, "write "+write+", and give its value in the environment as OT2FLOW_SECRET_TOKEN, or in a file TOKEN in the folder that OT2FLOW_SECRETS names")
}
