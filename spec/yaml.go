package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// Limits of what a workflow file may hold.
const (
	maxDepth = 100
	maxNodes = 1_000_000
)

// Parse reads the YAML of f. See (*Source).Parse; whoever needs positions
// afterwards keeps a Source and uses that.
func Parse(f *File) (*yaml.Node, diag.List) { return NewSource(f).Parse() }

// Parse reads the YAML of the file and returns its root, usually a mapping; nil
// when there is none to go on with. It also finds what yaml.v3 lets pass. What
// is wrong in itself is reported here and taken out of the tree, so that it is
// not reported again: of two equal keys the second, keys that are not text,
// merge keys. Where a value has to stay, IsRefused tells it apart. That is done
// once; nobody may change the tree.
func (src *Source) Parse() (*yaml.Node, diag.List) {
	src.once.Do(func() { src.root, src.list = src.parse() })
	return src.root, slices.Clone(src.list)
}

func (src *Source) parse() (*yaml.Node, diag.List) {
	if bad := checkText(src.file); len(bad) > 0 {
		return nil, bad
	}
	if countSeparators(src.file.Data) > maxNodes {
		return nil, diag.List{src.tooManyValues()}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src.file.Data))
	doc, err := decodeDocument(dec)
	if errors.Is(err, io.EOF) {
		return nil, diag.List{{
			Code: diag.EmptyFile, Span: diag.Span{File: src.file.Name}, Message: "the file holds nothing but comments",
			Help: `write a workflow below them; "ot2flow explain workflow" shows its keys`,
		}}
	}
	if err != nil {
		return nil, diag.List{src.syntaxError(err)}
	}
	w := walker{src: src}
	w.node(doc.Content[0], 0)
	w.checkSingle(dec)
	if w.nodes > maxNodes {
		return nil, diag.List{src.tooManyValues()}
	}
	return doc.Content[0], w.list
}

// IsRefused reports whether Parse found fault with n and took away what it
// held. Its reader treats it as unknown and says nothing more about it.
func IsRefused(n *yaml.Node) bool { return n.Kind == 0 }

// refuse takes away what n holds; its place remains.
func refuse(n *yaml.Node) {
	n.Kind, n.Content, n.Alias = 0, nil, nil
}

// countSeparators bounds the number of values from above, for files so large
// that reading them as YAML would take long and hundreds of megabytes.
func countSeparators(data []byte) int {
	if len(data) < maxNodes {
		return 0
	}
	n := 0
	for _, c := range data {
		switch c {
		case '\n', ',', '[', '{', ':':
			n++
		}
	}
	return n
}

func (src *Source) tooManyValues() diag.Diagnostic {
	return diag.Diagnostic{
		Code: diag.TooManyValues, Span: diag.Span{File: src.file.Name},
		Message: "the file holds more than a million lines and values", Help: "give large data as a table of parameters, a CSV file",
	}
}

// decodeDocument reads the next document. A fault of yaml.v3 itself becomes an
// error like one of the file.
func decodeDocument(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = &yaml.Node{}
	if err := dec.Decode(doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, io.EOF
	}
	return doc, nil
}

// walker goes through the tree once and collects what yaml.v3 let pass.
type walker struct {
	src   *Source
	nodes int
	list  diag.List
}

func (w *walker) report(code *diag.Code, span diag.Span, message, help string) *diag.Diagnostic {
	w.list = append(w.list, diag.Diagnostic{Code: code, Span: span, Message: message, Help: help})
	return &w.list[len(w.list)-1]
}

// node checks n and everything in it.
func (w *walker) node(n *yaml.Node, depth int) {
	if w.nodes++; w.nodes > maxNodes {
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		w.alias(n)
	case depth > maxDepth:
		w.tooDeep(n)
	case n.Style&yaml.TaggedStyle != 0 && !isCoreTag(n):
		w.tag(n)
	case n.Kind == yaml.MappingNode:
		w.anchor(n)
		w.mapping(n, depth)
	default:
		w.anchor(n)
		w.splitItems(n)
		for _, c := range n.Content {
			w.node(c, depth+1)
		}
	}
}

func (w *walker) tooDeep(n *yaml.Node) {
	at := w.src.start(n)
	w.report(diag.TooDeep, w.src.At(at, at+1), fmt.Sprintf("lists and mappings stand inside one another more than %d levels deep", maxDepth),
		"move the inner part into a workflow of its own and use call")
	refuse(n)
}

const wantsQuotes = "if this is meant as text, put it in quotes"

// alias reports a repetition of nothing. That a part has a name was reported
// where it stands, with what to write in place of its repetitions.
func (w *walker) alias(n *yaml.Node) {
	defer refuse(n)
	if n.Alias != nil {
		return
	}
	w.report(diag.NotInLanguage, w.src.NodeSpan(n), fmt.Sprintf("YAML takes *%s for a repetition of a part named &%s, which workflows do not use", n.Value, n.Value),
		"write the value itself, give it a name under let, or repeat steps with for; "+wantsQuotes)
}

// anchor reports a name given to a part of the file. The part itself is fine,
// unless nothing is left of what was meant as text.
func (w *walker) anchor(n *yaml.Node) {
	if n.Anchor == "" {
		return
	}
	w.report(diag.NotInLanguage, w.src.properties(n), fmt.Sprintf("YAML takes &%s for the name of a part of the file, which workflows do not use", n.Anchor),
		"remove &"+n.Anchor+"; where *"+n.Anchor+" stands write the value itself, or give it a name under let. "+strings.ToUpper(wantsQuotes[:1])+wantsQuotes[1:])
	if n.Kind == yaml.ScalarNode && n.Value == "" {
		refuse(n)
	}
}

// properties returns the span of a node's tag and anchor.
func (src *Source) properties(n *yaml.Node) diag.Span {
	data, at := src.file.Data, src.offset(n.Line, n.Column)
	if at >= len(data) || data[at] != '!' && data[at] != '&' {
		return src.NodeSpan(n)
	}
	end := at
	for end < len(data) && !isBlankOrBreak(data[end]) {
		end++
	}
	return src.At(at, end)
}

// isCoreTag reports whether n's tag says no more than what n is. Tags such as
// !!int would claim a type for any text.
func isCoreTag(n *yaml.Node) bool {
	switch n.Tag {
	case "!!str":
		return n.Kind == yaml.ScalarNode
	case "!!map":
		return n.Kind == yaml.MappingNode
	case "!!seq":
		return n.Kind == yaml.SequenceNode
	}
	return false
}

func (w *walker) tag(n *yaml.Node) {
	what, help := tagTrap(n)
	w.report(diag.UnknownTag, w.src.properties(n), what, help)
	refuse(n)
}

// tagTrap says what YAML made of a "!" and what to write.
func tagTrap(n *yaml.Node) (what, help string) {
	what = fmt.Sprintf("YAML took %s for a tag, not for a part of the value", n.Tag)
	word := strings.TrimLeft(n.Tag, "!")
	switch {
	case strings.HasPrefix(n.Tag, "!!"):
		return what, "remove it: what a value is follows from where it stands"
	case n.Kind == yaml.ScalarNode && IsName(word):
		return what, "to say the opposite of a condition, write not " + strings.TrimSpace(word+" "+n.Value)
	}
	return what, wantsQuotes
}

// checkSingle reports a second document in the file.
func (w *walker) checkSingle(dec *yaml.Decoder) {
	doc, err := decodeDocument(dec)
	switch {
	case errors.Is(err, io.EOF):
	case err != nil:
		w.list = append(w.list, w.src.syntaxError(err))
	default:
		at := w.src.offset(doc.Line, doc.Column)
		w.report(diag.SeveralDocuments, w.src.At(at, at+len("---")), "a second YAML document starts here; a workflow file holds one",
			"remove the line, or put what follows into a file of its own")
	}
}

// mapping checks keys and values, and removes pairs whose key is of no use.
func (w *walker) mapping(n *yaml.Node, depth int) {
	w.splitValues(n)
	kept, some := n.Content[:0], len(n.Content) > 0
	keys := keyPlaces{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if w.key(k, v, &keys) {
			w.anchor(k)
			w.node(v, depth+1)
			kept = append(kept, k, v)
		}
	}
	n.Content = kept
	if len(kept) == 0 && some && depth > 0 {
		refuse(n) // that it is empty now is not its fault
	}
}

// keyPlaces finds equal keys: by comparing while there are few, as nearly
// always, and by a map beyond.
type keyPlaces struct {
	few  []*yaml.Node
	many map[string]*yaml.Node
}

// add returns the earlier key of the same name, if there is one.
func (p *keyPlaces) add(k *yaml.Node) (first *yaml.Node, again bool) {
	for _, f := range p.few {
		if f.Value == k.Value {
			return f, true
		}
	}
	if first, again = p.many[k.Value]; again {
		return first, true
	}
	switch {
	case len(p.few) < 16:
		p.few = append(p.few, k)
	case p.many == nil:
		p.many = map[string]*yaml.Node{k.Value: k}
	default:
		p.many[k.Value] = k
	}
	return nil, false
}

// key reports whether k can be used as a key.
func (w *walker) key(k, v *yaml.Node, keys *keyPlaces) bool {
	w.nodes++
	switch {
	case k.Kind == yaml.AliasNode:
		w.alias(k)
	case k.Kind == yaml.ScalarNode && k.Tag == "!!merge":
		w.report(diag.NotInLanguage, w.src.NodeSpan(k), "YAML takes << for a merge of another mapping, which workflows do not use",
			"write the keys themselves, or put what many steps share under defaults")
	case k.Kind == yaml.ScalarNode && k.Style&yaml.TaggedStyle != 0 && k.Tag != "!!str":
		w.tag(k)
	case k.Kind != yaml.ScalarNode || k.Tag != "!!str":
		w.keyNotText(k, v)
	default:
		first, again := keys.add(k)
		if again {
			w.duplicate(first, k)
		}
		return !again
	}
	return false
}

func (w *walker) duplicate(first, k *yaml.Node) {
	span := w.src.NodeSpan(first)
	d := w.report(diag.DuplicateKey, w.src.NodeSpan(k), fmt.Sprintf("the key %s stands here a second time", quoteName(k.Value)),
		"remove one of the two, or rename it")
	d.Related = []diag.Related{{Span: span, Message: "it stands here first"}}
}

func quoteName(s string) string {
	if IsName(s) {
		return s
	}
	return strconv.Quote(s)
}

// keyNotText explains a key that YAML did not read as text.
func (w *walker) keyNotText(k, v *yaml.Node) {
	span := w.src.NodeSpan(k)
	switch {
	case k.Kind == yaml.MappingNode && k.Style&yaml.FlowStyle != 0 && v.Tag == "!!null":
		w.report(diag.KeyNotText, span, "YAML took the {…} for a key of its own, without a value", "text in double braces needs quotes; names of params are written without braces")
	case k.Kind != yaml.ScalarNode:
		w.report(diag.KeyNotText, span, "a list or a mapping stands here where a key is wanted", "a key is one word; "+wantsQuotes)
	case k.Value == "":
		w.report(diag.KeyNotText, span, "a key is missing before the colon", "write key: value")
	default:
		w.report(diag.KeyNotText, span, fmt.Sprintf("YAML reads the key %s as %s, not as text", k.Value, typeNames(k.Tag)), "put it in quotes if it is meant as a name: '"+k.Value+"'")
	}
}

// typeNames says in plain words what a tag of YAML means.
func typeNames(tag string) string {
	switch tag {
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!timestamp":
		return "a date"
	case "!!null":
		return "nothing"
	}
	return strings.TrimLeft(tag, "!")
}
