package mqttserver

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/workflows/client"
	"github.com/ot2flow/ot2flow/workflows/client/mqttclient"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
	"github.com/ot2flow/ot2flow/workflows/mqtt/jobs"
	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

var (
	chaosFor  = flag.Duration("mqtt-chaos", 2*time.Second, "how long devices, brokers and networks are killed")
	chaosSeed = flag.Uint64("mqtt-seed", 1, "of what is killed when")
)

// Device, broker and network are killed again and again, and what was sent is sent twice:
// every job is carried out once, and every result arrives.
func TestChaosOfBrokers(t *testing.T) {
	t.Logf("-mqtt-seed %d", *chaosSeed)
	random := rand.New(rand.NewPCG(*chaosSeed, 1))
	broker := mqtttest.Start(t)
	net := mqtttest.CableTo(t, broker)
	state, dir := filepath.Join(t.TempDir(), "j.db"), folderOf(t, mixText, shareText)
	b := serve(t, net.URL, "bench-3", state, dir)
	ctx, cancel := context.WithTimeout(t.Context(), *chaosFor+patience)
	defer cancel()
	const controllers = 4
	var asked, answered atomic.Int64
	var end atomic.Bool
	var at sync.WaitGroup
	for i := range controllers {
		at.Go(func() {
			d := caller(t, net.URL, "bench-3", mqttclient.Options{Controller: fmt.Sprintf("c%d", i)})
			for n := 0; !end.Load(); n++ {
				task, params := "share", map[string]any{"n": n}
				if n%4 == 3 {
					task, params = "mix_colors", map[string]any{"R": 20 + n%200}
				}
				asked.Add(1)
				key := fmt.Sprintf("%d/%d", i, n)
				run, err := d.Submit(ctx, task, params, client.Options{Key: key, Experiment: fmt.Sprint("e", i)})
				if err == nil {
					run, err = d.Wait(ctx, run.ID, nil)
				}
				switch {
				case err != nil:
					t.Errorf("%s: %v", key, err)
					return
				case run.State == "forgotten": // the simulator ended in the middle of it, and nobody moves anything twice
				case !run.OK() || task == "share" && string(run.Result) != fmt.Sprintf(`{"twice":%d}`, 2*n):
					t.Errorf("%s: %+v %s", key, run, run.Result)
				}
				answered.Add(1)
			}
		})
	}
	// Somebody repeats what others say, in no order.
	thief := rawAt(t, broker.URL, "bench-3")
	if err := thief.conn.Subscribe(ctx, mqtt.Subscription{Filter: jobs.Topic("bench-3", jobs.Commands), QoS: 1, Handle: func(m *mqtt.Message) {
		if random := rand.IntN(3); random == 0 && !end.Load() {
			again := *m
			at.Go(func() {
				time.Sleep(rand.N(50 * time.Millisecond))
				_ = thief.conn.Publish(ctx, &mqtt.Message{Topic: again.Topic, Payload: again.Payload}) // once is enough
			})
		}
	}}); err != nil {
		t.Fatal(err)
	}
	kills := map[string]int{}
	for began := time.Now(); time.Since(began) < *chaosFor; {
		time.Sleep(time.Duration(random.Int64N(int64(400 * time.Millisecond))))
		switch random.IntN(4) {
		case 0:
			kills["broker"]++
			broker.Kill()
			broker.Up()
		case 1:
			kills["device"]++
			b.stop()
			b = serve(t, net.URL, "bench-3", state, dir)
		default:
			kills["network"]++
			net.Cut()
		}
	}
	end.Store(true)
	at.Wait()
	if runs := b.runs(""); int64(runs) != asked.Load() || asked.Load() != answered.Load() {
		t.Errorf("%d jobs, %d runs, %d results", asked.Load(), runs, answered.Load())
	}
	t.Logf("%d jobs, killed: %v", asked.Load(), kills)
}
