package spec

import (
	"bytes"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Findings that are not to be told, because somebody knows better:
//
//	volume: 15 uL  # ot2flow: ignore OTF505 because it was measured to be good enough
//
// The comment stands at the end of a line or on a line of its own in front of it, and
// holds for that line and all that is indented below it.

// ignoreMark begins such a comment.
const ignoreMark = "# ot2flow: "

// Ignores returns what the comments of a file say is not to be told. Those that say it
// wrongly are reported.
func (src *Source) Ignores() ([]diag.Ignore, diag.List) {
	data := src.file.Data
	if !bytes.Contains(data, []byte(ignoreMark)) {
		return nil, nil
	}
	var out []diag.Ignore
	var list diag.List
	for n := range src.lines {
		line := src.lineText(n)
		at := strings.Index(line, ignoreMark)
		if at < 0 || strings.TrimSpace(line[:at]) != "" && line[at-1] != ' ' && line[at-1] != '\t' {
			continue
		}
		c := ignoreComment{src: src, line: n, offset: src.lines[n] + at, text: strings.TrimRight(line[at:], " \t")}
		if !c.meant() {
			continue
		}
		from, to := src.belonging(n, strings.TrimSpace(line[:at]) == "")
		found, wrong := c.read(from+1, to+1)
		out, list = append(out, found...), append(list, wrong...)
	}
	return out, list
}

// lineText is a line without its end, counted from 0.
func (src *Source) lineText(n int) string {
	end := len(src.file.Data)
	if n+1 < len(src.lines) {
		end = src.lines[n+1]
	}
	return strings.TrimRight(string(src.file.Data[src.lines[n]:end]), "\r\n")
}

// belonging is what a comment at a line is about, from line to line: that line or the
// next one with something in it, and all that is indented below.
func (src *Source) belonging(n int, next bool) (from, to int) {
	blank := func(n int) bool {
		text := strings.TrimSpace(src.lineText(n))
		return text == "" || text[0] == '#'
	}
	if next {
		for n++; n < len(src.lines)-1 && blank(n); n++ {
		}
	}
	if n >= len(src.lines) {
		return n, n
	}
	indent := leading(src.lineText(n))
	for to = n; to+1 < len(src.lines) && (blank(to+1) || leading(src.lineText(to+1)) > indent); to++ {
	}
	for to > n && blank(to) {
		to--
	}
	return n, to
}

func leading(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// ignoreComment is one such comment.
type ignoreComment struct {
	src          *Source
	line, offset int
	text         string
}

// meant reports whether the comment wants something ignored, even if it says so
// wrongly: another one may speak of a key.
func (c *ignoreComment) meant() bool {
	word, _, _ := strings.Cut(c.text[len(ignoreMark):], " ")
	_, near := diag.Nearest(word, []string{"ignore"})
	return near || word == "ignore"
}

func (c *ignoreComment) span(from, to int) diag.Span {
	return c.src.At(c.offset+from, c.offset+to)
}

// read takes the comment apart.
func (c *ignoreComment) read(from, to int) (out []diag.Ignore, list diag.List) {
	const form = "write # ot2flow: ignore OTF505 because, and why it does no harm here"
	fail := func(at, end int, message, help string) {
		list = append(list, diag.Diagnostic{Code: diag.BadIgnore, Severity: diag.Warning, Span: c.span(at, end), Message: message, Help: help})
	}
	word, rest, _ := strings.Cut(c.text[len(ignoreMark):], " ")
	if word != "ignore" {
		fail(len(ignoreMark), len(ignoreMark)+len(word), word+" is no word that ot2flow knows in a comment", form)
		return nil, list
	}
	codes, reason, _ := strings.Cut(rest, " because")
	if strings.TrimSpace(reason) == "" {
		fail(0, len(c.text), "nothing says why this is to be ignored", form)
		return nil, list
	}
	at := len(c.text) - len(rest)
	for _, name := range strings.Split(codes, ",") {
		start := at + leading(name)
		at += len(name) + 1
		if name = strings.TrimSpace(name); name == "" {
			fail(0, len(c.text), "nothing says which finding is to be ignored", form)
			continue
		}
		code, ok := diag.LookupCode(name)
		if !ok {
			help := "the code stands at the end of a finding's first line"
			if near, found := diag.NearestCode(name); found {
				help = "did you mean " + near + "?"
			}
			fail(start, start+len(name), "there is no finding "+name, help)
			continue
		}
		out = append(out, diag.Ignore{Code: code, Span: c.span(start, start+len(name)), From: from, To: to})
	}
	return out, list
}
