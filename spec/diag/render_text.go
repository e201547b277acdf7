package diag

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TextOptions says how Text writes. Source returns the text of a file for
// excerpts; nil, or a nil result, means no excerpt. Color adds the escape
// sequences of terminals. Width is how many columns an excerpt may take, 0
// means 120.
type TextOptions struct {
	Source func(file string) []byte
	Color  bool
	Width  int
}

const (
	defaultWidth = 120
	leastWidth   = 40
	tabWidth     = 4
	contextLines = 2
)

// Relocate returns the findings with dir put before the name of every file, so
// that names count from where the reader is and not from the workflow.
func (l List) Relocate(dir string) List {
	out := slices.Clone(l)
	for i := range out {
		d := &out[i]
		d.Span = d.Span.under(dir)
		d.Related = slices.Clone(d.Related)
		for j := range d.Related {
			d.Related[j].Span = d.Related[j].Span.under(dir)
		}
		d.Edits = slices.Clone(d.Edits)
		for j := range d.Edits {
			d.Edits[j].Span = d.Edits[j].Span.under(dir)
		}
	}
	return out
}

func (s Span) under(dir string) Span {
	if s.File != "" && !path.IsAbs(s.File) {
		s.File = path.Join(dir, s.File)
	}
	return s
}

// Text writes the findings for people, each with an excerpt of the file, a
// blank line between them. The hint to `ot2flow explain` comes with the first
// finding of each code only.
func Text(w io.Writer, list List, o TextOptions) error {
	t := &textWriter{o: o, files: map[string][]string{}, explained: map[*Code]bool{}}
	if t.o.Width == 0 {
		t.o.Width = defaultWidth
	}
	t.o.Width = max(t.o.Width, leastWidth)
	for i := range list {
		if i > 0 {
			t.b = append(t.b, '\n')
		}
		t.diagnostic(&list[i])
		if _, err := w.Write(t.b); err != nil {
			return err
		}
		t.b = t.b[:0]
	}
	return nil
}

// textWriter holds what is the same for all findings of one call of Text.
type textWriter struct {
	o         TextOptions
	b         []byte
	files     map[string][]string // lines of the files shown so far
	explained map[*Code]bool
	gutter    int // width of the line numbers
}

// Styles of a terminal.
const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	blue   = "1;34"
)

func (t *textWriter) styled(style, s string) {
	if !t.o.Color || s == "" {
		t.b = append(t.b, s...)
		return
	}
	t.b = append(append(append(append(t.b, "\x1b["...), style...), 'm'), s...)
	t.b = append(t.b, "\x1b[0m"...)
}

func (t *textWriter) diagnostic(d *Diagnostic) {
	t.header(d)
	marks := t.marks(d)
	t.gutter = gutterWidth(marks)
	t.excerpt(marks, severityStyle(d.Severity))
	t.particulars(d, len(marks) > 0)
}

func severityStyle(s Severity) string {
	if s == Warning {
		return yellow
	}
	return red
}

// header writes "file:line:col: error: message [OTF602 over-aspirate]".
func (t *textWriter) header(d *Diagnostic) {
	if at := place(d.Span); at != "" {
		t.styled(bold, clean(at)+":")
		t.b = append(t.b, ' ')
	}
	t.styled(severityStyle(d.Severity), d.Severity.String()+":")
	t.b = append(t.b, ' ')
	t.styled(bold, oneLine(d.Message))
	if d.Code != nil {
		t.b = append(append(append(t.b, " ["...), d.Code.String()...), ']')
	}
	t.b = append(t.b, '\n')
}

// place returns "file:line:col", "file", or nothing.
func place(s Span) string {
	switch {
	case s.File == "":
		return ""
	case s.Start.Line == 0:
		return s.File
	}
	return fmt.Sprintf("%s:%d:%d", s.File, s.Start.Line, s.Start.Column)
}

// mark is a stretch of one line to be underlined; to is exclusive and in
// characters from 1, like from.
type mark struct {
	line     int
	text     string
	from, to int
	label    string
	related  bool
	bare     bool // context: the line is shown, nothing is underlined
}

// marks returns the lines to show for d, in order, or nothing without source.
func (t *textWriter) marks(d *Diagnostic) []mark {
	lines := t.lines(d.Span.File)
	if d.Span.Start.Line < 1 || d.Span.Start.Line > len(lines) {
		return nil
	}
	out := spanMarks(lines, d.Span, oneLine(d.Label), false)
	for _, r := range d.Related {
		if r.Span.File == d.Span.File && r.Span.Start.Line >= 1 && r.Span.Start.Line <= len(lines) {
			r.Span.End = r.Span.Start.orSameLine(r.Span.End)
			out = append(out, spanMarks(lines, r.Span, oneLine(r.Message), true)...)
		}
	}
	out = addContext(out, lines, d.Span.Start.Line)
	slices.SortStableFunc(out, func(a, b mark) int { return cmp.Compare(a.line, b.line) })
	return out
}

// orSameLine returns end if it is in the line of p, else a place far behind:
// of a related place only the first line is shown.
func (p Pos) orSameLine(end Pos) Pos {
	if end.Line == p.Line {
		return end
	}
	return Pos{Line: p.Line, Column: 1 << 30}
}

// spanMarks splits a span into one mark for each of its lines, and of a long
// one only the first and the last. The label stands under the last.
func spanMarks(lines []string, s Span, label string, related bool) []mark {
	last := min(max(s.End.Line, s.Start.Line), len(lines))
	if last > s.Start.Line && s.End.Column <= 1 {
		last--
	}
	var out []mark
	for n := s.Start.Line; n <= last; n++ {
		if n > s.Start.Line+1 && n < last && last-s.Start.Line > 3 {
			continue
		}
		m := lineMark(lines[n-1], n, s)
		m.related = related
		if m.from < m.to || n == s.Start.Line {
			out = append(out, m)
		}
	}
	out[len(out)-1].label = label
	return out
}

// lineMark returns the part of line n that s covers, without the blanks around.
func lineMark(text string, n int, s Span) mark {
	blanks := len(text) - len(strings.TrimLeft(text, " \t"))
	m := mark{line: n, text: text, from: blanks + 1, to: utf8.RuneCountInString(strings.TrimRight(text, " \t")) + 1}
	if n == s.Start.Line {
		m.from = max(1, s.Start.Column)
	}
	if n == s.End.Line {
		m.to = min(s.End.Column, utf8.RuneCountInString(text)+1)
	}
	return m
}

// addContext adds the lines with text just above the problem.
func addContext(out []mark, lines []string, line int) []mark {
	for n := line - 1; n >= max(1, line-contextLines); n-- {
		shown := slices.ContainsFunc(out, func(m mark) bool { return m.line == n })
		if strings.TrimSpace(lines[n-1]) == "" {
			break
		}
		if !shown {
			out = append(out, mark{line: n, text: lines[n-1], bare: true})
		}
	}
	return out
}

// lines returns the lines of a file, split once.
func (t *textWriter) lines(file string) []string {
	if lines, ok := t.files[file]; ok || t.o.Source == nil || file == "" {
		return lines
	}
	text := string(t.o.Source(file))
	var lines []string
	if text != "" {
		text = strings.TrimPrefix(text, "\ufeff")
		lines = strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
	}
	t.files[file] = lines
	return lines
}

func gutterWidth(marks []mark) int {
	if len(marks) == 0 {
		return 1
	}
	return len(strconv.Itoa(marks[len(marks)-1].line))
}

// rule writes an empty gutter and what follows it.
func (t *textWriter) rule(sign, rest string) {
	t.b = append(t.b, strings.Repeat(" ", t.gutter+1)...)
	t.styled(blue, sign)
	t.b = append(append(t.b, rest...), '\n')
}

// excerpt writes the lines of marks, which are sorted, with what is underlined.
func (t *textWriter) excerpt(marks []mark, style string) {
	if len(marks) == 0 {
		return
	}
	t.rule("|", "")
	for i, m := range marks {
		if i > 0 && m.line > marks[i-1].line+1 {
			t.rule("...", "")
		}
		win := t.window(marks, m)
		if i == 0 || m.line != marks[i-1].line {
			t.styled(blue, fmt.Sprintf("%*d |", t.gutter, m.line))
			t.b = append(append(t.b, strings.TrimRight(" "+win.text, " ")...), '\n')
		}
		if !m.bare {
			t.underline(m, win, style)
		}
	}
	t.rule("|", "")
}

func (t *textWriter) underline(m mark, win window, style string) {
	sign := "^"
	if m.related {
		sign, style = "-", blue
	}
	t.b = append(t.b, strings.Repeat(" ", t.gutter+1)...)
	t.styled(blue, "|")
	from, to := win.columns(m)
	t.b = append(t.b, strings.Repeat(" ", from+1)...)
	text := strings.Repeat(sign, max(1, to-from))
	if m.label != "" {
		text += " " + m.label
	}
	t.styled(style, text)
	t.b = append(t.b, '\n')
}

// window is the part of a line that is shown: all of it, or what fits around
// the first mark in it.
type window struct {
	text  string
	cells []int // display column at which each character of the line starts
	shift int   // display columns cut off at the left
	width int
}

// window cuts the line of m so that the first mark in that line can be seen.
func (t *textWriter) window(marks []mark, m mark) window {
	for _, other := range marks {
		if other.line == m.line {
			m = other
			break
		}
	}
	avail := t.o.Width - t.gutter - 3
	shown, cells := expand(m.text)
	total := cells[len(cells)-1]
	if total <= avail {
		return window{text: shown, cells: cells, width: total + 1}
	}
	win := window{cells: cells, width: avail}
	from, to := win.cell(m.from), win.cell(m.to)
	if !m.bare && max(to, from+1) >= avail {
		win.shift = max(0, min(from-avail/3, total-avail))
	}
	win.text = cut(shown, win.shift, avail)
	return win
}

// columns returns the display columns of a mark within the window.
func (w window) columns(m mark) (from, to int) {
	from, to = w.cell(m.from)-w.shift, w.cell(m.to)-w.shift
	return max(0, min(from, w.width-1)), max(0, min(to, w.width))
}

// cell returns the display column of the n-th character, from 1, of the line.
func (w window) cell(n int) int { return w.cells[max(0, min(n-1, len(w.cells)-1))] }

// expand returns a line as it is printed, with blanks for tabs and without
// anything that moves the cursor, and the display column of each character;
// the last entry is the width of the line.
func expand(s string) (shown string, cells []int) {
	var b strings.Builder
	cells = make([]int, 0, len(s)+1)
	at := 0
	for _, r := range s {
		cells = append(cells, at)
		switch {
		case r == '\t':
			n := tabWidth - at%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			at += n
		case isUnprintable(r):
			b.WriteRune(utf8.RuneError)
			at++
		default:
			b.WriteRune(r)
			at += runeWidth(r)
		}
	}
	return b.String(), append(cells, at)
}

// cut returns the display columns from to from+width of a printed line, with
// an ellipsis for what is left out at either side.
func cut(s string, from, width int) string {
	var b strings.Builder
	at := 0
	for _, r := range s {
		n := runeWidth(r)
		switch {
		case from > 0 && at < from+1:
			if at+n > from {
				b.WriteString("…" + strings.Repeat(" ", at+n-from-1))
			}
		case at+n > from+width-1:
			return b.String() + "…"
		default:
			b.WriteRune(r)
		}
		at += n
	}
	return b.String()
}

// particulars writes the lines that start with "=".
func (t *textWriter) particulars(d *Diagnostic, excerpt bool) {
	if d.Label != "" && !excerpt {
		t.fact(d.Label)
	}
	if len(d.Values) > 0 {
		t.fact("with " + joinValues(d.Values))
	}
	for _, f := range d.Frames {
		t.fact("in " + f)
	}
	for _, n := range d.Notes {
		t.fact("note: " + n)
	}
	for _, r := range d.Related {
		if !excerpt || r.Span.File != d.Span.File || r.Span.Start.Line < 1 {
			t.fact("note: " + r.Message + elsewhere(r.Span, d.Span))
		}
	}
	if d.Help != "" {
		t.fact("help: " + d.Help)
	}
	if d.Code != nil && !t.explained[d.Code] {
		t.explained[d.Code] = true
		t.fact("explain: ot2flow explain " + d.Code.ID)
	}
}

func joinValues(values []Value) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = v.Name + " = " + v.Value
	}
	return strings.Join(parts, ", ")
}

// elsewhere says where a related place is that no excerpt shows.
func elsewhere(s, main Span) string {
	switch {
	case s.IsZero():
		return ""
	case s.File == main.File && s.Start.Line > 0:
		return fmt.Sprintf(" (line %d)", s.Start.Line)
	}
	return " (" + place(s) + ")"
}

// fact writes one "= …" line; further lines of its text are indented.
func (t *textWriter) fact(s string) {
	indent := "\n" + strings.Repeat(" ", t.gutter+3)
	t.rule("=", " "+strings.ReplaceAll(clean(strings.TrimRight(s, "\n")), "\n", indent))
}

// oneLine is clean for text that must stay in its line.
func oneLine(s string) string { return strings.ReplaceAll(clean(s), "\n", " ") }

// clean replaces whatever could move the cursor or turn the text around, which
// a message may hold when it quotes a file; line breaks stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && isUnprintable(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// isUnprintable reports control characters and those that reorder text.
func isUnprintable(r rune) bool {
	return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// runeWidth returns how many columns of a terminal r takes.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide holds the characters that take two columns: East Asian scripts, full
// width forms and emoji.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115F, 1},
		{0x231A, 0x231B, 1},
		{0x2E80, 0x303E, 1},
		{0x3041, 0x33FF, 1},
		{0x3400, 0x4DBF, 1},
		{0x4E00, 0xA4CF, 1},
		{0xA960, 0xA97F, 1},
		{0xAC00, 0xD7A3, 1},
		{0xF900, 0xFAFF, 1},
		{0xFE30, 0xFE6F, 1},
		{0xFF01, 0xFF60, 1},
		{0xFFE0, 0xFFE6, 1},
	},
	R32: []unicode.Range32{
		{0x16FE0, 0x18AFF, 1},
		{0x1B000, 0x1B2FF, 1},
		{0x1F300, 0x1F64F, 1},
		{0x1F680, 0x1F6FF, 1},
		{0x1F900, 0x1F9FF, 1},
		{0x1FA70, 0x1FAFF, 1},
		{0x20000, 0x3FFFD, 1},
	},
}
