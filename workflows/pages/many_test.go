package pages_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/ot2flow/ot2flow/workflows/server"
	"github.com/ot2flow/ot2flow/workflows/service"
)

var paints = flag.Int("paints", 0, "how often every page is opened to measure how soon it is painted")

// How soon every page is painted, from this computer: the soonest of several times, since
// the machine may be busy.
func TestFirstPaint(t *testing.T) {
	if *paints == 0 {
		t.Skip("make pages measures it")
	}
	s := open(t, server.Options{}, nil, mixText, formText)
	run := s.submit(t, "mix-colors", "", "{}")
	s.wait(t, run, service.StateOK)
	b := browse(t, s)
	for _, path := range []string{"/lab/", "/lab/robots/left-bench", "/lab/workflows", "/lab/workflows/mix-colors", "/lab/workflows/every-kind", "/lab/runs/" + run, "/lab/inbox", "/lab/history", "/lab/stock", "/lab/editor?task=mix-colors", "/lab/tokens", "/lab/login", "/lab/runs/nothing"} {
		painted, answered := make([]float64, 0, *paints), make([]float64, 0, *paints)
		for range *paints {
			b.visit(path)
			b.until(`performance.getEntriesByName("first-contentful-paint").length`)
			painted = append(painted, value[float64](b, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
			answered = append(answered, value[float64](b, `(({responseEnd, requestStart}) => responseEnd - requestStart)(performance.getEntriesByType("navigation")[0])`))
		}
		slices.Sort(painted)
		slices.Sort(answered)
		said(t, fmt.Sprintf("%-28s answered after %3.0f ms, painted after %3.0f ms at best; median %3.0f and %3.0f", strings.ReplaceAll(path, run, "RUN"), answered[0], painted[0], answered[len(answered)/2], painted[len(painted)/2]))
	}
}

// frames has a page do something before every frame for a while, and returns how many
// milliseconds passed between frames.
func (b *browser) frames(count int, do string) []float64 {
	b.t.Helper()
	var out []float64
	b.do(chromedp.Evaluate(fmt.Sprintf(`new Promise((done) => {
		const all = document.getElementById("all"), deltas = [];
		let last = performance.now();
		const step = (now) => {
			deltas.push(now - last);
			last = now;
			%s;
			if (deltas.length < %d) requestAnimationFrame(step); else done(deltas.slice(1));
		};
		requestAnimationFrame(step);
	})`, do, count), &out, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	slices.Sort(out)
	return out
}

func spread(name string, sorted []float64) string {
	at := func(share float64) float64 { return sorted[int(share*float64(len(sorted)-1))] }
	return fmt.Sprintf("%s: median %.0f ms, one in a hundred more than %.0f ms, at most %.0f ms", name, at(0.5), at(0.99), at(1))
}

// Ten thousand steps are scrolled through while they are done: however many there are, a
// page has as many rows as can be seen, and those are the right ones.
func TestManySteps(t *testing.T) {
	s := open(t, server.Options{}, nil, longText)
	run := s.submit(t, "long", "", "{}")
	b := browse(t, s)
	b.visit("/lab/runs/" + run)
	b.says("#head .state", "running")
	b.until(`[...document.querySelectorAll("#all .row")].some((r) => r.textContent.includes("aspirate"))`)
	b.look("60-many-steps")
	said(t, spread("frames while 10,000 steps are done", b.frames(150, "0")))
	said(t, spread("frames while they are scrolled through, too", b.frames(150, "all.scrollTop += 900")))
	b.do(chromedp.Evaluate(`all.dispatchEvent(new Event("wheel")); all.scrollTop = all.scrollHeight`, nil))
	b.until(`[...document.querySelectorAll("#all .row")].some((r) => !r.hidden && r.textContent.startsWith("10001") && r.textContent.includes("dispense"))`)
	if n := value[int](b, `document.querySelectorAll("#all .row").length`); n > 60 {
		t.Errorf("the page has %d rows, and some twenty can be seen", n)
	}
	b.press("Stop at once")
	s.wait(t, run, service.StateStopped)
}

// Fifty browsers look at one run, all of them until its end: two of them are real, the
// others do what the script of a page does.
func TestManyBrowsers(t *testing.T) {
	s := open(t, server.Options{}, nil, mixText)
	tabs := []*browser{browse(t, s), browse(t, s)}
	s.gears.shift(slowly)
	run := s.submit(t, "mix-colors", "", "{}")
	for _, b := range tabs {
		b.visit("/lab/runs/" + run)
	}
	ctx, enough := context.WithTimeout(t.Context(), 2*time.Minute)
	defer enough()
	var mu sync.Mutex
	var took []float64
	var all, listening sync.WaitGroup
	const others = 48
	for range others {
		listening.Add(1)
		all.Go(func() {
			if err := watch(ctx, s.URL, "/lab/runs/"+run, listening.Done, func(ms float64) {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, ms)
			}); err != nil {
				t.Error(err)
			}
		})
	}
	listening.Wait()
	s.gears.shift(fast)
	all.Wait()
	for _, b := range tabs {
		b.do(page.BringToFront()) // what nobody sees is brought up to date when somebody does
		b.says("#head .state", "ok")
	}
	slices.Sort(took)
	said(t, spread(fmt.Sprintf("the page of a run for %d browsers, %d times", others, len(took)), took))
}

// watch listens to what changes and fetches a page again, until the run there is done.
func watch(ctx context.Context, site, path string, listens func(), fetched func(ms float64)) error {
	get := func(path string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, site+path, nil)
		if err != nil {
			return nil, err
		}
		return http.DefaultClient.Do(r)
	}
	events, err := get("/lab/changes")
	listens()
	if err != nil {
		return err
	}
	defer events.Body.Close()
	done := func() (bool, error) {
		began := time.Now()
		answer, err := get(path)
		if err != nil {
			return false, err
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // it was read
		fetched(float64(time.Since(began).Microseconds()) / 1000)
		return strings.Contains(string(text), `class="state ok"`), err
	}
	lines := bufio.NewScanner(events.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "event: changed") {
			continue
		}
		if over, err := done(); over || err != nil {
			return err
		}
	}
	if over, err := done(); over || err != nil {
		return err
	}
	return fmt.Errorf("the events ended, and the run is not over: %w", lines.Err())
}
