package spec

import (
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Refusal is a node that its shape does not take. It says where, not why: the
// schema explains (package schema). For an unknown key the node is that of the
// key; for a missing one, of the mapping it is missing in; else of the value.
type Refusal struct{ Node *yaml.Node }

// Document is a decoded workflow file.
type Document struct {
	// Workflow is never nil. What was refused is missing in it: a value is not
	// set, a declaration has at least its name, a step is Broken. Whoever
	// reads on takes what is missing for unknown and says nothing about it.
	Workflow *Workflow
	Root     *yaml.Node // nil where there was nothing to decode
	Source   *Source
	Format   string    // WorkflowFormat, ClassFormat, LabFormat or TestsFormat
	Refused  []Refusal // in the order of the file, but for nested nodes
}

// decoder walks the tree once: each value is compared with the shape of the
// slot it is for and, if taken, read into it.
type decoder struct {
	src     *Source
	kinds   []StepKind
	refused []Refusal
	found   diag.List
	broken  bool // something was refused in the step being read
	paths   map[string]diag.Span
	exprs   []ExprPlace
}

// Decode reads a parsed workflow. It takes exactly what the schema takes: a
// file with Refused nodes is one that the schema refuses. Findings that a
// schema cannot express, such as two step keys in one step, are in the list.
func Decode(src *Source, root *yaml.Node) (*Document, diag.List) {
	w := &Workflow{File: src.File().Name}
	doc := &Document{Workflow: w, Root: root, Source: src, Format: WorkflowFormat}
	if root == nil {
		return doc, nil
	}
	d := decode(src, root, w)
	doc.Refused = d.refused
	return doc, d.found
}

// ExprPlace is where an expression stands: in the value of a scalar, from one
// byte to another.
type ExprPlace struct {
	Node       *yaml.Node
	Start, End int
	Text       bool // it is a text, in which expressions stand in ${ }
}

// Expressions returns the places of a workflow that are read as expressions, or
// as texts that hold some. Those of one scalar are in order. What is refused is
// left out.
func Expressions(src *Source, root *yaml.Node) []ExprPlace {
	return decode(src, root, &Workflow{}).exprs
}

func decode(src *Source, root *yaml.Node, w *Workflow) *decoder {
	d := &decoder{src: src, kinds: StepKinds(), paths: map[string]diag.Span{}}
	v := value{d, root}
	if d.opens(v, rootShape) {
		w.Span = v.span()
		d.object(v, rootShape, workflowFields(w))
	}
	return d
}

// value is a node being decoded.
type value struct {
	d    *decoder
	node *yaml.Node
}

func (v value) scalar() Scalar  { return v.d.src.Scalar(v.node) }
func (v value) span() diag.Span { return v.d.src.NodeSpan(v.node) }
func (v value) isScalar() bool  { return v.node.Kind == yaml.ScalarNode }
func (v value) isList() bool    { return v.node.Kind == yaml.SequenceNode }

// expr takes the scalar for an expression.
func (v value) expr(want Want) Expr {
	if v.d.cutOff(v.node) {
		return Expr{}
	}
	v.d.exprs = append(v.d.exprs, ExprPlace{Node: v.node, End: len(v.node.Value)})
	return Expr{Scalar: v.scalar(), Want: want}
}

// cutOff reports an expression of which YAML took a part for a comment.
func (d *decoder) cutOff(n *yaml.Node) bool {
	what, help, cut := d.src.cutTrap(n)
	if cut {
		d.broken = true
		d.found = append(d.found, diag.Diagnostic{Code: diag.CutOff, Span: d.src.NodeSpan(n), Message: what, Help: help})
	}
	return cut
}

// exprFrom takes a part of the scalar for an expression.
func (v value) exprFrom(start, end int, want Want) Expr {
	v.d.exprs = append(v.d.exprs, ExprPlace{Node: v.node, Start: start, End: end})
	return Expr{Scalar: v.scalar().Slice(start, end).trimmed(), Want: want}
}

// text takes the scalar for a text.
func (v value) text() Text {
	v.d.exprs = append(v.d.exprs, ExprPlace{Node: v.node, End: len(v.node.Value), Text: true})
	return Text{v.scalar(), true}
}

// word returns the word that s takes v for: of a number, the one written like
// the shape has it.
func (v value) word(s *Shape) Word {
	if x, is := ScalarValue(v.node).(float64); is && len(s.Words) > 0 {
		return Word{s.Words[s.numberWord(x)], v.span()}
	}
	return Word{v.node.Value, v.span()}
}

// each calls f for the items of a list that the shape takes, or for the value
// itself if it is no list.
func (v value) each(elem *Shape, f func(i int, item value)) {
	if !v.isList() {
		f(0, v)
		return
	}
	for i, n := range v.node.Content {
		if item := (value{v.d, n}); v.d.opens(item, elem) {
			f(i, item)
		}
	}
}

// entries calls f for the pairs of a mapping. taken says whether the shape takes
// the value; the name is not set where the key is none.
func (v value) entries(elem *Shape, f func(name Word, item value, taken bool)) {
	v.entriesBy(identifier, elem, f)
}

// entriesBy is entries where keys look like something else than names.
func (v value) entriesBy(keys *Pattern, elem *Shape, f func(name Word, item value, taken bool)) {
	for k, n := range pairs(v.node) {
		name := Word{}
		if keys.Match(k.Value) {
			name = value{v.d, k}.word(nameShape)
		} else {
			v.d.refuse(k)
		}
		item := value{v.d, n}
		f(name, item, v.d.opens(item, elem))
	}
}

// pairs ranges over the keys and values of a mapping.
func pairs(n *yaml.Node) func(yield func(key, val *yaml.Node) bool) {
	return func(yield func(key, val *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

func (d *decoder) refuse(n *yaml.Node) {
	d.broken = true
	if !slices.Contains(d.refused, Refusal{n}) {
		d.refused = append(d.refused, Refusal{n})
	}
}

// take reads v into the slot if its shape takes it.
func (d *decoder) take(v value, s Slot) {
	if d.opens(v, s.Shape) {
		s.read(d, v)
	}
}

// opens reports whether the shape takes v, as far as v itself goes: whatever is
// inside a list or a mapping is compared by the one who reads it. A null where
// nothing need stand is taken and not read.
func (d *decoder) opens(v value, s *Shape) bool {
	if IsRefused(v.node) {
		d.broken = true
		return false
	}
	alt := s.Alternative(v.isScalar(), v.isList())
	if alt == nil {
		d.refuse(v.node)
		return false
	}
	switch alt.Kind {
	case ScalarShape:
		return d.opensScalar(v, alt)
	case ListShape:
		return d.openIf(v, v.isList() && len(v.node.Content) >= alt.Min)
	}
	if v.isScalar() && alt.Scalars&Nulls != 0 && ScalarValue(v.node) == nil {
		return false
	}
	return d.openIf(v, v.node.Kind == yaml.MappingNode && len(v.node.Content) >= 2*alt.Min)
}

func (d *decoder) openIf(v value, fits bool) bool {
	if !fits {
		d.refuse(v.node)
	}
	return fits
}

func (d *decoder) opensScalar(v value, s *Shape) bool {
	if v.isScalar() && s.IsOddNumber(d.src, v.node) {
		d.oddNumber(v.node)
		return false
	}
	return d.openIf(v, v.isScalar() && s.takesScalar(v.node))
}

// object reads the keys of a mapping.
func (d *decoder) object(v value, s *Shape, fields []Field) {
	var seen keySet
	for k, n := range pairs(v.node) {
		f := findField(fields, k.Value)
		if f < 0 {
			d.refuse(k)
			continue
		}
		seen.add(f)
		if d.obeys(v, n, k.Value, s.Rules) {
			d.take(value{d, n}, fields[f].Slot)
		}
	}
	for i := range fields {
		if fields[i].Required && !seen.has(i) {
			d.refuse(v.node)
		}
	}
	d.needs(v, s.Rules)
}

// keySet is a set of positions in a list of fields.
type keySet uint64

func (s *keySet) add(i int)     { *s |= 1 << i }
func (s keySet) has(i int) bool { return s&(1<<i) != 0 }

// obeys refuses the value of a key that another key bars.
func (d *decoder) obeys(v value, n *yaml.Node, key string, rules []Rule) bool {
	for i := range rules {
		if r := &rules[i]; slices.Contains(r.Bars, key) && r.Holds(v.node) {
			d.refuse(n)
			return false
		}
	}
	return true
}

// needs refuses a mapping that lacks a key which another key needs.
func (d *decoder) needs(v value, rules []Rule) {
	for i := range rules {
		for _, key := range rules[i].Needs {
			if child(v.node, key) == nil && rules[i].Holds(v.node) {
				d.refuse(v.node)
			}
		}
		if rules[i].lacksAny(v.node) {
			d.refuse(v.node)
		}
	}
}

// Holds reports whether the rule applies to a mapping.
func (r *Rule) Holds(mapping *yaml.Node) bool {
	n := child(mapping, r.Key)
	if n == nil || r.Words == nil {
		return n != nil
	}
	s, isText := ScalarValue(n).(string)
	return isText && slices.Contains(r.Words, s)
}

// lacksAny reports whether the rule applies to a mapping that has none of the
// keys of which it needs one.
func (r *Rule) lacksAny(mapping *yaml.Node) bool {
	return r.Any != nil && r.Holds(mapping) && !slices.ContainsFunc(r.Any, func(key string) bool { return child(mapping, key) != nil })
}

func findField(fields []Field, key string) int {
	for i := range fields {
		if fields[i].Key == key {
			return i
		}
	}
	return -1
}

// readStep reads one step. If any part of it was refused, it is marked Broken
// and has the rest.
func (d *decoder) readStep(v value, path string) *Step {
	s := &Step{Path: path, Span: v.span()}
	outer := d.broken
	d.broken = false
	if n := child(v.node, "id"); n != nil && !IsRefused(n) && nameShape.takesScalar(n) {
		s.Path = path[:strings.LastIndexByte(path, '.')+1] + n.Value
		d.uniquePath(s.Path, n)
	}
	keys := d.readStepKeys(v, s)
	d.needs(v, aStep.Rules)
	d.oneStepKey(v, keys)
	s.Broken = d.broken || len(keys) != 1
	d.broken = outer
	return s
}

// readStepKeys reads the modifiers and the body of a step, and returns its step
// keys. A second body is compared with its shape and forgotten.
func (d *decoder) readStepKeys(v value, s *Step) (keys []*yaml.Node) {
	modifiers := modifierFields(s, s.Path)
	for k, n := range pairs(v.node) {
		if f := findField(modifiers, k.Value); f >= 0 {
			if d.obeys(v, n, k.Value, aStep.Rules) {
				d.take(value{d, n}, modifiers[f].Slot)
			}
			continue
		}
		kind := d.kind(k.Value)
		if kind == nil {
			d.refuse(k)
			continue
		}
		body := kind.New()
		if keys = append(keys, k); len(keys) == 1 {
			s.Key, s.KeyAt, s.Body = k.Value, d.src.NodeSpan(k), body
		}
		d.take(value{d, n}, kind.slot(body, s.Path))
	}
	return keys
}

// uniquePath reports an id that makes two steps share a path.
func (d *decoder) uniquePath(path string, n *yaml.Node) {
	span := d.src.NodeSpan(n)
	if first, again := d.paths[path]; again {
		d.found = append(d.found, diag.Diagnostic{
			Code: diag.DuplicateID, Span: span, Message: "another step here has the id `" + n.Value + "` already",
			Related: []diag.Related{{Span: first, Message: "the first is here"}}, Help: "give each step an id of its own; two levels of `do` may use the same one",
		})
		return
	}
	d.paths[path] = span
}

func (d *decoder) kind(key string) *StepKind {
	for i := range d.kinds {
		if d.kinds[i].Key == key {
			return &d.kinds[i]
		}
	}
	return nil
}

// LookupStepKind finds a step kind by its key, or returns nil.
func LookupStepKind(key string) *StepKind {
	d := decoder{kinds: StepKinds()}
	return d.kind(key)
}

// oneStepKey says that a step has none or several. A step with an unknown key
// most likely has a misspelt one, which is found already.
func (d *decoder) oneStepKey(v value, keys []*yaml.Node) {
	switch {
	case len(keys) == 0 && !d.broken:
		d.found = append(d.found, diag.Diagnostic{
			Code: diag.NoStepKey, Span: v.span(), Message: "this step does nothing: it has modifiers but no step key",
			Help: "add what it is to do, for example transfer: {from: red, to: plate.A1, volume: 50 uL}, or do: with a list of steps",
		})
	case len(keys) > 1:
		d.found = append(d.found, d.twoStepKeys(keys[0], keys[1]))
	}
}

func (d *decoder) twoStepKeys(first, second *yaml.Node) diag.Diagnostic {
	out := diag.Diagnostic{
		Code: diag.TwoStepKeys, Span: d.src.NodeSpan(second),
		Message: "this step has two step keys, `" + first.Value + "` and `" + second.Value + "`",
		Related: []diag.Related{{Span: d.src.NodeSpan(first), Message: "the first is here"}},
		Help:    "start a second step with a dash of its own before `" + second.Value + "`",
	}
	if kind := d.kind(first.Value); kind.short == nil && findField(kind.New().fields(), second.Value) >= 0 {
		out.Help = "is `" + second.Value + "` meant to be inside `" + first.Value + "`? then indent it; or start a second step with a dash of its own"
	}
	return out
}

// ScalarValue returns what the scalar n is to decoder and schema alike: nil,
// bool, float64 or string. A tag that the value does not fit makes it a string.
func ScalarValue(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		if strings.Trim(strings.ToLower(n.Value), "~") == "" || strings.EqualFold(n.Value, "null") {
			return nil
		}
	case "!!bool":
		if b, err := strconv.ParseBool(strings.ToLower(n.Value)); err == nil && len(n.Value) > 1 {
			return b
		}
	case "!!int", "!!float":
		if x, ok := number(n.Value); ok {
			return x
		}
	}
	return n.Value
}

// number reads a decimal number: no hexadecimals, no infinity.
func number(s string) (float64, bool) {
	if digits := strings.TrimLeft(s, "+-"); !isDecimal(digits) && !isDecimal("0"+digits) {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil
}

// takesScalar reports whether the shape takes the scalar n.
func (s *Shape) takesScalar(n *yaml.Node) bool {
	switch x := ScalarValue(n).(type) {
	case nil:
		return s.Scalars&Nulls != 0
	case bool:
		return s.Scalars&Booleans != 0
	case float64:
		return s.Scalars&Numbers != 0 && (len(s.Words) == 0 || s.numberWord(x) >= 0)
	case string:
		return s.Scalars&Strings != 0 && (len(s.Words) == 0 || slices.Contains(s.Words, x)) && (s.Pattern == nil || s.Pattern.Match(x))
	}
	return false
}

// numberWord returns which of the words is the number x, -1 if none is.
func (s *Shape) numberWord(x float64) int {
	return slices.IndexFunc(s.Words, func(w string) bool {
		y, ok := number(w)
		return ok && x == y
	})
}

// IsOddNumber reports whether the scalar n stands for a number in a way that people and
// programs read differently. Where text is wanted, it is just that.
func (s *Shape) IsOddNumber(src *Source, n *yaml.Node) bool {
	if s.Scalars&Numbers == 0 || s == textShape {
		return false
	}
	_, _, odd := src.NumberTrap(n)
	return odd
}

func (d *decoder) oddNumber(n *yaml.Node) {
	what, help, _ := d.src.NumberTrap(n)
	d.broken = true
	d.found = append(d.found, diag.Diagnostic{Code: diag.OddNumber, Span: d.src.NodeSpan(n), Message: what, Help: help})
}
