package pages_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/workflows/server"
)

// begun is the workflow that a scientist begins with, and goes on to write.
const begun = `ot2flow: 1
name: dose-by-count
description: Mix three paints, have a person count, and dose by that.
params:
  R: {type: volume, default: 100 uL, min: 0 uL, max: 300 uL, description: red paint}
  B: {type: volume, default: 30 uL, min: 0 uL, max: 300 uL, description: blue paint}
  mix_well: {type: well, in: plate, default: A1, description: the well to mix in}
outputs:
  total: R + B
  cells: seen
` + deckText + `steps:
  - formulate: {to: mix_well, volumes: {red: R, blue: B}}
  - ask: {message: how many cells are there, type: integer, min: 0, max: 500, example: 3}
    as: seen`

// With nothing there, every page says what to do first. Then a workflow is written, linted,
// planned, run on the simulator, watched, paused, resumed, answered and repeated.
func TestInABrowser(t *testing.T) {
	s := open(t, server.Options{}, nil)
	b := browse(t, s)
	for _, c := range []struct{ name, path, selector, says string }{
		{"01-nothing-robots", "/", ".empty", "There is no workflow"},
		{"01-nothing-robot", "/lab/robots/left-bench", ".empty", "nothing is known of its deck"},
		{"01-nothing-workflows", "/lab/workflows", ".empty", "There is no workflow here yet"},
		{"01-nothing-inbox", "/lab/inbox", ".empty", "Nothing waits for anybody"},
		{"01-nothing-history", "/lab/history", ".empty", "Nothing has been run yet"},
		{"01-nothing-stock", "/lab/stock", ".empty", "nothing is known of any deck"},
	} {
		b.visit(c.path)
		b.says(c.selector, c.says)
		b.look(c.name)
	}

	b.visit("/lab/workflows")
	b.press("Write a new one")
	b.says("#checked", "no mistakes")
	b.until(`document.querySelector(".cm-content")`)
	b.look("02-editor-new")
	b.fill("#name", "dose.yaml")
	b.fill("#text", begun)
	b.do(chromedp.Focus(".cm-content"))
	b.keys("Ctrl+End", "Enter", "Shift+Tab", "- ", "t", "r")
	b.says(".cm-tooltip-autocomplete", "transfer")
	b.look("03-editor-completion")
	b.keys("Enter", "{from: blue, to: plate.A1:D6, volme: 50 uL, tip: new}")
	b.says("#checked", "1 to mend")
	b.until(`document.querySelector(".cm-lintRange-error")`)
	b.look("04-editor-mistake")
	b.keys("Ctrl+Shift+M")
	b.do(chromedp.Click(".cm-panel-lint .cm-diagnosticAction"))
	b.says("#checked", "no mistakes")
	b.do(chromedp.Focus(".cm-content"))
	b.keys("Ctrl+s")
	b.says(".banner", "Saved")
	b.look("05-editor-saved")

	b.do(chromedp.Click(".banner a"))
	b.says("h1", "dose-by-count")
	b.do(chromedp.SetValue("#p-R", "400 uL"), chromedp.Click(`.picker [data-well="C5"]`))
	b.look("06-form")
	b.press("Show what it will do")
	b.says(".error", "300 uL")
	b.look("07-form-wrong")
	b.do(chromedp.SetValue("#p-R", "120 uL"))
	b.press("Show what it will do")
	b.says("h1", "what it will do")
	b.says(".steps", "plate.C5")
	b.look("08-plan")
	s.gears.shift(slowly)
	b.press("Run it")
	b.says("#head .state", "running")
	b.says("#near .now", "")
	b.until(`document.querySelector(".source .at").textContent.includes("formulate")`)
	b.look("09-run")
	b.press("Pause")
	b.says("#head .state", "paused")
	b.look("10-run-paused")
	b.visit("/lab/inbox")
	b.says(".card", "paused")
	b.look("11-inbox-paused")
	b.do(chromedp.Click(".card a"))
	b.says("#buttons", "Go on")
	s.gears.shift(fast)
	b.press("Go on")
	b.says("#asks", "how many cells are there")
	b.look("12-question")
	b.visit("/lab/inbox")
	b.says(".ask", "how many cells")
	b.look("13-inbox-question")
	b.do(chromedp.SetValue(".ask input:not([type=hidden])", "12"))
	s.gears.shift(slowly)
	b.press("Answer")
	b.says("#head .state", "running")
	b.says("#near", "dispense 50 uL")
	b.look("14-run-on")
	b.visit("/lab/robots/left-bench")
	b.says("#robot", "running")
	b.look("15-robot")
	b.visit("/lab/")
	b.says(".robot", "dose-by-count")
	b.look("16-robots")
	s.gears.shift(fast)
	b.do(chromedp.Click(".robot p a"))
	b.says("#head .state", "ok")
	b.says("#result", "12")
	for _, happened := range []string{"begun", "a pause", "told to go on", "was answered", "over on the robot"} {
		b.says(".moments", happened)
	}
	b.look("17-run-ok")
	b.press("Run it again")
	b.says(".banner", "Filled in as in run")
	if well := value[string](b, `document.getElementById("p-mix_well").value`); well != "C5" {
		t.Errorf("the well of the run that is repeated is %q", well)
	}
	b.do(chromedp.SetValue("#p-R", "90 uL"))
	b.press("Show what it will do")
	b.says("s", "120 uL")
	b.look("18-plan-again")
	b.press("Run it")
	b.says("#asks", "how many cells are there")
	b.visit("/lab/history")
	b.do(chromedp.SetValue(`[name="text"]`, "120 ul"))
	b.press("Show")
	b.says("tbody", "ok")
	if n := value[int](b, `document.querySelectorAll("tbody tr").length`); n != 1 {
		t.Errorf("%d runs were given 120 uL", n)
	}
	b.do(chromedp.Click("tbody td:last-child a"))
	b.says(".banner", "Filled in as in run")
	b.visit("/lab/history?task=dose-by-count")
	b.says("tbody", "waiting")
	b.look("19-history")
	b.visit("/lab/stock")
	b.says("table", "slot 4")
	b.look("20-stock")
	b.visit("/lab/workflows")
	b.says(".card", "dose-by-count")
	b.look("21-workflows")
}

// Who changes what somebody else has changed is told so; and a server that is gone is
// waited for, after which the page goes on by itself.
func TestMeanwhile(t *testing.T) {
	s := open(t, server.Options{}, nil, mixText)
	b := browse(t, s)
	b.visit("/lab/editor?task=mix-colors")
	b.until(`document.querySelector(".cm-content")`)
	if err := os.WriteFile(filepath.Join(s.dir, "w0.yaml"), []byte(mixText+"# changed\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.press("Save")
	b.says(".banner.bad", "somebody has changed w0.yaml meanwhile")

	b.visit("/lab/")
	b.until("document.getElementById('gone').hidden")
	address, handler := s.Listener.Addr().String(), s.Config.Handler
	s.CloseClientConnections()
	s.Close()
	b.until("!document.getElementById('gone').hidden")
	b.look("40-gone")
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = again.Serve(l) }() // until it is closed
	t.Cleanup(func() { _ = again.Close() })
	b.until("document.getElementById('gone').hidden")
}
