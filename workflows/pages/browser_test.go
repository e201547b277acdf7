package pages_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// wide is the width of a screen at a bench.
const wide = 1400

// browser is a tab of Chromium in which a test looks at a site.
type browser struct {
	t       *testing.T
	ctx     context.Context
	site    *site
	axe     string // the script that knows the rules of accessibility; empty where it is not there
	mu      sync.Mutex
	trouble []string // scripts that failed, what a policy has kept from happening, and addresses elsewhere that a page asked for
}

// chromium is started once for all tests; who is logged in is forgotten between them.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	stops []func()
	err   error
	none  bool // there is none on this computer
}

// seen is what a page cost who looked at it: milliseconds to the first paint, and bytes.
type seen struct {
	name   string
	paint  float64
	weight int
}

// looked are all pages that were looked at.
var looked struct{ all []seen }

// said logs what was measured, and keeps it for those who read what tests report.
func said(t *testing.T, text string) {
	t.Helper()
	t.Log(text)
	report("pages: " + text)
}

func report(text string) {
	file := os.Getenv("OT2FLOW_REPORT")
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintln(f, text) // nothing is lost that a test depends on
	_ = f.Close()
}

// reportPages says how soon pages were painted, and how heavy they are.
func reportPages() {
	if len(looked.all) == 0 {
		return
	}
	slices.SortFunc(looked.all, func(a, b seen) int { return cmp.Compare(a.paint, b.paint) })
	n := len(looked.all)
	heaviest := slices.MaxFunc(looked.all, func(a, b seen) int { return cmp.Compare(a.weight, b.weight) })
	last := looked.all[n-1]
	text := fmt.Sprintf("pages: %d of them, first paint median %.0f ms, slowest %.0f ms (%s); heaviest %d bytes (%s)", n, looked.all[n/2].paint, last.paint, last.name, heaviest.weight, heaviest.name)
	report(text)
	if testing.Verbose() {
		for _, one := range looked.all {
			fmt.Printf("%-28s painted after %4.0f ms, %6d bytes\n", one.name, one.paint, one.weight)
		}
		fmt.Println(text)
	}
}

func TestMain(m *testing.M) {
	code := m.Run()
	reportPages()
	for _, stop := range slices.Backward(chromium.stops) {
		stop()
	}
	os.Exit(code)
}

func startChromium() {
	path := os.Getenv("OT2FLOW_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		chromium.none = true
		return
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute))
	all, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, leave := chromedp.NewContext(all)
	chromium.ctx, chromium.stops = ctx, []func(){stop, leave}
	chromium.err = chromedp.Run(ctx) // it is this context that the browser ends with
}

// browse opens a tab of its own, in which a test looks at a site.
func browse(t *testing.T, s *site) *browser {
	t.Helper()
	chromium.once.Do(startChromium)
	switch {
	case chromium.none:
		t.Skip("there is no Chromium here to look at the pages in; .ci/run, which does it, installs one")
	case chromium.err != nil:
		t.Fatal(chromium.err)
	}
	ctx, leave := chromedp.NewContext(chromium.ctx)
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
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if url := e.Request.URL; !strings.HasPrefix(url, s.URL) && !strings.HasPrefix(url, "data:") && url != "about:blank" {
				b.trouble = append(b.trouble, "it asks for "+url)
			}
		case *runtime.EventExceptionThrown:
			b.trouble = append(b.trouble, e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError && e.Entry.Source != log.SourceNetwork { // a server that is gone is one
				b.trouble = append(b.trouble, e.Entry.Text)
			}
		}
	})
	if err := chromedp.Run(ctx, network.Enable(), network.ClearBrowserCookies(), log.Enable(), chromedp.EmulateViewport(wide, 900)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, one := range b.trouble {
			t.Errorf("a page: %s", one)
		}
	})
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
		if err := chromedp.Run(b.ctx, chromedp.Evaluate("!!("+is+")", &so)); err == nil && so {
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
	var width int
	b.do(chromedp.EmulateViewport(390, 800), chromedp.Evaluate("document.documentElement.scrollWidth", &width), chromedp.EmulateViewport(wide, 900))
	if width > 390 {
		b.t.Errorf("%s is %d pixels wide on a screen of 390", name, width)
	}
	var weight int
	b.do(chromedp.Evaluate("performance.getEntries().filter((e) => e.initiatorType !== \"fetch\").reduce((n, e) => n + (e.encodedBodySize || 0), 0)", &weight))
	if weight > 150_000 {
		b.t.Errorf("%s weighs %d bytes", name, weight)
	}
	var paint float64
	b.do(chromedp.Evaluate(`(performance.getEntriesByName("first-contentful-paint")[0] || {startTime: 0}).startTime`, &paint))
	looked.all = append(looked.all, seen{name, paint, weight})
	dir := os.Getenv("OT2FLOW_PICTURES")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range []struct {
		name   string
		width  int64
		scheme string
	}{{"", wide, "light"}, {"-narrow", 390, "light"}, {"-dark", wide, "dark"}} {
		var png []byte
		b.do(chromedp.EmulateViewport(v.width, 900), emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}), chromedp.FullScreenshot(&png, 100))
		if err := os.WriteFile(filepath.Join(dir, name+v.name+".png"), png, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.EmulateViewport(wide, 900))
}

// accessible has the rules of WCAG 2.1, levels A and AA, hold on a page, in the light and
// in the dark.
func (b *browser) accessible(name string) {
	b.t.Helper()
	if b.axe == "" {
		return
	}
	b.do(chromedp.Evaluate(b.axe+";0", nil))
	for _, scheme := range []string{"dark", "light"} {
		var found []string
		b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Evaluate(`axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).then((r) => r.passes.length < 5 ? ["nothing was looked at"] : r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`,
				&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
		for _, one := range found {
			b.t.Errorf("%s, %s: %s", name, scheme, one)
		}
	}
}

// fill puts a value into a field, as whoever pastes it does.
func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf(`{const f = document.querySelector(%q); f.value = %q; f.dispatchEvent(new Event("input", {bubbles: true}))}`, selector, value), nil))
}

// keys presses keys one after the other, wherever the focus is: those of a table by their
// names, such as Ctrl+Shift+m, and for any other text those of its characters.
func (b *browser) keys(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		mods, parts := input.Modifier(0), strings.Split(key, "+")
		name := parts[len(parts)-1]
		for _, one := range parts[:len(parts)-1] {
			mods |= map[string]input.Modifier{"Ctrl": input.ModifierCtrl, "Shift": input.ModifierShift}[one]
		}
		code, named := map[string]int64{"Enter": 13, "Tab": 9, "Backspace": 8, "Escape": 27, "End": 35, "Space": 32}[name]
		if !named && mods == 0 {
			b.do(input.InsertText(key))
			continue
		}
		down := input.DispatchKeyEvent(input.KeyDown).WithModifiers(mods).WithKey(name).WithCode(name).WithWindowsVirtualKeyCode(code)
		switch {
		case name == "Enter":
			down = down.WithText("\r")
		case name == "Space":
			down = down.WithKey(" ").WithText(" ")
		case !named:
			down = down.WithWindowsVirtualKeyCode(int64(strings.ToUpper(name)[0]))
		}
		b.do(down, input.DispatchKeyEvent(input.KeyUp).WithModifiers(mods).WithKey(down.Key).WithCode(name).WithWindowsVirtualKeyCode(down.WindowsVirtualKeyCode))
	}
}

// value is what an expression gives.
func value[T any](b *browser, expression string) T {
	b.t.Helper()
	var out T
	b.do(chromedp.Evaluate(expression, &out))
	return out
}
