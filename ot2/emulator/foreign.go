package emulator

import (
	"bytes"
	"encoding/json"
	"path"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2/labware"
)

// Protocols in Python. The emulator has no Python: what a protocol does it takes
// from a recorded analysis that it was given.

// recordedAnalysis is an analysis as the robot's software records it.
type recordedAnalysis struct {
	Files    []struct{ Name, Role string }
	Metadata json.RawMessage
	Params   []struct {
		VariableName   string
		Value, Default json.RawMessage
		File           *struct{ Name string }
	} `json:"runTimeParameters"`
	Commands []struct {
		CommandType string
		Params      map[string]json.RawMessage
		Result      map[string]json.RawMessage
	}
	Liquids []liquid
}

// uploaded is what a request for a new protocol brought.
type uploaded struct {
	name, key string
	data      []byte
	labware   [][]byte
	params    json.RawMessage   // run-time parameters, or nil
	tables    map[string]string // those that are files, by the names of these
	sums      []byte            // of what is in those
}

// readPython makes a program of the recorded analysis of a protocol.
func (e *Emulator) readPython(u *uploaded) (fileProgram, json.RawMessage, *answer) {
	out := fileProgram{schema: 8, python: true, params: json.RawMessage("[]")}
	for _, data := range e.options.Analyses {
		var a recordedAnalysis
		if json.Unmarshal(data, &a) != nil || !a.isOf(u.name) {
			continue
		}
		out.definitions = definitions(u.labware)
		out.liquids = a.Liquids
		if !a.takes(u.params, u.tables) {
			out.broken = fails("RunTimeParametersError", "this emulator has no analysis of "+u.name+" with these run-time parameters")
			return out, a.Metadata, nil
		}
		var all struct{ RunTimeParameters json.RawMessage }
		if json.Unmarshal(data, &all) == nil && all.RunTimeParameters != nil {
			out.params = all.RunTimeParameters
		}
		a.requests(&out)
		return out, a.Metadata, nil
	}
	return out, nil, badFile(u.name + ": this emulator has no Python and was given no analysis of this protocol")
}

func (a *recordedAnalysis) isOf(name string) bool {
	for _, f := range a.Files {
		if f.Role == "main" && path.Base(f.Name) == name {
			return true
		}
	}
	return false
}

// takes reports whether the analysis was recorded with the parameters given.
func (a *recordedAnalysis) takes(given json.RawMessage, tables map[string]string) bool {
	want := map[string]json.RawMessage{}
	if len(given) > 0 && json.Unmarshal(given, &want) != nil {
		return false
	}
	files := 0
	for _, p := range a.Params {
		if p.File != nil {
			if tables[p.VariableName] != p.File.Name {
				return false
			}
			files++
			continue
		}
		value := p.Default
		if v, is := want[p.VariableName]; is {
			value = v
		}
		if !sameValue(value, p.Value) {
			return false
		}
		delete(want, p.VariableName)
	}
	return len(want) == 0 && len(tables) == files
}

func sameValue(a, b json.RawMessage) bool {
	var v, w any
	return json.Unmarshal(a, &v) == nil && json.Unmarshal(b, &w) == nil && v == w || bytes.Equal(a, b)
}

// requests takes the commands of the analysis. What they made then they make
// again, under the same ids.
func (a *recordedAnalysis) requests(out *fileProgram) {
	for i := range a.Commands {
		c := &a.Commands[i]
		if i == 0 && c.CommandType == "home" {
			continue // every run begins with one
		}
		for _, id := range []string{"labwareId", "pipetteId", "moduleId"} {
			if v, made := c.Result[id]; made && c.Params[id] == nil {
				c.Params[id] = v
			}
		}
		raw, err := json.Marshal(c.Params)
		if _, known := table(c.CommandType); !known || err != nil {
			out.broken = fails("InvalidProtocolData", "this emulator knows no command "+c.CommandType)
			return
		}
		args, echo, bad := parse(c.CommandType, raw, "")
		if bad != nil {
			out.broken = fails("InvalidProtocolData", c.CommandType+": "+bad[0].Detail)
			return
		}
		out.requests = append(out.requests, request{kind: c.CommandType, intent: forProtocol, params: args, echo: echo})
	}
}

func definitions(files [][]byte) map[string]*program.Labware {
	out := map[string]*program.Labware{}
	for _, data := range files {
		if def, list := labware.Parse("upload", data); !list.HasErrors() {
			out[def.URI()] = def
		}
	}
	return out
}
