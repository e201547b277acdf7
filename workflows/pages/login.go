package pages

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Cookie is the name of the cookie that has the token of a browser.
const Cookie = "ot2flow_token"

// login asks for a token.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) {
	p.write(w, r, &page{Name: "login", Title: "Log in", Data: map[string]string{"To": within(r.URL.Query().Get("to"))}})
}

// enter takes a token, which the browser keeps until it is closed.
func (p *Pages) enter(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.write(w, r, wrong(&service.Error{Kind: service.Misuse, Message: "the form could not be read"}))
		return
	}
	secret, to := strings.TrimSpace(r.PostFormValue("token")), within(r.PostFormValue("to"))
	if _, err := p.o.Keyring.Find(r.Context(), secret); err != nil {
		p.write(w, r, &page{Name: "login", Title: "Log in", Data: map[string]string{"To": to}, Status: http.StatusUnprocessableEntity, Wrong: err.Error()})
		return
	}
	http.SetCookie(w, &http.Cookie{Name: Cookie, Value: secret, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// leave has the browser forget the token.
func leave(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: Cookie, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	http.Redirect(w, r, Root+"login", http.StatusSeeOther)
}

// within is an address of a page, or that of the first one.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, Root) || strings.Contains(to, `\`) {
		return Root
	}
	return to
}
