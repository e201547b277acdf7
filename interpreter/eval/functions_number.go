package eval

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// real is a function of one number; ok is false where it is not defined.
type real func(x float64) (y float64, ok bool)

func exp(x float64) (float64, bool)   { return math.Exp(x), true }
func ln(x float64) (float64, bool)    { return math.Log(x), x > 0 }
func log10(x float64) (float64, bool) { return math.Log10(x), x > 0 }
func sqrt(x float64) (float64, bool)  { return math.Sqrt(x), x >= 0 }

func buildReal(f real) builder {
	return func(k *call) (Type, kernel) {
		if !k.count(1, 1) || !k.plain(0) {
			return Type{}, nil
		}
		t, name := Type{Kind: Number}, k.name
		return t, func(env *Env, at where, args []Value) Value {
			y, ok := f(args[0].num)
			if !ok {
				return env.fail(at, diag.NotFinite, name+"("+args[0].String()+") is not defined", "check the value, or choose with if")
			}
			return env.number(at, y, t)
		}
	}
}

func buildPow(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.plain(0) || !k.plain(1) {
		return Type{}, nil
	}
	t := Type{Kind: Number}
	return t, func(env *Env, at where, args []Value) Value {
		return env.number(at, math.Pow(args[0].num, args[1].num), t)
	}
}

func buildAbs(k *call) (Type, kernel) {
	if !k.count(1, 1) {
		return Type{}, nil
	}
	if !k.args[0].typ.isNumeric() {
		return k.wrong(0, "a number or a quantity")
	}
	return k.args[0].typ, func(_ *Env, _ where, args []Value) Value {
		v := args[0]
		v.num = math.Abs(v.num)
		return v
	}
}

// rounder rounds to a whole number.
type rounder func(float64) float64

func floor(x float64) float64   { return math.Floor(x) }
func ceil(x float64) float64    { return math.Ceil(x) }
func nearest(x float64) float64 { return math.Round(x) }

func buildRound(f rounder) builder {
	return func(k *call) (Type, kernel) {
		if !k.count(1, 2) {
			return Type{}, nil
		}
		if !k.args[0].typ.isNumeric() {
			return k.wrong(0, "a number or a quantity")
		}
		switch {
		case k.args[0].typ.Kind == Quantity:
			return k.roundQuantity(f)
		case len(k.args) == 1:
			t := Type{Kind: Integer}
			return t, func(env *Env, at where, args []Value) Value { return env.number(at, f(args[0].num), t) }
		case k.name == "round":
			return k.roundDigits()
		case !k.plain(1):
			return Type{}, nil
		}
		return Type{Kind: Number}, roundStep(f, Type{Kind: Number}, k)
	}
}

// roundQuantity rounds to a multiple of a quantity, so that nothing depends on
// the unit that somebody had in mind.
func (k *call) roundQuantity(f rounder) (Type, kernel) {
	t := k.args[0].typ
	if len(k.args) == 1 {
		k.c.fail(diag.WrongArguments, k.node, k.name+" of a "+t.String()+" needs the step to round to", fmt.Sprintf("write for example %s(%s, 1 %s)", k.name, k.c.text(k.args[0]), t.Dim.Unit()))
		return Type{}, nil
	}
	if step := k.args[1]; step.typ.Kind != Quantity || step.typ.Dim != t.Dim {
		return k.wrong(1, t.phrase()+" as the step")
	}
	return t, roundStep(f, t, k)
}

func roundStep(f rounder, t Type, k *call) kernel {
	name := k.name
	return func(env *Env, at where, args []Value) Value {
		if args[1].num <= 0 || t.Kind == Quantity && math.Round(args[1].num) == 0 {
			return env.fail(at, diag.WrongArguments, name+" cannot use a step of "+args[1].String(), "the step is larger than 0")
		}
		x, step := args[0].num, args[1].num
		if t.Kind == Quantity {
			x, step = math.Round(x), math.Round(step) // so that 30 uL is three times 10 uL and not a hair less
		}
		return env.number(at, f(x/step)*step, t)
	}
}

func (k *call) roundDigits() (Type, kernel) {
	if !k.whole(1) {
		return Type{}, nil
	}
	t := Type{Kind: Number}
	return t, func(env *Env, at where, args []Value) Value {
		digits := args[1].num
		if digits < 0 || digits > 15 {
			return env.fail(at, diag.WrongArguments, "round keeps 0 to 15 digits, not "+args[1].String(), "")
		}
		scale := math.Pow10(int(digits))
		if math.Abs(args[0].num) > maxWhole/scale {
			return args[0]
		}
		return env.number(at, math.Round(args[0].num*scale)/scale, t)
	}
}

// numbers makes the arguments, or the elements of the only one, numbers or
// quantities of one kind, and returns their type.
func (k *call) numbers(least int) (t Type, inList, ok bool) {
	if !k.count(least, -1) {
		return t, false, false
	}
	if len(k.args) == 1 && k.args[0].typ.Kind == List {
		t = k.args[0].typ.elem()
		if !t.isNumeric() && t.Kind != Invalid {
			k.wrong(0, "numbers or quantities")
			return t, false, false
		}
		return t, true, true
	}
	for i, a := range k.args {
		u, fits := k.c.common(operand{typ: t}, a)
		if !a.typ.isNumeric() || !fits {
			needs := "numbers or quantities"
			if t.isNumeric() {
				needs = "values of one kind (" + k.c.text(k.args[0]) + " is " + t.phrase() + ")"
			}
			k.wrong(i, needs)
			return t, false, false
		}
		t = u
	}
	for i := range k.args {
		k.args[i] = k.c.coerce(k.args[i], t)
	}
	return t, false, true
}

// buildExtreme is max (sign 1) and min (sign -1).
func buildExtreme(sign float64) builder {
	return func(k *call) (Type, kernel) {
		t, inList, ok := k.numbers(1)
		if !ok {
			return Type{}, nil
		}
		name := k.name
		return t, func(env *Env, at where, args []Value) Value {
			items := args
			if inList {
				items = args[0].box.items
			}
			if len(items) == 0 {
				return env.fail(at, diag.NoValue, name+" of an empty list has no value", "")
			}
			if u, ok := unknownIn(items); ok {
				return pass(u, t)
			}
			if !env.spend(at, len(items)) {
				return Value{}
			}
			best := items[0]
			for _, e := range items[1:] {
				if sign*e.num > sign*best.num {
					best = e
				}
			}
			return best
		}
	}
}

// numberList requires one list of numbers or quantities.
func (k *call) numberList() (Type, bool) {
	if !k.count(1, 1) || !k.list(0) {
		return Type{}, false
	}
	t := k.args[0].typ.elem()
	if !t.isNumeric() && t.Kind != Invalid {
		k.wrong(0, "a list of numbers or quantities")
		return t, false
	}
	if t.Kind != Quantity {
		t = Type{Kind: Number}
	}
	return t, true
}

func buildMean(k *call) (Type, kernel) {
	t, ok := k.numberList()
	if !ok {
		return Type{}, nil
	}
	return t, func(env *Env, at where, args []Value) Value {
		items := args[0].box.items
		if v, stop := env.enough(at, "mean", items, t); stop {
			return v
		}
		sum := 0.0
		for _, e := range items {
			sum += e.num
		}
		return env.number(at, sum/float64(len(items)), t)
	}
}

func buildMedian(k *call) (Type, kernel) {
	t, ok := k.numberList()
	if !ok {
		return Type{}, nil
	}
	return t, func(env *Env, at where, args []Value) Value {
		items := args[0].box.items
		if v, stop := env.enough(at, "median", items, t); stop {
			return v
		}
		sorted := make([]float64, len(items))
		for i, e := range items {
			sorted[i] = e.num
		}
		slices.Sort(sorted)
		n := len(sorted)
		return env.number(at, (sorted[(n-1)/2]+sorted[n/2])/2, t)
	}
}

// enough stops where a list has nothing to compute with.
func (env *Env) enough(at where, name string, items []Value, t Type) (Value, bool) {
	if len(items) == 0 {
		return env.fail(at, diag.NoValue, name+" of an empty list has no value", ""), true
	}
	if u, ok := unknownIn(items); ok {
		return pass(u, t), true
	}
	return Value{}, !env.spend(at, 20*len(items))
}

// series requires two ends of one kind and a count.
func (k *call) series() (Type, bool) {
	if !k.count(3, 3) {
		return Type{}, false
	}
	for i := range 2 {
		if !k.args[i].typ.isNumeric() {
			k.wrong(i, "a number or a quantity")
			return Type{}, false
		}
	}
	a, b, ok := k.c.align(k.args[0], k.args[1])
	if !ok {
		k.wrong(1, "values of one kind ("+k.c.text(k.args[0])+" is "+k.args[0].typ.phrase()+")")
		return Type{}, false
	}
	k.args[0], k.args[1] = a, b
	t := a.typ
	if t.isPlain() {
		t = Type{Kind: Number}
	}
	return t, k.whole(2)
}

func buildLinspace(k *call) (Type, kernel) {
	t, ok := k.series()
	if !ok {
		return Type{}, nil
	}
	return ListOf(t), func(env *Env, at where, args []Value) Value {
		first, last := args[0].num, args[1].num
		return env.series(at, t, args[2].num, func(share float64) float64 {
			return float64(first*(1-share)) + float64(last*share)
		})
	}
}

func buildLogspace(k *call) (Type, kernel) {
	t, ok := k.series()
	if !ok {
		return Type{}, nil
	}
	return ListOf(t), func(env *Env, at where, args []Value) Value {
		first, last := args[0].num, args[1].num
		if first <= 0 || last <= 0 {
			return env.fail(at, diag.NotFinite, "logspace goes only between values larger than 0", "begin above 0; for steps of equal size there is linspace")
		}
		return env.series(at, t, args[2].num, func(share float64) float64 {
			return first * math.Pow(last/first, share)
		})
	}
}

// series makes n values from what lies at a share of the way.
func (env *Env) series(at where, t Type, n float64, value func(share float64) float64) Value {
	if n < 0 {
		return env.fail(at, diag.OutOfRange, fmt.Sprintf("a list cannot have %.0f elements", n), "")
	}
	if !env.grow(at, int(min(n, maxElements+1))) {
		return Value{}
	}
	items := make([]Value, int(n))
	for i := range items {
		share := 0.0
		if n > 1 {
			share = float64(i) / (n - 1)
		}
		if items[i] = env.number(at, value(share), t); items[i].state == failed {
			return Value{}
		}
	}
	return listOf(ListOf(t), items)
}

func buildInt(k *call) (Type, kernel) {
	if !k.count(1, 1) {
		return Type{}, nil
	}
	t := Type{Kind: Integer}
	switch {
	case k.args[0].typ.isPlain():
		return t, func(env *Env, at where, args []Value) Value { return env.number(at, math.Trunc(args[0].num), t) }
	case k.args[0].typ.Kind == Text:
		return t, func(env *Env, at where, args []Value) Value {
			n, err := strconv.ParseInt(strings.TrimSpace(args[0].text), 10, 64)
			if err != nil {
				return env.fail(at, diag.NotWhole, strconv.Quote(cut(args[0].text, 40))+" is no whole number", "")
			}
			return env.number(at, float64(n), t)
		}
	}
	return k.wrong(0, "a number or text")
}

func buildNumber(k *call) (Type, kernel) {
	if !k.count(1, 2) {
		return Type{}, nil
	}
	t := Type{Kind: Number}
	switch from := k.args[0].typ; {
	case from.Kind == Quantity:
		return k.inUnit(from)
	case len(k.args) == 2:
		return k.wrong(0, "a quantity before the unit")
	case from.isPlain():
		return t, func(_ *Env, _ where, args []Value) Value { return NumberValue(args[0].num) }
	case from.Kind == Text:
		return t, func(env *Env, at where, args []Value) Value {
			f, err := parseNumber(args[0].text)
			if err != nil {
				return env.fail(at, diag.TypeMismatch, err.Error(), "")
			}
			return NumberValue(f)
		}
	}
	return k.wrong(0, "a quantity or text")
}

// inUnit is number(q, "uL").
func (k *call) inUnit(from Type) (Type, kernel) {
	help := fmt.Sprintf("number(%s, %q)", k.c.text(k.args[0]), from.Dim.Unit())
	if len(k.args) == 1 {
		k.c.fail(diag.WrongArguments, k.node, "number of a "+from.String()+" needs the unit to count in", "write "+help)
		return Type{}, nil
	}
	if !k.text(1) {
		return Type{}, nil
	}
	if !k.args[1].constant {
		return k.wrong(1, "a unit in quotes")
	}
	unit, ok := asQuantity(k.args[1].value.text)
	if !ok || unit.Dim != from.Dim {
		k.c.fail(diag.UnknownUnit, k.args[1].node, k.args[1].value.text+" is no unit of a "+from.String(), "write "+help)
		return Type{}, nil
	}
	t, per := Type{Kind: Number}, float64(unit.N)
	return t, func(env *Env, at where, args []Value) Value { return env.number(at, args[0].num/per, t) }
}

func buildString(k *call) (Type, kernel) {
	if !k.count(1, 1) {
		return Type{}, nil
	}
	return Type{Kind: Text}, func(env *Env, at where, args []Value) Value {
		if u, ok := unknownIn(args[0].List()); ok {
			return pass(u, Type{Kind: Text})
		}
		if !env.weigh(at, args[0]) {
			return Value{}
		}
		return env.text(at, string(args[0].append(nil, maxText)))
	}
}

func lower(s string) string { return strings.ToLower(s) }
func upper(s string) string { return strings.ToUpper(s) }
func trim(s string) string  { return strings.TrimSpace(s) }

func buildText(f func(string) string) builder {
	return func(k *call) (Type, kernel) {
		if !k.count(1, 1) || !k.text(0) {
			return Type{}, nil
		}
		return Type{Kind: Text}, func(env *Env, at where, args []Value) Value { return env.text(at, f(args[0].text)) }
	}
}

func buildSplit(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.text(0) || !k.text(1) {
		return Type{}, nil
	}
	t := ListOf(Type{Kind: Text})
	return t, func(env *Env, at where, args []Value) Value {
		parts := strings.Split(args[0].text, args[1].text)
		return env.list(at, t, len(parts), func(items []Value) {
			for i, p := range parts {
				items[i] = TextValue(p)
			}
		})
	}
}

func buildJoin(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.list(0) || !k.text(1) {
		return Type{}, nil
	}
	return Type{Kind: Text}, func(env *Env, at where, args []Value) Value {
		if u, ok := unknownIn(args[0].box.items); ok {
			return pass(u, Type{Kind: Text})
		}
		if !env.weigh(at, args[0]) {
			return Value{}
		}
		var b []byte
		for i, e := range args[0].box.items {
			if i > 0 {
				b = append(b, args[1].text...)
			}
			if b = e.append(b, maxText); len(b) > maxText {
				break
			}
		}
		return env.text(at, string(b))
	}
}
