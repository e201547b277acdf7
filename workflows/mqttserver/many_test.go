package mqttserver

import (
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/client"
	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

var (
	many      = flag.Int("mqtt-devices", 8, "how many devices there are at one broker")
	perDevice = flag.Int("mqtt-jobs", 5, "how many jobs each of them gets")
	strict    = flag.Bool("mqtt-strict", false, "a connection that is lost by itself is an error; a machine may be too busy for signs of life")
)

// Many devices at one broker carry out what is theirs, each job once.
func TestManyDevices(t *testing.T) {
	broker := mqtttest.Start(t)
	dir, state := folderOf(t, shareText), t.TempDir()
	var benches []*bench
	for i := range *many {
		benches = append(benches, serve(t, broker.URL, fmt.Sprintf("d%d", i), filepath.Join(state, fmt.Sprint(i, ".db")), dir))
	}
	ctx := within(t)
	var at sync.WaitGroup
	began := time.Now()
	for i := range benches {
		at.Go(func() {
			c := caller(t, broker.URL, fmt.Sprintf("d%d", i), mqttclient.Options{})
			for n := range *perDevice {
				if r, err := c.Execute(ctx, "share", map[string]any{"n": n}); err != nil || string(r.Result) != fmt.Sprintf(`{"twice":%d}`, 2*n) {
					t.Errorf("d%d: %+v, %v", i, r, err)
				}
			}
		})
	}
	at.Wait()
	for i, b := range benches {
		if n := b.runs("share"); n != *perDevice {
			t.Errorf("d%d: %d runs", i, n)
		}
	}
	t.Logf("%d devices, %d jobs in %v", *many, *many**perDevice, time.Since(began).Round(time.Millisecond))
}

// A job that takes longer than the broker waits for a sign of life ends no connection, and
// its result arrives. The device takes commands all the while.
func TestLongJob(t *testing.T) {
	broker := mqtttest.Start(t)
	keepAlive = time.Second
	t.Cleanup(func() { keepAlive = 0 })
	serve(t, broker.URL, "bench-3", filepath.Join(t.TempDir(), "j.db"), folderOf(t, askText, shareText))
	c := caller(t, broker.URL, "bench-3", mqttclient.Options{})
	ctx := within(t)
	asking, err := c.Submit(ctx, "asks", nil, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rawAt(t, broker.URL, "bench-3")
	for began := time.Now(); time.Since(began) < 3500*time.Millisecond; {
		if run, err := c.Execute(ctx, "share", nil); err != nil || !run.OK() {
			t.Fatal(run, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	for len(r.states) > 0 {
		if s := <-r.states; !s.Online && *strict {
			t.Error("the connection was lost")
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if err := c.Answer(ctx, asking.ID, "7"); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if run, err := c.Wait(ctx, asking.ID, nil); err != nil || !run.OK() {
		t.Errorf("%+v, %v", run, err)
	}
}

// The time from a task that is asked for to its result, over a broker on this computer.
// Both, and the run, are on the disk before they are said.
func BenchmarkRoundTrip(b *testing.B) {
	broker := mqtttest.Start(b)
	serve(b, broker.URL, "bench-3", filepath.Join(b.TempDir(), "j.db"), folderOf(b, shareText))
	c := caller(b, broker.URL, "bench-3", mqttclient.Options{})
	ctx := b.Context()
	if _, err := c.Birth(ctx); err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		began := time.Now()
		if r, err := c.Execute(ctx, "share", map[string]any{"n": n}); err != nil || !r.OK() {
			b.Fatal(r, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}
