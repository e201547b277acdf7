package server

import (
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ot2flow/ot2flow/workflows/service"
)

var (
	problemType = reflect.TypeFor[problem]()
	viewType    = reflect.TypeFor[service.View]()
	// taskListType is that of GET /tasks.
	taskListType = reflect.TypeFor[taskList]()
)

// docsPage is read when somebody looks at it for the first time.
var docsPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ot2flow: {{.Robot}}</title>
<style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem}details{border:1px solid #8886;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}summary{cursor:pointer}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow-x:auto;background:#8882;padding:.6rem;border-radius:6px}
b.m{display:inline-block;min-width:3.5rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}
</style></head><body>
<h1>ot2flow</h1><p>{{.Description}} The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
{{range .Groups}}<h2>{{.Name}}</h2>{{range .Operations}}<details><summary><b class="m">{{.Method}}</b> <code>{{.Path}}</code> {{.Summary}}</summary>
{{with .Description}}<p>{{.}}</p>{{end}}
{{if .Params}}<table><thead><tr><th>Parameter</th><th>In</th><th></th></tr></thead><tbody>{{range .Params}}<tr><td><code>{{.Name}}</code>{{if .Required}} (needed){{end}}</td><td>{{.In}}</td><td>{{.Text}}</td></tr>{{end}}</tbody></table>{{end}}
<pre>{{.Example}}</pre></details>{{end}}{{end}}</body></html>
`))
})

type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	Method, Path, Summary, Description, Example string
	Params                                      []docsParam
}

type docsParam struct {
	Name, In, Text string
	Required       bool
}

// docs is a page about every operation, which needs nothing from elsewhere.
func (s *Server) docs(w http.ResponseWriter, _ *http.Request) {
	doc := s.now.Load().described().doc
	groups := []docsGroup{{Name: "tasks"}, {Name: "runs"}, {Name: "lab"}, {Name: "server"}}
	paths := make([]string, 0, len(doc.Paths))
	for path := range doc.Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		for _, o := range []*huma.Operation{doc.Paths[path].Get, doc.Paths[path].Post, doc.Paths[path].Delete} {
			if o == nil {
				continue
			}
			for i := range groups {
				if slices.Contains(o.Tags, groups[i].Name) {
					groups[i].Operations = append(groups[i].Operations, docsOf(o))
				}
			}
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	_ = docsPage().Execute(w, map[string]any{"Robot": s.robotName(), "Description": doc.Info.Description, "Groups": groups}) // whoever looked may be gone
}

func docsOf(o *huma.Operation) docsOperation {
	out := docsOperation{Method: o.Method, Path: o.Path, Summary: o.Summary, Description: o.Description}
	out.Example = "curl http://localhost:8000" + o.Path
	if o.Method != http.MethodGet {
		out.Example = "curl -X " + o.Method + " http://localhost:8000" + o.Path
	}
	for _, p := range o.Parameters {
		out.Params = append(out.Params, docsParam{p.Name, p.In, p.Description, p.Required})
	}
	if o.RequestBody == nil || o.RequestBody.Content["application/json"] == nil {
		return out
	}
	schema := o.RequestBody.Content["application/json"].Schema
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out.Params = append(out.Params, docsParam{name, "body", schema.Properties[name].Description, slices.Contains(schema.Required, name)})
	}
	out.Example += " -H 'Content-Type: application/json' -d '{}'"
	return out
}
