package format

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
)

// printer writes nodes as lines.
type printer struct {
	src   [][]byte // the lines of the file, for its blank ones
	lines []line
	last  int // source line behind the comment that was printed last
}

// line is one line of the result. Comments and braces of neighbouring lines
// are brought into columns at the end.
type line struct {
	indent  int
	key     string // up to and with the colon, where braces follow
	text    string
	comment string
	blank   bool // a blank line stands before it
}

// finish lays out the lines.
func (p *printer) finish() []byte {
	p.alignBraces()
	p.alignComments()
	var b bytes.Buffer
	for i, l := range p.lines {
		if l.blank && i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimRight(strings.Repeat(" ", l.indent)+l.full(), " "))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

func (l *line) full() string {
	out := l.body()
	if l.comment == "" {
		return out
	}
	if out == "" {
		return l.comment
	}
	return out + "  " + l.comment
}

func (l *line) body() string {
	if l.key != "" {
		return l.key + " " + l.text
	}
	return l.text
}

// runs calls f for every stretch of neighbouring lines that belong together.
func (p *printer) runs(belongs func(*line) bool, f func([]line)) {
	for i := 0; i < len(p.lines); {
		j := i
		for j < len(p.lines) && belongs(&p.lines[j]) && (j == i || !p.lines[j].blank && p.lines[j].indent == p.lines[i].indent) {
			j++
		}
		if j > i+1 {
			f(p.lines[i:j])
		}
		i = max(j, i+1)
	}
}

// alignBraces pads keys so that the braces behind them begin in one column.
func (p *printer) alignBraces() {
	p.runs(func(l *line) bool { return l.key != "" }, func(run []line) {
		wide := 0
		for _, l := range run {
			wide = max(wide, width(l.key))
		}
		for i := range run {
			run[i].key += strings.Repeat(" ", wide-width(run[i].key))
		}
	})
}

// alignComments pads lines so that the comments behind them begin in one
// column.
func (p *printer) alignComments() {
	p.runs(func(l *line) bool { return l.comment != "" && l.body() != "" }, func(run []line) {
		wide := 0
		for i := range run {
			wide = max(wide, width(run[i].body()))
		}
		for i := range run {
			run[i].comment = strings.Repeat(" ", wide-width(run[i].body())) + run[i].comment
		}
	})
}

func width(s string) int { return utf8.RuneCountInString(s) }

func (p *printer) add(l line) { p.lines = append(p.lines, l) }

// comment writes comment lines. Blank lines before them, and between them,
// are kept.
func (p *printer) comment(text string, indent int) {
	if text == "" {
		return
	}
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			p.add(line{indent: indent, comment: l, blank: p.gapAbove(l)})
		}
	}
}

// gapAbove finds a comment in the source, going on from the one before, and
// reports whether a blank line stands above it.
func (p *printer) gapAbove(comment string) bool {
	for _, from := range []int{p.last, 0} {
		for i := from; i < len(p.src); i++ {
			if string(bytes.TrimSpace(p.src[i])) == comment {
				p.last = i + 1
				return p.blank(i - 1)
			}
		}
	}
	return false
}

// lead writes what stands before the first key.
func (p *printer) lead(text string, root *yaml.Node) {
	if text == "" || len(root.Content) > 0 && root.Content[0].HeadComment == text {
		return
	}
	p.comment(text, 0)
}

// gap reports whether a blank line stands before the node, or before the
// comment above it, in the source.
func (p *printer) gap(n *yaml.Node) bool {
	at := n.Line - 2 // the line above, from 0
	if n.HeadComment != "" {
		for at >= 0 && at < len(p.src) && bytes.HasPrefix(bytes.TrimSpace(p.src[at]), []byte("#")) {
			at--
		}
	}
	return p.blank(at)
}

// blank reports whether a line of the source, counted from 0, has nothing in it.
func (p *printer) blank(at int) bool {
	return at >= 0 && at < len(p.src) && len(bytes.TrimSpace(p.src[at])) == 0
}

// block writes a mapping or list over lines.
func (p *printer) block(n *yaml.Node, indent int) {
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			p.item(item, indent)
		}
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		p.entry(n.Content[i], n.Content[i+1], indent, "")
	}
}

// entry writes one key with its value. dash is the dash of a list item that
// begins with this key.
func (p *printer) entry(k, v *yaml.Node, indent int, dash string) {
	apart := p.gap(k)
	if dash == "" && k.HeadComment != "" {
		p.comment(k.HeadComment, indent)
		apart = p.blank(k.Line - 2)
	}
	key := dash + scalar(k, false) + ":"
	note := joinComments(k.LineComment, v.LineComment)
	at := indent - len(dash)
	switch {
	case isBlockText(v):
		p.blockText(key, v, at, indent, apart, note)
	case isFolded(v, at+width(key)+1):
		p.folded(key, v, at, indent, apart, note)
	case v.Kind == yaml.ScalarNode:
		p.add(line{indent: at, text: strings.TrimRight(key+" "+scalar(v, false), " "), comment: note, blank: apart})
	case p.inline(v, at+width(key)+1):
		l := line{indent: at, text: flow(v), comment: note, blank: apart}
		if v.Kind == yaml.MappingNode && dash == "" {
			l.key = key
		} else {
			l.text = key + " " + l.text
		}
		p.add(l)
	default:
		p.add(line{indent: at, text: key, comment: note, blank: apart})
		p.comment(v.HeadComment, indent+2)
		p.block(v, indent+2)
	}
	p.comment(v.FootComment, indent)
	p.comment(k.FootComment, indent)
}

// item writes one item of a list.
func (p *printer) item(n *yaml.Node, indent int) {
	apart := p.gap(n)
	if n.HeadComment != "" || n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Content[0].HeadComment != "" {
		head := n.HeadComment
		if head == "" {
			head = n.Content[0].HeadComment
		}
		p.comment(head, indent)
		apart = false
	}
	switch {
	case isBlockText(n):
		p.blockText("-", n, indent, indent, apart, n.LineComment)
	case n.Kind == yaml.ScalarNode:
		p.add(line{indent: indent, text: "- " + scalar(n, false), comment: n.LineComment, blank: apart})
	case len(n.Content) == 0 || p.inline(n, indent+2):
		p.add(line{indent: indent, text: "- " + flow(n), comment: n.LineComment, blank: apart})
	case n.Kind == yaml.SequenceNode:
		p.add(line{indent: indent, text: "-", comment: n.LineComment, blank: apart})
		p.block(n, indent+2)
	default:
		p.itemMapping(n, indent, apart)
	}
	p.comment(n.FootComment, indent)
}

// itemMapping writes a mapping whose first key stands behind the dash.
func (p *printer) itemMapping(n *yaml.Node, indent int, apart bool) {
	at := len(p.lines)
	p.entry(n.Content[0], n.Content[1], indent+2, "- ")
	p.lines[at].blank = apart
	for i := 2; i+1 < len(n.Content); i += 2 {
		p.entry(n.Content[i], n.Content[i+1], indent+2, "")
	}
}

// inline reports whether a mapping or list is written in braces: it was, it
// has no comments inside, and it fits; or it is empty.
func (p *printer) inline(n *yaml.Node, column int) bool {
	if len(n.Content) == 0 {
		return true
	}
	return n.Style&yaml.FlowStyle != 0 && !hasComments(n) && column+width(flow(n)) <= Width
}

func hasComments(n *yaml.Node) bool {
	for _, c := range n.Content {
		if c.HeadComment != "" || c.LineComment != "" || c.FootComment != "" || isBlockText(c) || hasComments(c) {
			return true
		}
	}
	return false
}

func joinComments(a, b string) string {
	if a == "" || b == "" || a == b {
		return a + strings.TrimPrefix(b, a)
	}
	return a + " " + b
}

func isBlockText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && strings.Contains(strings.TrimRight(n.Value, "\n"), "\n")
}

// blockText writes a text of several lines, always in the literal style.
func (p *printer) blockText(key string, n *yaml.Node, at, indent int, apart bool, note string) {
	mark := "|"
	body := n.Value
	switch {
	case !strings.HasSuffix(body, "\n"):
		mark = "|-"
	case strings.HasSuffix(body, "\n\n"):
		mark = "|+"
	}
	if strings.HasPrefix(body, " ") || strings.HasPrefix(body, "\n") {
		mark = "|2" + mark[1:]
	}
	p.add(line{indent: at, text: key + " " + mark, comment: note, blank: apart})
	for _, l := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		p.add(line{indent: indent + 2, text: l})
	}
}

// isFolded reports a paragraph that was written over several lines, and would
// be wider than a line without that.
func isFolded(n *yaml.Node, column int) bool {
	text := strings.TrimSuffix(n.Value, "\n")
	return n.Kind == yaml.ScalarNode && n.Style&yaml.FoldedStyle != 0 && column+width(text) > Width &&
		!strings.ContainsAny(text, "\n\t") && text == strings.Join(strings.Fields(text), " ")
}

// folded writes a paragraph over as many lines as it needs.
func (p *printer) folded(key string, n *yaml.Node, at, indent int, apart bool, note string) {
	mark := ">"
	if !strings.HasSuffix(n.Value, "\n") {
		mark = ">-"
	}
	p.add(line{indent: at, text: key + " " + mark, comment: note, blank: apart})
	text := ""
	for _, word := range strings.Fields(n.Value) {
		switch {
		case text == "":
			text = word
		case indent+2+width(text)+1+width(word) > Width:
			p.add(line{indent: indent + 2, text: text})
			text = word
		default:
			text += " " + word
		}
	}
	p.add(line{indent: indent + 2, text: text})
}

// flow renders a node in braces, on one line.
func flow(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		parts := make([]string, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			parts = append(parts, scalar(n.Content[i], true)+": "+flow(n.Content[i+1]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			parts[i] = flow(c)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return scalar(n, true)
}

// scalar renders a scalar in the plainest way that reads back the same.
func scalar(n *yaml.Node, inFlow bool) string {
	if n.ShortTag() != "!!str" {
		return n.Value
	}
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if plainIsSafe(n.Value, inFlow) && !(quoted && plainIsOdd(n.Value)) {
		return n.Value
	}
	if strings.ContainsFunc(n.Value, func(r rune) bool {
		return r < ' ' || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0x7f
	}) {
		return doubleQuoted(n.Value)
	}
	return "'" + strings.ReplaceAll(n.Value, "'", "''") + "'"
}

// plainIsOdd reports text that YAML reads back as it is, and that is a truth
// value or a number to other YAML programs or to a person: yes, 12:30, 1e400.
// Who wrote it in quotes knew why, so those stay.
func plainIsOdd(s string) bool {
	f := &spec.File{Data: []byte("k: " + s + "\n")}
	src := spec.NewSource(f)
	root, _ := src.Parse()
	if root == nil || len(root.Content) != 2 || utf8.RuneCountInString(s) == 1 { // n and y are names
		return false
	}
	_, _, trap := src.Trap(root.Content[1])
	_, _, number := src.NumberTrap(root.Content[1])
	return trap || number || strings.Contains(s, ":") && strings.Trim(s, "0123456789:.-+_") == ""
}

// plainIsSafe asks YAML itself whether the text reads back as it is where it
// is going to stand. A # is not left to YAML: a blank put before it later
// would make a comment of the rest.
func plainIsSafe(s string, inFlow bool) bool {
	if s == "" || strings.Contains(s, "#") || strings.TrimSpace(s) != s || strings.ContainsAny(s, "\n\r\t") || inFlow && strings.ContainsAny(s, ",[]{}") {
		return false
	}
	text := "k: " + s
	if inFlow {
		text = "{k: " + s + ", z: 1}"
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text+"\n"), &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return false
	}
	root := doc.Content[0]
	if want := map[bool]int{false: 2, true: 4}[inFlow]; len(root.Content) != want {
		return false
	}
	v := root.Content[1]
	return v.Kind == yaml.ScalarNode && v.Style == 0 && v.ShortTag() == "!!str" && v.Value == s && v.LineComment == "" && v.Anchor == ""
}

func doubleQuoted(s string) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	out, err := yaml.Marshal(&node)
	if err != nil {
		return "'" + s + "'"
	}
	return strings.TrimRight(string(out), "\n")
}
