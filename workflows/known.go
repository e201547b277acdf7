package workflows

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/eval"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec"
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
	default:
		if name, ok := strings.CutPrefix(what, complete.Wells); ok {
			if def, known := (ot2.Machine{}).Labware(name); known {
				return wellsOf(def)
			}
		}
	}
	return out
}

// KnownWells are the wells of a labware whose definition is one of the workflow's own
// files, by the type that is written for it.
func (c *Checked) KnownWells(file string) []complete.Option {
	if c.Bundle == nil || !spec.IsFileReference(file) {
		return nil
	}
	f, ok := c.Bundle.Referenced(file)
	if !ok {
		return nil
	}
	def, _ := ot2.Machine{}.ParseLabware(f.Name, f.Data) // what is wrong with it is found elsewhere
	if def == nil {
		return nil
	}
	return wellsOf(def)
}

func wellsOf(def *program.Labware) []complete.Option {
	var out []complete.Option
	for i := range def.Wells {
		out = append(out, complete.Option{Label: def.Wells[i].Name, Kind: complete.Word, Detail: "a well"})
	}
	return out
}
