package ot2_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// describe says in full where a call disagrees, after making it as small as it
// goes where an engine is there to ask.
func describe(t *testing.T, running map[string]*engine, c *call, problem string) string {
	t.Helper()
	if len(running) > 0 {
		c, problem = shrunk(t, running, c, problem)
		if *differKeep {
			keepCall(t, c)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(inYAML(c), "steps:\n")
	return fmt.Sprintf("%s\n%s\n%+v\n%s\n%s", problem, text, benches[c.Bench].on(c.Mount), strings.Join(inPython(c), "\n"), steps)
}

// shrunk takes away from a call what it disagrees without. All that can be
// taken away at once is asked about at once.
func shrunk(t *testing.T, running map[string]*engine, c *call, problem string) (small *call, why string) {
	t.Helper()
	for range 100 {
		smaller := smallerThan(c)
		if len(smaller) == 0 {
			break
		}
		theirs, err := askAll(running, smaller)
		if err != nil {
			t.Fatal(err)
		}
		next := -1
		for i, s := range smaller {
			ours := ourOutcome(s)
			for _, version := range slices.Sorted(maps.Keys(theirs)) {
				if v := judge(s, theirs[version][i], ours); v.problem != "" && next < 0 {
					next, problem = i, version+": "+v.problem
				}
			}
		}
		if next < 0 {
			break
		}
		c = smaller[next]
	}
	return c, problem
}

// smallerThan are the calls that lack one thing of c; those that lack most
// first.
func smallerThan(c *call) []*call {
	var out []*call
	try := func(change func(*call)) {
		s := cloned(c)
		change(s)
		if len(s.Do) > 0 && !reflect.DeepEqual(s, c) {
			out = append(out, s)
		}
	}
	for i := range c.Do {
		if i < len(c.modules())-2 {
			continue // how the lid and the latch stand in the beginning
		}
		try(func(s *call) { s.Do = slices.Delete(s.Do, i, i+1) })
	}
	if c.Bench >= newModules {
		return out // what is left says little enough
	}
	try(func(s *call) { s.Rates = nil })
	try(func(s *call) { s.Clearance = nil })
	for i := range c.Do {
		v := reflect.ValueOf(c.Do[i])
		for f := 1; f < v.NumField(); f++ { // all but the name
			if v.Field(f).IsZero() {
				continue
			}
			if v.Field(f).Kind() != reflect.Slice {
				try(func(s *call) { reflect.ValueOf(&s.Do[i]).Elem().Field(f).SetZero() })
				continue
			}
			for n := 1; n < v.Field(f).Len(); n++ {
				try(func(s *call) {
					list := reflect.ValueOf(&s.Do[i]).Elem().Field(f)
					list.Set(list.Slice(0, n))
				})
			}
		}
		for n := 1; n < len(c.Do[i].Volume); n++ {
			try(func(s *call) {
				v := &s.Do[i]
				v.Volume, v.From, v.To = v.Volume[:n], v.From[:min(n, len(v.From))], v.To[:min(n, len(v.To))]
			})
		}
		for k, x := range c.Do[i].Volume {
			for _, step := range []float64{100, 10, 1} {
				if rounded := float64(int(x/step)) * step; rounded > 0 {
					try(func(s *call) { s.Do[i].Volume[k] = rounded })
				}
			}
		}
	}
	return out
}

// cloned is a copy that shares nothing.
func cloned(c *call) *call {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	out := &call{}
	if err := json.Unmarshal(data, out); err != nil {
		panic(err)
	}
	return out
}
