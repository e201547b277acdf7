package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The long parts of a workbook are taken apart here: a sheet of 100,000 rows is
// 20 MB of XML, and encoding/xml makes several values of every tag. What it
// takes, this takes and means the same (a test compares the two), but for
// document types and other encodings than UTF-8, which workbooks do not have.

// token is a kind of piece of XML.
type token uint8

const (
	endOfPart token = iota
	startTag
	endTag
	text
)

// scanner goes through a part token by token.
type scanner struct {
	data []byte
	at   int
	open [][]byte // the names of the elements around

	name   []byte // of a tag, without its prefix
	attrs  []attribute
	text   []byte // as it stands in the file
	plain  bool   // nothing in text is to be replaced
	closes bool   // the start tag is an end tag too
}

type attribute struct{ name, value []byte }

var errXML = errors.New("its XML is damaged")

func newScanner(data []byte) (*scanner, error) {
	s := &scanner{data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	if !utf8.Valid(s.data) {
		return nil, errors.New("its text is not UTF-8")
	}
	return s, nil
}

// next returns the next token; what it holds is valid until the next call.
func (s *scanner) next() (token, error) {
	if s.closes {
		s.closes = false
		s.open = s.open[:len(s.open)-1]
		return endTag, nil
	}
	for s.at < len(s.data) {
		rest := s.data[s.at:]
		if rest[0] != '<' {
			return s.plainText()
		}
		switch {
		case bytes.HasPrefix(rest, []byte("<?")):
			if err := s.skip("<?", "?>"); err != nil {
				return endOfPart, err
			}
		case bytes.HasPrefix(rest, []byte("<!--")):
			if err := s.skip("<!--", "-->"); err != nil {
				return endOfPart, err
			}
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			start := s.at + len("<![CDATA[")
			if err := s.skip("<![CDATA[", "]]>"); err != nil {
				return endOfPart, err
			}
			s.text, s.plain = s.data[start:s.at-len("]]>")], true
			return text, nil
		case bytes.HasPrefix(rest, []byte("</")):
			return s.endTag()
		default:
			return s.startTag()
		}
	}
	if len(s.open) > 0 {
		return endOfPart, errXML
	}
	return endOfPart, nil
}

// skip goes behind what begins and ends as given.
func (s *scanner) skip(start, end string) error {
	i := bytes.Index(s.data[s.at+len(start):], []byte(end))
	if i < 0 {
		return errXML
	}
	s.at += len(start) + i + len(end)
	return nil
}

func (s *scanner) plainText() (token, error) {
	rest := s.data[s.at:]
	n := bytes.IndexByte(rest, '<')
	if n < 0 {
		n = len(rest)
	}
	s.text, s.plain = rest[:n], false
	s.at += n
	return text, nil
}

func (s *scanner) endTag() (token, error) {
	s.at += len("</")
	name := s.tagName()
	s.blanks()
	if len(name) == 0 || !s.take('>') || len(s.open) == 0 || !bytes.Equal(s.open[len(s.open)-1], name) {
		return endOfPart, errXML
	}
	s.open = s.open[:len(s.open)-1]
	s.name = local(name)
	return endTag, nil
}

func (s *scanner) startTag() (token, error) {
	s.at += len("<")
	name := s.tagName()
	if len(name) == 0 {
		return endOfPart, errXML
	}
	s.open, s.name, s.attrs = append(s.open, name), local(name), s.attrs[:0]
	for {
		s.blanks()
		switch {
		case s.take('>'):
			return startTag, nil
		case s.take('/'):
			s.closes = true
			if !s.take('>') {
				return endOfPart, errXML
			}
			return startTag, nil
		}
		key := s.tagName()
		s.blanks()
		if len(key) == 0 || !s.take('=') {
			return endOfPart, errXML
		}
		s.blanks()
		value, ok := s.quoted()
		if !ok {
			return endOfPart, errXML
		}
		s.attrs = append(s.attrs, attribute{local(key), value})
	}
}

func (s *scanner) blanks() {
	for s.at < len(s.data) && isXMLBlank(s.data[s.at]) {
		s.at++
	}
}

func isXMLBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (s *scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// tagName reads the name of an element or attribute.
func (s *scanner) tagName() []byte {
	start := s.at
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case '>', '/', '=', '<', '"', '\'', '&':
			return s.data[start:s.at]
		default:
			if isXMLBlank(c) {
				return s.data[start:s.at]
			}
			s.at++
		}
	}
	return nil
}

func (s *scanner) quoted() ([]byte, bool) {
	if s.at >= len(s.data) || s.data[s.at] != '"' && s.data[s.at] != '\'' {
		return nil, false
	}
	n := bytes.IndexByte(s.data[s.at+1:], s.data[s.at])
	if n < 0 {
		return nil, false
	}
	value := s.data[s.at+1 : s.at+1+n]
	s.at += n + 2
	return value, true
}

// local cuts the prefix off a name: c of x:c.
func local(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i > 0 && i+1 < len(name) {
		return name[i+1:]
	}
	return name
}

// attr returns an attribute of the start tag, nil where it has none. Its value
// is as it stands in the file: those that are read hold no character that would
// have to be replaced.
func (s *scanner) attr(name string) []byte {
	for i := range s.attrs {
		if string(s.attrs[i].name) == name {
			return s.attrs[i].value
		}
	}
	return nil
}

// appendText adds the text of the token to b, with what stands for other
// characters replaced.
func (s *scanner) appendText(b []byte) ([]byte, error) {
	if s.plain {
		return appendLines(b, s.text), nil
	}
	return appendDecoded(b, s.text)
}

// appendLines adds text whose lines end in any way; in XML they end in \n.
func appendLines(b, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\r')
		if i < 0 {
			return append(b, raw...)
		}
		b = append(append(b, raw[:i]...), '\n')
		if raw = raw[i+1:]; len(raw) > 0 && raw[0] == '\n' {
			raw = raw[1:]
		}
	}
}

func appendDecoded(b, raw []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return appendLines(b, raw), nil
		}
		b = appendLines(b, raw[:i])
		end := bytes.IndexByte(raw[i:], ';')
		if end < 0 {
			return nil, errXML
		}
		r, ok := entity(string(raw[i+1 : i+end]))
		if !ok {
			return nil, fmt.Errorf("its XML holds %s, which means nothing", strconv.Quote(string(raw[i:i+end+1])))
		}
		b = utf8.AppendRune(b, r)
		raw = raw[i+end+1:]
	}
}

// entity is the character that stands between & and ;.
func entity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	base := 10
	if hex, is := strings.CutPrefix(digits, "x"); is {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if !ok || err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}
