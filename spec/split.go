package spec

import (
	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// In { } and [ ] YAML splits at every comma, also inside the parentheses of a
// call: `{in: plate.columns(1, 2)}` has a key `2)`. The parts are put together
// again for one message.

// splitValues looks at the values of a mapping in braces. What follows a part
// with an open parenthesis, up to the one that closes it, are keys without
// values.
func (w *walker) splitValues(n *yaml.Node) {
	if n.Style&yaml.FlowStyle == 0 {
		return
	}
	for i := 1; i < len(n.Content); i += 2 {
		open := openParts(n.Content[i])
		for j := i + 1; open > 0 && j+1 < len(n.Content) && isBareKey(n.Content[j], n.Content[j+1]); j += 2 {
			if open += openParts(n.Content[j]); open <= 0 {
				w.split(n.Content[i], n.Content[j])
				n.Content = append(n.Content[:i+1], n.Content[j+2:]...)
			}
		}
	}
}

// splitItems looks at the items of a list in brackets.
func (w *walker) splitItems(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode || n.Style&yaml.FlowStyle == 0 {
		return
	}
	for i := 0; i < len(n.Content); i++ {
		open := openParts(n.Content[i])
		for j := i + 1; open > 0 && j < len(n.Content) && isPlain(n.Content[j]); j++ {
			if open += openParts(n.Content[j]); open <= 0 {
				w.split(n.Content[i], n.Content[j])
				n.Content = append(n.Content[:i+1], n.Content[j+1:]...)
			}
		}
	}
}

// split reports the parts from first to last as one value, and leaves first as
// a value about which nothing more is said.
func (w *walker) split(first, last *yaml.Node) {
	span := w.src.NodeSpan(first)
	span.End = w.src.NodeSpan(last).End
	text := string(w.src.file.Data[span.Start.Offset:span.End.Offset])
	d := w.report(diag.SplitValue, span, "YAML split this at its comma, because it stands inside { } or [ ]", "put quotes around it: "+quoteYAML(text))
	d.Edits = []diag.Edit{{Span: span, New: quoteYAML(text)}}
	refuse(first)
}

func isPlain(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Style&quotedOrBlock == 0 }

// isBareKey reports whether YAML made a key without a value of k.
func isBareKey(k, v *yaml.Node) bool { return isPlain(k) && isPlain(v) && v.Value == "" }

// openParts is how many parentheses and brackets a plain scalar leaves open;
// it is negative where more are closed than opened.
func openParts(n *yaml.Node) int {
	if !isPlain(n) {
		return 0
	}
	return unclosed(n.Value)
}
