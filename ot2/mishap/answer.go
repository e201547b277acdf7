package mishap

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Answer is a bad answer to a request.
type Answer struct {
	// On is a method and a path, in which * stands for one segment:
	// "GET /runs/*".
	On string `yaml:"on"`
	// Action is, for POST /runs/*/actions, the action asked for; any if empty.
	Action string `yaml:"action"`
	// Nth is the first such request that is answered badly, counted from 1 (0
	// is 1 too), and Times how many are from there on (0 is 1, -1 is all).
	Nth   int `yaml:"nth"`
	Times int `yaml:"times"`
	// Probability is of each such request, instead of Nth and Times.
	Probability float64 `yaml:"probability"`
	// Do is what happens.
	Do Mischief `yaml:"do"`
	// Delay is how late a Late answer is.
	Delay time.Duration `yaml:"delay"`
}

// Mischief is a way to answer badly.
type Mischief string

// The ways to answer badly. Those that say "done" carry the request out first.
const (
	Conflict  Mischief = "error_409"  // a 409 in the robot's own form; not done
	Error500  Mischief = "error_500"  // a 500 in the robot's own form; not done
	Unready   Mischief = "error_503"  // a 503 in the robot's own form; not done
	HTML      Mischief = "html"       // a proxy's page with status 502; not done
	HTMLOK    Mischief = "html_ok"    // a page with status 200; not done
	Half      Mischief = "half"       // done, and half of the answer
	Garbage   Mischief = "garbage"    // done, and an answer that is no JSON
	Version   Mischief = "version"    // done, and an answer in another version of the API
	Late      Mischief = "late"       // done, and answered after Delay
	CutBefore Mischief = "cut_before" // the connection ends; not done
	CutAfter  Mischief = "cut_after"  // done, and the connection ends
)

// Mischiefs lists the ways to answer badly.
func Mischiefs() []Mischief {
	return []Mischief{Conflict, Error500, Unready, HTML, HTMLOK, Half, Garbage, Version, Late, CutBefore, CutAfter}
}

func (a *Answer) check() error {
	method, path, ok := strings.Cut(a.On, " ")
	if !ok || method == "" || !strings.HasPrefix(path, "/") {
		return fmt.Errorf("on: %q is no method and path, such as GET /runs/*", a.On)
	}
	if a.Probability < 0 || a.Probability > 1 || a.Probability > 0 && (a.Nth != 0 || a.Times != 0) {
		return fmt.Errorf("probability: it is between 0 and 1, and stands instead of nth and times")
	}
	for _, m := range Mischiefs() {
		if m == a.Do {
			return nil
		}
	}
	return fmt.Errorf("do: there is no %q; there are %v", a.Do, Mischiefs())
}

// IsAbout reports whether a is about requests of that method and path, whatever
// the action is.
func (a *Answer) IsAbout(method, path string) bool {
	wantMethod, wantPath, _ := strings.Cut(a.On, " ")
	if wantMethod != method {
		return false
	}
	want, have := strings.Split(wantPath, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != have[i] {
			return false
		}
	}
	return true
}

// due reports whether the nth match, counted from 1, is to be answered badly.
func (a *Answer) due(n int) bool {
	first, times := max(a.Nth, 1), a.Times
	if times == 0 {
		times = 1
	}
	return n >= first && (times < 0 || n < first+times)
}

// Replies decide which requests are answered badly. They belong to one goroutine.
type Replies struct {
	answers []Answer
	matched []int // requests that each is about
	random  *rand.Rand
}

// Replies makes the replies of a script that was checked.
func (s *Script) Replies() *Replies {
	return &Replies{s.Answers, make([]int, len(s.Answers)), rand.New(rand.NewPCG(s.Seed, 0x0a5))} //nolint:gosec // the same every time, on purpose
}

// To returns how a request is answered badly, if it is, and counts it. The
// action of a request that has one is asked for where it matters.
func (r *Replies) To(method, path string, action func() string) (Answer, bool) {
	for i := range r.answers {
		a := &r.answers[i]
		if !a.IsAbout(method, path) || a.Action != "" && a.Action != action() {
			continue
		}
		r.matched[i]++
		if a.Probability > 0 && r.random.Float64() < a.Probability || a.Probability == 0 && a.due(r.matched[i]) {
			return *a, true
		}
	}
	return Answer{}, false
}
