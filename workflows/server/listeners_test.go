package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// piped is a network without a system: a thousand connections take no files.
type piped struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPiped() *piped { return &piped{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *piped) Addr() net.Addr { return &net.UnixAddr{Name: "localhost"} }

func (p *piped) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const rungsText = `ot2flow: 1
name: rungs
` + deckText + `steps:
  - ask: {message: go on, type: boolean, example: true}
    as: ready
  - repeat: 40
    comment: a step
  - ask: {message: to the end, type: boolean, example: true}
    as: sure
  - comment: done
`

// However many listen to a run, each hears every event once and in order: those who
// are there from the beginning, those who come in the middle, and those who go away
// and come back with the number of the last one they heard.
func TestThousandListeners(t *testing.T) { manyListen(t, 1000) }

// TestListeners is the same for as many as the race detector has patience for.
func TestListeners(t *testing.T) { manyListen(t, 48) }

func manyListen(t *testing.T, listeners int) {
	t.Helper()
	b := serve(t, service.Sim, journalFile(t), rungsText)
	network := newPiped()
	h := &http.Server{Handler: b.server.Handler()}
	var serving sync.WaitGroup
	serving.Go(func() { _ = h.Serve(network) })
	defer serving.Wait()
	defer h.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: network.dial}}
	defer client.CloseIdleConnections()

	id := b.want(202, "POST", "/tasks/rungs/runs", `{}`)["id"].(string)
	b.until(id, asksNow)
	var all, there sync.WaitGroup
	began := time.Now()
	late := make(chan struct{}) // closed when half of it is over
	heard := make([]string, listeners)
	for i := range listeners {
		isLate := i%4 == 3
		if !isLate {
			there.Add(1)
		}
		all.Go(func() {
			if isLate {
				<-late
			}
			var arrived sync.Once
			seen := func() {
				if !isLate {
					arrived.Do(there.Done)
				}
			}
			text, last := "", ""
			for rounds := 0; !strings.HasSuffix(text, "end"); rounds++ {
				leaves := 0 // behind so many events
				if i%4 == 2 && rounds < 3 {
					leaves = 2 + 11*rounds
				}
				more, err := hear(client, id, last, leaves, seen)
				if err != nil || rounds > 5 {
					t.Errorf("listener %d: %v", i, err)
					seen()
					return
				}
				text, last = text+more, lastOf(text+more)
			}
			heard[i] = text
		})
	}
	there.Wait()
	b.want(200, "POST", "/runs/"+id+"/answer", `{"value": "true"}`)
	b.until(id, func(v map[string]any) bool { done, _ := v["done"].(float64); return done >= 41 && asksNow(v) })
	close(late)
	b.want(200, "POST", "/runs/"+id+"/answer", `{"value": "true"}`)
	v := b.until(id, inState("ok"))
	all.Wait()
	t.Logf("%d listeners heard %v events each within %v, and every fourth of them in several parts", listeners, v["seq"], time.Since(began).Round(time.Millisecond))
	want := ""
	for seq := 1; seq <= int(v["seq"].(float64)); seq++ {
		want += fmt.Sprintf("%d ", seq)
	}
	want += "end"
	if strings.Count(want, " ") < 80 {
		t.Errorf("there are only these events: %s", want)
	}
	for i, text := range heard {
		if text != want {
			t.Fatalf("listener %d heard %s\nand not %s", i, text, want)
		}
	}
}

func lastOf(text string) string {
	numbers := strings.Fields(text)
	if len(numbers) == 0 {
		return ""
	}
	return numbers[len(numbers)-1]
}

// hear listens behind an event, until the end or until so many were heard, and returns
// their numbers.
func hear(client *http.Client, id, last string, leaves int, seen func()) (string, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/runs/"+id+"/events", nil)
	if err != nil {
		return "", err
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	out, n := "", 0
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		if number, ok := strings.CutPrefix(in.Text(), "id: "); ok {
			seen()
			out += number + " "
			if n++; n == leaves {
				return out, nil
			}
		}
		if in.Text() == "event: end" {
			return out + "end", nil
		}
	}
	return out, in.Err()
}
