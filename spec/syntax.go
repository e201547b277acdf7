package spec

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
	"gopkg.in/yaml.v3"
)

// fault is a syntax error of yaml.v3. Its message often carries the line where
// something began, or none; stop is where reading came to a halt, at most a few
// characters beyond the problem, or one token.
type fault struct {
	src  *Source
	msg  string
	hint int // line in the message, 0 if none
	stop int
}

// syntaxError puts an error of yaml.v3 into plain words, at the place where a
// person would look for it.
func (src *Source) syntaxError(err error) diag.Diagnostic {
	f := newFault(src, err)
	for _, explain := range []func(*fault) (diag.Diagnostic, bool){
		(*fault).unknownAnchor, (*fault).depth, (*fault).tab, (*fault).openQuote, (*fault).afterQuote, (*fault).badStart,
		(*fault).badEscape, (*fault).badBlockHeader, (*fault).inlineItem, (*fault).secondColon, (*fault).noBlankAfterColon,
		(*fault).bracket, (*fault).deeperThanValue, (*fault).indentation, (*fault).notAnItem, (*fault).noColon, (*fault).tagOrDirective,
	} {
		if d, ok := explain(f); ok {
			return d
		}
	}
	return f.other()
}

func newFault(src *Source, err error) *fault {
	f := &fault{src: src, msg: strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(f.msg, "line "); ok {
		number, msg, _ := strings.Cut(rest, ": ")
		f.hint, _ = strconv.Atoi(number)
		f.msg = msg
	}
	f.stop = consumed(src.file.Data)
	return f
}

// oneByOne hands out a file byte by byte, so that its reader has never read
// more than it looked at.
type oneByOne struct {
	data []byte
	n    int
}

func (r *oneByOne) Read(p []byte) (int, error) {
	if r.n == len(r.data) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = r.data[r.n]
	r.n++
	return 1, nil
}

// consumed returns how much of data is looked at until it is found faulty.
func consumed(data []byte) int {
	r := &oneByOne{data: data}
	dec := yaml.NewDecoder(r)
	for {
		if _, err := decodeDocument(dec); err != nil {
			return r.n
		}
	}
}

func (f *fault) is(parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(f.msg, p) {
			return true
		}
	}
	return false
}

func (f *fault) syntax(start, end int, message, help string) (diag.Diagnostic, bool) {
	return diag.Diagnostic{Code: diag.YAMLSyntax, Span: f.src.At(start, end), Message: message, Help: help}, true
}

func notThis() (diag.Diagnostic, bool) { return diag.Diagnostic{}, false }

// textLine is a line with text other than a comment.
type textLine struct {
	number int // from 1
	start  int // offset of its first character
	text   string
	indent int // blanks before the text
}

func (l textLine) body() string { return strings.TrimRight(l.text[l.indent:], " \t") }

// span returns the offsets of the line's text.
func (l textLine) span() (start, end int) {
	return l.start + l.indent, l.start + l.indent + len(l.body())
}

// lineNumber returns the line with the given number; ok is false when it is
// blank or a comment.
func (f *fault) lineNumber(number int) (l textLine, ok bool) {
	if number < 1 || number > len(f.src.lines) {
		return l, false
	}
	text, start := f.src.line(f.src.lines[number-1])
	l = textLine{number: number, start: start, text: string(text)}
	l.indent = len(l.text) - len(strings.TrimLeft(l.text, " \t"))
	return l, l.indent < len(l.text) && l.text[l.indent] != '#'
}

// before returns the nearest line with text above the given one.
func (f *fault) before(number int) (textLine, bool) {
	for number--; number > 0; number-- {
		if l, ok := f.lineNumber(number); ok {
			return l, true
		}
	}
	return textLine{}, false
}

// last returns the line where reading came to a halt.
func (f *fault) last() (textLine, bool) {
	number := f.src.Pos(f.stop).Line
	if l, ok := f.lineNumber(number); ok && f.stop > l.start+l.indent {
		return l, true
	}
	return f.before(number)
}

// near returns the lines in which the problem most likely is: where reading
// stopped, the one above, and where what could not be read began.
func (f *fault) near() []textLine {
	var out []textLine
	add := func(l textLine, ok bool) {
		for _, o := range out {
			ok = ok && o.number != l.number
		}
		if ok {
			out = append(out, l)
		}
	}
	last, ok := f.last()
	add(last, ok)
	add(f.before(last.number))
	add(f.lineNumber(f.hint))
	add(f.lineNumber(f.hint + 1))
	return out
}

// nearInOrder is near from top to bottom, for mistakes that are one wherever
// they stand: the first of them is what stopped the reading.
func (f *fault) nearInOrder() []textLine {
	out := f.near()
	slices.SortFunc(out, func(a, b textLine) int { return a.number - b.number })
	return out
}

func (f *fault) unknownAnchor() (diag.Diagnostic, bool) {
	name, ok := strings.CutPrefix(f.msg, "unknown anchor '")
	if !ok {
		return notThis()
	}
	name = strings.TrimSuffix(name, "' referenced")
	at := max(0, bytes.LastIndex(f.src.file.Data[:f.stop], []byte("*"+name)))
	d, _ := f.syntax(at, at+1+len(name), fmt.Sprintf("YAML takes *%s for a repetition of a part named &%s, which workflows do not use", name, name), "put it in quotes if it is meant as text")
	d.Code = diag.NotInLanguage
	return d, true
}

func (f *fault) depth() (diag.Diagnostic, bool) {
	if !f.is("exceeded max depth") {
		return notThis()
	}
	d, _ := f.syntax(max(0, f.stop-1), f.stop, fmt.Sprintf("lists and mappings stand inside one another more than %d levels deep", maxDepth),
		"move the inner part into a workflow of its own and use call")
	d.Code = diag.TooDeep
	return d, true
}

func (f *fault) tab() (diag.Diagnostic, bool) {
	for _, l := range f.near() {
		at := strings.IndexByte(l.text[:l.indent], '\t')
		if at < 0 {
			continue
		}
		d, _ := f.syntax(l.start+at, l.start+l.indent, "the line is indented with a tab; YAML takes only spaces", "use two spaces for each level")
		d.Code = diag.TabIndent
		blanks := strings.ReplaceAll(l.text[at:l.indent], "\t", "  ")
		d.Edits = []diag.Edit{{Span: d.Span, New: blanks}}
		return d, true
	}
	return notThis()
}

// valueStarts returns the places in a line where a value may start: at its
// beginning, after "- ", after ": " and after a bracket or comma.
func valueStarts(s string) []int {
	out := []int{}
	start := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
		case start:
			out = append(out, i)
			start = c == '-' && i+1 < len(s) && s[i+1] == ' ' || c == '[' || c == '{'
		case c == '[' || c == '{' || c == ',':
			start = true
		case c == ':' && i+1 < len(s) && s[i+1] == ' ':
			start = true
		}
	}
	return out
}

// closingQuote returns the place after the quote that closes the one at i, or
// -1.
func closingQuote(s string, i int) int {
	for q, j := s[i], i+1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && q == '"':
			j++
		case s[j] == q && q == '\'' && j+1 < len(s) && s[j+1] == q:
			j++
		case s[j] == q:
			return j + 1
		}
	}
	return -1
}

// valueText returns the value that starts at i: to the end of the line, or
// within brackets to the comma or bracket that ends it.
func (l textLine) valueText(i int) string {
	end := l.indent + len(l.body())
	if unclosed(strings.NewReplacer("{", "[", "}", "]", "(", "", ")", "").Replace(l.text[:i])) > 0 {
		if n := strings.IndexAny(l.text[i:end], ",]}"); n > 0 {
			end = i + n
		}
	}
	return strings.TrimRight(l.text[i:end], " \t")
}

func isQuote(c byte) bool { return c == '"' || c == '\'' }

// openQuote explains a quote that is never closed.
func (f *fault) openQuote() (diag.Diagnostic, bool) {
	if !f.is("found unexpected end of stream", "found unexpected document indicator") {
		return notThis()
	}
	data := string(f.src.file.Data[:f.stop])
	for _, number := range []int{f.hint, 1} {
		l, ok := f.lineNumber(number)
		if !ok {
			continue
		}
		for _, i := range valueStarts(l.text) {
			if isQuote(l.text[i]) && closingQuote(data, l.start+i) < 0 {
				return f.syntax(l.start+i, l.start+i+1, "this quote is not closed", fmt.Sprintf("put a %c after the text", l.text[i]))
			}
		}
	}
	return notThis()
}

// afterQuote explains a value that starts with a quote and goes on behind the
// closing one.
func (f *fault) afterQuote() (diag.Diagnostic, bool) {
	for _, l := range f.nearInOrder() {
		for _, i := range valueStarts(l.text) {
			if !isQuote(l.text[i]) {
				continue
			}
			end := closingQuote(l.text, i)
			if end < 0 || !goesOn(l.text, end) {
				continue
			}
			value := l.valueText(i)
			return f.syntax(l.start+i, l.start+i+len(value), "the value starts with a quote and goes on after the closing one", "put quotes around all of it: "+requote(value))
		}
	}
	return notThis()
}

// goesOn reports whether text follows at i that cannot follow a closing quote.
func goesOn(s string, i int) bool {
	rest := strings.TrimLeft(s[i:], " \t")
	if rest == "" || rest[0] == '#' && len(rest) < len(s[i:]) {
		return false
	}
	return !strings.ContainsRune(",]}:", rune(rest[0]))
}

// requote writes a value of which a part is quoted as one quoted text.
func requote(value string) string {
	inner := value
	if last := len(value) - 1; last > 0 && value[last] == value[0] {
		inner = value[1:last]
	}
	if strings.Contains(inner, "'") && !strings.ContainsAny(inner, `"\`) {
		return `"` + inner + `"`
	}
	if len(inner) != len(value) && value[0] == '"' {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return "'" + strings.ReplaceAll(inner, "'", "''") + "'"
}

// quoteYAML writes s as a quoted scalar.
func quoteYAML(s string) string {
	if strings.Contains(s, "'") && !strings.ContainsAny(s, `"\`) {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// badStart explains characters with which YAML lets no value start.
func (f *fault) badStart() (diag.Diagnostic, bool) {
	if !f.is("cannot start any token") {
		return notThis()
	}
	for _, l := range f.near() {
		for _, i := range valueStarts(l.text) {
			if !strings.ContainsRune("@`%", rune(l.text[i])) {
				continue
			}
			return f.syntax(l.start+i, l.start+i+1, fmt.Sprintf("in YAML no value can start with %c", l.text[i]), "put it in quotes: "+quoteYAML(l.valueText(i)))
		}
	}
	return notThis()
}

func (f *fault) badEscape() (diag.Diagnostic, bool) {
	if !f.is("unknown escape", "hexdecimal", "Unicode character escape") {
		return notThis()
	}
	at := bytes.LastIndexByte(f.src.file.Data[:f.stop], '\\')
	if at < 0 {
		return notThis()
	}
	end := f.src.Pos(at).Offset + 2
	return f.syntax(at, min(end, len(f.src.file.Data)), `in double quotes a "\" starts a special character, and this is none that YAML knows`, `use single quotes, or write "\\"`)
}

// badBlockHeader explains "> 3" and "| x".
func (f *fault) badBlockHeader() (diag.Diagnostic, bool) {
	if !f.is("expected comment or line break", "indentation indicator") {
		return notThis()
	}
	for _, l := range f.near() {
		for _, i := range valueStarts(l.text) {
			if l.text[i] != '>' && l.text[i] != '|' {
				continue
			}
			value := l.valueText(i)
			return f.syntax(l.start+i, l.start+i+len(value), fmt.Sprintf("YAML takes the %c for the start of a text of several lines", l.text[i]), "put the value in quotes: "+quoteYAML(value))
		}
	}
	return notThis()
}

// inlineItem explains "key: - item".
func (f *fault) inlineItem() (diag.Diagnostic, bool) {
	if !f.is("block sequence entries are not allowed") {
		return notThis()
	}
	for _, l := range f.near() {
		if i := strings.Index(l.body()+" ", ": - "); i >= 0 {
			at := l.start + l.indent + i + 2
			return f.syntax(at, at+1, "an item of a list cannot start on the line of its key", "start a new line with the -, or write the list in brackets: [a, b]")
		}
	}
	return notThis()
}

// secondColon explains ": " inside a value.
func (f *fault) secondColon() (diag.Diagnostic, bool) {
	if !f.is("mapping values are not allowed") {
		return notThis()
	}
	for _, l := range f.near()[:1] {
		body := strings.TrimPrefix(l.body(), "- ")
		shift := l.start + l.indent + len(l.body()) - len(body)
		key, value, ok := strings.Cut(body, ": ")
		at := strings.Index(value+" ", ": ")
		if !ok || at < 0 {
			continue
		}
		at += len(key) + len(": ")
		if strings.Contains(value, " ? ") {
			return f.syntax(shift+len(key)+2, shift+len(body), "YAML takes the colon of x ? a : b for the colon of a key", "write if x {a} else {b}, or put quotes around all of it")
		}
		return f.syntax(shift+at, shift+at+1, "a colon with a space after it starts a new value, but there is one already", "put quotes around the text: "+key+": "+quoteYAML(value))
	}
	return notThis()
}

// noBlankAfterColon explains "key:value".
func (f *fault) noBlankAfterColon() (diag.Diagnostic, bool) {
	if !f.is("mapping values are not allowed", "could not find expected ':'", "did not find expected key", "'-' indicator") {
		return notThis()
	}
	for _, l := range f.near() {
		body := strings.TrimPrefix(l.body(), "- ")
		name, _, ok := strings.Cut(body, ":")
		if !ok || !IsName(name) || len(body) == len(name)+1 || body[len(name)+1] == ' ' || body[len(name)+1] == '\t' {
			continue
		}
		at := l.start + l.indent + len(l.body()) - len(body) + len(name)
		d, _ := f.syntax(at, at+1, "a space is missing after the colon", "write "+name+": "+body[len(name)+1:])
		d.Edits = []diag.Edit{{Span: d.Span, New: ": "}}
		return d, true
	}
	return notThis()
}

// bracket explains brackets that do not pair.
func (f *fault) bracket() (diag.Diagnostic, bool) {
	if !f.is("',' or ']'", "',' or '}'", "node content", "while parsing a flow") {
		return notThis()
	}
	data := string(f.src.file.Data)
	var open []int
	for i := f.src.lines[0]; i < f.stop; i++ {
		switch c := data[i]; {
		case isQuote(c) && startsValue(data, i):
			if end := closingQuote(data, i); end > 0 {
				i = end - 1
			}
		case c == '#' && i > 0 && isBlankOrBreak(data[i-1]):
			i += len(lineRest(data[i:])) - 1
		case c == '{' && len(open) > 0 && data[i-1] == '$':
			return f.template(i - 1)
		case (c == '[' || c == '{' || c == '?') && len(open) > 0:
			if d, ok := f.endsInBrackets(open[len(open)-1], i); ok {
				return d, true
			}
			if c != '?' {
				open = append(open, i)
			}
		case (c == '[' || c == '{') && startsValue(data, i):
			open = append(open, i)
		case (c == ']' || c == '}') && len(open) > 0:
			top := open[len(open)-1]
			if data[top] != opener(c) {
				return f.mismatch(top, i)
			}
			open = open[:len(open)-1]
		case (c == ']' || c == '}') && startsValue(data, i):
			return f.syntax(i, i+1, fmt.Sprintf("this %c closes nothing", c), "remove it, or put quotes around the value")
		case c == ',' && startsValue(data, i):
			return f.syntax(i, i+1, "a value is missing before the comma", "write the value, or remove the comma")
		}
	}
	if len(open) == 0 {
		return notThis()
	}
	at := f.neverClosed(open)
	return f.syntax(at, at+1, fmt.Sprintf("this %c is not closed", data[at]), f.howToClose(data, at))
}

// endsInBrackets explains a character at which YAML ends a value inside { }
// and [ ], while its writer goes on: portions[0], how much?, f(x, [1]). The
// value is looked for in the line of at, behind the bracket top; ok is false
// where it may well end.
func (f *fault) endsInBrackets(top, at int) (diag.Diagnostic, bool) {
	data := string(f.src.file.Data)
	const most = 1000 // a value that is longer is none
	from, comma, depth := max(top+1, at-most, strings.LastIndexAny(data[:at], "\r\n")+1), -1, 0
	for i := from; i < at; i++ {
		switch c := data[i]; {
		case isQuote(c) && startsValue(data, i):
			if end := closingQuote(data[:at], i); end > 0 {
				i = end - 1
			}
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth > 0 && comma < 0:
			comma = i
		case depth <= 0 && (c == ',' || c == ':' && isBlankOrBreak(data[i+1])):
			from, comma, depth = i+1, -1, 0
		}
	}
	stop := at
	if startsValue(data, at) {
		if comma < 0 {
			return notThis()
		}
		stop = comma
	}
	rest := lineRest(data[from:])
	value := strings.TrimSpace(rest[:valueEnd(rest)])
	help := "put quotes around the value: " + quoteYAML(value)
	if strings.Contains(value, " ? ") && strings.Contains(value, " : ") {
		help = "for x ? a : b write if x {a} else {b}, in quotes"
	}
	d, _ := f.syntax(stop, stop+1, fmt.Sprintf("inside { } and [ ], YAML ends a value at this %c", data[stop]), help)
	d.Related = []diag.Related{{Span: f.src.At(top, top+1), Message: "the " + data[top:top+1] + " that it stands in is here"}}
	return d, true
}

// valueEnd returns where a value in brackets ends for its writer: at the comma
// or bracket that is not one of its own.
func valueEnd(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			if depth--; depth < 0 {
				return i
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// howToClose looks at what follows an open bracket in its line for what hides
// the closing one from YAML.
func (f *fault) howToClose(data string, at int) string {
	rest := lineRest(data[at:])
	end := fmt.Sprintf("put a %c where it ends", closer(data[at]))
	if i := strings.Index(rest, " #"); i >= 0 && strings.IndexByte(rest[i:], closer(data[at])) > 0 {
		return "YAML takes everything after # as a comment; put quotes around a value that starts with #, such as '#c8102e'"
	}
	if i := strings.Index(rest, " ? "); i >= 0 && strings.Contains(rest[i:], " : ") {
		return "YAML takes the colon of x ? a : b for its own; write if x {a} else {b}, in quotes"
	}
	return end
}

// template explains ${ … } inside brackets, where YAML takes { for a mapping.
func (f *fault) template(at int) (diag.Diagnostic, bool) {
	rest := lineRest(string(f.src.file.Data[at:]))
	end := strings.IndexByte(rest, '}') + 1
	if end == 0 {
		end = 2
	}
	return f.syntax(at, at+end, "inside { } and [ ], YAML takes the { of ${ for the start of a mapping", "put quotes around the whole value; an expression needs no ${ } at all")
}

// neverClosed picks the bracket that lacks its partner: the outermost that a
// line leaves behind by not being indented under it, else the innermost.
func (f *fault) neverClosed(open []int) int {
	for _, at := range open {
		from := f.src.Pos(at).Line
		first, _ := f.lineNumber(from)
		for number := from + 1; number <= f.src.Pos(f.stop).Line; number++ {
			l, ok := f.lineNumber(number)
			if ok && l.indent <= first.indent && !strings.ContainsRune("]}", rune(l.text[l.indent])) {
				return at
			}
		}
	}
	return open[len(open)-1]
}

func (f *fault) mismatch(top, at int) (diag.Diagnostic, bool) {
	data := f.src.file.Data
	d, _ := f.syntax(at, at+1, fmt.Sprintf("a %c is closed by a %c", data[top], data[at]), fmt.Sprintf("write %c here, or close the %c first", closer(data[top]), data[top]))
	d.Related = []diag.Related{{Span: f.src.At(top, top+1), Message: "it is opened here"}}
	return d, true
}

func opener(c byte) byte { return c - 2 } // in ASCII, [ and ] as { and } are two apart
func closer(c byte) byte { return c + 2 }

// lineRest returns s up to its first line break.
func lineRest(s string) string {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return s[:i]
	}
	return s
}

// startsValue reports whether a value can start at i, judging by what stands
// before it.
func startsValue(data string, i int) bool {
	before := strings.TrimRight(data[:i], " \t\r\n")
	if before == "" || len(before) < i && strings.ContainsAny(data[len(before):i], "\r\n") {
		return true
	}
	switch c := before[len(before)-1]; c {
	case '[', '{', ',':
		return true
	case ':', '-':
		return len(before) < i
	}
	return false
}

// deeperThanValue explains a key that is indented under one that has a value.
func (f *fault) deeperThanValue() (diag.Diagnostic, bool) {
	if !f.is("mapping values are not allowed") {
		return notThis()
	}
	l, _ := f.last()
	above, ok := f.before(l.number)
	if !ok || l.indent <= above.indent {
		return notThis()
	}
	start, end := l.span()
	d, _ := f.syntax(start, end, fmt.Sprintf("the line is indented deeper than line %d, which has a value already", above.number), "indent both alike, or remove the value above")
	a, b := above.span()
	d.Related = []diag.Related{{Span: f.src.At(a, b), Message: "it has its value here"}}
	return d, true
}

// indentation explains a line that is indented like nothing above it.
func (f *fault) indentation() (diag.Diagnostic, bool) {
	if !f.is("did not find expected key", "'-' indicator") {
		return notThis()
	}
	last, _ := f.last()
	var open []int
	for number := 1; number <= last.number; number++ {
		l, ok := f.lineNumber(number)
		if !ok {
			continue
		}
		above := slices.Clone(open)
		fits := len(open) == 0 || l.indent > open[len(open)-1]
		for len(open) > 0 && l.indent < open[len(open)-1] {
			open = open[:len(open)-1]
		}
		fits = fits || len(open) > 0 && open[len(open)-1] == l.indent
		if !fits {
			return f.unaligned(l, above)
		}
		open = pushColumns(open, l)
	}
	return notThis()
}

// pushColumns adds the columns at which the line opens a mapping or a list.
func pushColumns(open []int, l textLine) []int {
	at := l.indent
	for {
		if len(open) == 0 || open[len(open)-1] < at {
			open = append(open, at)
		}
		rest := l.text[at:]
		if !strings.HasPrefix(rest, "- ") {
			return open
		}
		at += 2 + len(rest[2:]) - len(strings.TrimLeft(rest[2:], " "))
	}
}

func (f *fault) unaligned(l textLine, open []int) (diag.Diagnostic, bool) {
	best := open[0]
	for _, column := range open {
		if abs(column-l.indent) <= abs(best-l.indent) {
			best = column
		}
	}
	start, end := l.span()
	return f.syntax(start, end, fmt.Sprintf("the line starts in column %d, where nothing above it starts", l.indent+1),
		fmt.Sprintf("start it in the same column as the lines it belongs to, most likely column %d", best+1))
}

func abs(n int) int { return max(n, -n) }

// notAnItem explains a key among the items of a list, and the reverse.
func (f *fault) notAnItem() (diag.Diagnostic, bool) {
	l, ok := f.last()
	start, end := l.span()
	switch {
	case !ok:
		return notThis()
	case strings.HasPrefix(l.body()+" ", ": "):
		return f.syntax(start, start+1, "a key is missing before the colon", "write key: value")
	case f.is("'-' indicator") && !strings.HasPrefix(l.body(), "-"):
		return f.syntax(start, end, "a key stands among the items of a list", `start the line with "- ", or indent it less if it belongs to the list's parent`)
	case f.is("did not find expected key") && strings.HasPrefix(l.body(), "-"):
		return f.syntax(start, end, "an item of a list stands among keys", "indent it like the items above, or give the list a key")
	}
	return notThis()
}

// noColon explains a line that is neither a pair nor an item.
func (f *fault) noColon() (diag.Diagnostic, bool) {
	if !f.is("could not find expected ':'") {
		return notThis()
	}
	for _, number := range []int{f.hint, f.src.Pos(f.stop).Line} {
		if l, ok := f.lineNumber(number); ok && !strings.Contains(l.body()+" ", ": ") {
			start, end := l.span()
			return f.syntax(start, end, "the line has no colon, so it is no key: value", "write key: value, or indent the line if it continues the text above")
		}
	}
	return notThis()
}

func (f *fault) tagOrDirective() (diag.Diagnostic, bool) {
	l, ok := f.last()
	start, end := l.span()
	switch {
	case !ok:
		return notThis()
	case strings.HasPrefix(l.body(), "%") || f.is("directive", "version number", "incompatible YAML"):
		return f.syntax(start, end, "YAML takes a line that starts with % for an instruction to itself", "remove the line")
	case f.is("tag", "expected '>'", "whitespace"):
		at := bytes.LastIndexByte(f.src.file.Data[:f.stop], '!')
		if at < 0 {
			return notThis()
		}
		d, _ := f.syntax(at, at+1, "YAML takes a word that starts with ! for a tag, not for a part of the value", "write not x for !x; "+wantsQuotes)
		d.Code = diag.UnknownTag
		return d, true
	}
	return notThis()
}

// other reports what no rule above explains.
func (f *fault) other() diag.Diagnostic {
	start, end := f.stop, f.stop
	if l, ok := f.last(); ok {
		start, end = l.span()
	}
	d, _ := f.syntax(start, end, "YAML cannot read on here: "+f.msg, "check the indentation, the quotes and the brackets of this line and the one above")
	if at, ok := f.multilineQuote(start); ok {
		d.Related = []diag.Related{{Span: f.src.At(at, at+1), Message: "a text that goes over several lines starts with this quote"}}
	}
	return d
}

// multilineQuote finds the last quote above that is not closed in its line.
func (f *fault) multilineQuote(end int) (at int, ok bool) {
	for number := f.src.Pos(end).Line; number > 0; number-- {
		l, _ := f.lineNumber(number)
		for _, i := range valueStarts(l.text) {
			if isQuote(l.text[i]) && closingQuote(l.text, i) < 0 && l.start+i < end {
				return l.start + i, true
			}
		}
	}
	return 0, false
}
