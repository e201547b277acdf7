package papers

import (
	"encoding/xml"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

func plans(t *testing.T) map[string]*program.Plan {
	t.Helper()
	out := map[string]*program.Plan{}
	for _, pattern := range []string{"../library/*.yaml", "../../examples/*/workflow.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if strings.HasSuffix(file, ".test.yaml") {
				continue
			}
			plan, list := workflows.Open(file).Prepared.Plan(interpreter.Input{Examples: true})
			if plan == nil {
				t.Fatal(file, list)
			}
			out[file] = plan
		}
	}
	if len(out) < 20 {
		t.Fatal(len(out))
	}
	return out
}

// elsewhere is what would have to be fetched.
var elsewhere = regexp.MustCompile(`(?i)<script|<link|@import|url\(|src=|href=`)

// TestPapers proves of every workflow that is shipped that its papers are whole, need
// nothing from elsewhere, and name everything that stands on the deck, every liquid with
// where it is, and all the time that the robot takes.
func TestPapers(t *testing.T) {
	for file, plan := range plans(t) {
		sheet, deck := string(Sheet(plan, ot2.NewTimer(plan.Deck))), string(Deck(plan))
		for _, text := range []string{sheet, deck} {
			if found := elsewhere.FindString(text); found != "" {
				t.Errorf("%s: needs something from elsewhere: %s", file, found)
			}
		}
		wellFormed(t, file, deck)
		wellFormed(t, file, regexp.MustCompile(`(?i)<!DOCTYPE html>|<meta [^>]*>`).ReplaceAllString(strings.ReplaceAll(sheet, "&nbsp;", " "), ""))
		for i := range plan.Deck.Labware {
			if l := &plan.Deck.Labware[i]; !strings.Contains(sheet, "<td>"+l.Name+"</td>") {
				t.Errorf("%s: the sheet does not say where %s stands", file, l.Name)
			}
		}
		for i := range plan.Deck.Liquids {
			l := &plan.Deck.Liquids[i]
			for _, text := range []string{sheet, deck} {
				if !strings.Contains(text, l.Name) || len(l.Wells) > 0 && !strings.Contains(text, plan.Deck.WellName(l.Wells[0])) {
					t.Errorf("%s: it is not said where %s is", file, l.Name)
				}
			}
		}
	}
}

func wellFormed(t *testing.T, file, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
}

// TestFolded proves that folding leaves out no step and no time, and that what is moved is
// in the lines: as often as liquid is given somewhere else than where it was drawn.
func TestFolded(t *testing.T) {
	for file, plan := range plans(t) {
		timer, steps, us, whole := ot2.NewTimer(plan.Deck), 0, int64(0), int64(0)
		for i := range plan.Steps {
			whole += timer.Duration(&plan.Steps[i].Op)
		}
		for _, p := range depict.Folded(plan, ot2.NewTimer(plan.Deck)) {
			steps += p.Steps
			us += p.TimeUS
			if p.Path == "" || p.Line == 0 {
				t.Errorf("%s: a part without a place: %+v", file, p)
			}
		}
		if steps != len(plan.Steps) || us != whole {
			t.Errorf("%s: %d of %d steps, %d of %d us", file, steps, len(plan.Steps), us, whole)
		}
	}
}

// TestOutOfReach compares what is said to be out of reach with what shapes of bottoms hold.
func TestOutOfReach(t *testing.T) {
	for _, c := range []struct {
		well program.Well
		at   int64 // µm
		ul   int64
	}{
		{program.Well{Round: true, Diameter: 6860, Shape: "flat"}, 1000, 37}, // π · 3.43² mm²
		{program.Well{XSize: 8200, YSize: 71200, Shape: "flat"}, 1000, 584},  // a channel of a reservoir
		{program.Well{Round: true, Diameter: 6400, Shape: "u"}, 1000, 9},     // π/3 · 1² · (9.6 - 1)
		{program.Well{Round: true, Diameter: 8700, Shape: "v"}, 1000, 0},     // a cone's point
		{program.Well{Round: true, Diameter: 8700, Shape: "v"}, 5000, 8},
		{program.Well{Round: true, Diameter: 6860}, 0, 0},
	} {
		if got := (usage{any: true, lowest: c.at}).dead(&c.well); got != c.ul*1000 {
			t.Errorf("%+v at %d um: %d nL, want %d uL", c.well, c.at, got, c.ul)
		}
	}
}
