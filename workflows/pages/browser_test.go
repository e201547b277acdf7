package pages_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

const deckText = `labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  tips: {type: opentrons_96_tiprack_300ul, slot: 4}
  paints: {type: opentrons_6_tuberack_falcon_50ml_conical, slot: 2}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red: {in: paints.A1, volume: 30 mL, color: '#c8102e'}
  yellow: {in: paints.A2, volume: 30 mL, color: '#ffd100'}
  blue: {in: paints.A3, volume: 30 mL, color: '#0057b7'}
`

const mixText = `ot2flow: 1
name: mix-colors
description: Mix three paints in one well.
params:
  R: {type: volume, default: 100 uL, min: 0 uL, max: 300 uL, description: red paint}
  Y: {type: volume, default: 50 uL, min: 0 uL, max: 300 uL, description: yellow paint}
  B: {type: volume, default: 30 uL, min: 0 uL, max: 300 uL, description: blue paint}
  mix_well: {type: well, in: plate, default: A1, description: the well to mix in}
outputs:
  total: R + Y + B
` + deckText + `steps:
  - formulate: {to: mix_well, volumes: {red: R, yellow: Y, blue: B}}
`

const askText = `ot2flow: 1
name: count-cells
description: Ask a person how many cells there are, and dose by that.
` + deckText + `outputs:
  cells: seen
steps:
  - transfer: {from: red, to: plate.A1, volume: 100 uL}
  - ask: {message: how many cells are in A1, type: integer, min: 0, max: 500, example: 3}
    as: seen
  - transfer: {from: blue, to: plate.A1:D6, volume: 50 uL, tip: new}
`

const badText = "ot2flow: 1\nname: broken\n" + deckText + "steps:\n  - transfer: {from: red, to: plate.Z9, volume: 50 uL}\n"

// site is a device server with an emulated robot.
type site struct {
	*httptest.Server
	service *service.Service
	dir     string
}

// speed is how much faster than a robot the emulator is.
const speed = 25

func open(t *testing.T, o server.Options, texts ...string) *site {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("w%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e, err := emulator.New(emulator.Options{Clock: emulator.Scaled(speed), Serial: "OT2CEP20200101", Name: "left-bench", Pipettes: map[string]string{"right": "p300_single_gen2"}})
	if err != nil {
		t.Fatal(err)
	}
	robot := httptest.NewServer(e.Handler())
	t.Cleanup(func() { robot.Close(); e.Close() })
	tasks := service.NewTasks(dir)
	if _, err := tasks.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &service.Service{State: filepath.Join(t.TempDir(), "journal.db"), Version: "test"}
	device := service.NewLab(s, tasks, []service.Robot{{Name: "left-bench", Address: robot.URL, Description: "the one at the window"}}, func(n service.Note) { t.Log(n.Run, n.Text) })
	front, err := server.New(device, "test", o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := device.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	device.Drafts = dir
	watcher := workflows.Watch(ctx, tasks, workflows.Options{}, func(workflows.Change[*workflows.Task]) { front.Reload() })
	out := &site{httptest.NewServer(front.Handler()), s, dir}
	t.Cleanup(func() {
		cancel()
		watcher.Close()
		done.Wait()
		out.CloseClientConnections()
		out.Close()
		s.Close()
	})
	return out
}

// browser is a Chromium in which a test looks at a site.
type browser struct {
	t       *testing.T
	ctx     context.Context
	site    *site
	axe     string   // the script that knows the rules of accessibility; empty where it is not there
	outside []string // addresses elsewhere that a page asked for
}

// browse starts Chromium, which has to be there.
func browse(t *testing.T, s *site) *browser {
	t.Helper()
	path := os.Getenv("OT2FLOW_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("there is no Chromium here to look at the pages in; .ci/run, which does it, installs one")
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	all, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(all)
	t.Cleanup(leave)
	b := &browser{t: t, ctx: ctx, site: s}
	if file := os.Getenv("OT2FLOW_AXE"); file != "" {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b.axe = string(script)
	}
	chromedp.ListenTarget(ctx, func(event any) {
		if e, is := event.(*network.EventRequestWillBeSent); is && !strings.HasPrefix(e.Request.URL, s.URL) && !strings.HasPrefix(e.Request.URL, "data:") && e.Request.URL != "about:blank" {
			b.outside = append(b.outside, e.Request.URL)
		}
	})
	if err := chromedp.Run(ctx, network.Enable()); err != nil { // it is this context that the browser ends with
		t.Fatal(err)
	}
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, late := context.WithTimeout(b.ctx, time.Minute)
	defer late()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var text string
		_ = chromedp.Run(b.ctx, chromedp.Text("body", &text))
		b.t.Fatalf("%v; the page says:\n%s", err, text)
	}
}

func (b *browser) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site.URL+path), chromedp.WaitReady("main"))
}

// until waits for what is so in a page, which may be another one meanwhile.
func (b *browser) until(is string) {
	b.t.Helper()
	var so bool
	for range 1200 {
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(is, &so)); err == nil && so {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.do(chromedp.ActionFunc(func(context.Context) error { return fmt.Errorf("it never is so that %s", is) }))
}

// says waits until an element has a text.
func (b *browser) says(selector, want string) {
	b.t.Helper()
	b.until(fmt.Sprintf("[...document.querySelectorAll(%q)].some((e) => e.textContent.includes(%q))", selector, want))
}

// press presses the button that says so, and waits for the page behind it.
func (b *browser) press(text string) {
	b.t.Helper()
	b.do(chromedp.Evaluate("document.documentElement.dataset.before = '1'", nil),
		chromedp.Click(fmt.Sprintf(`//button[contains(., %q)] | //a[contains(@class, "button") and contains(., %q)]`, text, text), chromedp.BySearch))
	b.until("!document.documentElement.dataset.before && document.readyState === 'complete'")
}

// look has a page looked at: whether people can use it who see or move otherwise than
// most, whether it is wider than a telephone, and how heavy it is. It keeps pictures
// where somebody wants to see them.
func (b *browser) look(name string) {
	b.t.Helper()
	b.accessible(name)
	var wide int
	b.do(chromedp.EmulateViewport(390, 800), chromedp.Evaluate("document.documentElement.scrollWidth", &wide), chromedp.EmulateViewport(1280, 900))
	if wide > 390 {
		b.t.Errorf("%s is %d pixels wide on a screen of 390", name, wide)
	}
	var weight int
	b.do(chromedp.Evaluate("performance.getEntries().filter((e) => e.initiatorType !== \"fetch\").reduce((n, e) => n + (e.encodedBodySize || 0), 0)", &weight))
	if weight > 150_000 {
		b.t.Errorf("%s weighs %d bytes", name, weight)
	}
	dir := os.Getenv("OT2FLOW_PICTURES")
	if dir == "" {
		return
	}
	for _, v := range []struct {
		name   string
		width  int64
		scheme string
	}{{"", 1280, "light"}, {"-narrow", 390, "light"}, {"-dark", 1280, "dark"}} {
		var png []byte
		b.do(chromedp.EmulateViewport(v.width, 900), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}), chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(filepath.Join(dir, name+v.name+".png"), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.EmulateViewport(1280, 900))
}

// accessible has the rules of WCAG 2.1, levels A and AA, hold on a page, in the light and
// in the dark.
func (b *browser) accessible(name string) {
	b.t.Helper()
	if b.axe == "" {
		return
	}
	for _, scheme := range []string{"dark", "light"} {
		var found []string
		b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Evaluate("typeof axe === 'undefined'", nil), chromedp.Evaluate(b.axe+";0", nil),
			chromedp.Evaluate(`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).then((r) => r.passes.length < 5 ? ["nothing was looked at"] : r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`,
				&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		for _, one := range found {
			b.t.Errorf("%s, %s: %s", name, scheme, one)
		}
	}
}

// A scientist finds a workflow, gives it values, sees what it will do, has it run,
// pauses it, lets it go on, answers a question and repeats it.
func TestInABrowser(t *testing.T) {
	s := open(t, server.Options{}, mixText, askText, badText)
	b := browse(t, s)
	b.visit("/")
	b.says("h1", "Robots")
	b.says(".robot", "Nothing is under way")
	b.look("01-robots")
	b.visit("/lab/workflows")
	b.says(".card.bad", "Z9")
	b.look("02-workflows")
	b.visit("/lab/workflows/mix-colors")
	b.do(chromedp.SetValue("#p-R", "400 uL"), chromedp.Click(`.picker [data-well="C5"]`))
	b.look("03-form")
	b.press("Show what it will do")
	b.says(".error", "300 uL")
	b.look("04-form-wrong")
	b.do(chromedp.SetValue("#p-R", "120 uL"))
	b.press("Show what it will do")
	b.says("h1", "what it will do")
	b.says(".steps", "plate.C5")
	b.look("05-review")
	b.press("Run it")
	b.says("#head .state", "running")
	b.press("Pause")
	b.says("#head .state", "paused")
	b.look("06-run-paused")
	b.press("Go on")
	b.says("#head .state", "ok")
	b.says("table", "200 uL")
	b.look("07-run-ok")
	b.press("Run it again")
	b.says(".banner", "Filled in as in run")
	var well string
	b.do(chromedp.Value("#p-mix_well", &well))
	if well != "C5" {
		t.Errorf("the well of the run that is repeated is %q", well)
	}

	b.visit("/lab/workflows/count-cells")
	b.press("Show what it will do")
	b.press("Run it")
	b.says("#asks", "how many cells are in A1")
	b.look("08-question")
	b.visit("/lab/inbox")
	b.says(".ask", "how many cells")
	b.look("09-inbox")
	b.do(chromedp.SetValue(".ask input:not([type=hidden])", "12"))
	b.press("Answer")
	b.says("#head .state", "running")
	b.says("#near", "dispense 50 uL")
	b.look("10-live")
	b.visit("/lab/robots/left-bench")
	b.says("#robot", "running")
	b.look("11-robot")
	b.visit("/lab/history?task=mix-colors")
	b.says("tbody", "mix-colors")
	b.look("12-history")
	b.visit("/lab/stock")
	b.says("table", "slot 4")
	b.look("13-stock")
	for _, address := range b.outside {
		t.Errorf("a page asks for %s", address)
	}
}

// With tokens, nobody sees anything before they have logged in, and whoever may only
// look is offered nothing else.
func TestLogin(t *testing.T) {
	s := open(t, server.Options{Tokens: true}, mixText)
	secret, _, err := s.service.NewToken(t.Context(), "vera", service.Viewer, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	b := browse(t, s)
	b.visit("/lab/workflows/mix-colors")
	b.says("h1", "Log in")
	b.look("20-login")
	b.do(chromedp.SetValue("#token", "ot2flow_nobody"))
	b.press("Log in")
	b.says(".banner.bad", "not known")
	b.do(chromedp.SetValue("#token", secret))
	b.press("Log in")
	b.says("h1", "mix-colors")
	b.says(".who", "vera, viewer")
	b.says("form.params", "with the role operator may run this")
	b.look("21-viewer")
	b.press("Log out")
	b.says("h1", "Log in")
	b.visit("/lab/history")
	b.says("h1", "Log in")
}

// A workflow is written: what is wrong is said while it is, it is saved, served, run and
// changed again; and who changes what somebody else has changed is told so.
func TestWriting(t *testing.T) {
	s := open(t, server.Options{}, mixText)
	b := browse(t, s)
	b.visit("/lab/workflows")
	b.press("Write a new one")
	b.says("#checked", "no mistakes")
	b.do(chromedp.SetValue("#name", "first.yaml"), chromedp.Evaluate(`text.value = text.value.replace("name: my-workflow", "name: first-try").replace("plate.A1:H1", "plate.A1:Z1"); text.dispatchEvent(new Event("input"))`, nil))
	b.says("#checked", "Z1")
	b.look("30-writing")
	b.do(chromedp.Evaluate(`text.value = text.value.replace("plate.A1:Z1", "plate.A1:H1"); text.dispatchEvent(new Event("input"))`, nil))
	b.says("#checked", "no mistakes")
	b.press("Save")
	b.says(".banner", "Saved")
	b.look("31-written")
	b.do(chromedp.Click(".banner a"))
	b.says("h1", "first-try")
	b.press("Change it")
	if err := os.WriteFile(filepath.Join(s.dir, "first.yaml"), []byte(mixText), 0o600); err != nil {
		t.Fatal(err)
	}
	b.press("Save")
	b.says(".banner.bad", "somebody has changed first.yaml meanwhile")
}

// A server that is gone is waited for, and the page goes on by itself.
func TestServerGone(t *testing.T) {
	s := open(t, server.Options{}, mixText)
	b := browse(t, s)
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

// An admin makes a token, which is good, and takes it back.
func TestTokens(t *testing.T) {
	s := open(t, server.Options{Tokens: true}, mixText)
	secret, _, err := s.service.NewToken(t.Context(), "ada", service.Admin, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	b := browse(t, s)
	b.visit("/lab/tokens")
	b.do(chromedp.SetValue("#token", secret))
	b.press("Log in")
	b.do(chromedp.SetValue("#name", "otto"))
	b.press("Make it")
	b.says("#secret", "ot2flow_")
	b.look("50-tokens")
	var made string
	b.do(chromedp.Text("#secret", &made))
	if _, err := service.NewKeyring(s.service).Find(t.Context(), made); err != nil {
		t.Error(err)
	}
	b.visit("/lab/tokens")
	b.press("Revoke the token of otto")
	b.says("table", "revoked")
	if _, err := service.NewKeyring(s.service).Find(t.Context(), made); err == nil {
		t.Error("a token that was revoked is good")
	}
}
