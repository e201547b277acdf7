package workflows

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
)

// Reopen makes the workflow of a plan again from the files that the plan keeps,
// and says what its run was given. The error says why that does not give the
// plan. No file is looked at beside those of the plan.
func Reopen(p *program.Plan) (*Checked, Run, error) {
	c, err := Again(p)
	if err != nil {
		return c, Run{}, err
	}
	r, err := c.runOf(p)
	return c, r, err
}

// Again makes the workflow of a plan again from the files that the plan keeps.
func Again(p *program.Plan) (*Checked, error) {
	c := &Checked{Path: p.Workflow.File}
	if len(p.Files) == 0 {
		return c, errors.New("it keeps none of the files it was made from; make it with plan --out")
	}
	files := make([]spec.File, len(p.Files))
	for i, f := range p.Files {
		files[i] = spec.File{Name: f.Name, Data: f.Data}
	}
	c.prepare(spec.FromFiles(p.Workflow.File, files))
	if c.Prepared == nil {
		return c, fmt.Errorf("this version of ot2flow finds mistakes in its files: %s", c.Diagnostics[0].Message)
	}
	c.given = files[min(len(c.Bundle.Files), len(files)):]
	return c, nil
}

// runOf is what the run of a plan was given: its parameters as they are shown,
// and the files of tables, which stand behind those of the workflow.
func (c *Checked) runOf(p *program.Plan) (Run, error) {
	in := interpreter.Input{Params: interpreter.Values{}, Tables: map[string]spec.File{}, Begun: p.Deck}
	tables, extra := c.Prepared.TableNames(), c.given
	for _, v := range p.Workflow.Params {
		in.Params[v.Name] = v.Value
	}
	for _, name := range tables {
		file, _, named := cutLast(in.Params[name], ", ")
		delete(in.Params, name)
		if named {
			in.Params[name] = file
		}
		switch {
		case named && len(extra) > 0 && path.Base(extra[0].Name) == path.Base(filepath.ToSlash(file)):
			in.Tables[name], extra = extra[0], extra[1:]
		case !named && !c.Prepared.HasDefault(name):
			return Run{}, fmt.Errorf("the rows of %s were given beside the files of the plan; put them into a file of their own and name that", name)
		}
	}
	return Run{input: in}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
