package eval

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"testing"

	"github.com/expr-lang/expr"
	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// TestSameAsVM compares plain numbers, booleans, texts and lists with expr's
// own machine. Where that gives an infinity, a wrapped integer or no number,
// this package reports a problem instead: those are the divergences wanted.
func TestSameAsVM(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := genAny(t, 4)
		want, vmErr := expr.Eval(text, nil)
		e, found := Compile(spec.LiteralText(text), NewScope(), nil, Type{})
		if len(found) > 0 {
			if code := found[0].Code; code != diag.DivisionByZero && code != diag.NotFinite && code != diag.OutOfRange && code != diag.TooMuch {
				t.Fatalf("%s: %s %s; the machine gives %v", text, code.ID, found[0].Message, want)
			}
			return
		}
		if vmErr != nil {
			t.Fatalf("%s: %v, and here %v", text, vmErr, e.value)
		}
		v, ok := e.Const()
		if !ok || !sameAsVM(v, want) {
			t.Fatalf("%s: %v, and the machine gives %v", text, v, want)
		}
	})
}

func sameAsVM(v Value, want any) bool {
	switch w := want.(type) {
	case bool:
		return v.Kind() == Bool && v.Bool() == w
	case int:
		return v.Float() == float64(w)
	case float64:
		return v.Float() == w
	case string:
		return v.Text() == w
	}
	r := reflect.ValueOf(want)
	if r.Kind() != reflect.Slice || r.Len() != len(v.List()) {
		return false
	}
	for i, e := range v.List() {
		if !sameAsVM(e, r.Index(i).Interface()) {
			return false
		}
	}
	return true
}

func pick(t *rapid.T, options ...string) string { return rapid.SampledFrom(options).Draw(t, "option") }

func genAny(t *rapid.T, depth int) string {
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return genBool(t, depth)
	case 1:
		return genText(t, depth)
	case 2:
		return genList(t, depth)
	case 3:
		return genInt(t, depth)
	}
	return genFloat(t, depth)
}

func genInt(t *rapid.T, depth int) string {
	if depth == 0 {
		return fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "int"))
	}
	a, b := genInt(t, depth-1), genInt(t, depth-1)
	switch rapid.IntRange(0, 7).Draw(t, "int") {
	case 0:
		return "(" + a + pick(t, " + ", " - ", " * ") + b + ")"
	case 1:
		return "(" + a + " % 7)"
	case 2:
		return "-" + a
	case 3:
		return "(" + genBool(t, depth-1) + " ? " + a + " : " + b + ")"
	case 4:
		return "len(" + genList(t, depth-1) + ")"
	case 5:
		return "count(" + genList(t, depth-1) + ", # > " + a + ")"
	case 6:
		return "sum(" + genList(t, depth-1) + ", # * 2)"
	}
	return "(if " + genBool(t, depth-1) + " {" + a + "} else {" + b + "})"
}

func genFloat(t *rapid.T, depth int) string {
	if depth == 0 {
		return fmt.Sprintf("%.2f", rapid.Float64Range(0, 100).Draw(t, "float"))
	}
	a, b := genFloat(t, depth-1), genInt(t, depth-1)
	switch rapid.IntRange(0, 4).Draw(t, "float") {
	case 0:
		return "(" + a + pick(t, " + ", " - ", " * ", " / ") + b + ")"
	case 1:
		return "(" + b + " ** 2)"
	case 2:
		return pick(t, "abs", "floor", "ceil", "round") + "(" + a + ")"
	case 3:
		return pick(t, "min", "max") + "(" + a + ", " + b + ")"
	}
	return "(" + b + " / " + a + ")"
}

func genBool(t *rapid.T, depth int) string {
	if depth == 0 {
		return pick(t, "true", "false")
	}
	a, b := genBool(t, depth-1), genBool(t, depth-1)
	switch rapid.IntRange(0, 6).Draw(t, "bool") {
	case 0:
		return "(" + a + pick(t, " and ", " or ", " && ", " || ", " == ", " != ") + b + ")"
	case 1:
		return "not " + a
	case 2:
		return "(" + genInt(t, depth-1) + pick(t, " < ", " <= ", " > ", " >= ", " == ", " != ") + genFloat(t, depth-1) + ")"
	case 3:
		return "(" + genText(t, depth-1) + pick(t, " contains ", " startsWith ", " endsWith ", " matches ", " == ", " < ") + genText(t, 0) + ")"
	case 4:
		return "(" + genInt(t, depth-1) + pick(t, " in ", " not in ") + genList(t, depth-1) + ")"
	case 5:
		return pick(t, "all", "any", "none", "one") + "(" + genList(t, depth-1) + ", # " + pick(t, "<", ">=", "!=") + " 3)"
	}
	return "!" + a
}

func genText(t *rapid.T, depth int) string {
	if depth == 0 {
		return `"` + pick(t, "", "a", "ab", "A", "5 uL", "plate.A1:D6") + `"`
	}
	a := genText(t, depth-1)
	switch rapid.IntRange(0, 2).Draw(t, "text") {
	case 0:
		return "(" + a + " + " + genText(t, depth-1) + ")"
	case 1:
		return pick(t, "upper", "lower", "trim") + "(" + a + ")"
	}
	return "(" + genBool(t, depth-1) + " ? " + a + " : 'x')"
}

func genList(t *rapid.T, depth int) string {
	if depth == 0 {
		return pick(t, "[1]", "[1, 2]", "[5, 4, 3]", "(1..4)", "(3..1)")
	}
	switch rapid.IntRange(0, 5).Draw(t, "list") {
	case 0:
		return "[" + genInt(t, depth-1) + ", " + genInt(t, depth-1) + "]"
	case 1:
		return "filter(" + genList(t, depth-1) + ", # > 2)"
	case 2:
		return "map(" + genList(t, depth-1) + ", # + #index)"
	case 3:
		return "reverse(" + genList(t, depth-1) + ")"
	case 4:
		return "concat(" + genList(t, depth-1) + ", " + genList(t, depth-1) + ")"
	}
	return genList(t, depth-1) + "[1:3]"
}

// TestUnitLaws: a quantity is the same however it is written, and arithmetic
// with it is arithmetic with whole base units.
func TestUnitLaws(t *testing.T) {
	holds := func(t *rapid.T, format string, args ...any) {
		text := fmt.Sprintf(format, args...)
		e, found := Compile(spec.LiteralText(text), NewScope(), nil, Type{Kind: Bool})
		if len(found) > 0 {
			t.Fatalf("%s: %s", text, found[0].Message)
		}
		if v, ok := e.Const(); !ok || !v.Bool() {
			t.Fatalf("%s is %v", text, v)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "a")
		b := rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "b")
		n := rapid.IntRange(1, 1000).Draw(t, "n")
		holds(t, "%d uL == %d * 1 uL", a, a)
		holds(t, "%d uL == %d nL", a, a*1000)
		holds(t, "%d nL + %d nL == %d nL", a, b, a+b)
		holds(t, "%d uL + %d uL == %d uL + %d uL", a, b, b, a)
		holds(t, "%d nL / %d * %d == %d nL", a, n, n, a)
		holds(t, "%d uL / (1 uL) == %d", a, a)
		holds(t, "(%d uL/s) * (%d s) == %d uL", a, n, a*n)
		holds(t, "(%d uL) / (%d s) * (%d s) == %d uL", a, n, n, a)
		holds(t, "%d uL == %g mL", a, float64(a)/1000)
		holds(t, "%d < %d uL == (%d uL < %d uL)", a, b, a, b)
	})
}

// TestBorderRounds: what leaves an expression is a whole number of base units.
func TestBorderRounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 997).Draw(t, "n")
		e, found := Compile(spec.LiteralText(fmt.Sprintf("100 uL / %d", n)), NewScope(), nil, Of(quantity.Volume))
		if len(found) > 0 {
			t.Fatal(found)
		}
		v, _ := e.Const()
		if v.num != math.Trunc(v.num) || v.Quantity().N != int64(math.Round(100_000/float64(n))) {
			t.Fatal(v.num)
		}
	})
}

// FuzzCompile: whatever the text, compiling ends and what compiles evaluates,
// every finding has a code and a sentence, and its span is inside the text.
func FuzzCompile(f *testing.F) {
	for _, c := range okCases {
		f.Add(c.text)
	}
	for _, c := range errCases {
		f.Add(c.text)
	}
	d := testDeck()
	scope, vars := testScope(d)
	f.Fuzz(func(t *testing.T, text string) {
		src := placed(text)
		for _, want := range []Type{{}, Of(quantity.Volume), {Kind: Wells}, {Kind: Bool}} {
			e, found := Compile(src, scope, d, want)
			if (e == nil) != found.HasErrors() {
				t.Fatalf("%q: %v with %v", text, e, found)
			}
			for _, p := range found {
				checkProblem(t, text, p)
			}
			if e == nil {
				continue
			}
			v, problem := e.Eval(testEnv(d, vars))
			if problem != nil {
				checkProblem(t, text, *problem)
			}
			_ = v.String()
		}
		if tpl, _ := CompileTemplate(src, scope, d); tpl != nil {
			_, _ = tpl.Eval(testEnv(d, vars))
		}
	})
}

// fullStop finds the end of a sentence, not an operator that is quoted.
var fullStop = regexp.MustCompile(`[a-z]\.$`)

func checkProblem(t *testing.T, text string, d diag.Diagnostic) {
	if d.Code == nil || d.Message == "" || fullStop.MatchString(d.Message) {
		t.Fatalf("%q: %+v", text, d)
	}
	if d.Span.Start.Offset < 0 || d.Span.End.Offset > len(text) || d.Span.Start.Offset > d.Span.End.Offset {
		t.Fatalf("%q: span %v", text, d.Span)
	}
}
