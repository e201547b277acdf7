package robot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

func inBatches(n int) func(*run.Options) { return func(o *run.Options) { o.BatchSteps = n } }

func TestLiveRunsToItsEnd(t *testing.T) {
	for _, n := range []int{1, 3, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := newBench(t, emulator.Options{})
			p := planOf(t, small)
			r, err := b.run(p, inBatches(n))
			if err != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
				t.Errorf("%v after %d of %d: %v", r.Verdict, r.Done, len(p.Steps), err)
			}
			b.free(r.Verdict)
		})
	}
}

// The same script of bad answers that an uploaded run lives through.
func TestLiveLivesThroughBadAnswers(t *testing.T) {
	for _, do := range []mishap.Mischief{mishap.CutBefore, mishap.CutAfter, mishap.Error500, mishap.Half, mishap.Garbage} {
		for _, on := range []string{"POST /runs/*/commands", "POST /runs/*/actions", "GET /runs/*/commands", "GET /runs/*"} {
			for _, nth := range []int{8, 12, 17} {
				if on == "POST /runs/*/actions" {
					nth -= 7
				}
				t.Run(fmt.Sprintf("%s %s %d", do, on, nth), func(t *testing.T) {
					t.Parallel()
					b := newBench(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: on, Nth: nth, Do: do}}}}})
					p := planOf(t, small)
					r, err := b.run(p, inBatches(2))
					if err != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
						t.Errorf("%v after %d of %d: %v", r.Verdict, r.Done, len(p.Steps), err)
					}
				})
			}
		}
	}
}

// A robot is asked between two commands, too: when the last step is over and
// what waits behind it has not begun, or when the first of the commands that wait
// is over and the second has not begun. It stands a moment later, and has to be
// let go of all the same.
func TestLiveSeenBetweenTwoCommands(t *testing.T) {
	for _, k := range []int{1, 2} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			b := newBench(t, emulator.Options{})
			handler := b.server.Config.Handler
			seen := map[string]int{}
			b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/commands") {
					handler.ServeHTTP(w, r)
					return
				}
				answer := httptest.NewRecorder()
				handler.ServeHTTP(answer, r)
				w.WriteHeader(answer.Code)
				_, _ = w.Write(notBegun(t, answer.Body.Bytes(), k, seen))
			})
			ctx, leave := context.WithTimeout(t.Context(), 20*time.Second)
			defer leave()
			p := planOf(t, small)
			r, err := run.Run(ctx, run.Options{Plan: p, Backend: b.robot, BatchSteps: 2, Answer: run.AnswerAtOnce})
			if err != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
				t.Errorf("%v after %d of %d: %v", r.Verdict, r.Done, len(p.Steps), err)
			}
			if len(seen) == 0 {
				t.Error("the robot was never asked at such a moment")
			}
		})
	}
}

// notBegun has the k-th of the commands that wait be in the queue still, the
// first three times it is listed as begun.
func notBegun(t *testing.T, body []byte, k int, seen map[string]int) []byte {
	var list struct {
		Data []map[string]any `json:"data"`
		Meta json.RawMessage  `json:"meta"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Error(err)
	}
	for _, c := range list.Data {
		key, _ := c["key"].(string)
		if strings.HasPrefix(key, "wait ") && strings.HasSuffix(key, fmt.Sprintf(".%d", k)) && c["status"] == "running" && seen[key] < 3 {
			seen[key]++
			c["status"] = "queued"
			delete(c, "startedAt")
		}
	}
	out, err := json.Marshal(list)
	if err != nil {
		t.Error(err)
	}
	return out
}

// A batch that is half in the queue when the connection breaks off stays there. It
// is the same batch when it is handed over again, even where somebody wants a stop
// before its end by now: what is in the queue is queued once.
func TestLiveHalfABatchAndAStop(t *testing.T) {
	b := newBench(t, emulator.Options{Faults: emulator.Faults{Script: mishap.Script{Answers: []mishap.Answer{{On: "POST /runs/*/commands", Nth: 12, Do: mishap.CutAfter}}}}})
	handler := b.server.Config.Handler
	var mu sync.Mutex
	queued := map[string]int{}
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commands") {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			var c struct {
				Data struct {
					Key string `json:"key"`
				} `json:"data"`
			}
			_ = json.Unmarshal(body, &c)
			mu.Lock()
			queued[c.Data.Key]++
			mu.Unlock()
		}
		handler.ServeHTTP(w, r)
	})
	requests := make(chan run.Request, 1)
	r, err := b.run(planOf(t, strings.Replace(small, "  - pause: look at B1\n", "", 1)), inBatches(3), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){when[run.Lost](func() { requests <- run.Request{Control: run.Stop, By: "test"} })}
	})
	if err != nil || r.Verdict != run.VerdictStopped {
		t.Errorf("%v after %d: %v", r.Verdict, r.Done, err)
	}
	mu.Lock()
	defer mu.Unlock()
	t.Log(queued)
	for key, n := range queued {
		if n > 1 && key != "" {
			t.Errorf("%s was queued %d times", key, n)
		}
	}
}

func TestLiveStop(t *testing.T) {
	clock := &emulator.Manual{}
	b := newBench(t, emulator.Options{Clock: clock})
	defer advance(clock)()
	requests := make(chan run.Request, 1)
	r, err := b.run(planOf(t, small), inBatches(1), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){when[run.StepStarted](func() { requests <- run.Request{Control: run.Stop, By: "test"} })}
	})
	if err != nil || r.Verdict != run.VerdictStopped || r.Done != 4 && r.CutOff != 4 {
		t.Errorf("%v after %d, cut off %d: %v", r.Verdict, r.Done, r.CutOff, err)
	}
}

// A pause between batches holds, and whoever wants to go on goes on.
func TestLivePause(t *testing.T) {
	b := newBench(t, emulator.Options{})
	requests := make(chan run.Request, 2)
	var halted bool
	r, err := b.run(planOf(t, small), inBatches(1), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){
			when[run.StepDone](func() { requests <- run.Request{Control: run.Pause, By: "test"} }),
			when[run.Halting](func() { halted = true; requests <- run.Request{Control: run.Resume, By: "test"} }),
		}
	})
	if err != nil || r.Verdict != run.VerdictOK || !halted {
		t.Errorf("%v after %d, halted %v: %v", r.Verdict, r.Done, halted, err)
	}
}

// Whoever presses pause in the Opentrons App while the last step of a batch is under
// way finds the robot standing after it, before it waits for the next one. It goes on
// when somebody says so, and not because there is a next batch.
func TestLivePausedFromTheAppBetweenBatches(t *testing.T) {
	clock := &emulator.Manual{}
	b := newBench(t, emulator.Options{Clock: clock})
	defer advance(clock)()
	requests := make(chan run.Request, 1)
	pressed, stood := false, false
	r, err := b.run(planOf(t, strings.Replace(small, "  - pause: look at B1\n", "", 1)), inBatches(3), func(o *run.Options) {
		o.Requests = requests
		o.Observe = []func(run.Event, run.Progress){func(e run.Event, _ run.Progress) {
			switch e := e.(type) {
			case run.StepStarted:
				if e.N == 3 && !pressed {
					pressed = true
					b.press("pause")
				}
			case run.Halting:
				stood = true
				time.AfterFunc(100*time.Millisecond, func() { requests <- run.Request{Control: run.Resume, By: "test"} })
			}
		}}
	})
	if err != nil || r.Verdict != run.VerdictOK || !stood {
		t.Errorf("%v after %d, stood %v: %v", r.Verdict, r.Done, stood, err)
	}
}

// Whoever follows a live run may go and come back at any step.
func TestLiveReattach(t *testing.T) {
	b := newBench(t, emulator.Options{})
	p := planOf(t, small)
	journal := new(run.Memory)
	var r run.Result
	var err error
	for range 3 * len(p.Steps) {
		ctx, leave := context.WithTimeout(t.Context(), 20*time.Second)
		r, err = run.Run(ctx, run.Options{
			Clock: hasty{}, Run: "test", Plan: p, Backend: b.robot, Journal: journal, BatchSteps: 1, Answer: run.AnswerAtOnce,
			Observe: []func(run.Event, run.Progress){when[run.StepDone](leave)},
		})
		leave()
		if r.Verdict != run.NoVerdict {
			break
		}
	}
	if err != nil || r.Verdict != run.VerdictOK || r.Done != len(p.Steps) {
		t.Errorf("%v after %d of %d: %v", r.Verdict, r.Done, len(p.Steps), err)
	}
}
