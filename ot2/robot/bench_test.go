package robot_test

import (
	"context"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// BenchmarkColorGrid carries color-grid out on a robot whose time goes faster,
// and ours with it. It reports, in the robot's time, how many requests a run
// takes, and how much longer than the robot itself was at it.
func BenchmarkColorGrid(b *testing.B) {
	const speed = 500
	address := serve(b, emulator.Options{Clock: emulator.Scaled(speed)})
	p := example(b, "../../examples/02-color-grid/workflow.yaml")
	r, err := robot.New(address, robot.Options{Fast: 250 * time.Millisecond / speed, Slow: time.Second / speed})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	for b.Loop() {
		before, start := r.Requests(), time.Now()
		var robotMS int64
		result, err := run.Run(context.Background(), run.Options{Plan: p, Backend: r, Timer: ot2.Machine{}.Timer, Observe: []func(run.Event, run.Progress){
			func(_ run.Event, p run.Progress) { robotMS = p.ElapsedMS },
		}})
		if err != nil || result.Verdict != run.VerdictOK {
			b.Fatal(result.Verdict, err)
		}
		took := time.Since(start) * speed
		b.ReportMetric(float64(r.Requests()-before), "requests")
		b.ReportMetric(float64(robotMS)/1000, "robot-s")
		b.ReportMetric((took - time.Duration(robotMS)*time.Millisecond).Seconds(), "overhead-s")
	}
}
