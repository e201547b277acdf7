package workflows

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Reference returns the reference of the language in Markdown, made from the
// table of keys and the tables of functions, methods and properties. It is
// kept as spec/REFERENCE.md.
func Reference() []byte {
	var b bytes.Buffer
	b.WriteString("# The workflow language, version " + spec.Version + "\n\n" +
		"Made from the tables that the decoder, the schema and the expressions work by; do not edit.\n" +
		"`ot2flow explain KEY` shows the page of one key or function.\n\n## A workflow file\n\n")
	shown := map[string]bool{"workflow": true, "step": true}
	page(&b, "workflow")
	for _, f := range spec.Root().Fields() {
		keyPage(&b, f.Key, shown)
	}
	b.WriteString("## A step\n\n")
	page(&b, "step")
	for _, kind := range spec.StepKinds() {
		keyPage(&b, kind.Key, shown)
	}
	b.WriteString("## A lab\n\nThe file that `ot2flow serve --config` takes.\n\n")
	shown[spec.LabFormat] = true
	page(&b, spec.LabFormat)
	b.WriteString("## Tests\n\nA file `*.test.yaml`, which `ot2flow test` runs.\n\n")
	shown[spec.TestsFormat] = true
	page(&b, spec.TestsFormat)
	b.WriteString("## The other keys\n\n")
	for _, key := range spec.Keys() {
		keyPage(&b, key, shown)
	}
	b.WriteString("## Functions\n\nEvery example is executed by a test; `plate` is a 96-well plate.\n\n")
	table(&b, eval.Functions())
	b.WriteString("## After a dot\n\n")
	table(&b, eval.Methods())
	for _, k := range []struct {
		name string
		kind eval.Kind
	}{{"A well", eval.Well}, {"A labware", eval.Labware}, {"A liquid", eval.Liquid}, {"A list", eval.List}} {
		properties(&b, k.name, eval.Properties(k.kind))
	}
	units(&b)
	return b.Bytes()
}

// keyPage writes the page of a key under a heading, once.
func keyPage(b *bytes.Buffer, key string, shown map[string]bool) {
	if shown[key] {
		return
	}
	shown[key] = true
	fmt.Fprintf(b, "### %s\n\n", key)
	page(b, key)
}

// page writes the page of a key as it is shown on a terminal.
func page(b *bytes.Buffer, key string) {
	text, _ := spec.Reference(key)
	fmt.Fprintf(b, "```text\n%s\n```\n\n", strings.TrimRight(text, "\n"))
}

func table(b *bytes.Buffer, rows []eval.Function) {
	b.WriteString("| | | example | gives |\n|---|---|---|---|\n")
	for _, f := range rows {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", code(f.Signature), cell(f.Doc), code(f.Example), code(f.Result))
	}
	b.WriteByte('\n')
}

func properties(b *bytes.Buffer, name string, rows []eval.Property) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "%s has:\n\n| | | |\n|---|---|---|\n", name)
	for _, p := range rows {
		fmt.Fprintf(b, "| %s | %s | %s |\n", code("."+p.Name), cell(p.Type.String()), cell(p.Doc))
	}
	b.WriteByte('\n')
}

func units(b *bytes.Buffer) {
	b.WriteString("## Units\n\nA bare number takes the first.\n\n| | |\n|---|---|\n")
	for d := quantity.Volume; d <= quantity.MolarConc; d++ {
		names := quantity.UnitNames(d)
		for i := range names {
			names[i] = code(names[i])
		}
		fmt.Fprintf(b, "| %s | %s |\n", d, strings.Join(names, " "))
	}
}

func code(s string) string { return "`" + cell(s) + "`" }

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

// ExplainFunction returns a page about a function or method of expressions.
func ExplainFunction(name string) (string, bool) {
	for _, f := range append(eval.Functions(), eval.Methods()...) {
		if f.Name == name {
			return fmt.Sprintf("%s\n  %s\n  Example: %s gives %s\n", f.Signature, f.Doc, f.Example, f.Result), true
		}
	}
	return "", false
}

// FunctionNames returns the names that ExplainFunction knows.
func FunctionNames() []string {
	var out []string
	for _, f := range append(eval.Functions(), eval.Methods()...) {
		out = append(out, f.Name)
	}
	return out
}

// Codes returns the page of all codes with their explanations, as Markdown.
func Codes() []byte {
	var b bytes.Buffer
	b.WriteString("# What can be wrong\n\nEvery finding has a code. `ot2flow explain CODE` says the same. This page is written by `go test ./workflows -run Reference -update`.\n")
	for _, c := range diag.Codes() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c, c.Explain)
	}
	return b.Bytes()
}
