package lab

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/outside"
)

func (r *reader) access(f *spec.LabAccess) Access {
	return Access{
		Certificate: r.path(&f.Certificate), Key: r.path(&f.Key), Tokens: f.Tokens.On, Insecure: f.Insecure.On, Rate: r.rate(&f.Rate),
		Hosts: texts(f.Hosts), Origins: r.checked(f.Origins, "origin", CheckOrigin), Allow: r.checked(f.Allow, "place that requests could go to", outside.CheckPlace),
	}
}

func (r *reader) rate(g *spec.Given) float64 {
	if !g.Set {
		return -1
	}
	n, err := strconv.ParseFloat(g.Text, 64)
	if err != nil || n < 0 || n > 1e9 {
		r.add(diag.LabValue, whole(g), g.Text+" is no number of requests a second", "write such as 20, or 0 for any number")
	}
	return n
}

// checked are texts of which each has to be right.
func (r *reader) checked(list []spec.Given, what string, check func(string) error) []string {
	for i := range list {
		if err := check(list[i].Text); err != nil {
			r.add(diag.LabValue, whole(&list[i]), list[i].Text+" is no "+what, err.Error())
		}
	}
	return texts(list)
}

func texts(list []spec.Given) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].Text)
	}
	return out
}

// CheckOrigin refuses what is not the origin of pages.
func CheckOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("an origin is like https://lims.example.org, without anything behind it")
	}
	return nil
}
