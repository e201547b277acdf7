package workflows

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// Which version of which file is served under which name, and what is wrong with the
// others.

// settle decides which version of which file is served, and returns them by
// nameKey. Who has a name keeps it, so that copying a file cannot take a
// running task over.
func (r *Registry[V]) settle() map[string]*Version[V] {
	served := make(map[string]*Version[V], len(r.files))
	entries := r.entries()
	for _, e := range entries {
		e.rival = nil
		if e.keepsName() {
			if e.latest.OK {
				e.served = e.version()
			}
			served[nameKey(e.served.Name)] = e.served
		}
	}
	for _, e := range entries {
		if e.latest.OK && !e.keepsName() {
			e.claim(served, entries)
		}
	}
	for _, e := range entries {
		e.fallBack(served)
	}
	return served
}

// entries returns what is known, by root and path.
func (r *Registry[V]) entries() []*entry[V] {
	return slices.SortedFunc(maps.Values(r.files), func(a, b *entry[V]) int { return cmp.Or(cmp.Compare(a.root, b.root), cmp.Compare(a.path, b.path)) })
}

// keepsName reports whether e has a name and did not ask for another one.
func (e *entry[V]) keepsName() bool {
	return e.served != nil && (!e.latest.OK || nameKey(e.latest.Name) == nameKey(e.served.Name))
}

// version returns the latest result as a Version; the served one if it is that.
func (e *entry[V]) version() *Version[V] {
	if e.served != nil && e.served.Hash == e.latest.Hash && e.served.Name == e.latest.Name {
		return e.served
	}
	return &Version[V]{
		Name: e.latest.Name, Path: e.path, Hash: e.latest.Hash, Files: slices.Clone(e.latest.Files),
		Diagnostics: e.latest.Diagnostics, Value: e.latest.Value, nameSpan: e.latest.NameSpan,
	}
}

// claim serves the latest version if its name is free, or is that of a file under a
// later root, which loses it.
func (e *entry[V]) claim(served map[string]*Version[V], all []*entry[V]) {
	key := nameKey(e.latest.Name)
	rival, taken := served[key]
	i := slices.IndexFunc(all, func(o *entry[V]) bool { return o.served == rival && o.root > e.root })
	if taken && i < 0 {
		e.rival = rival
		return
	}
	e.served = e.version()
	served[key] = e.served
	if taken {
		all[i].rival, all[i].served = e.served, nil
	}
}

// fallBack serves the last good version of a file that asked for a name and
// did not get it, unless its old name was given away meanwhile.
func (e *entry[V]) fallBack(served map[string]*Version[V]) {
	if e.rival == nil || e.served == nil {
		return
	}
	key := nameKey(e.served.Name)
	if _, taken := served[key]; taken {
		e.served = nil
		return
	}
	served[key] = e.served
}

// problems returns what is wrong now, by path.
func (r *Registry[V]) problems(found *findings) []Problem[V] {
	out := slices.Clone(r.trouble)
	for _, d := range found.problems {
		out = append(out, Problem[V]{Path: d.Span.File, Diagnostics: diag.List{d}, key: d.Message})
	}
	for _, e := range r.files {
		if p, bad := e.problem(); bad {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Problem[V]) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.key, b.key)) })
	return out
}

func (e *entry[V]) problem() (Problem[V], bool) {
	if e.latest.OK && e.rival == nil {
		return Problem[V]{}, false
	}
	p := Problem[V]{Path: e.path, Hash: e.latest.Hash, Diagnostics: e.latest.Diagnostics, Value: e.latest.Value, Served: e.served, key: fmt.Sprint(e.serial)}
	if e.rival != nil {
		p.Diagnostics = append(slices.Clip(p.Diagnostics), e.sameName())
		p.key += " " + e.rival.Path
	}
	return p, true
}

// sameName is the finding on a file whose name another one has.
func (e *entry[V]) sameName() diag.Diagnostic {
	at, first := e.latest.NameSpan, e.rival.nameSpan
	if at.IsZero() {
		at.File = e.path
	}
	if first.IsZero() {
		first.File = e.rival.Path
	}
	d := diag.Diagnostic{
		Code: diag.SameName, Span: at,
		Message: fmt.Sprintf("the workflow %s already exists in %s", e.latest.Name, e.rival.Path),
		Related: []diag.Related{{Span: first, Message: "this one has the name and stays in use"}},
		Help:    "give one of the two another name, or remove the file that is not needed",
	}
	if e.latest.Name != e.rival.Name {
		d.Notes = []string{fmt.Sprintf(`"-" and "_" are the same in a name: %s is %s`, e.latest.Name, e.rival.Name)}
	}
	return d
}
