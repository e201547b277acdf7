package lsp

import (
	"net/url"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text is the text of a file with an index of its lines, which the protocol counts in.
type text struct {
	data   []byte
	starts []int // where lines begin
}

func textOf(data []byte) *text {
	t := &text{data: data, starts: []int{0}}
	for i := 0; i < len(data); i++ {
		switch {
		case data[i] == '\r' && i+1 < len(data) && data[i+1] == '\n':
		case data[i] == '\n' || data[i] == '\r':
			t.starts = append(t.starts, i+1)
		}
	}
	return t
}

// offset is where a position is, in bytes. One behind the end of a line is that end.
func (t *text) offset(p position) int {
	if p.Line < 0 {
		return 0
	}
	if p.Line >= len(t.starts) {
		return len(t.data)
	}
	at, end := t.starts[p.Line], len(t.data)
	if p.Line+1 < len(t.starts) {
		end = t.starts[p.Line+1]
	}
	for units := p.Character; at < end && t.data[at] != '\n' && t.data[at] != '\r'; {
		r, n := utf8.DecodeRune(t.data[at:])
		if units -= utf16Len(r); units < 0 {
			break
		}
		at += n
	}
	return at
}

// position is the place of an offset in bytes.
func (t *text) position(offset int) position {
	offset = max(0, min(offset, len(t.data)))
	line := sort.SearchInts(t.starts, offset+1) - 1
	units := 0
	for at := t.starts[line]; at < offset; {
		r, n := utf8.DecodeRune(t.data[at:])
		units += utf16Len(r)
		at += n
	}
	return position{line, units}
}

// utf16Len is the number of code units of a character; a byte that is none counts as one.
func utf16Len(r rune) int { return max(1, utf16.RuneLen(r)) }

func (t *text) between(start, end int) textRange {
	return textRange{t.position(start), t.position(max(start, end))}
}

// uriOf is the URI of a file.
func uriOf(path string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/…
	}
	return (&url.URL{Scheme: "file", Path: slashed}).String()
}

// pathOf is the file of a URI; ok is false where it is none, as of a document that was
// never saved.
func pathOf(uri string) (path string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	path = u.Path
	if runtime.GOOS == "windows" {
		path = strings.TrimPrefix(path, "/")
	}
	return filepath.Clean(filepath.FromSlash(path)), true
}
