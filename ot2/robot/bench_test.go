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

// ways are the ways in which a robot is handed a plan.
var ways = []struct {
	name  string
	steps int // at a time; 0: all
}{{"uploaded", 0}, {"8-steps-at-a-time", 8}}

// BenchmarkColorGrid carries color-grid out on a robot whose time goes faster,
// and ours with it. It reports, in the robot's time, how many requests a run
// takes, and how much longer than the robot itself was at it.
func BenchmarkColorGrid(b *testing.B) {
	const speed = 500
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			address := serve(b, emulator.Options{Clock: emulator.Scaled(speed)})
			r, err := robot.New(address, robot.Options{Fast: 250 * time.Millisecond / speed, Slow: time.Second / speed})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			for b.Loop() {
				before, start := r.Requests(), time.Now()
				var robotMS int64
				carriedOut(b, r, way.steps, func(_ run.Event, p run.Progress) { robotMS = p.ElapsedMS })
				took := time.Since(start) * speed
				b.ReportMetric(float64(r.Requests()-before), "requests")
				b.ReportMetric(float64(robotMS)/1000, "robot-s")
				b.ReportMetric((took - time.Duration(robotMS)*time.Millisecond).Seconds(), "overhead-s")
			}
		})
	}
}

// BenchmarkThroughput carries color-grid out on a robot that takes no time at
// all: how many steps a second go through our hands at most.
func BenchmarkThroughput(b *testing.B) {
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			address := serve(b, emulator.Options{})
			r, err := robot.New(address, robot.Options{Fast: time.Millisecond, Slow: 5 * time.Millisecond})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			steps, requests, start := 0, r.Requests(), time.Now()
			for b.Loop() {
				steps += carriedOut(b, r, way.steps, func(run.Event, run.Progress) {})
			}
			b.ReportMetric(float64(steps)/time.Since(start).Seconds(), "steps/s")
			b.ReportMetric(float64(r.Requests()-requests)/float64(steps), "requests/step")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func carriedOut(b *testing.B, r *robot.Robot, steps int, see func(run.Event, run.Progress)) int {
	b.Helper()
	p := example(b, "../../examples/02-color-grid/workflow.yaml")
	result, err := run.Run(context.Background(), run.Options{Plan: p, Backend: r, BatchSteps: steps, Timer: ot2.Machine{}.Timer, Observe: []func(run.Event, run.Progress){see}})
	if err != nil || result.Verdict != run.VerdictOK {
		b.Fatal(result.Verdict, err)
	}
	return result.Done
}
