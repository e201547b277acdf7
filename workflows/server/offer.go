package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/workflows"
)

type snapshot = workflows.Snapshot[*workflows.Task]

// offer is what is said of the tasks of a moment, each when somebody asks for it for
// the first time.
type offer struct {
	tasks     func() listed
	described func() described
}

// listed is the answer to GET /tasks.
type listed struct {
	data      []byte
	etag, len []string
}

// described is the description of all operations.
type described struct {
	doc  *huma.OpenAPI
	text []byte
}

func (s *Server) offer(now *snapshot) *offer {
	return &offer{
		tasks: sync.OnceValue(func() listed {
			data, _ := json.Marshal(tasksOf(now)) // texts alone
			data = append(data, '\n')
			sum := sha256.Sum256(data)
			return listed{data, []string{`"` + hex.EncodeToString(sum[:12]) + `"`}, []string{strconv.Itoa(len(data))}}
		}),
		described: sync.OnceValue(func() described {
			doc := s.blank()
			s.typed(doc, now, s.operations(s.gate(), doc))
			ownProblems(doc)
			text, _ := json.Marshal(doc) // which huma made
			return described{doc, text}
		}),
	}
}

// ownProblems describes errors as they are: huma knows only those that it makes itself.
// A run that is submitted may be over already.
func ownProblems(doc *huma.OpenAPI) {
	errors := doc.Components.Schemas.Schema(problemType, true, "Problem")
	for _, path := range doc.Paths {
		for _, o := range []*huma.Operation{path.Get, path.Post, path.Delete} {
			if o == nil {
				continue
			}
			for _, r := range o.Responses {
				if m := r.Content["application/problem+json"]; m != nil {
					m.Schema = errors
				}
			}
			if o.OperationID == "submit-run" {
				o.Responses["200"] = o.Responses["202"]
			}
		}
	}
}

// blank is a description without operations.
func (s *Server) blank() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "ot2flow", Version: s.version,
			Description: "Workflows for the Opentrons OT-2, as tasks of " + s.robotName() + ". Errors are problem details (RFC 9457).",
		},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{tokenScheme: {
				Type: "http", Scheme: "bearer", Description: "Made where the server runs: ot2flow tokens add NAME --role viewer|operator|admin. x-role is the role that an operation needs.",
			}},
		},
	}
}

func newAPI(g *gate, doc *huma.OpenAPI) huma.API {
	jsonOnly := map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	return huma.NewAPI(huma.Config{OpenAPI: doc, Formats: jsonOnly, DefaultFormat: "application/json"}, g)
}

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(s.now.Load().described().text) // whoever asked may be gone
}

// listed answers GET /tasks. Who has the same list already is told so.
func (s *Server) listed(w http.ResponseWriter, r *http.Request) {
	l := s.now.Load().tasks()
	h := w.Header()
	h["Etag"], h["Cache-Control"] = l.etag, noCache
	if was := r.Header.Get("If-None-Match"); was != "" && strings.Contains(was, l.etag[0]) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"], h["Content-Length"] = jsonType, l.len
	_, _ = w.Write(l.data) // as above
}

var noCache = []string{"no-cache"}
