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
	if len(running) > 0 && !*differWhole {
		c, problem = shrunk(t, running, c, problem)
		if *differKeep {
			keepCall(t, differFolder, c)
		}
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(inYAML(c), "steps:\n")
	return fmt.Sprintf("%s\n%s\n%+v\n%s\n%s", problem, text, benches[c.Bench].on(c.Mount), strings.Join(inPython(c), "\n"), steps)
}

// shrunk takes away from a call what it disagrees without, in the same way. All
// that can be taken away at once is asked about at once.
func shrunk(t *testing.T, running map[string]*engine, c *call, problem string) (small *call, why string) {
	t.Helper()
	return smallest(c, problem, func(calls []*call) []string {
		theirs, err := askAll(running, calls)
		if err != nil {
			t.Fatal(err)
		}
		out := make([]string, len(calls))
		for i, s := range calls {
			ours := ourOutcome(s)
			for _, version := range slices.Sorted(maps.Keys(theirs)) {
				if v := judge(s, theirs[version][i], ours); v.problem != "" {
					out[i] = version + ": " + v.problem
				}
			}
		}
		return out
	})
}

// smallest makes a call smaller as long as it has a problem of the same class;
// problems says what each of some calls has, nothing for none.
func smallest(c *call, problem string, problems func([]*call) []string) (small *call, why string) {
	class := classOf(problem)
	for range 100 {
		smaller := smallerThan(c)
		if len(smaller) == 0 {
			break
		}
		found := problems(smaller)
		next := slices.IndexFunc(found, func(p string) bool { return classOf(p) == class })
		if next < 0 {
			break
		}
		c, problem = smaller[next], found[next]
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
		if len(s.Do) > 0 && !reflect.DeepEqual(s, c) && sayable(s) {
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
	for i := range c.Do {
		for n := 1; n < len(c.Do[i].Volume); n++ {
			try(func(s *call) {
				v := &s.Do[i]
				v.Volume, v.From, v.To = v.Volume[:n], v.From[:min(n, len(v.From))], v.To[:min(n, len(v.To))]
			})
		}
	}
	for n := 0; ; n++ {
		r := reduction{n}
		done := false
		try(func(s *call) { done = r.value(reflect.ValueOf(s).Elem(), false) })
		if !done {
			return out
		}
	}
}

// sayable reports whether a call still makes sense: a dilution of one well does
// not.
func sayable(c *call) (ok bool) {
	defer func() { ok = recover() == nil }()
	inPython(c)
	return
}

// reduction takes away one thing of a value: the n-th that there is, counting
// from the whole to its parts.
type reduction struct{ n int }

// now reports whether it is this one.
func (r *reduction) now() bool {
	r.n--
	return r.n < 0
}

// value reports whether the thing was found in v. What must stay, such as an
// element of a list, is not taken away as a whole.
func (r *reduction) value(v reflect.Value, stays bool) bool {
	if !stays && !v.IsZero() && v.Kind() != reflect.Struct && r.now() {
		v.SetZero()
		return true
	}
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && r.value(v.Elem(), true)
	case reflect.Struct:
		for i := range v.NumField() {
			if r.value(v.Field(i), v.Type().Field(i).Tag.Get("shrink") == "no") {
				return true
			}
		}
	case reflect.Slice:
		for n := 1; n < v.Len(); n++ {
			if r.now() {
				v.Set(v.Slice(0, n))
				return true
			}
		}
		for i := range v.Len() {
			if r.value(v.Index(i), true) {
				return true
			}
		}
	case reflect.Float64:
		for _, step := range []float64{100, 10, 1} {
			if rounded := float64(int(v.Float()/step)) * step; rounded > 0 && rounded != v.Float() && r.now() {
				v.SetFloat(rounded)
				return true
			}
		}
	case reflect.Int:
		if v.Int() > 1 && r.now() {
			v.SetInt(1)
			return true
		}
	}
	return false
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
