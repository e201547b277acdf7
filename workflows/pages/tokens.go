package pages

import (
	"net/http"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// tokens lists who may do what.
func (p *Pages) tokens(r *http.Request) (*page, error) { return p.tokensWith(r, "") }

func (p *Pages) tokensWith(r *http.Request, secret string) (*page, error) {
	list, err := p.o.Device.Service.Tokens(r.Context())
	if err != nil {
		return nil, err
	}
	return &page{Name: "tokens", Title: "Tokens", Data: map[string]any{"Tokens": list, "Secret": secret, "Robots": p.o.Device.Robots()}}, nil
}

// newToken makes a token, whose secret is shown once.
func (p *Pages) newToken(r *http.Request) (*page, string, error) {
	name := strings.TrimSpace(r.PostFormValue("name"))
	role, err := service.ReadRole(r.PostFormValue("role"))
	switch {
	case name == "":
		return nil, "", &service.Error{Kind: service.Misuse, Message: "a token has the name of whoever it is for"}
	case err != nil:
		return nil, "", err
	}
	var expires time.Time
	if until := r.PostFormValue("until"); until != "" {
		if expires, err = time.ParseInLocation("2006-01-02", until, time.Local); err != nil {
			return nil, "", &service.Error{Kind: service.Misuse, Message: "the day until which a token is good is written like 2027-12-31"}
		}
		expires = expires.AddDate(0, 0, 1)
	}
	secret, _, err := p.o.Device.Service.NewToken(r.Context(), name, role, r.PostForm["robot"], expires)
	if err != nil {
		return nil, "", err
	}
	one, err := p.tokensWith(r, secret)
	return one, "", err
}

// revoke makes a token worthless.
func (p *Pages) revoke(r *http.Request) (string, error) {
	return Root + "tokens", p.o.Device.Service.Revoke(r.Context(), r.PathValue("id"))
}
