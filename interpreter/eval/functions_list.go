package eval

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// listOf makes a list of type t from elements that belong to it.
func listOf(t Type, items []Value) Value {
	return Value{kind: List, state: known, box: &box{typ: t, items: items}}
}

// list returns a list of type t if the budget allows its elements.
func (env *Env) list(at where, t Type, n int, fill func(items []Value)) Value {
	if !env.grow(at, n) {
		return Value{}
	}
	items := make([]Value, n)
	fill(items)
	return listOf(t, items)
}

func buildReverse(k *call) (Type, kernel) {
	if !k.count(1, 1) || !k.list(0) {
		return Type{}, nil
	}
	t := k.args[0].typ
	return t, func(env *Env, at where, args []Value) Value {
		from := args[0].box.items
		return env.list(at, t, len(from), func(items []Value) {
			copy(items, from)
			slices.Reverse(items)
		})
	}
}

func buildUnique(k *call) (Type, kernel) {
	if !k.count(1, 1) || !k.list(0) {
		return Type{}, nil
	}
	t := k.args[0].typ
	return t, func(env *Env, at where, args []Value) Value {
		var out []Value
		for _, e := range args[0].box.items {
			if !env.spend(at, len(out)+1) || !env.weigh(at, e) {
				return Value{}
			}
			if !slices.ContainsFunc(out, e.Equal) {
				out = append(out, e)
			}
		}
		return listOf(t, out)
	}
}

func buildConcat(k *call) (Type, kernel) {
	if !k.count(1, -1) {
		return Type{}, nil
	}
	t := ListOf(Type{})
	for i := range k.args {
		if !k.list(i) {
			return Type{}, nil
		}
		u, ok := unify(t, k.args[i].typ)
		if !ok {
			return k.wrong(i, "a list of "+t.elem().plural())
		}
		t = u
	}
	for i := range k.args {
		k.args[i] = k.c.coerce(k.args[i], t)
	}
	return t, func(env *Env, at where, args []Value) Value {
		n := 0
		for _, a := range args {
			n += len(a.box.items)
		}
		return env.list(at, t, n, func(items []Value) {
			items = items[:0]
			for _, a := range args {
				items = append(items, a.box.items...)
			}
		})
	}
}

func buildFlatten(k *call) (Type, kernel) {
	if !k.count(1, 1) || !k.list(0) {
		return Type{}, nil
	}
	if k.args[0].typ.isPlaces() {
		return ListOf(Type{Kind: Well}), func(env *Env, at where, args []Value) Value { return toWells(env, at, args[0]) }
	}
	elem := k.args[0].typ.elem()
	for elem.Kind == List {
		elem = elem.elem()
	}
	t := ListOf(elem)
	return t, func(env *Env, at where, args []Value) Value {
		out, ok := env.flatten(at, nil, args[0].box.items)
		if !ok {
			return Value{}
		}
		return listOf(t, out)
	}
}

func (env *Env) flatten(at where, out, items []Value) ([]Value, bool) {
	if !env.grow(at, len(items)) {
		return nil, false
	}
	var ok bool
	for _, e := range items {
		if e.kind != List || e.state != known {
			out = append(out, e)
			continue
		}
		if out, ok = env.flatten(at, out, e.box.items); !ok {
			return nil, false
		}
	}
	return out, true
}

func buildEach(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.list(0) || !k.whole(1) {
		return Type{}, nil
	}
	t := k.args[0].typ
	return t, func(env *Env, at where, args []Value) Value {
		from, n := args[0].box.items, args[1].num
		if n < 0 {
			return env.fail(at, diag.OutOfRange, "each cannot repeat an element "+args[1].String()+" times", "")
		}
		if !env.grow(at, int(min(n*float64(len(from)), maxElements+1))) {
			return Value{}
		}
		items := make([]Value, 0, len(from)*int(n))
		for _, e := range from {
			for range int(n) {
				items = append(items, e)
			}
		}
		return listOf(t, items)
	}
}

func buildChunk(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.list(0) || !k.whole(1) {
		return Type{}, nil
	}
	t := k.args[0].typ
	return ListOf(t), func(env *Env, at where, args []Value) Value {
		from, size := args[0].box.items, int(min(args[1].num, maxElements))
		if size < 1 {
			return env.fail(at, diag.OutOfRange, "chunk cannot make pieces of "+args[1].String()+" elements", "the size is at least 1")
		}
		n := (len(from) + size - 1) / size
		return env.list(at, ListOf(t), n, func(items []Value) {
			for i := range items {
				items[i] = listOf(t, from[i*size:min((i+1)*size, len(from))])
			}
		})
	}
}

// buildZip makes lists of one type where that is possible, and otherwise
// records whose fields are numbered.
func buildZip(k *call) (Type, kernel) {
	if !k.count(2, -1) {
		return Type{}, nil
	}
	elem, same := Type{}, true
	var fields []Field
	for i := range k.args {
		if !k.list(i) {
			return Type{}, nil
		}
		e := k.args[i].typ.elem()
		same = same && (i == 0 || elem.Equal(e))
		elem = e
		fields = append(fields, Field{strconv.Itoa(i), e})
	}
	row := ListOf(elem)
	if !same {
		row = RecordOf(fields...)
	}
	return ListOf(row), func(env *Env, at where, args []Value) Value {
		n := len(args[0].box.items)
		for i, a := range args[1:] {
			if m := len(a.box.items); m != n {
				return env.fail(at, diag.WrongArguments, fmt.Sprintf("zip puts lists of the same length side by side, and list 1 has %s, list %d has %d", plural(n, "element"), i+2, m), "")
			}
		}
		if !env.grow(at, n*(len(args)+1)) {
			return Value{}
		}
		rows := make([]Value, n)
		for r := range rows {
			items := make([]Value, len(args))
			for i, a := range args {
				items[i] = a.box.items[r]
			}
			rows[r] = Value{kind: row.Kind, state: known, box: &box{typ: row, items: items}}
		}
		return listOf(ListOf(row), rows)
	}
}

func buildRange(k *call) (Type, kernel) {
	if !k.count(1, 3) {
		return Type{}, nil
	}
	for i := range k.args {
		if !k.whole(i) {
			return Type{}, nil
		}
	}
	return ListOf(Type{Kind: Integer}), func(env *Env, at where, args []Value) Value {
		from, to, step := 0.0, args[0].num, 1.0
		if len(args) > 1 {
			from, to = args[0].num, args[1].num
		}
		if len(args) > 2 {
			step = args[2].num
		}
		switch {
		case step > 0:
			return env.integers(at, from, to-1, step)
		case step < 0:
			return env.integers(at, from, to+1, step)
		}
		return env.fail(at, diag.OutOfRange, "range cannot go on in steps of 0", "")
	}
}

func buildShuffle(k *call) (Type, kernel) {
	if !k.count(2, 2) || !k.list(0) || !k.whole(1) {
		return Type{}, nil
	}
	t := k.args[0].typ
	return t, func(env *Env, at where, args []Value) Value {
		from, state := args[0].box.items, uint64(args[1].Int())
		return env.list(at, t, len(from), func(items []Value) {
			copy(items, from)
			for i := len(items) - 1; i > 0; i-- {
				j := int(nextRandom(&state) % uint64(i+1))
				items[i], items[j] = items[j], items[i]
			}
		})
	}
}

// nextRandom is the SplitMix64 generator (Steele, Lea, Flood 2014). It is
// written out here because the order it gives is part of what a file means.
func nextRandom(state *uint64) uint64 {
	*state += 0x9E3779B97F4A7C15
	z := *state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func buildSort(k *call) (Type, kernel) {
	if !k.count(1, 1) || !k.list(0) {
		return Type{}, nil
	}
	t := k.args[0].typ
	if e := t.elem(); !e.isNumeric() && e.Kind != Text && e.Kind != Invalid {
		return k.wrong(0, "a list of numbers, quantities or texts")
	}
	return t, func(env *Env, at where, args []Value) Value {
		from := args[0].box.items
		if u, ok := unknownIn(from); ok {
			return pass(u, t)
		}
		if !env.spend(at, 20*len(from)) {
			return Value{}
		}
		return env.list(at, t, len(from), func(items []Value) {
			copy(items, from)
			slices.SortStableFunc(items, func(a, b Value) int {
				return cmp.Or(cmp.Compare(a.num, b.num), strings.Compare(a.text, b.text))
			})
		})
	}
}

func buildLen(k *call) (Type, kernel) {
	if !k.count(1, 1) {
		return Type{}, nil
	}
	if k.args[0].typ.Kind == Text {
		return Type{Kind: Integer}, func(_ *Env, _ where, args []Value) Value { return IntegerValue(int64(len([]rune(args[0].text)))) }
	}
	if !k.args[0].typ.isSequence() {
		return k.wrong(0, "a list or text")
	}
	if k.args[0].typ.Kind != List {
		return Type{Kind: Integer}, func(env *Env, at where, args []Value) Value {
			if !env.weigh(at, args[0]) {
				return Value{}
			}
			return IntegerValue(int64(args[0].countWells(env.Deck)))
		}
	}
	return Type{Kind: Integer}, func(_ *Env, _ where, args []Value) Value { return IntegerValue(int64(len(args[0].box.items))) }
}

func buildByRow(k *call) (Type, kernel) {
	return buildOrdered(k, func(a, b *program.Well) int {
		return cmp.Or(program.CompareRows(a.Row, b.Row), cmp.Compare(a.Column, b.Column))
	})
}

func buildByColumn(k *call) (Type, kernel) {
	return buildOrdered(k, func(a, b *program.Well) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), program.CompareRows(a.Row, b.Row))
	})
}

// buildOrdered sorts the wells of every labware, the labware in the order of
// their first appearance.
func buildOrdered(k *call, order func(a, b *program.Well) int) (Type, kernel) {
	if !k.count(1, 1) || !k.wells(0) {
		return Type{}, nil
	}
	t := ListOf(Type{Kind: Well})
	return t, func(env *Env, at where, args []Value) Value {
		from := args[0].box.items
		if u, ok := unknownIn(from); ok {
			return pass(u, t)
		}
		if !env.spend(at, 10*len(from)) {
			return Value{}
		}
		var seen []int16
		for _, w := range from {
			if !slices.Contains(seen, w.place.Labware) {
				seen = append(seen, w.place.Labware)
			}
		}
		return env.list(at, t, len(from), func(items []Value) {
			copy(items, from)
			slices.SortStableFunc(items, func(a, b Value) int {
				if a.place.Labware != b.place.Labware {
					return cmp.Compare(slices.Index(seen, a.place.Labware), slices.Index(seen, b.place.Labware))
				}
				return order(env.Deck.Well(a.place), env.Deck.Well(b.place))
			})
		})
	}
}

// buildNext is the first place for which something holds of the deck as it is.
func buildNext(holds func(*program.State, program.WellRef) bool, none, help string) func(*call) (Type, kernel) {
	return func(k *call) (Type, kernel) { return k.next(holds, none, help) }
}

func isEmpty(s *program.State, r program.WellRef) bool {
	c, ok := s.Content(r)
	return ok && !c.Touched && c.Volume == 0
}

func hasNewTip(s *program.State, r program.WellRef) bool { return s.HasNewTip(r) }

func (k *call) next(holds func(*program.State, program.WellRef) bool, none, help string) (Type, kernel) {
	if !k.count(1, 1) || !k.wells(0) {
		return Type{}, nil
	}
	t := Type{Kind: Well}
	return t, func(env *Env, at where, args []Value) Value {
		if env.State == nil {
			return UnknownValue(t, notYet)
		}
		if !env.spend(at, len(args[0].box.items)) {
			return Value{}
		}
		for _, w := range args[0].box.items {
			if w.state != known {
				return pass(w, t)
			}
			if holds(env.State, w.place) {
				return w
			}
		}
		for _, w := range args[0].box.items {
			if i := int(w.place.Labware); !slices.Contains(env.GaveOut, i) {
				env.GaveOut = append(env.GaveOut, i)
			}
		}
		return env.fail(at, diag.OutOfRange, none, help)
	}
}

func buildTotal(k *call) (Type, kernel) {
	if !k.count(1, 2) || !k.wells(0) {
		return Type{}, nil
	}
	liquid := -1
	if len(k.args) == 2 {
		var ok bool
		if liquid, ok = k.liquid(1); !ok {
			return Type{}, nil
		}
	}
	return Of(quantity.Volume), func(env *Env, at where, args []Value) Value {
		if !env.spend(at, len(args[0].box.items)) {
			return Value{}
		}
		if u, ok := unknownIn(args[0].box.items); ok {
			return pass(u, Of(quantity.Volume))
		}
		return env.totalVolume(args[0].Wells(env.Deck), liquid)
	}
}

func buildConcentration(k *call) (Type, kernel) {
	if !k.count(2, 2) {
		return Type{}, nil
	}
	o, d := k.args[1], k.c.deck
	if !o.constant || o.typ.Kind != Text {
		k.wrong(1, "the name of a component, such as \"glucose\"")
		return Type{}, nil
	}
	index := slices.IndexFunc(d.Components, func(c program.Component) bool { return c.Name == o.value.text })
	if index < 0 {
		names := make([]string, len(d.Components))
		for i := range names {
			names[i] = d.Components[i].Name
		}
		k.c.fail(diag.UnknownName, o.node, "no liquid contains "+o.value.text, didYouMean(o.value.text, names, "the liquids contain"))
		return Type{}, nil
	}
	if !d.Components[index].Known {
		k.c.fail(diag.UnknownName, o.node, "what "+o.value.text+" is counted in is not known here: its concentrations are expressions", "write it in a step, or one of the concentrations with its unit, such as 100 mM")
		return Type{}, nil
	}
	t := Of(d.Components[index].Dim)
	return t, func(env *Env, at where, args []Value) Value {
		if env.State == nil {
			return UnknownValue(t, notYet)
		}
		n, why := env.State.Concentration(args[0].place, index)
		if why != "" {
			return UnknownValue(t, why)
		}
		if t.Kind == Number {
			n.Quo(n, new(big.Rat).SetInt64(program.RatioBase))
		}
		f, _ := n.Float64()
		return Value{kind: t.Kind, dim: t.Dim, state: known, num: f}
	}
}

// liquid finds the declared liquid that argument i names.
func (k *call) liquid(i int) (int, bool) {
	o := k.args[i]
	if !o.constant || o.typ.Kind != Text && o.typ.Kind != Liquid {
		k.wrong(i, "the name of a liquid, such as \"red\"")
		return 0, false
	}
	if o.typ.Kind == Liquid {
		return o.value.Liquid(), true
	}
	index, ok := k.c.liquidIndex(o.value.text)
	if !ok {
		k.c.fail(diag.UnknownName, o.node, o.value.text+" is no declared liquid", didYouMean(o.value.text, k.c.liquidNames(), "liquids:"))
	}
	return index, ok
}

func buildFirst(front bool) builder {
	return func(k *call) (Type, kernel) {
		if !k.count(2, 2) || !k.list(0) || !k.whole(1) {
			return Type{}, nil
		}
		t := k.args[0].typ
		return t, func(env *Env, at where, args []Value) Value {
			from, n := args[0].box.items, args[1].num
			if n < 0 || n > float64(len(from)) {
				return env.fail(at, diag.OutOfRange, fmt.Sprintf("the %s %.0f of a list of %d cannot be had", k.name, n, len(from)), "")
			}
			if front {
				return listOf(t, from[:int(n)])
			}
			return listOf(t, from[len(from)-int(n):])
		}
	}
}

func buildRow(k *call) (Type, kernel) {
	if !k.oneOrMore() {
		return Type{}, nil
	}
	for i := 1; i < len(k.args); i++ {
		if !k.text(i) {
			return Type{}, nil
		}
	}
	return ListOf(Type{Kind: Well}), k.lines(func(def *program.Labware, labware int, v Value) []program.WellRef {
		return rowOf(def, labware, strings.ToUpper(v.text))
	})
}

func buildColumn(k *call) (Type, kernel) {
	if !k.oneOrMore() {
		return Type{}, nil
	}
	for i := 1; i < len(k.args); i++ {
		if !k.whole(i) {
			return Type{}, nil
		}
	}
	return ListOf(Type{Kind: Well}), k.lines(func(def *program.Labware, labware int, v Value) []program.WellRef {
		return columnOf(def, labware, int(v.num))
	})
}

// oneOrMore checks the number of rows or columns: the singular takes one.
func (k *call) oneOrMore() bool {
	if strings.HasSuffix(k.name, "s") {
		return k.count(2, -1)
	}
	return k.count(2, 2)
}

// lines collects rows or columns of a labware.
func (k *call) lines(get func(def *program.Labware, labware int, v Value) []program.WellRef) kernel {
	what := strings.TrimSuffix(k.name, "s")
	ats := make([]where, len(k.args))
	for i, a := range k.args {
		ats[i] = k.c.at(a.node)
	}
	return func(env *Env, at where, args []Value) Value {
		l := &env.Deck.Labware[args[0].Labware()]
		if !env.spend(at, len(args)*len(l.Def.Wells)) {
			return Value{}
		}
		var refs []program.WellRef
		for i, a := range args[1:] {
			line := get(l.Def, args[0].Labware(), a)
			if line == nil {
				return env.fail(ats[i+1], diag.UnknownWell, fmt.Sprintf("%s has no %s %s; it has %s", l.Name, what, a, describeWells(l.Def)), "")
			}
			refs = append(refs, line...)
		}
		if !env.grow(at, len(refs)) {
			return Value{}
		}
		return wellList(args[0].box, refs)
	}
}
