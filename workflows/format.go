package workflows

import (
	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/format"
)

// Format returns the canonical form of a workflow file, its expressions in the
// form that is taught. With errors among the findings there is no result; the
// error says why a file is left as it is.
func Format(f *spec.File) ([]byte, diag.List, error) {
	return format.Source(f, format.Forms{Expression: eval.Taught, Text: eval.TaughtTemplate})
}
