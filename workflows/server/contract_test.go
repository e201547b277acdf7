package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// Whatever is asked for, by the description or against it, is answered with a status
// that the description has, and never with an error of the server's own. The long form
// of this is make contract, with a tool that was not written by us.
func TestContract(t *testing.T) {
	b := serve(t, service.Sim, journalFile(t), mixText, "ot2flow: 1\nname: count\nparams: {n: {type: integer, default: 1}, l: {type: list, of: volume, default: [1 uL]}, s: {type: string, default: x}}\noutputs: {n: n}\nsteps: [{comment: x}]\n")
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Responses  map[string]struct{ Content map[string]any }
		}
	}
	data, _ := json.Marshal(b.want(200, "GET", "/openapi.json", ""))
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	type operation struct{ method, path string }
	var all []operation
	for path, methods := range doc.Paths {
		for method := range methods {
			if !strings.HasSuffix(path, "/events") {
				all = append(all, operation{strings.ToUpper(method), path})
			}
		}
	}
	_, asked := b.ask("POST", "/tasks/mix_colors/runs", `{}`) // it may be over at once
	run := asked["id"].(string)
	texts := []string{"", "x", "0", "-1", "1e999", "true", "null", "é\u200f", strings.Repeat("a", 300), "../x", "%00", run, "mix-colors", "count", "sim", "2026-11-23T10:00:00Z", `"`, "{}", "[]"}
	values := []string{`{}`, `null`, `0`, `-1`, `1e999`, `""`, `"x"`, `true`, `[]`, `[1]`, `{"a":{}}`, `"50 uL"`, `50`, `"A1"`, `"2027-01-01T00:00:00Z"`, `"\u0000"`, `["1 uL", 2]`}
	bodies := []string{"", "{", "R: 60", "\f", "nul", `[]`, `0`, `{"task": "count"}`, `{"task": "count", "parameters": {"n": 2}}`, `{"to": "2027-01-01T00:00:00Z"}`, strings.Repeat("[", 2000), `{"R": 60, "R": 61}`}
	keys := []string{"R", "Y", "mix_well", "n", "l", "s", "task", "parameters", "to", "from", "robot", "why", "value", "values", "answer", "by", "zzz"}
	client := &http.Client{Timeout: 30 * time.Second}
	rapid.Check(t, func(rt *rapid.T) {
		o := rapid.SampledFrom(all).Draw(rt, "operation")
		described := doc.Paths[o.path][strings.ToLower(o.method)]
		path, query := o.path, url.Values{}
		header := http.Header{}
		for _, p := range described.Parameters {
			value := rapid.SampledFrom(texts).Draw(rt, p.Name)
			switch {
			case p.In == "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
			case rapid.Bool().Draw(rt, "left out"):
			case p.In == "query":
				query.Set(p.Name, value)
			case p.Name == "Prefer":
				header.Set(p.Name, rapid.SampledFrom([]string{"wait=0", "wait=x", "wait=-1", ";;,"}).Draw(rt, "wait"))
			case p.In == "header" && !strings.ContainsAny(value, "\u200fé"):
				header.Set(p.Name, value)
			}
		}
		body := ""
		if o.method == http.MethodPost {
			if body = rapid.SampledFrom(bodies).Draw(rt, "body"); rapid.Bool().Draw(rt, "an object") {
				var parts []string
				for range rapid.IntRange(0, 3).Draw(rt, "keys") {
					parts = append(parts, fmt.Sprintf("%q: %s", rapid.SampledFrom(keys).Draw(rt, "key"), rapid.SampledFrom(values).Draw(rt, "value")))
				}
				body = "{" + strings.Join(parts, ", ") + "}"
			}
		}
		if strings.HasPrefix(path, "/execute/mix") {
			query.Set("robot", "nobody") // so that it is not waited for
		}
		r, err := http.NewRequestWithContext(t.Context(), o.method, b.URL+path+"?"+query.Encode(), strings.NewReader(body))
		if err != nil {
			rt.Skip(err)
		}
		r.Header = header
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(r)
		if err != nil {
			rt.Fatalf("%s %s %s: %v", o.method, path, body, err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			rt.Fatal(err)
		}
		is, there := described.Responses[fmt.Sprint(resp.StatusCode)]
		if !there {
			is, there = described.Responses["default"]
		}
		if !there || resp.StatusCode >= 500 && resp.StatusCode != 503 { // which is that of a queue that was paused
			rt.Fatalf("%s %s?%s %v %s: %d, which is not described: %s", o.method, path, query.Encode(), header, body, resp.StatusCode, answer)
		}
		media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		if _, ok := is.Content[media]; len(answer) > 0 && !ok {
			rt.Fatalf("%s %s: %d is %q, and %v is described", o.method, path, resp.StatusCode, media, is.Content)
		}
		var problem struct {
			Status        int
			Title, Detail string
		}
		if resp.StatusCode >= 400 && (json.Unmarshal(answer, &problem) != nil || problem.Status != resp.StatusCode || problem.Detail == "") {
			rt.Fatalf("%s %s: %d: %s", o.method, path, resp.StatusCode, answer)
		}
	})
	resp, _ := b.ask("GET", "/execute/mix_colors", "")
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		t.Errorf("%d, and Allow is %q", resp.StatusCode, resp.Header.Get("Allow"))
	}
}
