package eval

import (
	"testing"

	"github.com/ot2flow/ot2flow/spec"
)

func mustCompile(t testing.TB, text string, want Type) (*Expr, *Env) {
	t.Helper()
	d := testDeck()
	scope, vars := testScope(d)
	e, found := Compile(spec.LiteralText(text), scope, d, want)
	if len(found) > 0 {
		t.Fatalf("%s: %v", text, found)
	}
	return e, testEnv(d, vars)
}

var benchCases = []string{"R / 2", "R + Y <= 300 uL", "w.volume > 0 uL and R > 50 uL", "if R > 50 uL {w} else {plate.A1}", "min(R, Y) * 2", "all(plate.first(8), .volume == 0 uL)"}

func BenchmarkEval(b *testing.B) {
	for _, text := range benchCases {
		b.Run(text, func(b *testing.B) {
			e, env := mustCompile(b, text, Type{})
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(env)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	d := testDeck()
	scope, _ := testScope(d)
	for _, text := range benchCases {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compile(spec.LiteralText(text), scope, d, Type{})
			}
		})
	}
}
