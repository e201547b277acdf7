package workflows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
)

// sameWords are words of one key that mean the same, and why there are two.
var sameWords = map[place]map[string]string{
	{"step mix", "tip"}:         {"per_destination": "where a mix draws it gives, so that per_source is the same"},
	{"step mix", "blow_out"}:    {"source": "a mix draws and gives in one place, so that destination is the same"},
	{"step distribute", "tip"}:  {"per_source": "a distribute has one source, so that once is the same"},
	{"step consolidate", "tip"}: {"per_destination": "a consolidate has one destination, so that once is the same"},
	{"step dilute", "tip"}:      {"per_destination": "every well of a series is the next one's source, so that per_source is the same"},
}

// ofValues are the mappings whose words are types of values: what a type
// allows is the business of the tests of parameters and tables.
var ofValues = []string{"param", "column", "output"}

// wordsOf are the words that a value of the shape can be, and whether it is a
// list of them.
func wordsOf(s *spec.Shape) (words []string, list bool) {
	if s.Kind == spec.ListShape {
		words, _ = wordsOf(s.Elem)
		return words, true
	}
	words = append(words, s.Words...)
	words = append(words, s.Lead...)
	for _, alt := range s.Any {
		if more, inList := wordsOf(alt); len(words) == 0 {
			words, list = more, inList
		}
	}
	return words, list
}

// TestEveryWordDiffers takes two words at a time that a key can have, such as
// even and never of split, and looks for a workflow with which the robot does
// something else, or something else is found, with the one than with the
// other.
func TestEveryWordDiffers(t *testing.T) {
	_, fields := keyPlaces()
	open := map[place]map[string]bool{} // pairs that no workflow told apart yet
	for p, field := range fields {
		words, _ := wordsOf(field.Slot.Shape)
		if len(words) < 2 || slices.Contains(ofValues, p.in) {
			continue
		}
		open[p] = map[string]bool{}
		for i, a := range words {
			for _, b := range words[:i] {
				open[p][pairOf(a, b)] = true
			}
		}
	}
	if len(open) < 15 {
		t.Fatalf("only %d keys take words", len(open))
	}
	for _, file := range caseFiles(t) {
		file.base = file.outcome()
		v := visit{map[string]bool{}, func(p place, field spec.Field, mapping *yaml.Node, at int) {
			if len(open[p]) > 0 {
				caseOf{file, mapping, at}.tellApart(field, open[p])
			}
		}}
		v.shape("workflow", spec.Root(), file.tree)
	}
	for p, pairs := range open {
		for pair := range pairs {
			if a, b, _ := strings.Cut(pair, " "); sameWords[p][a] == "" && sameWords[p][b] == "" {
				t.Errorf("%s: %s and %s do the same in all of the workflows of workflows/testdata and examples. Either one of them is ignored, or a workflow is needed in workflows/testdata/ok in which they differ", p, a, b)
			}
		}
	}
}

func pairOf(a, b string) string { return fmt.Sprint(min(a, b), " ", max(a, b)) }

// tellApart closes the pairs of words that make a difference here.
func (c caseOf) tellApart(field spec.Field, open map[string]bool) {
	words, list := wordsOf(field.Slot.Shape)
	value := c.mapping.Content[c.at+1]
	was := *value
	defer func() { *value = was }()
	outcomes := map[string]*outcome{}
	for _, w := range words {
		if !slices.ContainsFunc(words, func(other string) bool { return open[pairOf(w, other)] }) {
			continue
		}
		*value = yaml.Node{Kind: yaml.ScalarNode, Value: w}
		if list {
			*value = yaml.Node{Kind: yaml.SequenceNode, Content: scalars([]string{w})}
		}
		outcomes[w] = c.file.outcome()
	}
	for pair := range open {
		a, b, _ := strings.Cut(pair, " ")
		one, other := outcomes[a], outcomes[b]
		if one != nil && other != nil && (one.refused != other.refused || !one.refused && one.text != other.text) {
			delete(open, pair)
		}
	}
}
