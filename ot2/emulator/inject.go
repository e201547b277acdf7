package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path"
	"strconv"
	"sync"

	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// mischief returns what is to be done to a request, and counts it.
func (e *Emulator) mischief(r *http.Request) (mishap.Answer, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cut > 0 {
		e.cut--
		return mishap.Answer{Do: mishap.CutBefore}, true
	}
	return e.replies.To(r.Method, r.URL.Path, sync.OnceValue(func() string { return actionOf(r) }))
}

// actionOf reads the action a request asks for and leaves its body as it was.
func actionOf(r *http.Request) string {
	if r.Method != http.MethodPost || path.Base(r.URL.Path) != "actions" {
		return ""
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return ""
	}
	var ask struct{ Data struct{ ActionType string } }
	if json.Unmarshal(body, &ask) != nil {
		return ""
	}
	return ask.Data.ActionType
}

// misbehave answers a request badly.
func (e *Emulator) misbehave(w http.ResponseWriter, r *http.Request, a mishap.Answer, robot http.Handler) {
	switch a.Do {
	case mishap.Conflict:
		e.respond(w, fault(409, "RunActionNotAllowed", "Run Action Not Allowed", "the fault injected here", "3000"))
	case mishap.Error500:
		e.respond(w, fault(500, "UnexpectedError", "Unexpected Internal Error", "the fault injected here", "4000"))
	case mishap.Unready:
		e.respond(w, notUp())
	case mishap.HTML:
		page(w, http.StatusBadGateway)
	case mishap.HTMLOK:
		page(w, http.StatusOK)
	case mishap.CutBefore:
		panic(http.ErrAbortHandler)
	case mishap.CutAfter:
		record(robot, r)
		panic(http.ErrAbortHandler)
	case mishap.Half:
		kept := record(robot, r)
		kept.pass(w)
		send(w, kept.body.Bytes()[:kept.body.Len()/2])
		_ = http.NewResponseController(w).Flush() // the half is to arrive
		panic(http.ErrAbortHandler)
	case mishap.Garbage:
		kept := record(robot, r)
		kept.header.Del("Content-Length")
		kept.pass(w)
		send(w, append([]byte("{]"), kept.body.Bytes()...))
	case mishap.Version:
		kept := record(robot, r)
		kept.header.Set(versionHeader, "2")
		kept.header.Set(minVersionHeader, "1")
		kept.pass(w)
		send(w, kept.body.Bytes())
	case mishap.Late:
		kept := record(robot, r)
		if wait(e.ctx, a.Delay) != nil || r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		kept.pass(w)
		send(w, kept.body.Bytes())
	}
}

// detached is a request whose client may go away without its being noticed: a
// robot that took a request carries it out.
func detached(r *http.Request) *http.Request {
	return r.WithContext(context.WithoutCancel(r.Context()))
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header returns the header to be.
func (k *recorder) Header() http.Header { return k.header }

// WriteHeader keeps the status.
func (k *recorder) WriteHeader(code int) { k.code = code }

// Write keeps the body.
func (k *recorder) Write(b []byte) (int, error) { return k.body.Write(b) }

func record(robot http.Handler, r *http.Request) *recorder {
	kept := &recorder{header: http.Header{}, code: http.StatusOK}
	robot.ServeHTTP(kept, detached(r))
	return kept
}

// pass sends the kept header and status.
func (k *recorder) pass(w http.ResponseWriter) {
	maps.Copy(w.Header(), k.header)
	w.WriteHeader(k.code)
}

func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	send(w, []byte("<html><head><title>"+strconv.Itoa(status)+"</title></head><body><center><h1>the fault injected here</h1></center></body></html>\n"))
}

// send writes the end of an answer. Who has gone cannot be told.
func send(w http.ResponseWriter, body []byte) { _, _ = w.Write(body) }
