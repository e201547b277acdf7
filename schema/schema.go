// Package schema owns the JSON schemas of every format that ot2flow reads or
// writes, and explains by them why a workflow was refused.
//
// The schema of workflows is generated from the table of step kinds in package
// spec, which the decoder works by as well. The decoder decides; the schema is
// for editors and for the explanation, and is compiled only when there is
// something to explain. This package knows nothing of names, types and
// expressions: those are checked by package interpreter.
package schema

import (
	"embed"
	"slices"
	"strings"
)

//go:generate go run ./internal/gen

//go:embed *.schema.json
var files embed.FS

const suffix = ".schema.json"

// Names returns the names of the formats that have a schema, sorted:
// audit, changes, corrections, diagnostics, difference, drift, faults, journal, lab,
// liquid_class, plan, quota_log, quotas, repeats, robots, run, runs, simulation, state, test, tests, tokens,
// uses, version, workflow.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), suffix))
	}
	slices.Sort(names)
	return names
}

// Schema returns the JSON schema (draft 2020-12) of a format by its name.
func Schema(name string) ([]byte, bool) {
	if !slices.Contains(Names(), name) {
		return nil, false
	}
	data, err := files.ReadFile(name + suffix)
	return data, err == nil
}
