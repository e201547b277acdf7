package schema

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// value explains why a value, or the name of an entry, was refused.
func (e *explainer) value(f fault) {
	p := &f.at
	if e.moved[p.node] != nil && f.keyword == wrongType {
		return
	}
	switch f.keyword {
	case barred:
		e.barred(p)
	case wrongKey:
		e.wrongName(p)
	case wrongType:
		e.wrongType(p)
	case pattern:
		e.wrongForm(p)
	case enum:
		e.unknownWord(p)
	case minItems, minProperties:
		e.add(diag.EmptyValue, p.node, p.name()+" is empty", "write "+p.shape.Noun+", for example "+p.example())
	}
}

// barred explains a key that has no effect beside another.
func (e *explainer) barred(p *place) {
	for _, r := range p.up.inner().Rules {
		if !slices.Contains(r.Bars, p.key.Value) || !r.Holds(p.up.node) {
			continue
		}
		other := entryOf(p.up.node, r.Key)
		beside := r.Key
		if r.Words != nil {
			beside += ": " + other[1].Value
		}
		d := e.add(diag.BarredKey, p.key, quoted(p.key.Value)+" has no effect beside "+quoted(beside), r.Why+"; remove "+quoted(p.key.Value))
		d.Related = []diag.Related{{Span: e.src.NodeSpan(other[0]), Message: "the other key is here"}}
		return
	}
}

// entryOf returns the key and the value of an entry that is there.
func entryOf(mapping *yaml.Node, key string) [2]*yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return [2]*yaml.Node{mapping.Content[i], mapping.Content[i+1]}
		}
	}
	return [2]*yaml.Node{mapping, mapping}
}

// wrongName explains an entry whose key cannot be a name.
func (e *explainer) wrongName(p *place) {
	if s := p.up.inner(); s != nil && s.Keys != nil {
		e.add(diag.WrongForm, p.key, quoted(p.key.Value)+" is not "+s.Keys.Doc, "write it like this: "+p.up.example()+byVolume(p.up))
		return
	}
	help := "a name has letters a to z, digits and _, and does not start with a digit"
	like := nameLike(p.key.Value)
	if like != "" {
		help += ", for example " + like
	}
	d := e.add(diag.WrongForm, p.key, quoted(p.key.Value)+" cannot be a name", help)
	if like != "" {
		d.Edits = e.rename(p.key, like)
	}
}

// nameLike returns the name that is nearest to s, or "" if there is none.
func nameLike(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r >= 128 }) {
		return "" // what is left of größe without its umlaut is no name for it
	}
	like := strings.Map(func(r rune) rune {
		switch {
		case spec.IsName("_" + string(r)):
			return r
		case strings.ContainsRune(" -./:", r):
			return '_'
		}
		return -1
	}, s)
	like = strings.Trim(like, "_")
	if like != "" && !spec.IsName(like) {
		like = "_" + like
	}
	return like
}

// wrongType explains a value of another form than its key expects.
func (e *explainer) wrongType(p *place) {
	n := p.node
	what, trapHelp, trapped := e.src.Trap(n)
	switch {
	case n.Kind == yaml.ScalarNode && spec.ScalarValue(n) == nil:
		e.null(p, what, trapHelp)
		return
	case n.Tag == "!!bool":
		trapped = false // true is just what it looks like
	case trapped:
	case isStep(p) && n.Kind == yaml.ScalarNode && spec.LookupStepKind(n.Value) != nil:
		e.add(diag.WrongType, n, "this step lacks the colon behind "+quoted(n.Value), "write "+stepExample(n.Value))
		return
	}
	if name, rest, ok := strings.Cut(n.Value, ":"); ok && isStep(p) && n.Kind == yaml.ScalarNode && spec.LookupStepKind(name) != nil {
		e.add(diag.WrongType, n, "a blank is missing after the colon, so YAML reads this as text", "write "+name+": "+rest)
		return
	}
	help := "write it like this: " + p.example() + byVolume(p)
	if n.Kind == yaml.SequenceNode && n.Style&yaml.FlowStyle != 0 && p.shape.Noun == "an expression" {
		help = "put quotes around the list, so that it is read as an expression"
	}
	if n.Kind == yaml.MappingNode && p.shape.Kind == spec.ListShape {
		help = "start each item with a dash, or put all of them into brackets: " + p.example()
	}
	d := e.add(diag.WrongType, n, p.name()+" expects "+p.shape.Noun+", and this is "+kindName(n), help)
	if n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle == 0 {
		d.Span = e.firstLine(p)
	}
	if trapped {
		d.Label, d.Help = what, trapHelp
	}
}

// byVolume is how a value that may depend on the volume that is moved is written
// so, or nothing.
func byVolume(p *place) string {
	if p.key == nil || p.shape == nil || strings.Contains(p.example(), "{") || !slices.ContainsFunc(p.shape.Any, func(s *spec.Shape) bool { return s.Kind == spec.MapShape && s.Keys != nil }) {
		return ""
	}
	return "; or by the volume that is moved: " + p.key.Value + ": {10 uL: " + p.shape.Example + ", 100 uL: " + p.shape.Example + "}"
}

// firstLine is the span that stands for a block of many lines: the key in front
// of it, or its first line.
func (e *explainer) firstLine(p *place) diag.Span {
	if p.key != nil {
		return e.src.NodeSpan(p.key)
	}
	n := p.node
	for n.Kind != yaml.ScalarNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	return e.src.NodeSpan(n)
}

func stepExample(key string) string {
	if k := spec.LookupStepKind(key); k.Example != "null" {
		return key + ": " + k.Example
	}
	return key + ":"
}

// null explains a value that is missing behind its key or dash.
func (e *explainer) null(p *place, what, help string) {
	at, message, remove := p.node, "nothing stands behind the dash", "dash"
	if p.key != nil {
		at, message, remove = p.key, p.name()+" has no value", "key"
	}
	if p.node.Value != "" {
		at, message = p.node, p.name()+" expects "+p.shape.Noun+", and this is nothing"
	}
	if help == "" {
		help = "write " + p.shape.Noun + ", for example " + p.example() + ", or remove the " + remove
	}
	if p.up == nil {
		help = nounOf(p.shape) + " starts with " + p.example()
	}
	e.add(diag.EmptyValue, at, message, help).Label = what
}

// kindName says what a node is.
func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	switch spec.ScalarValue(n).(type) {
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case nil:
		return "nothing"
	}
	return "text"
}

// wrongForm explains a text that does not look as it should.
func (e *explainer) wrongForm(p *place) {
	n := p.node
	s := p.inner()
	what, trapHelp, trapped := e.src.Trap(n)
	if strings.TrimSpace(n.Value) == "" {
		d := e.add(diag.EmptyValue, n, p.name()+" is blank", "write "+p.shape.Noun+", for example "+p.example())
		if trapped {
			d.Label, d.Help = what, trapHelp
		}
		return
	}
	d := e.add(diag.WrongForm, n, p.name()+" expects "+p.shape.Noun+", and "+quoted(shortened(n.Value))+" does not look like one", "write "+s.Pattern.Doc+", for example "+p.example())
	if trapped {
		d.Label, d.Help = what, trapHelp
	}
}

// shortened is the start of a text that is too long for a message.
func shortened(s string) string {
	const most = 40
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// unknownWord explains a word that is not in the list.
func (e *explainer) unknownWord(p *place) {
	n, words := p.node, p.inner().Words
	d := e.add(diag.UnknownWord, n, p.name()+" cannot be "+quoted(shortened(n.Value)), "it is one of "+enumerated(words, "and"))
	if i := slices.IndexFunc(p.inner().Instead, func(w [2]string) bool { return w[0] == n.Value }); i >= 0 {
		d.Help = p.inner().Instead[i][1]
		return
	}
	if len(words) == 1 {
		d.Help = "it is " + words[0] + " in this version of ot2flow"
	}
	if near, ok := nearestWord(n, words); ok {
		d.Help = "did you mean " + near + "? " + strings.ToUpper(d.Help[:1]) + d.Help[1:]
		d.Edits = e.rename(n, near)
	}
}

// nearestWord finds the word that n is a slip or the start of. Words of one or
// two characters, such as the slots, are all near each other.
func nearestWord(n *yaml.Node, words []string) (string, bool) {
	text, isText := spec.ScalarValue(n).(string)
	if !isText {
		return "", false
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < 3 })
	if near, ok := diag.Nearest(text, words); ok {
		return near, true
	}
	i := slices.IndexFunc(words, func(w string) bool { return len(text) > 1 && strings.HasPrefix(w, strings.ToLower(text)) })
	if i < 0 {
		return "", false
	}
	return words[i], true
}
