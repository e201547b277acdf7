package pages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// A form has a field of its own for every kind of value: a colour is chosen, wells are
// picked on the plate, a file with a table is dropped.
func TestForm(t *testing.T) {
	s := open(t, server.Options{}, nil, formText)
	b := browse(t, s)
	b.visit("/lab/workflows/every-kind")
	b.look("22-every-kind")

	// The colour and its text are one.
	b.fill(`input[type="color"]`, "#c8102e")
	if got := value[string](b, `document.getElementById("p-tint").value`); got != "#c8102e" {
		t.Errorf("the text of the colour that was picked is %s", got)
	}
	b.fill("#p-tint", "#00ff00")
	if got := value[string](b, `document.querySelector("input[type=color]").value`); got != "#00ff00" {
		t.Errorf("the colour of the text that was written is %s", got)
	}

	// A well is picked, and another one given up.
	b.do(chromedp.Click(`.picker [data-well="H12"]`))
	b.fill("#p-wells", "B2, C3")
	b.do(chromedp.Click(`.picker [data-well="B2"]`), chromedp.Click(`.picker [data-well="D4"]`))
	if got := value[string](b, `document.getElementById("p-wells").value`); got != "C3, D4" {
		t.Errorf("the wells that were picked are %s", got)
	}

	// A file is dragged from the desktop.
	file := filepath.Join(t.TempDir(), "plan.csv")
	if err := os.WriteFile(file, []byte("well,volume\nA1,50 uL\nB7,75 uL\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.ScrollIntoView("#p-plan"))
	at := value[[]float64](b, `(({x, y}) => [x + 20, y + 20])(document.getElementById("p-plan").getBoundingClientRect())`)
	data := &input.DragData{Items: []*input.DragDataItem{}, Files: []string{file}, DragOperationsMask: 1}
	for _, kind := range []input.DispatchDragEventType{input.DragEnter, input.DragOver, input.Drop} {
		b.do(input.DispatchDragEvent(kind, at[0], at[1], data))
	}
	b.until(`document.getElementById("p-plan").value.includes("B7,75 uL")`)
	b.press("Show what it will do")
	b.says(".steps", "plate.B7")
	b.says("table", "#00ff00")

	// One that is no table is said to be none.
	b.press("Change something")
	b.fill("#p-plan", "well\tvolume\nZ9\t50 uL")
	b.press("Show what it will do")
	b.says(".wrong .error", "Z9")
	b.look("23-every-kind-wrong")
}

// Somebody who has no mouse finds a workflow, has it planned and run, pauses the run and
// lets it go on: whatever can be done is reached with Tab, and the page says where one is.
func TestKeyboard(t *testing.T) {
	s := open(t, server.Options{}, nil, mixText)
	b := browse(t, s)
	b.visit("/lab/")
	reach := func(text string) {
		t.Helper()
		for range 60 {
			b.keys("Tab")
			if now := value[string](b, `document.activeElement.matches("a, button, input, select") ? document.activeElement.textContent.trim() || document.activeElement.id : ""`); strings.Contains(now, text) {
				if !value[bool](b, `getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
					t.Errorf("nobody sees that %s has the focus", text)
				}
				return
			}
		}
		t.Fatalf("%s is not reached with Tab", text)
	}
	follow := func(text string) {
		t.Helper()
		b.do(chromedp.Evaluate("document.documentElement.dataset.before = '1'", nil))
		reach(text)
		b.keys("Enter")
		b.until("!document.documentElement.dataset.before && document.readyState === 'complete'")
	}
	reach("To the content")
	follow("Workflows")
	follow("mix-colors")
	reach("p-mix_well")
	b.do(chromedp.Evaluate("document.activeElement.select()", nil))
	b.keys("D4")
	if !value[bool](b, `document.querySelector('.picker [data-well="D4"]').classList.contains("on")`) {
		t.Error("the plate does not show the well that was written")
	}
	follow("Show what it will do")
	b.says(".steps", "plate.D4")
	s.gears.shift(slowly)
	follow("Run it")
	b.says("#head .state", "running")
	follow("Pause")
	b.says("#head .state", "paused")
	s.gears.shift(fast)
	follow("Go on")
	b.says("#head .state", "ok")
	follow("Run it again")
	b.says(".banner", "Filled in as in run")
	run := s.submit(t, "mix-colors", "", "{}")
	s.wait(t, run, service.StateOK)
	b.visit("/lab/history")
	follow(run)
	b.says("h1", "mix-colors")
}
