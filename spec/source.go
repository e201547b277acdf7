package spec

import (
	"bytes"
	"sort"
	"sync"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// Source is a file with an index of its lines and characters, so that any
// place that yaml.v3 gives as line and column, or that is known as an offset,
// becomes a diag.Pos in logarithmic time. Build it once per file and keep it
// as long as places of that file are asked for. It is immutable.
type Source struct {
	file  *File
	lines []int // offset of the first character of each line
	yaml  []int // the same as yaml.v3 counts lines; nearly always the same slice
	chars []int // characters before every charStep-th byte; nil when all is ASCII

	once sync.Once // of Parse
	root *yaml.Node
	list diag.List
}

// charStep is how many bytes lie between two entries of Source.chars.
const charStep = 256

const utf8BOM = "\xef\xbb\xbf"

// NewSource indexes f.
func NewSource(f *File) *Source {
	src := &Source{file: f, lines: lineStarts(f.Data, lineBreak)}
	src.yaml = src.lines
	if !isASCII(f.Data) {
		src.chars = countChars(f.Data)
		src.yaml = lineStarts(f.Data, yamlBreak)
	}
	return src
}

// File returns the file that src indexes.
func (src *Source) File() *File { return src.file }

// Name returns the Bundle name of the file.
func (src *Source) Name() string { return src.file.Name }

// lineStarts returns where lines begin; a byte order mark is before line one.
func lineStarts(data []byte, breakAt func([]byte, int) int) []int {
	first := 0
	if bytes.HasPrefix(data, []byte(utf8BOM)) {
		first = len(utf8BOM)
	}
	starts := make([]int, 1, 1+len(data)/24)
	starts[0] = first
	for i := first; i < len(data); i++ {
		if n := breakAt(data, i); n > 0 {
			i += n - 1
			starts = append(starts, i+1)
		}
	}
	return starts
}

// lineBreak returns the length of the line break at i as editors see it.
func lineBreak(data []byte, i int) int {
	switch {
	case data[i] == '\n':
		return 1
	case data[i] != '\r':
		return 0
	case i+1 < len(data) && data[i+1] == '\n':
		return 2
	}
	return 1
}

// yamlBreak returns the length of the line break at i as YAML 1.1 sees it: it
// counts three more characters as line breaks than editors do.
func yamlBreak(data []byte, i int) int {
	if data[i] < utf8.RuneSelf {
		return lineBreak(data, i)
	}
	switch r, n := utf8.DecodeRune(data[i:]); r {
	case '\u0085', '\u2028', '\u2029':
		return n
	}
	return 0
}

func isASCII(data []byte) bool {
	for _, c := range data {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func countChars(data []byte) []int {
	chars := make([]int, 0, len(data)/charStep+1)
	n := 0
	for i, c := range data {
		if i%charStep == 0 {
			chars = append(chars, n)
		}
		if startsChar(c) {
			n++
		}
	}
	return chars
}

// startsChar reports whether c is not a continuation byte of UTF-8.
func startsChar(c byte) bool { return c&0xC0 != 0x80 }

// charsBefore returns how many characters stand before offset.
func (src *Source) charsBefore(offset int) int {
	if len(src.chars) == 0 {
		return offset
	}
	i := min(offset/charStep, len(src.chars)-1)
	n := src.chars[i]
	for _, c := range src.file.Data[i*charStep : offset] {
		if startsChar(c) {
			n++
		}
	}
	return n
}

// charAt returns the offset of the n-th character of the file, or the length
// of the file when there are fewer.
func (src *Source) charAt(n int) int {
	data := src.file.Data
	if src.chars == nil {
		return min(n, len(data))
	}
	i := sort.Search(len(src.chars), func(i int) bool { return src.chars[i] > n }) - 1
	if i < 0 {
		return 0
	}
	seen := src.chars[i]
	for at := i * charStep; at < len(data); at++ {
		if startsChar(data[at]) {
			if seen == n {
				return at
			}
			seen++
		}
	}
	return len(data)
}

// Pos returns the line and column of a byte offset. Offsets beyond the file
// are taken for its end.
func (src *Source) Pos(offset int) diag.Pos {
	offset = max(0, min(offset, len(src.file.Data)))
	line := max(sort.SearchInts(src.lines, offset+1), 1)
	start := min(src.lines[line-1], offset)
	return diag.Pos{Line: line, Column: src.charsBetween(start, offset) + 1, Offset: offset}
}

// charsBetween counts the characters of a stretch: one by one if it is short,
// else by the index.
func (src *Source) charsBetween(start, end int) int {
	if src.chars == nil {
		return end - start
	}
	if end-start > charStep {
		return src.charsBefore(end) - src.charsBefore(start)
	}
	n := 0
	for _, c := range src.file.Data[start:end] {
		if startsChar(c) {
			n++
		}
	}
	return n
}

// At returns the span between two byte offsets.
func (src *Source) At(start, end int) diag.Span {
	return diag.Span{File: src.file.Name, Start: src.Pos(start), End: src.Pos(max(start, end))}
}

// offset returns where yaml.v3's line and column are in the file.
func (src *Source) offset(line, column int) int {
	if line < 1 || column < 1 {
		return src.lines[0]
	}
	if line > len(src.yaml) {
		return len(src.file.Data)
	}
	start := src.yaml[line-1]
	if src.chars == nil {
		return min(start+column-1, len(src.file.Data))
	}
	if column > charStep {
		return src.charAt(src.charsBefore(start) + column - 1)
	}
	at := start
	for range column - 1 {
		_, n := utf8.DecodeRune(src.file.Data[at:])
		at += n
	}
	return at
}

// line returns the text of the line around offset, without its break, and
// where it starts.
func (src *Source) line(offset int) (text []byte, start int) {
	i := max(sort.SearchInts(src.lines, offset+1), 1) - 1
	start = src.lines[i]
	end := len(src.file.Data)
	if i+1 < len(src.lines) {
		end = src.lines[i+1]
	}
	return bytes.TrimRight(src.file.Data[start:end], "\r\n"), start
}

// NodeSpan returns the exact span of a scalar, quotes and block indicators
// included; of a flow collection, from bracket to bracket; of a block
// collection, from the first child to the end of the last.
func (src *Source) NodeSpan(n *yaml.Node) diag.Span {
	return src.At(src.start(n), src.end(n))
}

// start returns where n begins, its tag and anchor not counted unless there is
// nothing else.
func (src *Source) start(n *yaml.Node) int {
	at := src.offset(n.Line, n.Column)
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return src.start(n.Content[0])
	}
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0 {
		return src.start(n.Content[0])
	}
	return src.skipProperties(at, n)
}

// skipProperties steps over a tag and an anchor before the content of a node.
func (src *Source) skipProperties(at int, n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		return at
	}
	data, from := src.file.Data, at
	for at < len(data) && (data[at] == '!' || data[at] == '&') {
		for at < len(data) && !isBlankOrBreak(data[at]) {
			at++
		}
		end := at
		if at = skipBlankLines(data, at); at >= len(data) || n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&quotedOrBlock == 0 {
			return min(from, end)
		}
	}
	return at
}

const quotedOrBlock = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

func isBlankOrBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skipBlankLines skips blanks, line breaks and comments.
func skipBlankLines(data []byte, at int) int {
	for at < len(data) {
		switch {
		case isBlankOrBreak(data[at]):
			at++
		case data[at] == '#' && (at == 0 || isBlankOrBreak(data[at-1])):
			for at < len(data) && data[at] != '\n' && data[at] != '\r' {
				at++
			}
		default:
			return at
		}
	}
	return at
}

// end returns where n ends, exclusive.
func (src *Source) end(n *yaml.Node) int {
	start := src.start(n)
	switch {
	case n.Kind == yaml.AliasNode:
		return min(start+1+len(n.Value), len(src.file.Data))
	case n.Kind == yaml.ScalarNode:
		return src.scalarEnd(n, start)
	case n.Style&yaml.FlowStyle != 0:
		return src.flowEnd(n, start)
	case len(n.Content) == 0:
		return start
	}
	return max(start, src.end(n.Content[len(n.Content)-1]))
}

// flowEnd finds the bracket that closes a flow collection: after the last
// child only blanks, comments and separators can come before it.
func (src *Source) flowEnd(n *yaml.Node, start int) int {
	data, at := src.file.Data, min(start+1, len(src.file.Data))
	if len(n.Content) > 0 {
		at = max(at, src.end(n.Content[len(n.Content)-1]))
	}
	after := at
	for at < len(data) {
		at = skipBlankLines(data, at)
		if at < len(data) && (data[at] == ']' || data[at] == '}') {
			return at + 1
		}
		if at >= len(data) || data[at] != ',' && data[at] != ':' {
			break
		}
		at++
	}
	return after
}
