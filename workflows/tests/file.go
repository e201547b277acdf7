package tests

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/schema"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// File is a file with tests, and the workflow that they are of.
type File struct {
	Path string
	// Checked is the workflow; nil where the file does not say which.
	Checked *workflows.Checked
	// Diagnostics are what is wrong with the file, or with the workflow. As long as
	// there are errors, there are no outcomes.
	Diagnostics diag.List

	tests *spec.Tests
	text  []byte
	name  string // that messages have for it
}

// Open reads a file with tests, and its workflow.
func Open(path string) *File {
	f := &File{Path: path, name: filepath.ToSlash(path)}
	var err error
	if f.text, err = os.ReadFile(path); err != nil {
		f.Diagnostics = diag.List{{Code: diag.Unreadable, Span: diag.Span{File: f.name}, Message: "the tests cannot be read: " + reason(err)}}
		return f
	}
	if f.decode(f.name); f.Diagnostics.HasErrors() {
		return f
	}
	f.Checked = workflows.Open(f.workflow())
	if f.Checked.Bundle == nil {
		f.Diagnostics = append(f.Diagnostics, diag.Diagnostic{
			Code: diag.NotFound, Span: f.tests.Span, Message: "the workflow that is to be tested cannot be read: " + f.Checked.Path,
			Help: "name its file with workflow:, from where this file is",
		})
		return f
	}
	if f.Checked.Prepared != nil {
		f.decode(f.Checked.Local(path)) // so that what is given and what is declared count from one place
		f.Diagnostics = nil
	}
	f.Diagnostics = append(f.Diagnostics, f.Checked.Diagnostics...)
	return f
}

// decode reads the text of the file under a name.
func (f *File) decode(name string) {
	src := spec.NewSource(&spec.File{Name: name, Data: f.text})
	root, list := src.Parse()
	tests, doc, found := spec.DecodeTests(src, root)
	list = append(list, found...)
	if len(doc.Refused) > 0 {
		list = append(list, schema.Explain(doc)...)
	}
	if root == nil && len(list) == 0 {
		list = diag.List{{Code: diag.MissingKey, Span: diag.Span{File: f.name}, Message: "the file is empty", Help: "begin with test: 1, and cases:"}}
	}
	f.tests, f.Diagnostics = tests, list.Sorted()
}

// workflow is the file that is tested.
func (f *File) workflow() string {
	if f.tests.Workflow.Set {
		return filepath.Join(filepath.Dir(f.Path), filepath.FromSlash(f.tests.Workflow.Text))
	}
	ext := filepath.Ext(f.Path)
	return strings.TrimSuffix(f.Path, ".test"+ext) + ext
}

// Source returns the text of a file that a finding names, or nil.
func (f *File) Source(file string) []byte {
	if file == f.name {
		return f.text
	}
	if f.Checked == nil {
		return nil
	}
	return f.Checked.Source(file)
}

func reason(err error) string {
	if p, ok := err.(*os.PathError); ok { //nolint:errorlint // ReadFile returns it as it is
		return p.Err.Error()
	}
	return err.Error()
}
