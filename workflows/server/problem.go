package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// problem is an error as clients get it: problem details (RFC 9457), with our
// findings and with the run it is about.
type problem struct {
	huma.ErrorModel
	Diagnostics json.RawMessage `json:"diagnostics,omitempty" doc:"Findings, as ot2flow lint --format json gives them."`
	Run         *service.View   `json:"run,omitempty" doc:"The run that it is about."`
}

func problemf(status int, format string, args ...any) *problem {
	return &problem{ErrorModel: huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: fmt.Sprintf(format, args...)}}
}

func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // whoever asked is gone if that fails
}

// answered is an error of the service as clients get it.
func answered(err error) error {
	var found *service.Findings
	var e *service.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &found):
		return ofFindings(found)
	case !errors.As(err, &e):
		return problemf(http.StatusInternalServerError, "%v", err)
	}
	status := http.StatusServiceUnavailable
	switch e.Kind {
	case service.Misuse:
		status = http.StatusUnprocessableEntity
	case service.Missing:
		status = http.StatusNotFound
	case service.Undecided, service.Unable:
		status = http.StatusConflict
	}
	return problemf(status, "%s", e.Message)
}

// ofFindings names the parameters that are wrong, and keeps the findings as they are.
func ofFindings(found *service.Findings) *problem {
	p := problemf(http.StatusUnprocessableEntity, "%v", found)
	for i := range found.List {
		d := &found.List[i]
		if d.Severity != diag.Error {
			continue
		}
		detail := &huma.ErrorDetail{Message: d.Message, Location: "body"}
		if found.Param != nil {
			if name := found.Param(d); name != "" {
				detail.Location += "." + name
			}
		}
		p.Errors = append(p.Errors, detail)
	}
	p.Diagnostics = listJSON(found.List)
	return p
}

// listJSON is a list of findings as lint gives it.
func listJSON(list diag.List) json.RawMessage {
	var b bytes.Buffer
	var whole struct {
		Diagnostics json.RawMessage `json:"diagnostics"`
	}
	if diag.JSON(&b, list) != nil || json.Unmarshal(b.Bytes(), &whole) != nil {
		return nil
	}
	return whole.Diagnostics
}
