package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What neovim does with a workflow that has a mistake: it looks at what is wrong, asks what
// can stand there, what a well holds and where a name comes from, mends, renames and saves.
const neovimScript = `
local out = {}
local function wait(what, n)
  if not vim.wait(60000, function() return #vim.diagnostic.get(0) == n end, 20) then
    out.error = 'waiting for ' .. what .. ': ' .. vim.inspect(vim.diagnostic.get(0))
  end
end
local function ask(method, line, column, more)
  local params = { textDocument = vim.lsp.util.make_text_document_params(), position = { line = line, character = column } }
  for k, v in pairs(more or {}) do params[k] = v end
  for _, answer in pairs(vim.lsp.buf_request_sync(0, 'textDocument/' .. method, params, 60000) or {}) do
    if answer.error then out.error = method .. ': ' .. answer.error.message end
    return answer.result
  end
end
local ok, fault = pcall(function()
  wait('the mistake', 1)
  local d = vim.diagnostic.get(0)[1]
  out.found = { code = d.code or (d.user_data and d.user_data.lsp and d.user_data.lsp.code), line = d.lnum, from = d.col, to = d.end_col, message = d.message }
  out.offered = {}
  for _, item in ipairs(ask('completion', d.lnum, d.col + 1).items) do table.insert(out.offered, item.label) end
  local range = { start = { line = d.lnum, character = d.col }, ['end'] = { line = d.lnum, character = d.col } }
  local action = ask('codeAction', d.lnum, d.col, { range = range, context = { diagnostics = {} } })[1]
  out.action = action.title
  vim.lsp.util.apply_workspace_edit(action.edit, 'utf-16')
  wait('what is mended', 0)
  out.hover = ask('hover', 12, 38).contents.value
  out.definition = ask('definition', 12, 23).range.start.line
  vim.lsp.util.apply_workspace_edit(ask('rename', 12, 23, { newName = 'ruby' }), 'utf-16')
  wait('what is renamed', 0)
  vim.cmd('write')
end)
if not ok then out.error = fault end
vim.fn.writefile({ vim.fn.json_encode(out) }, vim.env.OT2FLOW_OUT)
vim.cmd('qall!')
`

const neovimText = `ot2flow: 1
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
  - {transfer: {from: red, too: plate.B1, volume: R}, name: '🧪'}
`

// The real neovim, with the file that is shown to people, against this program.
func TestNeovim(t *testing.T) {
	nvim, err := exec.LookPath("nvim")
	if err != nil {
		t.Fatal("neovim is needed, which Debian has as neovim: ", err)
	}
	config, err := filepath.Abs("../../examples/editors/neovim/ot2flow.lua")
	if err != nil {
		t.Fatal(err)
	}
	self, err := exec.LookPath("ot2flow") // see TestMain
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, script, out := write("workflow.yaml", neovimText), write("session.lua", neovimScript), filepath.Join(dir, "out.json")
	cmd := exec.CommandContext(t.Context(), nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "--cmd", "luafile "+config, text, "-c", "luafile "+script)
	cmd.Dir, cmd.WaitDelay = dir, 10*time.Second
	cmd.Env = append(os.Environ(), "OT2FLOW="+self, "OT2FLOW_OUT="+out, "HOME="+dir, "XDG_STATE_HOME="+dir, "XDG_CACHE_HOME="+dir, "XDG_DATA_HOME="+dir)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	var got struct {
		Error, Action, Hover string
		Found                struct {
			Code, Message  string
			Line, From, To int
		}
		Offered    []string
		Definition int
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if got.Error != "" {
		t.Errorf("%s\n%s", got.Error, said)
	}
	if f := got.Found; f.Code != "OTF210" || f.Line != 12 || f.From != 27 || f.To != 30 || !strings.Contains(f.Message, "did you mean") {
		t.Errorf("it finds %+v", f)
	}
	if !slices.Contains(got.Offered, "to") || slices.Contains(got.Offered, "from") {
		t.Errorf("it offers %q", got.Offered)
	}
	if got.Action != "write to instead of too" || got.Definition != 10 || !strings.Contains(got.Hover, "| plate.B1 | empty | 50 uL red |") {
		t.Errorf("%s", data)
	}
	saved, err := os.ReadFile(text)
	if want := strings.NewReplacer("too:", "to:", "red:", "ruby:", "from: red", "from: ruby").Replace(neovimText); err != nil || string(saved) != want {
		t.Errorf("%v; in the end it is\n%s", err, saved)
	}
}
