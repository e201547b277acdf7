package labware

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// finding is a problem with places in bytes; lines and columns are counted for
// all of them in one pass at the end.
type finding struct {
	diag    diag.Diagnostic // without places
	span    span
	related []span // of diag.Related
	edits   []span // of diag.Edits
	others  []string
}

// maxFindings ends a list that nobody would read to its end.
const maxFindings = 100

// findings collects what is found in one file. While a well is looked at, a
// problem that another well had already is added to that one: a mistake in how
// a file was made is usually in all of its wells, and is one mistake.
type findings struct {
	file   string
	data   []byte
	list   []finding
	errors int // with those that went to an earlier one
	unseen int // left out beyond maxFindings
	well   string
	same   map[string]int // code and message to index in list
}

// add reports a problem and returns it for more particulars; nil if it went to
// an earlier one or there are too many.
func (c *findings) add(code *diag.Code, at span, message string) *finding {
	c.errors++
	key := code.ID + message
	if i, ok := c.same[key]; ok && c.well != "" {
		c.list[i].others = append(c.list[i].others, c.well)
		return nil
	}
	if len(c.list) == maxFindings {
		c.unseen++
		return nil
	}
	if c.well != "" {
		c.same[key] = len(c.list)
	}
	c.list = append(c.list, finding{diag: diag.Diagnostic{Code: code, Message: message}, span: at})
	return &c.list[len(c.list)-1]
}

// warn is add for what does not stop the work.
func (c *findings) warn(code *diag.Code, at span, message string) *finding {
	f := c.add(code, at, message)
	c.errors--
	if f != nil {
		f.diag.Severity = diag.Warning
	}
	return f
}

func (f *finding) label(format string, args ...any) *finding {
	if f != nil {
		f.diag.Label = fmt.Sprintf(format, args...)
	}
	return f
}

func (f *finding) help(format string, args ...any) *finding {
	if f != nil {
		f.diag.Help = fmt.Sprintf(format, args...)
	}
	return f
}

func (f *finding) relate(at span, message string) *finding {
	if f != nil {
		f.diag.Related = append(f.diag.Related, diag.Related{Message: message})
		f.related = append(f.related, at)
	}
	return f
}

func (f *finding) edit(at span, replacement string) *finding {
	if f != nil {
		f.diag.Edits = append(f.diag.Edits, diag.Edit{New: replacement})
		f.edits = append(f.edits, at)
	}
	return f
}

// diagnostics gives the findings in the order of the file, with their places.
func (c *findings) diagnostics() diag.List {
	slices.SortStableFunc(c.list, func(a, b finding) int { return cmp.Compare(a.span.start, b.span.start) })
	places := c.places()
	out := diag.List{}
	for i := range c.list {
		f := &c.list[i]
		d := f.diag
		d.Span = places.span(f.span)
		for j, at := range f.related {
			d.Related[j].Span = places.span(at)
		}
		for j, at := range f.edits {
			d.Edits[j].Span = places.span(at)
		}
		if len(f.others) > 0 {
			d.Notes = append(d.Notes, "the same in "+wellList(f.others))
		}
		out = append(out, d)
	}
	if c.unseen > 0 {
		last := &out[len(out)-1]
		last.Notes = append(last.Notes, fmt.Sprintf("%d more problems of this file are not shown", c.unseen))
	}
	return out
}

// wellList names some wells: "3 more wells: B1, C1, D1".
func wellList(names []string) string {
	shown := strings.Join(names[:min(len(names), 8)], ", ")
	switch {
	case len(names) == 1:
		return "well " + shown
	case len(names) > 8:
		shown += ", …"
	}
	return fmt.Sprintf("%d more wells: %s", len(names), shown)
}

// places knows the position of each offset that the findings name.
type places struct {
	file string
	pos  map[int]diag.Pos
}

func (p places) span(s span) diag.Span {
	return diag.Span{File: p.file, Start: p.pos[s.start], End: p.pos[s.end]}
}

// places walks through the text once, however many findings there are and
// however long its lines.
func (c *findings) places() places {
	offsets := []int{}
	for i := range c.list {
		f := &c.list[i]
		for _, s := range append(append([]span{f.span}, f.related...), f.edits...) {
			offsets = append(offsets, s.start, s.end)
		}
	}
	slices.Sort(offsets)
	p := places{c.file, map[int]diag.Pos{}}
	at := diag.Pos{Line: 1, Column: 1}
	if bytes.HasPrefix(c.data, byteOrderMark) {
		at.Offset = len(byteOrderMark) // editors do not show it
	}
	for _, offset := range slices.Compact(offsets) {
		at = advance(c.data, at, offset)
		p.pos[offset] = at
	}
	return p
}

// advance moves a position on to offset.
func advance(data []byte, at diag.Pos, offset int) diag.Pos {
	between := data[at.Offset:max(offset, at.Offset)]
	if i := bytes.LastIndexByte(between, '\n'); i >= 0 {
		at.Line += bytes.Count(between, []byte("\n"))
		at.Column = 1
		between = between[i+1:]
	}
	at.Column += utf8.RuneCount(between)
	at.Offset = max(offset, at.Offset)
	return at
}
