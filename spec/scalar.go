package spec

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// Scalar is the text of a YAML scalar that knows where each of its characters
// stands in the file. Copying one is cheap, and where characters stand is only
// worked out when a span is asked for.
type Scalar struct {
	Text string

	src  *Source
	node *yaml.Node
	from int       // Text starts here in node.Value
	span diag.Span // of a text that belongs to no node
}

// Scalar returns the text of the scalar n.
func (src *Source) Scalar(n *yaml.Node) Scalar {
	return Scalar{Text: n.Value, src: src, node: n}
}

// LiteralText returns a text that stands in no file, such as a flag's; its spans
// are zero.
func LiteralText(text string) Scalar { return Scalar{Text: text} }

// TextFrom returns a text that stands contiguously at span.Start, within one
// line of a file.
func TextFrom(span diag.Span, text string) Scalar { return Scalar{Text: text, span: span} }

// Slice returns a part of s, given in bytes of Text, that keeps its positions.
// Offsets beyond Text are moved to its ends.
func (s Scalar) Slice(start, end int) Scalar {
	start, end = clip(start, end, len(s.Text))
	out := s
	out.Text = s.Text[start:end]
	out.from += start
	if s.node == nil && !s.span.IsZero() {
		out.from = 0
		out.span = advance(s.span, s.Text, start, end)
	}
	return out
}

// Whole returns the span of all of s, with its quotes when s is a whole scalar.
func (s Scalar) Whole() diag.Span {
	switch {
	case s.node == nil:
		return s.span
	case s.isWhole():
		return s.src.NodeSpan(s.node)
	}
	return s.Span(0, len(s.Text))
}

func (s Scalar) isWhole() bool { return s.from == 0 && len(s.Text) == len(s.node.Value) }

// Span returns where the bytes start to end of Text stand in the file. When the
// mapping cannot follow, it is the span of the whole scalar. An empty stretch
// gives an empty span at its place.
func (s Scalar) Span(start, end int) diag.Span {
	start, end = clip(start, end, len(s.Text))
	if s.node == nil {
		if s.span.IsZero() {
			return s.span
		}
		return advance(s.span, s.Text, start, end)
	}
	m, ok := s.src.trace(s.node)
	if !ok {
		return s.src.NodeSpan(s.node)
	}
	return s.src.At(m.at(s.from+start, s.from+end))
}

func clip(start, end, n int) (int, int) {
	start = max(0, min(start, n))
	return start, max(start, min(end, n))
}

// advance returns the part start to end of a text that stands at span.Start.
func advance(span diag.Span, text string, start, end int) diag.Span {
	move := func(n int) diag.Pos {
		p := span.Start
		return diag.Pos{Line: p.Line, Column: p.Column + utf8.RuneCountInString(text[:n]), Offset: p.Offset + n}
	}
	return diag.Span{File: span.File, Start: move(start), End: move(end)}
}

// trail maps each byte of a scalar's value to the stretch of source that
// denotes it. An escape or a folded line break is one such stretch, shared by
// all bytes of the character it stands for.
type trail struct {
	text       []byte
	start, end []int
	close      int // where the scalar ends in the source
}

func (t *trail) add(b byte, start, end int) {
	t.text, t.start, t.end = append(t.text, b), append(t.start, start), append(t.end, end)
}

// at returns the source stretch of the bytes from to to of the value.
func (t *trail) at(from, to int) (start, end int) {
	switch {
	case len(t.text) == 0:
		return t.close, t.close
	case from >= len(t.text):
		last := t.end[len(t.text)-1]
		return last, last
	case from == to:
		return t.start[from], t.start[from]
	}
	return t.start[from], t.end[to-1]
}

// trace follows the scalar n through the source. ok is false when what it
// reads there is not n's value, so a wrong mapping is never given out.
func (src *Source) trace(n *yaml.Node) (t *trail, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return nil, false
	}
	size := len(n.Value)
	t = &trail{text: make([]byte, 0, size), start: make([]int, 0, size), end: make([]int, 0, size)}
	start, data := src.start(n), src.file.Data
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		ok = t.quoted(data, start, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		ok = t.quoted(data, start, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		ok = t.block(data, start, n.Value)
	default:
		ok = t.plain(data, start, n.Value)
	}
	return t, ok && string(t.text) == n.Value
}

// scalarEnd returns where the scalar n ends. When it cannot be followed, that
// is the end of the line it starts in.
func (src *Source) scalarEnd(n *yaml.Node, start int) int {
	if n.Value == "" && n.Style&quotedOrBlock == 0 {
		return src.propertyEnd(n, start)
	}
	if end := src.verbatimEnd(n, start); end > 0 {
		return end
	}
	if t, ok := src.trace(n); ok {
		return t.close
	}
	text, at := src.line(start)
	return max(start, at+len(bytes.TrimRight(text, " \t")))
}

// verbatimEnd returns the end of a scalar that stands in the source just as its
// value, as nearly all do, or 0.
func (src *Source) verbatimEnd(n *yaml.Node, start int) int {
	quote, special := "", ""
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		quote, special = `"`, "\"\\"
	case n.Style&yaml.SingleQuotedStyle != 0:
		quote, special = "'", "'"
	case n.Style&quotedOrBlock != 0:
		return 0
	}
	end := start + len(quote) + len(n.Value)
	data := src.file.Data
	if end+len(quote) > len(data) || strings.ContainsAny(n.Value, special) ||
		string(data[start+len(quote):end]) != n.Value || string(data[end:end+len(quote)]) != quote {
		return 0
	}
	return end + len(quote)
}

// propertyEnd returns the end of an empty scalar: that of its tag, if any.
func (src *Source) propertyEnd(n *yaml.Node, start int) int {
	data, end := src.file.Data, start
	if n.Style&yaml.TaggedStyle == 0 {
		return start
	}
	for end < len(data) && !isBlankOrBreak(data[end]) {
		end++
	}
	return end
}

// plain follows an unquoted scalar. Where it ends depends on its surroundings,
// so the value leads.
func (t *trail) plain(data []byte, at int, value string) bool {
	for len(t.text) < len(value) && at < len(data) {
		if blank := blankRun(data, at); blank > 0 {
			t.fold(data, at, at+blank, 0)
			at += blank
			continue
		}
		t.add(data[at], at, at+1)
		at++
	}
	t.close = at
	return true
}

// blankRun returns the length of the blanks and line breaks at i.
func blankRun(data []byte, i int) int {
	n := 0
	for i+n < len(data) {
		switch {
		case data[i+n] == ' ' || data[i+n] == '\t':
			n++
		case yamlBreak(data, i+n) > 0:
			n += yamlBreak(data, i+n)
		default:
			return n
		}
	}
	return n
}

// fold appends what a run of blanks and breaks between words denotes. Blanks
// alone stand for themselves; one break is a space; of several, the first
// vanishes. skip is 1 after an escaped break, which is the first already.
func (t *trail) fold(data []byte, at, end, skip int) {
	breaks := breaksIn(data, at, end)
	if len(breaks) == 0 && skip == 0 {
		for ; at < end; at++ {
			t.add(data[at], at, at+1)
		}
		return
	}
	if skip > 0 {
		t.addBreaks(data, breaks)
		return
	}
	switch {
	case !isNewline(data, breaks[0]):
		t.addBreaks(data, breaks)
	case len(breaks) == 1:
		t.add(' ', at, end)
	default:
		t.addBreaks(data, breaks[1:])
	}
}

func breaksIn(data []byte, at, end int) []int {
	var out []int
	for at < end {
		n := yamlBreak(data, at)
		if n > 0 {
			out = append(out, at)
		}
		at += max(n, 1)
	}
	return out
}

// isNewline reports whether the break at i is one that YAML turns into "\n".
func isNewline(data []byte, i int) bool { return data[i] != 0xE2 }

func (t *trail) addBreaks(data []byte, at []int) {
	for _, i := range at {
		t.addBreak(data, i)
	}
}

// addBreak appends the line break at i as YAML reads it.
func (t *trail) addBreak(data []byte, i int) {
	n := yamlBreak(data, i)
	if isNewline(data, i) {
		t.add('\n', i, i+n)
		return
	}
	for _, b := range data[i : i+n] {
		t.add(b, i, i+n)
	}
}

// quoted follows a scalar in quotes, which starts at at.
func (t *trail) quoted(data []byte, at int, quote byte) bool {
	if at >= len(data) || data[at] != quote {
		return false
	}
	at++
	for at < len(data) {
		c, blank := data[at], blankRun(data, at)
		switch {
		case blank > 0:
			t.fold(data, at, at+blank, 0)
			at += blank
		case c == quote && quote == '\'' && at+1 < len(data) && data[at+1] == quote:
			t.add(c, at, at+2)
			at += 2
		case c == quote:
			t.close = at + 1
			return true
		case c == '\\' && quote == '"':
			n := t.escape(data, at)
			if n == 0 {
				return false
			}
			at += n
		default:
			t.add(c, at, at+1)
			at++
		}
	}
	return false
}

// escape appends what the escape at at stands for and returns its length, 0
// if it is none.
func (t *trail) escape(data []byte, at int) int {
	if at+1 >= len(data) {
		return 0
	}
	if n := yamlBreak(data, at+1); n > 0 {
		blank := blankRun(data, at+1+n)
		t.fold(data, at+1+n, at+1+n+blank, 1)
		return 1 + n + blank
	}
	if size := strings.IndexByte("  x u   U", data[at+1]); size >= 2 && data[at+1] != ' ' {
		return t.codePoint(data, at, size)
	}
	text, ok := escapeText(data[at+1])
	for i := range len(text) {
		t.add(text[i], at, at+2)
	}
	if !ok {
		return 0
	}
	return 2
}

// codePoint appends the character of an escape with the given number of
// hexadecimal digits.
func (t *trail) codePoint(data []byte, at, digits int) int {
	end := at + 2 + digits
	if end > len(data) {
		return 0
	}
	r := rune(0)
	for _, c := range data[at+2 : end] {
		d := strings.IndexByte("0123456789abcdef", c|0x20)
		if d < 0 {
			return 0
		}
		r = r<<4 + rune(d)
	}
	for _, b := range utf8.AppendRune(nil, r) {
		t.add(b, at, end)
	}
	return end - at
}

// escapeText returns what a backslash and c stand for in double quotes.
func escapeText(c byte) (string, bool) {
	const names, bytes = `0abt` + "\t" + `nvfre "'\/`, "\x00\a\b\t\t\n\v\f\r\x1b \"'\\/"
	if i := strings.IndexByte(names, c); i >= 0 {
		return bytes[i : i+1], true
	}
	switch c {
	case 'N':
		return "\u0085", true
	case '_':
		return "\u00a0", true
	case 'L':
		return "\u2028", true
	case 'P':
		return "\u2029", true
	}
	return "", false
}

// block follows a literal or folded block scalar whose indicator stands at at.
func (t *trail) block(data []byte, at int, value string) bool {
	if at >= len(data) || data[at] != '|' && data[at] != '>' {
		return false
	}
	b := blockReader{trail: t, data: data, folded: data[at] == '>'}
	at = b.header(at)
	b.indent = blockIndent(data, at, value)
	b.lines(at)
	return true
}

// blockReader follows the lines of a block scalar.
type blockReader struct {
	*trail
	data   []byte
	folded bool
	strip  bool
	keep   bool
	indent int

	lead     int   // the break before the current line, -1 before the first
	empty    []int // breaks of empty lines since then
	wasBlank bool  // the line before started with a blank
}

// header reads the indicators and returns where the next line starts.
func (b *blockReader) header(at int) int {
	for at++; at < len(b.data) && yamlBreak(b.data, at) == 0; at++ {
		switch b.data[at] {
		case '-':
			b.strip = true
		case '+':
			b.keep = true
		case '#', ' ', '\t':
			return b.nextLine(at)
		}
	}
	return b.nextLine(at)
}

// nextLine returns the start of the line after the one at is in; the header
// itself ends the scalar if nothing follows.
func (b *blockReader) nextLine(at int) int {
	if b.close == 0 {
		b.close = at
	}
	for at < len(b.data) {
		if n := yamlBreak(b.data, at); n > 0 {
			return at + n
		}
		at++
	}
	return at
}

// blockIndent works out the indentation of a block scalar's text: what its
// first line with text has more of blanks than the value has there.
func blockIndent(data []byte, at int, value string) int {
	first := strings.TrimLeft(value, "\n\u2028\u2029")
	if first == "" {
		return len(data) // no line of what follows belongs to it
	}
	own := len(first) - len(strings.TrimLeft(first, " "))
	spaces := 0
	for ; at < len(data); at++ {
		if yamlBreak(data, at) > 0 {
			spaces = 0
			at += yamlBreak(data, at) - 1
			continue
		}
		if data[at] != ' ' {
			break
		}
		spaces++
	}
	return max(1, spaces-own)
}

// lines reads the text line by line until one is indented less.
func (b *blockReader) lines(at int) {
	b.lead = -1
	for at < len(b.data) {
		text := at + leadingSpaces(b.data, at, b.indent)
		if text == len(b.data) {
			break
		}
		if yamlBreak(b.data, text) > 0 {
			b.empty = append(b.empty, text)
			at = text + yamlBreak(b.data, text)
			continue
		}
		if text-at < b.indent {
			break
		}
		at = b.line(text)
	}
	b.chomp()
}

func leadingSpaces(data []byte, at, most int) int {
	n := 0
	for n < most && at+n < len(data) && data[at+n] == ' ' {
		n++
	}
	return n
}

// line appends the break before a line and the line, and returns where the
// next one starts.
func (b *blockReader) line(at int) int {
	blank := b.data[at] == ' ' || b.data[at] == '\t'
	b.joinLine(blank)
	b.wasBlank = blank
	for at < len(b.data) && yamlBreak(b.data, at) == 0 {
		b.add(b.data[at], at, at+1)
		at++
	}
	b.close, b.lead = at, at
	if at < len(b.data) {
		at += yamlBreak(b.data, at)
	}
	return at
}

// joinLine appends what the breaks since the last line denote.
func (b *blockReader) joinLine(blank bool) {
	folds := b.folded && b.lead >= 0 && !b.wasBlank && !blank && isNewline(b.data, b.lead)
	switch {
	case b.lead < 0:
	case folds && len(b.empty) == 0:
		b.add(' ', b.lead, b.lead+yamlBreak(b.data, b.lead))
	case !folds:
		b.addBreak(b.data, b.lead)
	}
	b.addBreaks(b.data, b.empty)
	b.empty = b.empty[:0]
}

// chomp appends the breaks that count at the end of the scalar.
func (b *blockReader) chomp() {
	if !b.strip && b.lead >= 0 && b.lead < len(b.data) {
		b.addBreak(b.data, b.lead)
	}
	if b.keep {
		b.addBreaks(b.data, b.empty)
	}
}
