package pages_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// Every state has its page: a workflow with mistakes, a robot that cannot be reached, a
// queue that stands still and why, a run that nobody knows the end of, one that failed,
// and what is not there.
func TestStates(t *testing.T) {
	away := service.Robot{Name: "right-bench", Address: "http://127.0.0.1:1", Description: "the one that is switched off"}
	s := open(t, server.Options{}, []service.Robot{away}, mixText, badText)
	b := browse(t, s)
	b.visit("/lab/workflows")
	b.says(".card.bad", "Z9")
	b.look("30-mistakes")
	b.do(chromedp.Click(".card.bad a"))
	b.says("h1", "w1.yaml")
	b.says("#checked", "Z9")

	// A robot that is switched off: its queue says so, and what is to be done.
	waits := s.submit(t, "mix-colors", "right-bench", "{}")
	b.visit("/lab/")
	b.says(".robot .why", "127.0.0.1:1")
	b.look("31-unreachable")
	b.visit("/lab/robots/right-bench")
	b.says("#robot .banner", "127.0.0.1:1")
	b.says("#queue", "mix-colors")
	b.look("32-unreachable-robot")
	b.visit("/lab/runs/" + waits)
	b.says("#head .state", "queued")
	b.says("#head .banner", "127.0.0.1:1")
	b.look("33-queued")
	b.press("Withdraw")
	b.says("#head .state", "withdrawn")
	b.look("34-withdrawn")

	// Somebody has the queue rest, and lets it go on.
	b.visit("/lab/robots/left-bench")
	b.do(chromedp.SetValue("#why", "the tips are being changed"))
	b.press("Begin nothing more")
	b.says("#robot .banner", "the tips are being changed")
	rests := s.submit(t, "mix-colors", "left-bench", "{}")
	b.visit("/lab/runs/" + rests)
	b.says("#head .banner", "the tips are being changed")
	b.visit("/lab/robots/left-bench")
	b.says("#queue", "mix-colors")
	b.look("35-resting")
	s.gears.shift(slowly)
	b.press("Let the queue go on")
	b.says("#robot", "running")

	// The robot loses its power in the middle of a run: nobody knows what it did.
	b.visit("/lab/runs/" + rests)
	b.says("#near .now", "")
	b.until("Number(document.getElementById('done').dataset.done) > 0")
	s.robot.Reboot(0)
	b.says("#head .state", "in doubt")
	b.look("36-in-doubt")
	b.visit("/lab/inbox")
	b.says(".doubt", "What happened cannot be known from here")
	b.look("37-inbox-in-doubt")
	b.visit("/lab/")
	b.look("38-robots-in-doubt")
	b.visit("/lab/runs/" + rests)
	b.do(chromedp.Click(`.doubt [value="abort"]`))
	b.press("Decide")
	b.says(".card.warn", "not gone on with")
	b.look("39-decided")

	for _, c := range []struct{ name, path, says string }{
		{"41-no-run", "/lab/runs/nothing", "nothing"},
		{"42-no-workflow", "/lab/workflows/nothing", "nothing"},
	} {
		b.visit(c.path)
		b.says("h1", "There is no such thing")
		b.says(".banner", c.says)
		b.look(c.name)
	}
}
