package lab

import (
	"context"

	"github.com/ot2flow/ot2flow/workflows"
)

// Registry holds the last good version of the file of a lab, as one of workflows does.
func Registry(path string) *workflows.Registry[*Opened] {
	return workflows.NewRegistry(func(_ context.Context, path string) workflows.Result[*Opened] {
		o := Open(path)
		return workflows.Result[*Opened]{OK: o.Lab != nil, Name: "lab", Hash: o.Hash, Files: []workflows.File{{Path: path, Hash: o.file.Hash}}, Diagnostics: o.Diagnostics, Value: o}
	}, path)
}
