package quota

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// The forms that other programs read: ot2flow.quotas/1 and ot2flow.uses/1.

// AppendAccounts appends accounts as ot2flow.quotas/1.
func AppendAccounts(b []byte, list []Account) []byte {
	b = append(b, "{\"format\": \"ot2flow.quotas/1\",\n \"quotas\": ["...)
	for i := range list {
		a := &list[i]
		l := &a.Limit
		if i > 0 {
			b = append(b, ',')
		}
		b = field(append(b, "\n  {"...), "kind", string(l.Kind))
		if name := cmp.Or(l.Name, a.User); name != "" {
			b = field(append(b, ", "...), "name", name)
		}
		b = field(append(b, ", "...), "what", string(l.What))
		if l.What == Liquid {
			b = field(append(b, ", "...), "liquid", l.Liquid)
		}
		b = field(append(b, ", "...), "per", string(l.Per))
		if l.Amount != Unlimited {
			b = l.append(append(b, ", "...), "limit", l.Amount)
		}
		if l.Kind != Each || a.User != "" {
			b = l.append(append(b, ", "...), "used", a.Used)
			if l.Amount != Unlimited {
				b = l.append(append(b, ", "...), "left", a.Left())
			}
		}
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}

// append appends an amount under a name that ends in its unit.
func (k *Key) append(b []byte, name string, n int64) []byte {
	unit, per := "", int64(1)
	switch k.What {
	case Time:
		unit, per = "_s", 1000
	case Liquid:
		unit, per = "_uL", 1000
	case Tips, Runs:
	}
	b = append(append(append(append(b, '"'), name...), unit...), `": `...)
	return quantity.AppendDecimal(b, n, per)
}

func field(b []byte, name, text string) []byte {
	return program.AppendString(append(append(append(b, '"'), name...), `": `...), text)
}

// Sums adds up uses by user and project, in the order of their names.
func Sums(uses []Use) []Use {
	type key struct{ user, project string }
	sums := map[key]*Use{}
	for i := range uses {
		u := &uses[i]
		k := key{u.User, u.Project}
		if sums[k] == nil {
			sums[k] = &Use{User: u.User, Project: u.Project}
		}
		sums[k].Add(u)
	}
	out := make([]Use, 0, len(sums))
	for _, u := range sums {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Project, b.Project))
	})
	return out
}

// AppendUses appends what was used as ot2flow.uses/1.
func AppendUses(b []byte, list []Use) []byte {
	b = append(b, "{\"format\": \"ot2flow.uses/1\",\n \"uses\": ["...)
	for i := range list {
		u := &list[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = field(append(b, "\n  {"...), "user", u.User)
		if u.Project != "" {
			b = field(append(b, ", "...), "project", u.Project)
		}
		b = strconv.AppendInt(append(b, `, "runs": `...), u.Runs, 10)
		b = strconv.AppendInt(append(b, `, "tips": `...), u.Tips, 10)
		b = quantity.AppendDecimal(append(b, `, "time_s": `...), u.MS, 1000)
		b = append(b, `, "liquids_uL": {`...)
		for k, name := range slices.Sorted(maps.Keys(u.Liquids)) {
			if k > 0 {
				b = append(b, ", "...)
			}
			b = quantity.AppendDecimal(append(program.AppendString(b, name), ": "...), u.Liquids[name], 1000)
		}
		b = append(b, "}}"...)
	}
	return append(b, "]}\n"...)
}
