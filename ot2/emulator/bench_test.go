package emulator

import (
	"testing"

	"github.com/ot2flow/ot2flow/ot2/command"
)

// A request for a run, which is what a client asks most often.
func BenchmarkGetRun(b *testing.B) {
	c := start(b, Options{})
	run := c.live(b)
	for b.Loop() {
		c.must(200, "GET", "/runs/"+run, nil)
	}
}

func BenchmarkSetupCommand(b *testing.B) {
	c := start(b, Options{})
	run := c.live(b)
	for b.Loop() {
		c.must(201, "POST", "/runs/"+run+"/commands?waitUntilComplete=true", command1("comment", map[string]any{"message": "m"}))
	}
}

// A color grid from its upload to its end: 1,140 steps.
func BenchmarkColorGrid(b *testing.B) {
	plan := example(b, examples[1])
	file, err := command.Protocol(plan)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := start(b, Options{})
		_, answer := c.upload("grid.json", file)
		protocol := answer["data"].(map[string]any)
		c.analysed(protocol)
		run := c.data(201, "POST", "/runs", map[string]any{"data": map[string]any{"protocolId": protocol["id"]}})["id"].(string)
		c.must(201, "POST", "/runs/"+run+"/actions", act("play"))
		c.until(run, "succeeded")
	}
}
