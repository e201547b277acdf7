package labware

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// kind is what a JSON value is.
type kind uint8

const (
	object kind = iota
	list
	text
	num
	boolean
	null
)

// String names the kind as messages do.
func (k kind) String() string {
	return [...]string{"a group in { }", "a list in [ ]", "a text", "a number", "true or false", "null"}[k]
}

// span is a stretch of the file in bytes, end exclusive.
type span struct{ start, end int }

// node is a JSON value with its place. The standard decoder gives no places,
// and takes the last of two equal names without a word.
type node struct {
	kind    kind
	span    span
	key     span   // of its name, or the value's own where it has none
	name    string // of a member of an object
	text    string // of a text; a number as it is written
	members []node // of an object, in the order of the file
	items   []node // of a list
	index   map[string]int
}

// get returns the member called name, the first of several.
func (n *node) get(name string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	if i, ok := n.index[name]; ok {
		return &n.members[i]
	}
	return nil
}

// mark is where a problem of the value as a whole is shown: at its name, or at
// its first character.
func (n *node) mark() span {
	if n.name != "" {
		return n.key
	}
	return span{n.span.start, n.span.start + 1}
}

// Bounds of a JSON text, far beyond what a labware definition needs: a plate
// with 1536 wells has some 15,000 values, five deep.
const (
	maxDepth  = 64
	maxValues = 100_000
)

// fault is where and why reading stopped.
type fault struct {
	span    span
	message string
	help    string
	tooMuch bool // the text may be JSON, but no labware
}

// duplicate is the second of two equal names, and where the first is.
type duplicate struct {
	name          string
	first, second span
}

// reader reads one JSON text. The first fault ends it; at stays there.
type reader struct {
	data       []byte
	at         int
	depth      int
	values     int
	fault      *fault
	duplicates []duplicate
}

// read reads the whole text as one value.
func (r *reader) read() node {
	r.blank()
	if r.at == len(r.data) {
		r.fail(r.at, "the file is empty", "save the labware definition again")
		return node{}
	}
	n := r.value()
	r.blank()
	if r.fault == nil && r.at < len(r.data) {
		r.fail(r.at, "there is something after the end of the definition", "a definition is one group in { }; remove what follows it")
	}
	return n
}

func (r *reader) fail(at int, message, help string) {
	if r.fault != nil {
		return
	}
	_, size := utf8.DecodeRune(r.data[at:])
	r.fault = &fault{span: span{at, at + size}, message: message, help: help}
}

// tooMuch ends the reading of what is no labware definition.
func (r *reader) tooMuch(message string) {
	if r.fault == nil {
		r.fail(r.at, message, "check that this is the right file")
		r.fault.tooMuch = true
	}
}

// peek returns the next byte, 0 at the end or after a fault.
func (r *reader) peek() byte {
	if r.fault != nil || r.at == len(r.data) {
		return 0
	}
	return r.data[r.at]
}

func (r *reader) blank() {
	for r.at < len(r.data) && strings.IndexByte(" \t\r\n", r.data[r.at]) >= 0 {
		r.at++
	}
}

func (r *reader) value() node {
	start := r.at
	if r.values++; r.values > maxValues {
		r.tooMuch(fmt.Sprintf("more than %d values are too many for a labware definition", maxValues))
		return node{}
	}
	var n node
	switch c := r.peek(); {
	case c == '{' || c == '[':
		n = r.nested(c)
	case c == '"':
		n = node{kind: text, text: r.string()}
	case c == '-' || c >= '0' && c <= '9':
		n = r.number()
	case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		n = r.word()
	default:
		r.unexpected()
	}
	n.span = span{start, r.at}
	n.key = n.span
	return n
}

// unexpected says what is wrong where a value should start.
func (r *reader) unexpected() {
	switch c := r.peek(); {
	case r.at == len(r.data):
		r.fail(r.at, "the file ends in the middle of the definition", "the file was cut short; save it again")
	case c == '/' || c == '#':
		r.fail(r.at, "JSON knows no comments", "remove the comment")
	case c == '\'':
		r.fail(r.at, "JSON wants double quotes", `write "…" in place of '…'`)
	case c == ']' || c == '}' || c == ',':
		r.fail(r.at, fmt.Sprintf("a value is missing before %q", c), "JSON takes no comma after the last value")
	default:
		c, _ := utf8.DecodeRune(r.data[r.at:])
		r.fail(r.at, fmt.Sprintf("a value cannot start with %q", c), "texts stand in double quotes, numbers without")
	}
}

func (r *reader) nested(open byte) node {
	if r.depth == maxDepth {
		r.tooMuch(fmt.Sprintf("brackets stand more than %d deep inside each other", maxDepth))
		return node{}
	}
	r.depth++
	r.at++
	var n node
	if open == '{' {
		n = r.object()
	} else {
		n = r.list()
	}
	r.depth--
	return n
}

func (r *reader) object() node {
	n := node{kind: object, index: map[string]int{}}
	r.blank()
	for r.peek() != '}' {
		m := r.member()
		if r.fault != nil {
			return n
		}
		if i, ok := n.index[m.name]; ok {
			r.duplicates = append(r.duplicates, duplicate{m.name, n.members[i].key, m.key})
		} else {
			n.index[m.name] = len(n.members)
			n.members = append(n.members, m)
		}
		if !r.more('}') {
			break
		}
		if r.peek() == '}' {
			r.unexpected()
		}
	}
	r.close('}')
	return n
}

func (r *reader) member() node {
	start := r.at
	if r.peek() != '"' {
		r.nameMissing()
		return node{}
	}
	name := r.string()
	key := span{start, r.at}
	r.blank()
	if r.peek() != ':' {
		r.fail(r.at, fmt.Sprintf("a colon is missing after %q", name), `write "name": value`)
		return node{}
	}
	r.at++
	r.blank()
	n := r.value()
	n.name, n.key = name, key
	return n
}

func (r *reader) nameMissing() {
	switch c := r.peek(); {
	case r.at == len(r.data) || strings.IndexByte("/#',", c) >= 0:
		r.unexpected()
	default:
		r.fail(r.at, "a name in double quotes is missing", `inside of { } write "name": value`)
	}
}

func (r *reader) list() node {
	n := node{kind: list}
	r.blank()
	for r.peek() != ']' {
		n.items = append(n.items, r.value())
		if r.fault != nil {
			return n
		}
		if !r.more(']') {
			break
		}
		if r.peek() == ']' {
			r.unexpected()
		}
	}
	r.close(']')
	return n
}

// more steps over a comma and reports whether there was one.
func (r *reader) more(end byte) bool {
	r.blank()
	if r.peek() == ',' {
		r.at++
		r.blank()
		return true
	}
	if r.peek() != end && r.at < len(r.data) {
		r.fail(r.at, "a comma is missing before this", fmt.Sprintf("put a comma between two values, or close with %q", end))
	}
	return false
}

func (r *reader) close(end byte) {
	if r.fault != nil {
		return
	}
	if r.peek() != end {
		r.fail(r.at, fmt.Sprintf("the file ends before a closing %q", end), "the file was cut short; save it again")
		return
	}
	r.at++
}

// number reads a number as it is written; what it is worth is asked later.
func (r *reader) number() node {
	start := r.at
	for r.at < len(r.data) && strings.IndexByte("+-.0123456789eE", r.data[r.at]) >= 0 {
		r.at++
	}
	s := string(r.data[start:r.at])
	if s == "-" && bytes.HasPrefix(r.data[r.at:], []byte("Infinity")) {
		r.at += len("Infinity")
		return node{kind: num, text: "-Infinity"}
	}
	if !isNumber(s) {
		r.fault = &fault{
			span: span{start, r.at}, message: fmt.Sprintf("%s is not a number as JSON writes them", s),
			help: "write for example 0.5, -3 or 1e3, without leading zeros and with a dot",
		}
	}
	return node{kind: num, text: s}
}

// isNumber checks the grammar that the standard conversion is wider than.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if strings.HasPrefix(s, ".") {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits counts the digits that s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// word reads true, false and null, and the two words for numbers that some
// programs write although JSON has no such numbers.
func (r *reader) word() node {
	start := r.at
	for r.at < len(r.data) && (r.data[r.at]|0x20 >= 'a' && r.data[r.at]|0x20 <= 'z') {
		r.at++
	}
	switch s := string(r.data[start:r.at]); s {
	case "true", "false":
		return node{kind: boolean, text: s}
	case "null":
		return node{kind: null}
	case "NaN", "Infinity":
		return node{kind: num, text: s}
	default:
		r.fault = &fault{
			span: span{start, r.at}, message: fmt.Sprintf("%s is neither a number nor true, false or null", s),
			help: "put texts into double quotes",
		}
		return node{}
	}
}

// string reads a text in quotes, which r is at.
func (r *reader) string() string {
	open := r.at
	r.at++
	start := r.at
	for r.at < len(r.data) && r.data[r.at] != '"' && r.data[r.at] != '\\' && r.data[r.at] >= 0x20 && r.data[r.at] < utf8.RuneSelf {
		r.at++
	}
	if r.at < len(r.data) && r.data[r.at] == '"' { // nearly all texts
		r.at++
		return string(r.data[start : r.at-1])
	}
	out := append([]byte(nil), r.data[start:r.at]...)
	for r.at < len(r.data) && r.fault == nil {
		switch c := r.data[r.at]; {
		case c == '"':
			r.at++
			return string(out)
		case c == '\\':
			out = r.escape(out)
		case c < 0x20:
			r.fail(r.at, "a text goes on beyond its line", `close it with a double quote; write \n or \t for a new line or a tab in it`)
		default:
			out = r.character(out)
		}
	}
	if r.fault == nil {
		r.fault = &fault{
			span: span{open, open + 1}, message: "the closing quote of this text is missing",
			help: "close it with a double quote; or the file was cut short",
		}
	}
	return ""
}

func (r *reader) character(out []byte) []byte {
	c, size := utf8.DecodeRune(r.data[r.at:])
	if c == utf8.RuneError && size == 1 {
		r.fail(r.at, "the text is not in UTF-8", "save the file with the encoding UTF-8")
		return out
	}
	r.at += size
	return utf8.AppendRune(out, c)
}

// escape reads what follows a backslash.
func (r *reader) escape(out []byte) []byte {
	at := r.at
	r.at += 2
	if r.at > len(r.data) {
		r.at = len(r.data)
		return out
	}
	switch c := r.data[r.at-1]; c {
	case '"', '\\', '/':
		return append(out, c)
	case 'b', 'f', 'n', 'r', 't':
		return append(out, "\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
	case 'u':
		if u, ok := r.hex(); ok {
			if utf16.IsSurrogate(u) {
				u = r.secondHalf(u)
			}
			return utf8.AppendRune(out, u)
		}
	}
	r.fail(at, "there is no such escape after a backslash", `write a backslash itself as \\`)
	return out
}

// hex reads the four digits of \uXXXX.
func (r *reader) hex() (rune, bool) {
	if r.at+4 > len(r.data) {
		return 0, false
	}
	u, err := strconv.ParseUint(string(r.data[r.at:r.at+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	r.at += 4
	return rune(u), true
}

// secondHalf joins a surrogate with the one that should follow it. Half a
// character becomes the replacement character, as it does elsewhere.
func (r *reader) secondHalf(first rune) rune {
	if !bytes.HasPrefix(r.data[r.at:], []byte(`\u`)) {
		return utf8.RuneError
	}
	back := r.at
	r.at += 2
	second, ok := r.hex()
	if joined := utf16.DecodeRune(first, second); ok && joined != utf8.RuneError {
		return joined
	}
	r.at = back
	return utf8.RuneError
}
