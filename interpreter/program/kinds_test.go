package program_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// kinds are the names of the constants, read from the source, in order.
func kinds(t *testing.T) []string {
	var out []string
	ast.Inspect(parsed(t, "op.go"), func(n ast.Node) bool {
		d, ok := n.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST || len(d.Specs) != program.Kinds+1 {
			return true
		}
		for _, s := range d.Specs[:program.Kinds] {
			out = append(out, s.(*ast.ValueSpec).Names[0].Name)
		}
		return false
	})
	if len(out) != program.Kinds {
		t.Fatalf("the constants of kinds are not where they were: %v", out)
	}
	return out
}

func parsed(t *testing.T, path string) *ast.File {
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// cases are the names that stand in the cases of a function.
func cases(t *testing.T, path, function string) map[string]bool {
	out := map[string]bool{}
	for _, d := range parsed(t, path).Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CaseClause)
			if !ok {
				return true
			}
			for _, e := range c.List {
				switch e := e.(type) {
				case *ast.Ident:
					out[e.Name] = true
				case *ast.SelectorExpr:
					out[e.Sel.Name] = true
				}
			}
			return true
		})
	}
	return out
}

// No kind of operation is forgotten anywhere: each has a case of its own in
// what changes the state (which is also what the simulator does), what
// estimates, what people read, and what the robot is sent.
func TestEveryKindIsHandled(t *testing.T) {
	for _, where := range []struct{ path, function string }{
		{"apply.go", "Apply"},
		{"../../ot2/motion.go", "duration"},
		{"../../ot2/command/command.go", "of"},
		{"../../workflows/depict/sentence.go", "Sentence"},
	} {
		handled := cases(t, where.path, where.function)
		for _, k := range kinds(t) {
			if !handled[k] {
				t.Errorf("%s has no case for %s in %s", where.function, k, where.path)
			}
		}
	}
}

// Every kind has a whole row in the table of ops, under a name of its own.
func TestTableOfOps(t *testing.T) {
	effects := map[string]bool{"none": true, "idempotent": true, "physical": true, "external": true}
	names := map[string]bool{}
	for k := range program.Kind(program.Kinds) {
		row := k.Info()
		if row.Name == "" || row.Doc == "" || !effects[row.Effect.String()] || names[row.Name] {
			t.Errorf("the row of %d: %+v", k, row)
		}
		names[row.Name] = true
		if back, ok := program.LookupKind(row.Name); !ok || back != k {
			t.Errorf("%s is not found again", row.Name)
		}
		if moves := row.Fields&(program.HasPipette|program.HasMove|program.HasProtocol) != 0; moves != (row.Effect == program.Physical) && k != program.ConfigureNozzles && k != program.NewTips {
			t.Errorf("%s: a pipette and the effect %s", row.Name, row.Effect)
		}
	}
	if _, ok := program.LookupKind("levitate"); ok {
		t.Error("there is no such operation")
	}
}
