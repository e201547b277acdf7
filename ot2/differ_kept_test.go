package ot2_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestSmallest: a call that disagrees is made as small as it goes without
// disagreeing in another way, whatever kind of call it is.
func TestSmallest(t *testing.T) {
	disposal := 3.0
	for name, tc := range map[string]struct {
		call   *call
		faulty func(c *call) string // a fault that is planted
		want   *call
	}{
		"a method": {
			&call{Mount: "left", Rates: []float64{5, 5, 5}, Do: []verb{
				{Name: "comment", Text: "so"},
				{Name: "distribute", From: []string{"S.A1"}, To: []string{"D.A1", "D.A2", "D.A3"}, Volume: []float64{3, 4.5, 6}, NewTip: "always", AirGap: 1.5, Disposal: &disposal},
			}},
			func(c *call) string {
				for _, v := range c.Do {
					if v.AirGap > 1 && len(v.To) > 1 {
						return "step 3: an air gap too few"
					}
				}
				return ""
			},
			&call{Mount: "left", Do: []verb{{Name: "distribute", From: []string{"S.A1"}, To: []string{"D.A1", "D.A2"}, Volume: []float64{3}, AirGap: 1.5}}},
		},
		"a step": {
			&call{Bench: 1, Mount: "right", Do: []verb{
				{Step: &step{Kind: "transfer", From: []string{"S.A1"}, To: []string{"D.A1"}, Volume: []float64{40}, Draw: side{Rate: 5}}},
				{Step: &step{
					Kind: "transfer", From: []string{"S.A1"}, To: []string{"D.A1", "D.B1"}, Volume: []float64{155}, Split: "even",
					Draw: side{Rate: 5, Delay: &waited{Seconds: 2, At: &place{From: "top", Z: 3}}, Touch: &touch{Speed: 20}}, Give: side{AirGap: 30}, Blow: &blown{In: "trash"},
				}},
			}},
			func(c *call) string {
				for _, v := range c.Do {
					if v.Step.Draw.Delay != nil && v.Step.Give.AirGap > 0 {
						return "no wait"
					}
					if len(c.Do) == 1 && v.Step.Blow == nil {
						return "another fault"
					}
				}
				return ""
			},
			&call{Bench: 1, Mount: "right", Do: []verb{{Step: &step{
				Kind: "transfer", From: []string{"S.A1"}, To: []string{"D.A1"}, Volume: []float64{100},
				Draw: side{Delay: &waited{Seconds: 2}}, Give: side{AirGap: 30},
			}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := smallest(tc.call, tc.faulty(tc.call), func(calls []*call) []string {
				var out []string
				for _, c := range calls {
					out = append(out, tc.faulty(c))
				}
				return out
			})
			if !reflect.DeepEqual(got, tc.want) || why != tc.faulty(tc.want) {
				t.Errorf("%s\n%s\nwant\n%s", why, strings.Join(inPython(got), "\n"), strings.Join(inPython(tc.want), "\n"))
			}
		})
	}
}

// TestKeptCalls: what is kept is compared from then on, and is the call it was.
func TestKeptCalls(t *testing.T) {
	folder := t.TempDir()
	var want []*call
	for i := range 20 {
		for _, k := range drawnKinds {
			c := k.draw(3, i)
			want = append(want, c)
			keepCall(t, folder, c)
		}
	}
	got := keptCalls(t, folder)
	if len(got) != len(want) {
		t.Fatalf("%d of %d calls are kept", len(got), len(want))
	}
	for _, c := range want {
		if !slices.ContainsFunc(got, func(g *call) bool { return reflect.DeepEqual(g, cloned(c)) && inYAML(g) == inYAML(c) }) {
			t.Errorf("not kept: %s", inYAML(c))
		}
	}
}
