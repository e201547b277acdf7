// Package format writes a workflow file in its one canonical form.
//
// It owns layout: indentation, spaces, quotes, blank lines, where braces are
// used. How expressions are written it is told, since package eval reads them.
// Meaning, order and comments stay; what it writes is read back and
// compared before it is handed out, and a file that it could not write without
// losing something is refused. Formatting twice changes nothing more.
//
// The form: two spaces a level; a list stands one level under its key; braces
// and brackets stay where a line has room for them; values in braces of
// neighbouring keys begin in one column; one blank line at most; comments two
// spaces behind what they are about.
//
// Quotes stand where YAML would read something else without them, which is
// asked of YAML itself: around an expression or a text with a ": " or a blank
// before a #, and inside { } and [ ] also with a comma, bracket, brace or
// question mark. Three more kinds keep or get them because the trap is one
// change away: anything with a #, and the words and numbers that other YAML
// programs take for something else (yes, off, 12:30), where they were written
// with quotes. Everywhere else there are none: an expression is read as one
// because of where it stands, so that R / 2 and 'R / 2' are the same, and only
// one of them can be canonical.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Width is the column beyond which braces and brackets are opened out into
// lines, where that helps.
const Width = 120

// ErrComment is returned where a comment stands at a place that the canonical
// form has no line for.
var ErrComment = errors.New("a comment would be lost")

// ErrUnstable is returned where formatting again would change more: YAML
// takes a comment to belong to something else each time.
var ErrUnstable = errors.New("its comments stand where it is not clear what they belong to")

// rounds is how often a file is formatted until it stays the same. Most do at
// once; a comment at the end of a list may have to find its level first.
const rounds = 4

// Forms bring what a file holds beside YAML into the form that is taught. It
// must mean the same, and be left as it is from then on.
type Forms struct {
	Expression func(string) string
	Text       func(string) string // with expressions in ${ }
}

// Source returns the canonical form of a workflow file. The findings are those
// of reading it as YAML; with errors among them there is no result.
func Source(f *spec.File, forms Forms) ([]byte, diag.List, error) {
	before, list, err := once(f, forms)
	if before == nil || err != nil {
		return nil, list, err
	}
	for range rounds {
		after, _, err := once(&spec.File{Name: f.Name, Data: before}, forms)
		if err != nil {
			return nil, nil, err
		}
		if bytes.Equal(before, after) {
			return after, nil, nil
		}
		before = after
	}
	return nil, nil, ErrUnstable
}

func once(f *spec.File, forms Forms) ([]byte, diag.List, error) {
	src := spec.NewSource(f)
	root, list := src.Parse()
	if root == nil || list.HasErrors() {
		return nil, list, nil
	}
	teach(src, root, forms)
	p := &printer{src: bytes.Split(bytes.TrimPrefix(normalLines(f.Data), []byte("\ufeff")), []byte("\n"))}
	doc, err := document(f)
	if err != nil {
		return nil, nil, err
	}
	p.lead(doc.HeadComment, root)
	p.block(root, 0)
	p.comment(doc.FootComment, 0)
	p.comment(root.FootComment, 0)
	out := p.finish()
	if err := verify(f, root, out); err != nil {
		return nil, nil, err
	}
	return out, nil, nil
}

func normalLines(data []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}

// document is the YAML document node, which carries the comments around the
// root.
func document(f *spec.File) (*yaml.Node, error) {
	var doc yaml.Node
	err := yaml.Unmarshal(f.Data, &doc)
	return &doc, err
}

// teach brings expressions into the form that is taught.
func teach(src *spec.Source, root *yaml.Node, forms Forms) {
	places := spec.Expressions(src, root)
	for i := len(places) - 1; i >= 0; i-- { // from behind, so that places before it stay
		n, at := places[i].Node, places[i]
		form := forms.Expression
		if at.Text {
			form = forms.Text
		}
		was := n.Value[at.Start:at.End]
		now := form(was)
		if now == was {
			continue
		}
		lead := was[:len(was)-len(strings.TrimLeft(was, " "))] // the blank of `3 x 50 uL`
		if at.Start == 0 {
			lead = ""
		}
		tail := was[len(strings.TrimRight(was, " ")):]
		if at.End == len(n.Value) {
			tail = ""
		}
		if !at.Text {
			now = lead + strings.TrimSpace(now) + tail
		}
		n.Value = n.Value[:at.Start] + now + n.Value[at.End:]
		if !strings.Contains(n.Value, "\n") {
			n.Style = 0
		}
		if !at.Text {
			n.Tag = "" // what was '${ 5 }' is 5
		}
	}
}

// verify compares what was written with what was read.
func verify(f *spec.File, root *yaml.Node, out []byte) error {
	again, list := spec.Parse(&spec.File{Name: f.Name, Data: out})
	if again == nil || list.HasErrors() {
		return fmt.Errorf("the formatted file cannot be read: %s", first(list))
	}
	if !equal(root, again) {
		return errors.New("the formatted file would mean something else")
	}
	if before, after := comments(normalLines(f.Data)), comments(out); !sameComments(before, after) {
		return ErrComment
	}
	return nil
}

func first(list diag.List) string {
	if len(list) == 0 {
		return "nothing is left of it"
	}
	return list[0].Message
}

func equal(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Kind == yaml.ScalarNode && (a.ShortTag() != b.ShortTag() || a.Value != b.Value) || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !equal(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// comments lists what looks like a comment in the lines of a file. It may take
// a # inside a text for one; both sides do.
func comments(data []byte) []string {
	var out []string
	for _, line := range strings.Split(string(data), "\n") {
		if i := strings.Index(" "+line, " #"); i >= 0 {
			out = append(out, strings.TrimSpace(line[i:]))
		}
	}
	sort.Strings(out)
	return out
}

func sameComments(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
