package lsp

import (
	"bytes"
	"path/filepath"
	"sync"

	"github.com/ot2flow/ot2flow/spec"
)

// document is one version of a text that is open. It is immutable: a change makes a new
// one, so that check may look at one while the next is written.
type document struct {
	uri, path string
	version   int
	*text

	once    sync.Once // of read
	outline *spec.Outline
	names   *names
}

// read takes the text apart, without checking it.
func (d *document) read() {
	d.once.Do(func() {
		src := spec.NewSource(&spec.File{Name: filepath.Base(d.path), Data: d.data})
		d.outline = src.Outline(spec.Root())
		d.names = namesOf(d.outline)
	})
}

// isWorkflow reports whether a text is a workflow, or is to become one: it has the key
// ot2flow, or nothing yet. Other files, such as those of a lab, are left alone.
func (d *document) isWorkflow() bool {
	for line := range bytes.Lines(d.data) {
		if bytes.HasPrefix(line, []byte("ot2flow:")) {
			return true
		}
	}
	return false
}

func (s *server) document(uri string) *document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.documents[pathFor(uri)]
}

// pathFor is the path of a document, also of one that was never saved: it then stands
// nowhere, and can refer to nothing.
func pathFor(uri string) string {
	if path, ok := pathOf(uri); ok {
		return path
	}
	return uri
}

func (s *server) opened(p *params) error {
	s.put(&document{uri: p.TextDocument.URI, version: p.TextDocument.Version, text: textOf([]byte(p.TextDocument.Text))})
	return nil
}

func (s *server) put(d *document) {
	d.path = pathFor(d.uri)
	s.mu.Lock()
	s.documents[d.path] = d
	s.mu.Unlock()
	s.again()
}

func (s *server) changed(p *params) error {
	was := s.document(p.TextDocument.URI)
	if was == nil {
		return nil
	}
	now := was.text
	for _, c := range p.ContentChanges {
		if c.Range == nil {
			now = textOf([]byte(c.Text))
			continue
		}
		start, end := now.offset(c.Range.Start), now.offset(c.Range.End)
		now = textOf(append(append(append([]byte{}, now.data[:start]...), c.Text...), now.data[max(start, end):]...))
	}
	s.put(&document{uri: was.uri, version: p.TextDocument.Version, text: now})
	return nil
}

func (s *server) closed(p *params) error {
	s.mu.Lock()
	delete(s.documents, pathFor(p.TextDocument.URI))
	s.mu.Unlock()
	s.again()
	return nil
}

// again has everything looked at that is open.
func (s *server) again() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// texts are the texts of all documents, by path, which count instead of the files.
func (s *server) texts() map[string][]byte {
	out := map[string][]byte{}
	for path, d := range s.documents {
		out[path] = d.data
	}
	return out
}
