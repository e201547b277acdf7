package eval

import (
	"fmt"
	"math"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// converter turns a known value into one of another type.
type converter func(env *Env, at where, v Value) Value

// coerce converts an operand to the wanted type, as at the border of a field:
// a bare number takes the unit, text becomes a colour or a well, what has
// exactly one well becomes it. It reports what cannot be converted.
func (c *compiler) coerce(o operand, want Type) operand {
	if o.typ.Kind == Invalid || o.typ.Equal(want) {
		return o
	}
	if o.typ.Kind == Nothing {
		o.typ = want
		return o
	}
	if o.ratio && wantsUnit(want) && o.typ.isPlain() {
		return c.fail(diag.WrongDimension, o.node, want.phrase()+" is wanted here, and "+c.text(o)+" is a ratio", ratioRemedy(o, want))
	}
	convert, ok := conversion(o.typ, want)
	if !ok {
		return c.mismatch(o, want)
	}
	if want.Kind == OneOrMany {
		want = manyType(o.typ, want)
	}
	if convert == nil {
		o.typ = want
		return o
	}
	inner, at := o.code, c.at(o.node)
	converted := o
	converted.typ, converted.constant = want, false
	converted.code = func(env *Env) Value {
		v := inner(env)
		switch v.state {
		case known:
			return convert(env, at, v)
		case nothing:
			return v
		}
		return pass(v, want)
	}
	return c.fold(converted, o)
}

func wantsUnit(t Type) bool {
	return t.Kind == Quantity || (t.Kind == OneOrMany || t.Kind == List) && t.elem().Kind == Quantity
}

func ratioRemedy(o operand, want Type) string {
	return "multiply it by " + want.phrase() + ", for example by " + want.example()
}

// manyType is the type a value gets where one or many are wanted.
func manyType(have, want Type) Type {
	if have.Kind == List {
		return ListOf(want.elem())
	}
	return want.elem()
}

func (c *compiler) mismatch(o operand, want Type) operand {
	code := diag.TypeMismatch
	if o.typ.isNumeric() && (want.isNumeric() || wantsUnit(want)) {
		code = diag.WrongDimension
	}
	return c.fail(code, o.node, want.phrase()+" is wanted here, and "+c.text(o)+" is "+measure(o), c.remedy(o, want))
}

// remedy says how what was written becomes what is wanted.
func (c *compiler) remedy(o operand, want Type) string {
	switch {
	case want.Kind == Bool:
		return hintBool(o.typ)
	case want.Kind == Text && o.typ.Kind != List:
		return "make text of it: string(" + c.text(o) + ")"
	case wantsUnit(want) && o.typ.Kind == Well && want.Dim == quantity.Volume:
		return "what it holds is " + c.text(o) + ".volume"
	case want.isPlain() && o.typ.Kind == Quantity:
		return fmt.Sprintf("divide it by a unit: %s / (1 %s)", c.text(o), o.typ.Dim.Unit())
	}
	if e := want.example(); e != "" {
		return "write for example " + e
	}
	return ""
}

// conversion returns how values of one type become those of another; ok is
// false when they cannot, and the converter is nil when nothing needs doing.
func conversion(from, to Type) (convert converter, ok bool) {
	switch {
	case from.Kind == Invalid || from.Kind == Nothing || from.Equal(to):
		return nil, true
	case to.Kind == Number && from.Kind == Integer:
		return toNumber, true
	case to.Kind == Integer && from.Kind == Number:
		return toInteger, true
	case to.Kind == Quantity && from.isPlain():
		return toQuantity(to), true
	case to.Kind == Color && from.Kind == Text:
		return toColor, true
	case to.Kind == Wells && from.isPlaces():
		return nil, true
	case to.Kind == Well && (from.isPlaces() && from.Kind != List || from.Kind == Text):
		return toWell, true
	case to.Kind == Wells && from.Kind == Text:
		return toWell, true
	case to.Kind == OneOrMany && from.Kind != List:
		return conversion(from, to.elem())
	case to.Kind == OneOrMany:
		return conversion(from, ListOf(to.elem()))
	case to.Kind == List && to.elem().Kind == Well && from.isPlaces():
		return toWells, true
	case to.Kind == List && from.Kind == List:
		return toList(from, to)
	}
	return nil, false
}

func toNumber(_ *Env, _ where, v Value) Value {
	v.kind = Number
	return v
}

func toInteger(env *Env, at where, v Value) Value {
	if v.num != math.Trunc(v.num) {
		what := at.text() + " is " + v.String()
		if at.text() == v.String() {
			what = "this is " + v.String()
		}
		return env.fail(at, diag.NotWhole, "a whole number is wanted here, and "+what, "round it with round, floor or ceil")
	}
	return env.number(at, v.num, Type{Kind: Integer})
}

func toQuantity(t Type) converter {
	base := float64(t.Dim.Base())
	return func(env *Env, at where, v Value) Value { return env.number(at, v.num*base, t) }
}

func toColor(env *Env, at where, v Value) Value {
	rgb, err := parseColor(v.text)
	if err != nil {
		return env.fail(at, diag.TypeMismatch, err.Error(), "")
	}
	return ColorValue(rgb)
}

// toWell takes text such as "plate.A1", or a place that has exactly one well.
func toWell(env *Env, at where, v Value) Value {
	if v.kind == Text {
		w, err := parseWell(v.text, -1, env.Deck)
		if err != nil {
			return env.fail(at, diag.UnknownWell, err.Error(), "")
		}
		return w
	}
	if v.kind == Well {
		return v
	}
	refs := v.Wells(env.Deck)
	if v.kind == Liquid && len(refs) == 0 {
		return UnknownValue(Type{Kind: Well}, notPlaced)
	}
	if len(refs) != 1 {
		return env.fail(at, diag.TypeMismatch, fmt.Sprintf("one well is wanted here, and %s has %d", at.text(), len(refs)), "name one, for example "+at.text()+firstWellText(v.kind))
	}
	return wellIn(&box{deck: env.Deck}, refs[0])
}

// notPlaced is why a liquid has no wells yet: its own expressions say where it
// stands, and they are worked out when the steps are gone through.
const notPlaced = "where liquids stand is known only while the steps are gone through"

func firstWellText(k Kind) string {
	if k == Labware {
		return ".A1"
	}
	return ".wells[0]"
}

func toWells(env *Env, at where, v Value) Value {
	if v.kind == List && v.box.typ.elem().Kind == Well {
		return v
	}
	if v.kind == Liquid && len(env.Deck.Liquids[v.Liquid()].Wells) == 0 {
		return UnknownValue(ListOf(Type{Kind: Well}), notPlaced)
	}
	if !env.weigh(at, v) || !env.grow(at, v.countWells(env.Deck)) {
		return Value{}
	}
	return wellList(&box{deck: env.Deck}, v.Wells(env.Deck))
}

// asWells converts what stands for wells to a list of them.
func (c *compiler) asWells(o operand, t Type) operand {
	if o.typ.Equal(t) {
		return o
	}
	inner, at := o.code, c.at(o.node)
	converted := o
	converted.typ = t
	converted.code = func(env *Env) Value {
		v := inner(env)
		if v.state != known {
			return pass(v, t)
		}
		return toWells(env, at, v)
	}
	return c.fold(converted, o)
}

func toList(from, to Type) (converter, bool) {
	elem, ok := conversion(from.elem(), to.elem())
	if !ok {
		return nil, false
	}
	return func(env *Env, at where, v Value) Value {
		if !env.grow(at, len(v.box.items)) {
			return Value{}
		}
		items := make([]Value, len(v.box.items))
		for i, e := range v.box.items {
			switch {
			case e.state == unknown:
				e = pass(e, to.elem())
			case e.state == known && elem != nil:
				e = elem(env, at, e)
			}
			if e.state == failed {
				return e
			}
			items[i] = e
		}
		return Value{kind: List, state: known, box: &box{typ: to, items: items}}
	}, true
}

func parseColor(s string) (string, error) {
	ok := len(s) == 7 && s[0] == '#'
	for i := 1; i < len(s) && ok; i++ {
		c := s[i] | 0x20
		ok = c >= '0' && c <= '9' && s[i] <= '9' || c >= 'a' && c <= 'f'
	}
	if !ok {
		return "", fmt.Errorf("%q is no color; write it as #rrggbb, for example \"#c8102e\"", s)
	}
	return lowerASCII(s), nil
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// findLabware returns the index of the labware of that name.
func findLabware(deck *program.Deck, name string) (int, bool) {
	for i := range deck.Labware {
		if deck.Labware[i].Name == name {
			return i, true
		}
	}
	return 0, false
}
