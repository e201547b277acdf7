package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// assistant is a program that uses the tools, with a person in front of it.
type assistant struct {
	t       *testing.T
	session *mcp.ClientSession
	asked   []string // what the person was asked
}

// assistantAt connects; a person who says nothing cannot be asked.
func assistantAt(t *testing.T, transport mcp.Transport, says string, o mcp.ClientOptions) *assistant {
	t.Helper()
	a := &assistant{t: t}
	if says != "" {
		o.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			a.asked = append(a.asked, r.Params.Message)
			return &mcp.ElicitResult{Action: says, Content: map[string]any{confirmKey: says == "accept"}}, nil
		}
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &o).Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	a.session = session
	t.Cleanup(func() { _ = session.Close() })
	return a
}

// call calls a tool, and returns what it said.
func (a *assistant) call(fails bool, tool string, args map[string]any) (string, map[string]any) {
	a.t.Helper()
	r, err := a.session.CallTool(a.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		a.t.Fatalf("%s: %v", tool, err)
	}
	var text []string
	for _, c := range r.Content {
		text = append(text, c.(*mcp.TextContent).Text)
	}
	all := strings.Join(text, "\n")
	if r.IsError != fails {
		a.t.Errorf("%s %v: failed is %v: %s", tool, args, r.IsError, all)
	}
	doc, _ := r.StructuredContent.(map[string]any)
	return all, doc
}

func mcpFolder(t *testing.T) (folder, state string) {
	t.Helper()
	dir := t.TempDir()
	folder = filepath.Join(dir, "workflows")
	if err := os.CopyFS(folder, os.DirFS("../../examples/01-mix-colors")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret.csv"), []byte("a,b\nhush,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "secret.csv"), filepath.Join(folder, "link.csv")); err != nil {
		t.Skip(err) // Windows, without the right to
	}
	return folder, filepath.Join(dir, "journal.db")
}

// TestMCP has an assistant start ot2flow, mend a workflow, plan it and simulate it.
func TestMCP(t *testing.T) {
	folder, state := mcpFolder(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "mcp", folder)
	cmd.Env = append(os.Environ(), chaosChild+"=never", "XDG_STATE_HOME="+filepath.Dir(state))
	cmd.Stderr = os.Stderr
	a := assistantAt(t, &mcp.CommandTransport{Command: cmd}, "accept", mcp.ClientOptions{})

	tools, err := a.session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if !tool.Annotations.ReadOnlyHint {
			t.Errorf("%s may change something", tool.Name)
		}
	}
	slices.Sort(names)
	if want := "explain labware lint plan read runs simulate workflows"; strings.Join(names, " ") != want {
		t.Errorf("tools %v, want %s", names, want)
	}

	text, _ := a.call(false, "workflows", nil)
	path := filepath.Join(folder, "workflow.yaml")
	contains(t, text, path+": mix-colors (R, Y, B, mix_well)")
	right, _ := a.call(false, "read", map[string]any{"path": "workflow.yaml"})
	wrong := strings.Replace(right, "tip: dedicated", "tips: dedicated", 1)
	text, doc := a.call(false, "lint", map[string]any{"path": path, "text": wrong, "format": "json"})
	asSchema(t, "diagnostics", text)
	if list := doc["diagnostics"].([]any); len(list) != 1 || list[0].(map[string]any)["code"] != "OTF210" {
		t.Errorf("%v", doc)
	}
	text, _ = a.call(false, "lint", map[string]any{"path": path, "text": wrong})
	contains(t, text, "did you mean `tip`?")
	text, _ = a.call(false, "lint", map[string]any{"path": path, "text": right})
	if text != "nothing is wrong" {
		t.Error(text)
	}
	text, _ = a.call(false, "lint", map[string]any{"path": folder})
	if text != "nothing is wrong" {
		t.Error(text)
	}
	given := map[string]any{"R": "120 uL", "mix_well": "C4"}
	text, doc = a.call(false, "plan", map[string]any{"path": "workflow.yaml", "params": given, "format": "json"})
	if doc["format"] != "ot2flow.plan/1" || !json.Valid([]byte(text)) {
		t.Errorf("%.200s", text)
	}
	if n := len(doc["steps"].([]any)); n != 15 {
		t.Errorf("%d steps", n)
	}
	text, _ = a.call(false, "plan", map[string]any{"path": "workflow.yaml", "params": given})
	contains(t, text, "120 uL from paints.B1", "15 steps, about")
	_, doc = a.call(false, "simulate", map[string]any{"path": "workflow.yaml", "params": given, "format": "json"})
	if well := doc["wells"].(map[string]any)["plate.C4"].(map[string]any); well["volume_uL"] != json.Number("200") && well["volume_uL"] != 200.0 {
		t.Errorf("%v", well)
	}
	text, _ = a.call(false, "simulate", map[string]any{"path": "workflow.yaml", "repeat": 3})
	contains(t, text, "3 runs with the errors of the pipettes")

	text, _ = a.call(false, "explain", map[string]any{"what": "OTF602"})
	contains(t, text, "OTF602")
	text, _ = a.call(false, "explain", map[string]any{"what": "transfor"})
	contains(t, text, "did you mean transfer?")
	text, _ = a.call(false, "explain", map[string]any{"path": path, "step": "steps[0]"})
	contains(t, text, "Becomes")
	text, _ = a.call(false, "labware", map[string]any{"text": "corning_96_wellplate_360"})
	contains(t, text, "corning_96_wellplate_360ul_flat")
	text, _ = a.call(false, "labware", map[string]any{"name": "./labware/ac_6_tuberack_15000ul.json"})
	contains(t, text, "custom_beta/ac_6_tuberack_15000ul")
	text, _ = a.call(false, "runs", nil)
	contains(t, text, "nothing has been run yet")

	// Nothing outside of the folder is read, whatever it is called.
	for tool, args := range map[string]map[string]any{
		"read":     {"path": "../secret.csv"},
		"plan":     {"path": filepath.Join(folder, "..", "secret.csv")},
		"labware":  {"name": "./link.csv"},
		"lint":     {"path": "/etc"},
		"simulate": {"path": "--state"},
	} {
		text, _ = a.call(true, tool, args)
		contains(t, text, "which is all that is read here")
	}
	text, _ = a.call(true, "read", map[string]any{"path": "labware"})
	contains(t, text, "it is not a file")
	table := "ot2flow: 1\nname: t\nparams:\n  t:\n    type: table\n    columns: {a: {type: string}, b: {type: integer}}\n    default: []\nsteps:\n  - for: r in t\n    comment: \"{r.a}\"\n"
	for _, file := range []string{filepath.Join(filepath.Dir(folder), "secret.csv"), "link.csv", "../secret.csv"} {
		text, _ = a.call(false, "plan", map[string]any{"text": table, "params": map[string]any{"t": file}})
		if strings.Contains(text, "hush") || !strings.Contains(text, "OTF") {
			t.Errorf("%s: %s", file, text)
		}
	}
	if len(a.asked) > 0 {
		t.Errorf("a person was asked: %s", a.asked)
	}
}

// assistantOf connects to tools of this process.
func assistantOf(t *testing.T, tools *toolbox, says string) *assistant {
	t.Helper()
	there, here := mcp.NewInMemoryTransports()
	if _, err := tools.server().Connect(t.Context(), there, nil); err != nil {
		t.Fatal(err)
	}
	return assistantAt(t, here, says, mcp.ClientOptions{})
}

// TestMCPApply carries out what a person has agreed to, once, and nothing else.
func TestMCPApply(t *testing.T) {
	folder, state := mcpFolder(t)
	tools := &toolbox{roots: []string{folder}, state: state, robot: "sim", busy: make(chan struct{}, mcpAtOnce), asked: map[string]confirmation{}}
	args := map[string]any{"path": "workflow.yaml", "params": map[string]any{"R": "120 uL"}}

	text, _ := assistantOf(t, tools, "").call(true, "apply", args)
	contains(t, text, "cannot ask a person", "ot2flow apply workflow.yaml --robot sim")
	for _, says := range []string{"decline", "cancel"} {
		text, _ = assistantOf(t, tools, says).call(true, "apply", args)
		contains(t, text, "has not agreed, and nothing was done")
	}
	a := assistantOf(t, tools, "accept")
	text, _ = a.call(true, "apply", map[string]any{"path": "workflow.yaml", "params": map[string]any{"R": "290 uL"}})
	contains(t, text, "more than 300 uL")
	if len(a.asked) > 0 {
		t.Errorf("a person was asked for what cannot be: %s", a.asked)
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("there is a journal, and nothing was done")
	}

	text, _ = a.call(false, "apply", args)
	contains(t, text, "mix-colors: done, 15 steps", "red            120 uL")
	if len(a.asked) != 1 {
		t.Fatalf("asked %d times", len(a.asked))
	}
	contains(t, a.asked[0], "with R = 120 uL", "15 steps, about", "Carry it out on the simulator?")
	text, _ = a.call(false, "runs", map[string]any{"format": "json"})
	asSchema(t, "runs", text)
	if n := strings.Count(text, `"mix-colors"`); n != 1 {
		t.Errorf("%d runs: %s", n, text)
	}

	// What was agreed to is good once, for that plan, and cannot be made up.
	word := tools.remember(confirmation{path: filepath.Join(folder, "workflow.yaml"), fingerprint: "another", until: time.Now().Add(time.Hour)})
	for _, state := range []string{"made up", word, word} {
		r, err := a.session.CallTool(t.Context(), &mcp.CallToolParams{Name: "apply", Arguments: args, RequestState: state, InputResponses: mcp.InputResponseMap{confirmKey: &mcp.ElicitResult{Action: "accept", Content: map[string]any{confirmKey: true}}}})
		if err != nil {
			t.Fatal(err)
		}
		if text := r.Content[len(r.Content)-1].(*mcp.TextContent).Text; !r.IsError || !strings.Contains(text, "nobody was asked") && !strings.Contains(text, "the plan is another one") {
			t.Errorf("%v", text)
		}
	}
	text, _ = a.call(false, "runs", nil)
	if n := strings.Count(text, "mix-colors"); n != 1 {
		t.Errorf("%d runs: %s", n, text)
	}
}

// TestMCPOverHTTP goes from lint to simulate at the address of a server, which looks at
// who asks as a device server does.
func TestMCPOverHTTP(t *testing.T) {
	folder, state := mcpFolder(t)
	for _, c := range []struct {
		says string
		args []string
	}{
		{"name the folders", nil},
		{"make a certificate", []string{folder, "--http", "0.0.0.0:0"}},
		{"say where --apply carries workflows out", []string{folder, "--apply"}},
		{"--robot is for --apply", []string{folder, "--robot", "sim"}},
	} {
		if code, _, errs := called(append([]string{"mcp"}, c.args...), ""); code != exitUsage || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d: %s", c.args, code, errs)
		}
	}
	code, secret, errs := called([]string{"tokens", "add", "ada", "--role", "operator", "--state", state}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	_, viewer, _ := called([]string{"tokens", "add", "bo", "--role", "viewer", "--state", state}, "")
	url := processBy(t, "mcp", folder, "--http", "127.0.0.1:0", "--state", state, "--apply", "--robot", "sim", "--tokens").url + mcpPath

	for token, want := range map[string]int{"": http.StatusUnauthorized, "nonsense": http.StatusUnauthorized, strings.TrimSpace(viewer): http.StatusForbidden} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if got := statusOf(t, req); got != want {
			t.Errorf("token %q: %d, want %d", token, got, want)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "evil.example"
	if got := statusOf(t, req); got != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d", got)
	}
	client := &http.Client{Transport: bearer{strings.TrimSpace(secret)}}
	a := assistantAt(t, &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: client}, "accept", mcp.ClientOptions{})
	if text, _ := a.call(false, "lint", map[string]any{"path": "workflow.yaml"}); text != "nothing is wrong" {
		t.Error(text)
	}
	text, _ := a.call(false, "plan", map[string]any{"path": "workflow.yaml"})
	contains(t, text, "15 steps, about")
	text, _ = a.call(false, "simulate", map[string]any{"path": "workflow.yaml"})
	contains(t, text, "mix-colors: done, 15 steps")
	text, _ = a.call(false, "apply", map[string]any{"path": "workflow.yaml"})
	contains(t, text, "mix-colors: done, 15 steps")
	text, _ = a.call(false, "runs", map[string]any{"run": "last"})
	contains(t, text, "ada")
}

// bearer shows a token.
type bearer struct{ token string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

func statusOf(t *testing.T, req *http.Request) int {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
