package workflows

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

const plainWorkflow = `ot2flow: 1
name: plain
params:
  v: {type: volume, default: 5 uL}
  n: {type: number, default: 1}
  i: {type: integer, default: 2}
  b: {type: boolean, default: true}
  s: {type: string, default: x}
  c: {type: choice, choices: [one, two words, 3], default: one}
  l: {type: list, of: number, default: [1]}
  t: {type: temperature, default: 37 degC}
outputs: {v: v, n: n, i: i, b: b, s: s, c: c, l: l, t: t}
steps: []
`

// What is given plainly is understood as it is with a parser, or left to that.
func TestPlainRun(t *testing.T) {
	c := FromBytes("plain.yaml", []byte(plainWorkflow))
	if c.Prepared == nil {
		t.Fatal(c.Diagnostics)
	}
	taken := 0
	same := func(t interface{ Errorf(string, ...any) }, text string) {
		plain, ok := c.PlainRun([]byte(text))
		if !ok {
			return
		}
		taken++
		if !json.Valid([]byte(text)) {
			t.Errorf("%s is no JSON, and was taken", text)
		}
		full, list := c.RunFrom("given", []byte(text))
		if list.HasErrors() {
			t.Errorf("%s is refused otherwise: %v", text, list)
			return
		}
		a, found := c.Prepared.Plan(plain.Input(false))
		b, also := c.Prepared.Plan(full.Input(false))
		if found.HasErrors() != also.HasErrors() {
			t.Errorf("%s: %v, and otherwise %v", text, found, also)
			return
		}
		if a != nil && fmt.Sprint(a.Workflow.Params, a.Outputs) != fmt.Sprint(b.Workflow.Params, b.Outputs) {
			t.Errorf("%s: %v, and otherwise %v", text, a.Workflow.Params, b.Workflow.Params)
		}
	}
	for _, text := range []string{
		`{}`, ` { } `, `{"v": 100}`, `{"v": "100 uL"}`, `{"v":1e2,"n":-0.5,"i":3,"b":false}`, `{"s": "a b: c # d"}`, `{"s": "null"}`, `{"s": "~"}`, `{"s": 12}`, `{"s": true}`,
		`{"c": "two words"}`, `{"c": 3}`, `{"n": 1e400}`, `{"n": "5"}`, `{"b": "true"}`, `{"b": 1}`, `{"v": ""}`, `{"s": ""}`, `{"s": " x "}`, `{"t": 40}`, `{"i": 2.5}`, `{"n": -}`,
	} {
		same(t, text)
	}
	if taken < 15 {
		t.Errorf("only %d are plain", taken)
	}
	for _, text := range []string{``, `[]`, `null`, `{"l": 1}`, `{"q": 1}`, `{"v": null}`, `{"v": {}}`, `{"s": "a\nb"}`, `{"s": "é"}`, `{"v": 1, "v": 2}`, `{"v": 1,}`, `{"v": 01}`, `{"v": .5}`, `{"v": 1.}`, `{"v": +1}`, `{"v": 1e}`, `{"v": True}`, `{v: 1}`, `{"v": 1} x`, `{"v": 1`} {
		if _, ok := c.PlainRun([]byte(text)); ok {
			t.Errorf("%s is plain", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"v", "n", "i", "b", "s", "c", "t"}).Draw(t, "name")
		value := rapid.OneOf(rapid.SampledFrom([]string{"true", "false", "null", "1", "-1.50", "0", "1E3", `"5 uL"`, `"5 mL"`, `"two words"`, `"yes"`, `"0x10"`, `"1_000"`}), rapid.StringMatching(`"[ -~]{0,6}"`), rapid.StringMatching(`[-+0-9.eE]{1,6}`)).Draw(t, "value")
		same(t, fmt.Sprintf(`{%q: %s}`, name, value))
	})
}

func BenchmarkPlainRun(b *testing.B) {
	c := FromBytes("plain.yaml", []byte(plainWorkflow))
	given := []byte(`{"v": 100, "n": 5, "s": "A1"}`)
	for b.Loop() {
		r, ok := c.PlainRun(given)
		if !ok {
			b.Fatal("it is not plain")
		}
		if p, list := c.Prepared.Plan(r.Input(false)); p == nil {
			b.Fatal(list)
		}
	}
}
