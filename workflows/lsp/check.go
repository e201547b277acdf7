package lsp

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// check looks at what is open whenever something was typed or a file beside it has
// changed, and tells the editor what is wrong.
func (s *server) check(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-s.bell.Rings():
			s.mu.Lock()
			clear(s.checks) // what the documents refer to may be another
			s.mu.Unlock()
		}
		s.round(ctx)
	}
}

// round checks the documents that were not checked with the texts that there are now, and
// publishes the findings of all.
func (s *server) round(ctx context.Context) {
	s.mu.Lock()
	documents, texts := maps.Clone(s.documents), s.texts()
	s.mu.Unlock()
	told := map[string][]diagnostic{}
	files := map[string]*text{}
	var follow []string
	for _, path := range slices.Sorted(maps.Keys(documents)) {
		d := documents[path]
		if told[path] == nil {
			told[path] = []diagnostic{}
		}
		files[path] = d.text
		if !d.isWorkflow() {
			continue
		}
		c := s.proved(d, texts)
		if ctx.Err() != nil {
			return
		}
		if filepath.IsAbs(path) {
			follow = append(follow, c.Files()...)
		}
		for i := range c.Diagnostics {
			f := &c.Diagnostics[i]
			at := absolute(f.Span.File, path)
			one := finding(f, path, c.Checked, files)
			if !slices.ContainsFunc(told[at], func(o diagnostic) bool {
				return o.Range == one.Range && o.Code == one.Code && o.Message == one.Message
			}) {
				told[at] = append(told[at], one)
			}
		}
	}
	s.bell.Follow(follow)
	s.publish(ctx, documents, told)
}

// proved is a workflow that was checked, and its plan, once somebody asks for that.
type proved struct {
	*workflows.Checked
	once sync.Once
	plan *program.Plan // nil where there is none
}

// Plan is the plan of a run with the defaults and examples of the workflow.
func (p *proved) Plan() *program.Plan {
	p.once.Do(func() {
		if p.Prepared != nil {
			var run workflows.Run
			p.plan, _ = p.Prepared.Plan(run.Input(true)) // what is wrong was found when it was proved
		}
	})
	return p.plan
}

// proved checks a document, unless it was checked with the same texts.
func (s *server) proved(d *document, texts map[string][]byte) *proved {
	s.mu.Lock()
	p := s.checks[d.path]
	s.mu.Unlock()
	if p != nil && !p.Outdated(texts) {
		return p
	}
	p = &proved{Checked: workflows.OpenOver(d.path, texts)}
	p.Lint(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checks[d.path] = p
	return p
}

// now is what is known of a document with the texts that there are.
func (s *server) now(d *document) *proved {
	s.mu.Lock()
	texts := s.texts()
	s.mu.Unlock()
	return s.proved(d, texts)
}

// publish tells the editor what was found in each file, and of those in which nothing is
// found any more.
func (s *server) publish(ctx context.Context, documents map[string]*document, told map[string][]diagnostic) {
	for path := range s.published {
		if _, still := told[path]; !still {
			told[path] = []diagnostic{}
		}
	}
	s.published = map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(told)) {
		p := publishParams{URI: uriOf(path), Diagnostics: told[path]}
		if d := documents[path]; d != nil {
			p.URI, p.Version = d.uri, &d.version
		}
		if len(p.Diagnostics) > 0 {
			s.published[path] = true
		}
		_ = s.conn.Notify(ctx, "textDocument/publishDiagnostics", p) // who has left hears nothing
	}
}

// absolute is the path of a file that a finding names; a finding about none is about the
// workflow.
func absolute(file, workflow string) string {
	if file == "" {
		return workflow
	}
	path, err := filepath.Abs(filepath.FromSlash(file))
	if err != nil || !filepath.IsAbs(workflow) {
		return workflow
	}
	return path
}

// explained is the page on which every code is explained, as `ot2flow explain` does it.
const explained = "https://github.com/ot2flow/ot2flow/blob/main/spec/CODES.md#"

// finding is a finding as the protocol says it.
func finding(f *diag.Diagnostic, path string, c *workflows.Checked, files map[string]*text) diagnostic {
	out := diagnostic{Range: rangeOf(f.Span, path, c, files), Severity: 1, Source: "ot2flow", Message: f.Message}
	if f.Severity == diag.Warning {
		out.Severity = 2
	}
	if f.Code != nil {
		out.Code, out.Link = f.Code.ID, &link{explained + strings.ToLower(f.Code.ID+"-"+f.Code.Name)}
	}
	for _, more := range f.Particulars() {
		out.Message += "\n" + more
	}
	for _, r := range f.Related {
		out.Related = append(out.Related, related{location{uriOf(absolute(r.Span.File, path)), rangeOf(r.Span, path, c, files)}, r.Message})
	}
	return out
}

// rangeOf is a span in the text that it is of.
func rangeOf(span diag.Span, path string, c *workflows.Checked, files map[string]*text) textRange {
	at := absolute(span.File, path)
	t := files[at]
	if t == nil {
		data := c.Source(span.File)
		if data == nil {
			data, _ = os.ReadFile(at) // without it, it is at the beginning
		}
		t = textOf(data)
		files[at] = t
	}
	return t.between(span.Start.Offset, span.End.Offset)
}
