package mishap

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func TestReached(t *testing.T) {
	s := Script{Seed: 3, Events: []Event{
		{At: "2", Do: Stopped},
		{At: "3.2", Do: PausedBy, Times: 2},
		{Nth: 5, Do: Rebooted},
		{Probability: 1, Do: Slow, By: 1, Times: 3},
	}}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	d := s.Roll()
	var got []string
	for _, key := range []string{"1.1", "2.1", "2.2", "3.1", "3.2", "3.2", "3.2"} {
		var kinds []string
		for _, e := range d.Reached(key) {
			kinds = append(kinds, string(e.Do))
		}
		got = append(got, strings.Join(kinds, "+"))
	}
	want := []string{"slow", "stop+slow", "slow", "", "pause+reboot", "pause", ""}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The same seed gives the same events, another seed others, and about as many
// as the probability says.
func TestSeeds(t *testing.T) {
	roll := func(seed uint64) (out []int) {
		s := Script{Seed: seed, Events: []Event{{Probability: 0.1, Do: Stopped}}}
		d := s.Roll()
		for n := range 10000 {
			if len(d.Reached(fmt.Sprint(n, ".1"))) > 0 {
				out = append(out, n)
			}
		}
		return out
	}
	a := roll(1)
	if !slices.Equal(a, roll(1)) || slices.Equal(a, roll(2)) || len(a) < 850 || len(a) > 1150 {
		t.Errorf("%d events", len(a))
	}
}

func TestCheck(t *testing.T) {
	for text, want := range map[string]string{
		"events: [{do: stop}]":                           "say when",
		"events: [{at: 4, nth: 3, do: stop}]":            "say when",
		"events: [{at: 4, do: explode}]":                 `no "explode"`,
		"events: [{probability: 2, do: stop}]":           "between 0 and 1",
		"events: [{at: 4, do: slow}]":                    "by how much",
		"events: [{nth: -1, do: stop}]":                  "less often than never",
		"events: [{at: 4.2, do: slow, by: 30s}]":         "",
		"{seed: 4, events: [{nth: 9, do: door_opened}]}": "",
	} {
		var s Script
		err := yaml.Unmarshal([]byte(text), &s)
		if err == nil {
			err = s.Check()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
