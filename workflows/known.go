package workflows

import (
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec/complete"
)

// Known returns what can stand in a workflow that the robot or the language of expressions
// knows of: what complete.At asks for.
func Known(what string) []complete.Option {
	var out []complete.Option
	words := func(list []string) {
		for _, name := range list {
			out = append(out, complete.Option{Label: name, Kind: complete.Word})
		}
	}
	calls := func(list []eval.Function) {
		for _, f := range list {
			out = append(out, complete.Option{Label: f.Name, Kind: complete.Function, Detail: f.Signature, Doc: fmt.Sprintf("%s Example: %s gives %s", f.Doc, f.Example, f.Result), Insert: f.Name + "("})
		}
	}
	switch what {
	case "labware_type":
		for _, e := range labware.List() {
			out = append(out, complete.Option{Label: e.LoadName, Kind: complete.Word, Detail: e.DisplayName})
		}
	case "pipette_type":
		words(ot2.PipetteNames())
	case "module_type":
		words(ot2.ModuleNames())
	case "function":
		calls(eval.Functions())
	case "method":
		calls(eval.Methods())
	}
	return out
}
