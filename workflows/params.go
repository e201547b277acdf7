package workflows

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"path"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/interpreter"
	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// ParseParams reads values of parameters from a file: a YAML or JSON mapping
// from names to values, or a CSV table with the names in its first row and the
// values in the second.
func ParseParams(name string, data []byte) (interpreter.Values, diag.List) {
	if strings.EqualFold(path.Ext(name), ".csv") {
		return parseCSV(name, data)
	}
	src := spec.NewSource(&spec.File{Name: name, Data: data})
	root, list := src.Parse()
	if root == nil || list.HasErrors() {
		return nil, list
	}
	if root.Kind != yaml.MappingNode {
		return nil, diag.List{{Code: diag.BadValue, Span: src.NodeSpan(root), Message: "a mapping from parameter names to values is wanted here", Help: "write one line per parameter: R: 100 uL"}}
	}
	values := interpreter.Values{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		n := root.Content[i+1]
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			list = append(list, diag.Diagnostic{Code: diag.BadValue, Span: src.NodeSpan(n), Message: "the value of " + root.Content[i].Value + " is not a single value", Help: "write one value with its unit, such as 100 uL"})
			continue
		}
		values[root.Content[i].Value] = n.Value
	}
	return values, list
}

func parseCSV(name string, data []byte) (interpreter.Values, diag.List) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, inCSV(name, "the table cannot be read: "+err.Error(), "separate the columns with commas")
	}
	if len(rows) < 2 {
		return nil, inCSV(name, "the table needs a row with the names of the parameters and a row with their values", "for example R,Y,B in the first row and 100 uL,50 uL,30 uL in the second")
	}
	if len(rows) > 2 {
		return nil, inCSV(name, fmt.Sprintf("the table has %d rows of values, and this version of ot2flow does one run at a time", len(rows)-1), "give a table with one row of values")
	}
	values := interpreter.Values{}
	for i, column := range rows[0] {
		values[strings.TrimSpace(column)] = strings.TrimSpace(rows[1][i])
	}
	return values, nil
}

func inCSV(name, message, help string) diag.List {
	return diag.List{{Code: diag.BadValue, Span: diag.Span{File: name}, Message: message, Help: help}}
}
