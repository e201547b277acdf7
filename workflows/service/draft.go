package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/whole"
)

// Draft is a workflow that somebody is writing: what is found in it, and what it does
// for its defaults and examples; the plan is nil where that is not known.
type Draft struct {
	Findings diag.List
	Plan     *program.Plan
}

// Draft checks a text as the file of that path would be. Files that it names are
// looked for beside that.
func (d *Device) Draft(path string, text []byte) *Draft {
	c := workflows.TextWithin(d.Tasks.Roots(), path, text)
	out := &Draft{}
	if c.Prepared != nil {
		r := workflows.Run{}
		_, list, _ := c.Prepared.Prove(r.Input(true))
		c.Add(list)
		if plan, list := c.Prepared.Plan(r.Input(true)); !list.HasErrors() {
			out.Plan = plan
		}
	}
	out.Findings = c.Diagnostics
	return out
}

// Text is a file of a workflow, with the mark by which Save knows that nobody has
// changed it meanwhile.
type Text struct {
	Path, Mark string
	Data       []byte
}

// Text reads the file of a task, as it is now.
func (d *Device) Text(task string) (*Text, error) {
	v, ok := d.Tasks.Snapshot().Lookup(task)
	if !ok {
		return nil, d.NoTask(task)
	}
	return textOf(v.Path)
}

// Broken reads a file of the folder that is not served as it is, to be mended.
func (d *Device) Broken(path string) (*Text, error) {
	for _, p := range d.Tasks.Snapshot().Problems {
		if p.Path == path {
			return textOf(path)
		}
	}
	return nil, missing("there is no file %s with mistakes here", filepath.Base(path))
}

func textOf(path string) (*Text, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, cannot("%v", err)
	}
	return &Text{path, markOf(data), data}, nil
}

// markOf is the mark of a text: whoever saves a change names that of the text changed.
func markOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// newName is how a new file may be called.
var newName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.ya?ml$`)

// NewPath is where a new file of that name would be.
func (d *Device) NewPath(name string) (string, error) {
	switch {
	case d.Drafts == "":
		return "", cannot("this server changes no workflows; save the file in the folder that it serves")
	case !newName.MatchString(name):
		return "", usage("a new file is called like my-workflow.yaml: letters, digits, - and _")
	}
	return filepath.Join(d.Drafts, name), nil
}

// Save writes the text of a workflow, which is served as soon as it is noticed. The mark
// is that of the text that was changed, and empty for a new file.
func (d *Device) Save(path, mark string, text []byte) error {
	if d.Drafts == "" {
		return cannot("this server changes no workflows; save the file in the folder that it serves")
	}
	if rel, err := filepath.Rel(d.Drafts, path); err != nil || !filepath.IsLocal(rel) {
		return cannot("%s is not in the folder in which workflows are changed here", path)
	}
	now, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mark != "":
		return cannot("somebody has removed %s meanwhile; save it under another name", filepath.Base(path))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return cannot("%v", err)
	case err == nil && mark == "":
		return cannot("there is a file %s already; take another name", filepath.Base(path))
	case err == nil && mark != markOf(now):
		return cannot("somebody has changed %s meanwhile; look at what it is now, and change that", filepath.Base(path))
	}
	if err := whole.Replace(path, text, 0o644); err != nil {
		return cannot("%v", err)
	}
	return nil
}
