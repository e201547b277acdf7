package pages

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/service"
)

// A robot that another server has is shown with how it is reached, and why not.
func TestRobotsElsewhere(t *testing.T) {
	for _, c := range []struct {
		at    service.RobotElsewhere
		state string
		says  []string
	}{
		{service.RobotElsewhere{Device: "bench-3", Robot: "left", Online: true}, "free", []string{"the device bench-3 with its robot left"}},
		{service.RobotElsewhere{Device: "bench-3", Away: "the broker knows no device bench-3"}, "away", []string{"the device bench-3", "the broker knows no device bench-3"}},
	} {
		card := &robotCard{RobotView: service.RobotView{Name: "right-bench", Elsewhere: &c.at}}
		if got := card.Stands(); got != c.state {
			t.Errorf("it stands as %s, not %s", got, c.state)
		}
		for _, one := range []*page{
			{Name: "board", Data: map[string]any{"Robots": []*robotCard{card}, "Tasks": 0}},
			{Name: "robot", Data: map[string]any{"Robot": card}},
		} {
			var b bytes.Buffer
			if err := templateOf(one.Name).Execute(&b, &frame{page: one}); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.says {
				if !strings.Contains(b.String(), want) {
					t.Errorf("the page %s does not say %q", one.Name, want)
				}
			}
		}
	}
}
