package lsp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/ot2flow/ot2flow/workflows/lsp"
)

// What the tests read of the protocol.
type (
	pos struct {
		Line      int `json:"line"`
		Character int `json:"character"`
	}
	span struct {
		Start pos `json:"start"`
		End   pos `json:"end"`
	}
	edit struct {
		Range   span   `json:"range"`
		NewText string `json:"newText"`
	}
	edits struct{ Changes map[string][]edit }
	place struct {
		URI   string
		Range span
	}
	finding struct {
		Range              span
		Severity           int
		Code, Message      string
		CodeDescription    struct{ Href string }
		RelatedInformation []struct {
			Location place
			Message  string
		}
	}
	told struct {
		URI         string
		Version     int
		Diagnostics []finding
	}
)

// editor is a client as an editor is one. It keeps the texts as it believes them to be.
type editor struct {
	t    *testing.T
	conn *jsonrpc2.Conn
	dir  string
	ends chan error

	mu    sync.Mutex
	told  map[string]told // by URI
	heard chan struct{}   // closed when something is told

	texts    map[string]string
	versions map[string]int
}

type streams struct {
	io.Reader
	io.Writer
	close func()
}

func (s streams) Close() error { s.close(); return nil }

// start starts a server with the files in a folder of its own, and an editor.
func start(t *testing.T, files map[string]string) *editor {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := &editor{t: t, dir: dir, ends: make(chan error, 1), told: map[string]told{}, heard: make(chan struct{}), texts: map[string]string{}, versions: map[string]int{}}
	for name, text := range files {
		e.save(name, text)
	}
	fromEditor, toServer := io.Pipe()
	fromServer, toEditor := io.Pipe()
	go func() {
		err := lsp.Serve(context.Background(), fromEditor, toEditor, "test")
		_ = toEditor.Close()
		e.ends <- err
	}()
	stream := jsonrpc2.NewBufferedStream(streams{fromServer, toServer, func() { _ = toServer.Close() }}, jsonrpc2.VSCodeObjectCodec{})
	e.conn = jsonrpc2.NewConn(context.Background(), stream, jsonrpc2.HandlerWithError(func(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
		if r.Method == "textDocument/publishDiagnostics" {
			var one told
			if err := json.Unmarshal(*r.Params, &one); err != nil {
				return nil, err
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			e.told[one.URI] = one
			close(e.heard)
			e.heard = make(chan struct{})
		}
		return nil, nil
	}).SuppressErrClosed())
	t.Cleanup(e.leave)
	e.ask("initialize", map[string]any{"processId": nil, "rootUri": nil, "capabilities": map[string]any{}}, nil)
	e.tell("initialized", map[string]any{}) //nolint:misspell // the protocol spells it so
	return e
}

func (e *editor) leave() {
	e.ask("shutdown", nil, nil)
	e.tell("exit", nil)
	select {
	case err := <-e.ends:
		if err != nil {
			e.t.Error(err)
		}
	case <-time.After(time.Minute):
		e.t.Error("the server does not end")
	}
	_ = e.conn.Close()
}

func (e *editor) save(name, text string) {
	e.t.Helper()
	path := filepath.Join(e.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) uri(name string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.dir, filepath.FromSlash(name)))}).String()
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	if err := e.conn.Notify(context.Background(), method, params); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) try(method string, params, result any) error {
	e.t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	var out json.RawMessage
	if err := e.conn.Call(ctx, method, params, &out); err != nil {
		return err
	}
	if result == nil || len(out) == 0 {
		return nil
	}
	return json.Unmarshal(out, result)
}

func (e *editor) ask(method string, params, result any) {
	e.t.Helper()
	if err := e.try(method, params, result); err != nil {
		e.t.Fatal(method, err)
	}
}

func (e *editor) open(name, text string) {
	e.t.Helper()
	e.texts[name], e.versions[name] = text, 1
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": e.uri(name), "languageId": "yaml", "version": 1, "text": text}})
}

// write replaces a piece of a text, which stands in it once, and tells the change alone.
func (e *editor) write(name, old, now string) {
	e.t.Helper()
	text := e.texts[name]
	at := strings.Index(text, old)
	if at < 0 {
		e.t.Fatalf("%q is not in\n%s", old, text)
	}
	e.versions[name]++
	e.tell("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": e.uri(name), "version": e.versions[name]},
		"contentChanges": []any{map[string]any{"range": span{posOf(text, at), posOf(text, at+len(old))}, "text": now}},
	})
	e.texts[name] = text[:at] + now + text[at+len(old):]
}

// posOf is the position of an offset, by the rule of the protocol: UTF-16.
func posOf(text string, at int) pos {
	before := text[:at]
	line := strings.LastIndexByte(before, '\n') + 1
	return pos{strings.Count(before, "\n"), len(utf16.Encode([]rune(before[line:])))}
}

// in is what stands at a range of a text.
func in(text string, r span) string {
	offset := func(p pos) int {
		at := 0
		for range p.Line {
			at += strings.IndexByte(text[at:], '\n') + 1
		}
		return at + len(string(utf16.Decode(utf16.Encode([]rune(text[at:]))[:p.Character])))
	}
	return text[offset(r.Start):offset(r.End)]
}

// apply applies edits to the text of a file.
func (e *editor) apply(name string, list []edit) {
	e.t.Helper()
	text := e.texts[name]
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b edit) int {
		return (b.Range.Start.Line-a.Range.Start.Line)*1000 + b.Range.Start.Character - a.Range.Start.Character
	})
	for _, c := range list {
		lines := strings.SplitAfter(text, "\n")
		offset := func(p pos) int {
			return len(strings.Join(lines[:p.Line], "")) + len(string(utf16.Decode(utf16.Encode([]rune(strings.Join(lines[p.Line:], "")))[:p.Character])))
		}
		text = text[:offset(c.Range.Start)] + c.NewText + text[offset(c.Range.End):]
	}
	e.versions[name]++
	e.tell("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": e.uri(name), "version": e.versions[name]},
		"contentChanges": []any{map[string]any{"text": text}},
	})
	e.texts[name] = text
}

// at is the position of ‸ in a piece of the text of a file.
func (e *editor) at(name, piece string) map[string]any {
	e.t.Helper()
	before, after, ok := strings.Cut(piece, "‸")
	at := strings.Index(e.texts[name], before+after)
	if !ok || at < 0 {
		e.t.Fatalf("%q is not in\n%s", piece, e.texts[name])
	}
	return map[string]any{"textDocument": map[string]any{"uri": e.uri(name)}, "position": posOf(e.texts[name], at+len(before))}
}

// finds waits until the findings of the present text of a file are those: "code text".
func (e *editor) finds(name string, want ...string) []finding {
	e.t.Helper()
	patience := time.After(time.Minute)
	var got []string
	for {
		e.mu.Lock()
		one, heard := e.told[e.uri(name)], e.heard
		e.mu.Unlock()
		got = nil
		for _, f := range one.Diagnostics {
			got = append(got, f.Code+" "+in(e.text(name), f.Range))
		}
		if one.URI != "" && (one.Version == e.versions[name]) && slices.Equal(got, want) {
			return one.Diagnostics
		}
		select {
		case <-heard:
		case <-patience:
			e.t.Fatalf("in %s it finds %q, not %q", name, got, want)
		}
	}
}

// text is the text of a file, open or not.
func (e *editor) text(name string) string {
	if text, ok := e.texts[name]; ok {
		return text
	}
	data, err := os.ReadFile(filepath.Join(e.dir, filepath.FromSlash(name)))
	if err != nil {
		e.t.Fatal(err)
	}
	return string(data)
}

const workflow = `ot2flow: 1
name: first
params:
  R: {type: volume, default: 50 uL}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: plate.A1, volume: 300 uL}
steps:
  - name: eine Prise µ 🧪
    transfer: {from: red, to: plate.B1, volume: R}
  - for: w in plate.first(3)
    comment: ${ w } is next
  - transfer: {from: plate.B1, to: plate.C1, volume: R / 2}
`

// A session as somebody has it: open, type a wrong key, complete, hover, mend, rename,
// format.
func TestSession(t *testing.T) {
	e := start(t, nil)
	e.open("workflow.yaml", workflow)
	e.finds("workflow.yaml")

	e.write("workflow.yaml", "to: plate.B1, volume", "too: plate.B1, volume")
	found := e.finds("workflow.yaml", "OTF210 too")
	if f := found[0]; f.Severity != 1 || !strings.Contains(f.Message, "help: did you mean `to`?") || !strings.HasSuffix(f.CodeDescription.Href, "#otf210-unknown-key") {
		t.Errorf("%+v", f)
	}
	var list struct {
		Items []struct {
			Label    string
			TextEdit edit
		}
	}
	e.ask("textDocument/completion", e.at("workflow.yaml", "{from: red, to‸o"), &list)
	offered := func() (out []string) {
		for _, i := range list.Items {
			out = append(out, i.Label)
		}
		return out
	}
	if got := offered(); !slices.Contains(got, "to") || !slices.Contains(got, "tip") || slices.Contains(got, "from") {
		t.Errorf("it offers %q", got)
	}
	request := e.at("workflow.yaml", "t‸oo: plate")
	request["range"] = span{request["position"].(pos), request["position"].(pos)}
	request["context"] = map[string]any{"diagnostics": []any{}}
	var actions []struct {
		Title, Kind string
		Edit        edits
	}
	e.ask("textDocument/codeAction", request, &actions)
	if len(actions) != 1 || actions[0].Title != "write to instead of too" || actions[0].Kind != "quickfix" {
		t.Fatalf("%+v", actions)
	}
	e.apply("workflow.yaml", actions[0].Edit.Changes[e.uri("workflow.yaml")])
	e.finds("workflow.yaml")
	if e.texts["workflow.yaml"] != workflow {
		t.Errorf("mended, it is\n%s", e.texts["workflow.yaml"])
	}

	var renamed edits
	request = e.at("workflow.yaml", "from: re‸d")
	request["newName"] = "ruby"
	e.ask("textDocument/rename", request, &renamed)
	e.apply("workflow.yaml", renamed.Changes[e.uri("workflow.yaml")])
	e.finds("workflow.yaml")
	if want := strings.NewReplacer("  red:", "  ruby:", "from: red", "from: ruby").Replace(workflow); e.texts["workflow.yaml"] != want {
		t.Errorf("renamed, it is\n%s", e.texts["workflow.yaml"])
	}

	e.write("workflow.yaml", "{from: ruby, to: plate.B1,", "{from:   ruby, to:  plate.B1,")
	var tidy []edit
	e.ask("textDocument/formatting", map[string]any{"textDocument": map[string]any{"uri": e.uri("workflow.yaml")}, "options": map[string]any{}}, &tidy)
	e.apply("workflow.yaml", tidy)
	e.finds("workflow.yaml")
	if !strings.Contains(e.texts["workflow.yaml"], "{from: ruby, to: plate.B1,") {
		t.Errorf("formatted, it is\n%s", e.texts["workflow.yaml"])
	}
	e.ask("textDocument/formatting", map[string]any{"textDocument": map[string]any{"uri": e.uri("workflow.yaml")}, "options": map[string]any{}}, &tidy)
	if len(tidy) != 0 {
		t.Errorf("formatted again, it changes %+v", tidy)
	}
}

// What can stand at places that are only known here, and positions behind characters that
// take two units.
func TestComplete(t *testing.T) {
	definition, err := os.ReadFile("../../examples/01-mix-colors/labware/ac_6_tuberack_15000ul.json")
	if err != nil {
		t.Fatal(err)
	}
	e := start(t, map[string]string{"rack.json": string(definition)})
	text := strings.Replace(workflow, "liquids:", "liquids: # 🧪", 1)
	e.open("workflow.yaml", strings.Replace(text, "labware:\n", "labware:\n  paints: {type: ./rack.json, slot: 2}\n", 1))
	e.finds("workflow.yaml")
	for _, c := range []struct{ at, want string }{
		{"to: plate.B‸1", "B1"},
		{"to: plate.‸B1", "column"},
		{"from: r‸ed", "red"},
		{"slot: 1‸}", "1"},
		{"- transfer: {from: plate.B1‸", "B1"},
		{"type: c‸orning_96", "corning_96_wellplate_360ul_flat"},
		{"volume: R‸ / 2", "min"},
	} {
		var list struct {
			Items []struct {
				Label    string
				TextEdit edit
			}
		}
		e.ask("textDocument/completion", e.at("workflow.yaml", c.at), &list)
		if !slices.ContainsFunc(list.Items, func(i struct {
			Label    string
			TextEdit edit
		},
		) bool {
			return i.Label == c.want
		}) {
			t.Errorf("%s: %s is not offered among %d", c.at, c.want, len(list.Items))
		}
	}
	e.write("workflow.yaml", "to: plate.B1", "to: paints.B1")
	var list struct {
		Items []struct {
			Label    string
			TextEdit edit
		}
	}
	e.ask("textDocument/completion", e.at("workflow.yaml", "to: paints.‸B1"), &list)
	if !slices.ContainsFunc(list.Items, func(i struct {
		Label    string
		TextEdit edit
	},
	) bool {
		return i.Label == "B3"
	}) || slices.ContainsFunc(list.Items, func(i struct {
		Label    string
		TextEdit edit
	},
	) bool {
		return i.Label == "H12"
	}) {
		t.Errorf("the wells of a rack of one's own are not offered: %+v", list)
	}
	e.write("workflow.yaml", "eine Prise µ 🧪", "eine Prise µ 🧪 ${ R + re }")
	found := e.finds("workflow.yaml", "OTF301 re")
	if at := found[0].Range.Start; at.Character != posOf(e.texts["workflow.yaml"], strings.Index(e.texts["workflow.yaml"], "re }")).Character {
		t.Errorf("%+v", at)
	}
}

func TestHover(t *testing.T) {
	e := start(t, nil)
	e.open("workflow.yaml", workflow)
	for _, c := range []struct {
		at   string
		want []string
	}{
		{"tra‸nsfer: {from: red", []string{"**transfer**", "Move liquid from places to places"}},
		{"vol‸ume: R}", []string{"**volume**"}},
		{"to: pla‸te.B1", []string{"**plate** · labware, line 6", "| plate.B1 | empty | 50 uL red |"}},
		{"to: plate.B‸1", []string{"| plate.B1 | empty | 50 uL red |"}},
		{"from: plate.B‸1", []string{"| plate.B1 | 50 uL red | 25 uL red |"}},
		{"from: re‸d", []string{"**red** · liquid, line 11", "| plate.A1 | 300 uL red | 250 uL red |"}},
		{"volume: ‸R}", []string{"**R** · parameter, line 4", "50 uL"}},
		{"${ ‸w }", []string{"**w** · loop variable, line 15"}},
		{"in plate.fir‸st", []string{"first"}},
		{"type: corning_96_‸well", []string{"Corning 96 Well Plate"}},
	} {
		var got struct {
			Contents struct{ Value string }
			Range    span
		}
		e.ask("textDocument/hover", e.at("workflow.yaml", c.at), &got)
		for _, want := range c.want {
			if !strings.Contains(got.Contents.Value, want) {
				t.Errorf("%s: %q is not in %q", c.at, want, got.Contents.Value)
			}
		}
	}
	e.write("workflow.yaml", "volume: R / 2", "volume: 1 mL")
	var got struct{ Contents struct{ Value string } }
	e.ask("textDocument/hover", e.at("workflow.yaml", "volume: 1‸ mL"), &got)
	if !strings.Contains(got.Contents.Value, "**OTF602 over-aspirate**") {
		t.Errorf("why it is wrong is not said: %q", got.Contents.Value)
	}
}

const called = `ot2flow: 1
name: called
params:
  much: {type: volume, default: 20 uL}
labware:
  dish: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: dish.A1, volume: 300 uL}
steps:
  - transfer: {from: red, to: dish.D1, volume: much}
`

func calling() string {
	return strings.Replace(workflow, "  - for: w", "  - call: {workflow: ./called.yaml, with: {much: 30 uL, dish: plate, tips: tips, p300: p300, red: red}}\n  - for: w", 1)
}

// Where names come from: of this file, and of files that are named.
func TestDefinition(t *testing.T) {
	e := start(t, map[string]string{"called.yaml": called})
	e.open("workflow.yaml", calling())
	for _, c := range []struct{ at, file, want string }{
		{"to: pla‸te.B1", "workflow.yaml", "plate"},
		{"from: re‸d", "workflow.yaml", "red"},
		{"volume: ‸R / 2", "workflow.yaml", "R"},
		{"tips: [ti‸ps]", "workflow.yaml", "tips"},
		{"${ ‸w }", "workflow.yaml", "w"},
		{"workflow: ./cal‸led", "called.yaml", ""},
		{"{mu‸ch: 30", "called.yaml", "much"},
		{"di‸sh: plate", "called.yaml", "dish"},
	} {
		var got place
		e.ask("textDocument/definition", e.at("workflow.yaml", c.at), &got)
		if got.URI != e.uri(c.file) || in(e.text(c.file), got.Range) != c.want {
			t.Errorf("%s leads to %+v", c.at, got)
		}
	}
	var all []place
	request := e.at("workflow.yaml", "to: pla‸te.B1")
	request["context"] = map[string]any{"includeDeclaration": true}
	e.ask("textDocument/references", request, &all)
	if len(all) != 7 {
		t.Errorf("plate is in %d places: %+v", len(all), all)
	}
}

// What stands beside a file changes what is found in it: a text that is open, and a file
// on the disk.
func TestBeside(t *testing.T) {
	e := start(t, map[string]string{"called.yaml": called})
	e.open("workflow.yaml", calling())
	e.finds("workflow.yaml")
	e.save("called.yaml", strings.Replace(called, "volume: much", "volume: mach", 1))
	e.finds("called.yaml", "OTF301 mach")
	e.save("called.yaml", called)
	e.finds("called.yaml")

	e.open("called.yaml", called)
	e.write("called.yaml", "volume: much", "volume: mach")
	e.finds("called.yaml", "OTF301 mach")
	e.write("called.yaml", "volume: mach", "volume: much")
	e.finds("called.yaml")
	e.finds("workflow.yaml")

	// A name that callers use is theirs, too.
	request := e.at("called.yaml", "mu‸ch: {type")
	request["newName"] = "amount"
	var renamed edits
	e.ask("textDocument/rename", request, &renamed)
	e.apply("called.yaml", renamed.Changes[e.uri("called.yaml")])
	e.apply("workflow.yaml", renamed.Changes[e.uri("workflow.yaml")])
	e.finds("called.yaml")
	e.finds("workflow.yaml")
	if !strings.Contains(e.texts["workflow.yaml"], "{amount: 30 uL") {
		t.Error(e.texts["workflow.yaml"])
	}
}

// What is not renamed, and why.
func TestNoRename(t *testing.T) {
	e := start(t, nil)
	e.open("workflow.yaml", workflow)
	for _, c := range []struct{ at, name, why string }{
		{"from: re‸d", "plate", "plate is the name of a labware already, in line 6"},
		{"from: re‸d", "9lives", "9lives"},
		{"from: re‸d", "top", "top is a word that fields of steps understand"},
		{"tra‸nsfer: {from: red", "move", "there is no name here that this file declares"},
	} {
		request := e.at("workflow.yaml", c.at)
		request["newName"] = c.name
		if err := e.try("textDocument/rename", request, nil); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s as %s: %v", c.at, c.name, err)
		}
	}
}

func TestSymbols(t *testing.T) {
	e := start(t, nil)
	e.open("workflow.yaml", workflow)
	type symbol struct {
		Name     string
		Children []symbol
	}
	var got []symbol
	e.ask("textDocument/documentSymbol", e.at("workflow.yaml", "‸ot2flow"), &got)
	var all []string
	for _, s := range got {
		all = append(all, s.Name)
		for _, c := range s.Children {
			all = append(all, "."+c.Name)
		}
	}
	want := "ot2flow name params .R labware .plate .tips pipettes .p300 liquids .red steps .eine_Prise_µ_🧪 .comment .transfer"
	if g := strings.Join(strings.Split(strings.ReplaceAll(fmt.Sprint(strings.Join(all, "|")), " ", "_"), "|"), " "); g != want {
		t.Errorf("%s", g)
	}
}

// A file that is no workflow is left alone, and what was never saved is not.
func TestOtherDocuments(t *testing.T) {
	e := start(t, nil)
	e.open("compose.yaml", "services: {web: {image: nginx}}\n")
	e.finds("compose.yaml")
	text := "ot2flow: 1\nname: new\nsteps:\n  - dellay: 5 s\n"
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": "untitled:Untitled-1", "languageId": "yaml", "version": 1, "text": text}})
	for patience := time.Now().Add(time.Minute); ; {
		e.mu.Lock()
		n, heard := len(e.told["untitled:Untitled-1"].Diagnostics), e.heard
		e.mu.Unlock()
		if n > 0 {
			break
		}
		select {
		case <-heard:
		case <-time.After(time.Until(patience)):
			t.Fatal("nothing is found in what was never saved")
		}
	}
}

// How long it takes from a change until its findings are there, in a file of a thousand
// lines. It is reported, and asserted by nobody.
func TestTimings(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.Replace(workflow, "steps:\n", "steps:\n  - comment: FIRST\n", 1))
	for i := 0; strings.Count(b.String(), "\n") < 1000; i++ {
		fmt.Fprintf(&b, "  - name: step %d\n    if: R > 0 uL\n    transfer:\n      from: plate.B1\n      to: plate.%c%d\n      volume: 0.01 uL * %d\n", i, 'A'+i%8, 2+i/8%10, 1+i%3)
	}
	b.WriteString("  - comment: LAST\n")
	text := strings.ReplaceAll(b.String(), "0.01 uL * ", "20 uL + 0 uL * ")
	text = strings.Replace(text, "volume: 300 uL", "volume: 300 uL\n  blue: {in: plate.B1}", 1)
	text = strings.Replace(text, "red: {in: plate.A1, volume: 300 uL\n  blue: {in: plate.B1}}", "red: {in: plate.A1, volume: 300 uL}\n  blue: {in: plate.B1}", 1)
	text = strings.ReplaceAll(text, "opentrons_96_tiprack_300ul, slot: 4}", "opentrons_96_tiprack_300ul, slot: 4}\n  more: {type: opentrons_96_tiprack_300ul, slot: 5}\n  again: {type: opentrons_96_tiprack_300ul, slot: 6}")
	text = strings.ReplaceAll(text, "tips: [tips]", "tips: [tips, more, again]")
	e := start(t, nil)
	e.open("workflow.yaml", text)
	e.finds("workflow.yaml")
	var took []time.Duration
	for i := range 20 {
		from, to, want := "volume: R / 2", "voluume: R / 2", []string{"OTF210 voluume"}
		if i%2 == 1 {
			from, to, want = to, from, nil
		}
		began := time.Now()
		e.write("workflow.yaml", from, to)
		e.finds("workflow.yaml", want...)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	lines := strings.Count(text, "\n")
	t.Logf("from a change to its findings, %d lines: median %v, most %v", lines, took[len(took)/2], took[len(took)-1])
	for _, c := range []struct{ method, at string }{
		{"completion", "from: re‸d"}, {"hover", "to: plate.C‸1"}, {"definition", "from: re‸d"}, {"documentSymbol", "‸ot2flow"}, {"formatting", "‸ot2flow"},
	} {
		began := time.Now()
		e.ask("textDocument/"+c.method, e.at("workflow.yaml", c.at), nil)
		t.Logf("%s: %v", c.method, time.Since(began))
	}
	request := e.at("workflow.yaml", "from: re‸d")
	request["newName"] = "ruby"
	began := time.Now()
	e.ask("textDocument/rename", request, nil)
	t.Logf("rename: %v", time.Since(began))
}
