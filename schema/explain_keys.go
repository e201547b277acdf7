package schema

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// unknownKeys returns the keys of a mapping that its shape does not know.
func unknownKeys(p *place) []*yaml.Node {
	fields := p.inner().Fields()
	var out []*yaml.Node
	for i := 0; i+1 < len(p.node.Content); i += 2 {
		if k := p.node.Content[i]; !hasKey(fields, k.Value) {
			out = append(out, k)
		}
	}
	return out
}

func hasKey(fields []spec.Field, key string) bool {
	return slices.ContainsFunc(fields, func(f spec.Field) bool { return f.Key == key })
}

func written(mapping *yaml.Node, key string) bool {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return true
		}
	}
	return false
}

// absent returns the keys that the mapping does not have, and does not get from
// a better indentation either.
func (e *explainer) absent(p *place) []spec.Field {
	return slices.DeleteFunc(p.inner().Fields(), func(f spec.Field) bool {
		return written(p.node, f.Key) || slices.Contains(e.moved[p.node], f.Key)
	})
}

// findMoved finds unknown keys that a key before them would take if they were
// indented further:
//
//   - transfer:
//     from: red
func (e *explainer) findMoved(p *place) {
	var holder *place
	var strays []*yaml.Node
	flush := func() {
		if len(strays) > 0 {
			e.strays(holder, strays)
		}
		strays = nil
	}
	for i := 0; i+1 < len(p.node.Content); i += 2 {
		k := p.node.Content[i]
		c, _ := p.child(jsonKey(k))
		switch {
		case c.shape != nil:
			flush()
			holder = &c
		case holder != nil && e.wouldTake(holder, k, p.node.Content[i+1]):
			strays = append(strays, k)
			e.moved[holder.node] = append(e.moved[holder.node], k.Value)
		}
	}
	flush()
}

// wouldTake reports whether the value of a key has room for k.
func (e *explainer) wouldTake(holder *place, k, val *yaml.Node) bool {
	s := concrete(holder.shape, yaml.MappingNode)
	isNull := holder.node.Kind == yaml.ScalarNode && spec.ScalarValue(holder.node) == nil
	switch {
	case s == nil || !isNull && holder.node.Kind != yaml.MappingNode:
		return false
	case s.Kind == spec.MapShape:
		return isNull && (val.Kind == yaml.MappingNode) == (s.Elem.Kind == spec.ObjectShape)
	}
	return hasKey(s.Fields(), k.Value) && !written(holder.node, k.Value)
}

func (e *explainer) strays(holder *place, keys []*yaml.Node) {
	var names []string
	for _, k := range keys {
		names = append(names, k.Value)
	}
	span := e.src.NodeSpan(keys[0])
	span.End = e.src.NodeSpan(keys[len(keys)-1]).End
	verb, them := " belong", "them"
	if len(keys) == 1 {
		verb, them = " belongs", "it"
	} else if keys[len(keys)-1].Line != keys[0].Line {
		span = e.src.NodeSpan(keys[0])
	}
	d := e.addAt(diag.MisplacedKey, span, enumerated(allQuoted(names), "and")+verb+" inside "+holder.name(),
		"indent "+them+" further than "+holder.name())
	d.Related = []diag.Related{{Span: e.src.NodeSpan(holder.key), Message: holder.name() + " is here"}}
}

// keys explains the keys of a mapping that are unknown or missing. A misspelt
// key that must be there is one finding.
func (e *explainer) keys(p *place) {
	missing := slices.DeleteFunc(e.absent(p), func(f spec.Field) bool { return !f.Required })
	var strangers []*yaml.Node
	for _, k := range unknownKeys(p) {
		if e.isMoved(p, k) {
			continue
		}
		meant, ok := e.meant(p, k)
		if !ok {
			strangers = append(strangers, k)
			continue
		}
		missing = slices.DeleteFunc(missing, func(f spec.Field) bool { return f.Key == meant })
	}
	for _, k := range strangers {
		missing = e.stranger(p, k, missing)
	}
	if len(missing) > 0 {
		e.missing(p, missing)
	}
	e.partners(p)
}

func (e *explainer) isMoved(p *place, k *yaml.Node) bool {
	for _, n := range p.node.Content {
		if slices.Contains(e.moved[n], k.Value) && n != k {
			return true
		}
	}
	return false
}

// meant explains an unknown key that has a likely meaning, and returns the key
// of this mapping that was meant, if it is one.
func (e *explainer) meant(p *place, k *yaml.Node) (key string, ok bool) {
	key = k.Value
	if i := slices.IndexFunc(p.inner().Instead, func(w [2]string) bool { return w[0] == key }); i >= 0 {
		e.unknown(p, k, p.inner().Instead[i][1])
		return "", true
	}
	var free []string
	for _, f := range e.absent(p) {
		free = append(free, f.Key)
	}
	if same, known := otherWord(key, free); known {
		return same, e.didYouMean(p, k, same)
	}
	if e.belongsOutside(p, k) || e.belongsInside(p, k) {
		return "", true
	}
	for _, names := range otherWords {
		if slices.Contains(names[1:], strings.ToLower(key)) {
			under := *k
			if under.Value = names[0]; e.belongsOutside(p, &under) {
				return "", true
			}
		}
	}
	if help := options[strings.ToLower(key)]; help != "" && hasKey(p.inner().Fields(), "dispense") {
		e.unknown(p, k, help)
		return "", true
	}
	if near, found := diag.Nearest(key, free); found {
		return near, e.didYouMean(p, k, near)
	}
	return "", false
}

func (e *explainer) didYouMean(p *place, k *yaml.Node, key string) bool {
	e.unknown(p, k, "did you mean "+quoted(key)+"?").Edits = e.rename(k, key)
	return true
}

func (e *explainer) unknown(p *place, k *yaml.Node, help string) *diag.Diagnostic {
	return e.add(diag.UnknownKey, k, p.name()+" has no key "+quoted(k.Value), help)
}

// belongsOutside explains a key that one of the mappings around would take. It
// does not look beyond the step that the key is in.
func (e *explainer) belongsOutside(p *place, k *yaml.Node) bool {
	inner := p
	for a := p.up; a != nil && !isStep(inner); a = a.up {
		isStepKey := isStep(a) && spec.LookupStepKind(k.Value) != nil
		if s := a.inner(); s != nil && !isStepKey && hasKey(s.Fields(), k.Value) && !written(a.node, k.Value) {
			e.add(diag.MisplacedKey, k, quoted(k.Value)+" belongs beside "+inner.name()+", not inside it", "move it out, to the indentation of "+inner.name())
			return true
		}
		inner = a
	}
	return false
}

func isStep(p *place) bool { return p.shape != nil && p.shape.Kind == spec.StepShape }

// belongsInside explains a key that stands one level too far out.
func (e *explainer) belongsInside(p *place, k *yaml.Node) bool {
	if isStep(p) {
		return false // nearly every key belongs inside some step key
	}
	var holders []string
	var example string
	for _, f := range p.inner().Fields() {
		s := concrete(f.Slot.Shape, yaml.MappingNode)
		if s == nil || !hasKey(s.Fields(), k.Value) {
			continue
		}
		holders = append(holders, f.Key)
		_, field := entry(s, k.Value)
		example = cmpOr(example, f.Key+": {"+k.Value+": "+field.Example+"}")
	}
	if len(holders) == 0 {
		return false
	}
	e.add(diag.MisplacedKey, k, quoted(k.Value)+" belongs inside "+enumerated(allQuoted(holders), "or"), "write it like this: "+example)
	return true
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// stranger explains a key without a likely meaning. Where a required key is
// missing, that is what it should have been.
func (e *explainer) stranger(p *place, k *yaml.Node, missing []spec.Field) []spec.Field {
	if len(missing) > 0 {
		d := e.unknown(p, k, p.name()+" needs "+quoted(missing[0].Key)+"; is that what is meant?")
		d.Edits = e.rename(k, missing[0].Key)
		return missing[1:]
	}
	help := ""
	if kinds := kindsWith(k.Value); len(kinds) > 0 && !isStep(p) && p.root() != spec.LabRoot() && p.root() != spec.TestsRoot() {
		help = "it is a key of " + enumerated(kinds, "and") + "; "
	}
	e.unknown(p, k, help+e.validKeys(p))
	return nil
}

// root is the shape of the file that p is in.
func (p *place) root() *spec.Shape {
	for p.up != nil {
		p = p.up
	}
	return p.shape
}

// kindsWith returns the step kinds that have a key.
func kindsWith(key string) []string {
	var out []string
	for _, k := range spec.StepKinds() {
		if s := stepShape(k.Key); s != nil && hasKey(s.Fields(), key) {
			out = append(out, quoted(k.Key))
		}
	}
	return out
}

func stepShape(key string) *spec.Shape {
	s, _ := entry(spec.StepObject(), key)
	if s == nil {
		return nil
	}
	return concrete(s, yaml.MappingNode)
}

// validKeys lists the keys that can stand in a mapping, if they are few.
func (e *explainer) validKeys(p *place) string {
	const few = 12
	fields := p.inner().Fields()
	var keys []string
	for _, f := range fields {
		keys = append(keys, quoted(f.Key))
	}
	switch {
	case len(keys) == 0:
		return p.name() + " takes no keys"
	case len(keys) <= few:
		return "the keys here are " + enumerated(keys, "and")
	case isStep(p):
		return `"ot2flow explain step" lists the step keys and the modifiers`
	case p.key == nil:
		return "the keys of " + p.name() + " are " + enumerated(keys, "and")
	}
	return `"ot2flow explain ` + p.key.Value + `" lists its keys`
}

// missing reports the keys that a mapping lacks.
func (e *explainer) missing(p *place, fields []spec.Field) {
	var keys, examples []string
	for _, f := range fields {
		keys = append(keys, quoted(f.Key))
		examples = append(examples, f.Key+": "+f.Example)
	}
	them := "it"
	if len(keys) > 1 {
		them = "them"
	}
	e.addAt(diag.MissingKey, e.head(p), p.name()+" needs "+enumerated(keys, "and"), "add "+them+", for example "+strings.Join(examples, ", "))
}

// head is the span that stands for a mapping: the key in front of it, or its
// first key.
func (e *explainer) head(p *place) diag.Span {
	switch {
	case p.key != nil:
		return e.src.NodeSpan(p.key)
	case len(p.node.Content) > 0:
		return e.src.NodeSpan(p.node.Content[0])
	}
	return e.src.NodeSpan(p.node)
}

// partners reports keys that lack the one they need.
func (e *explainer) partners(p *place) {
	s := p.inner()
	for _, r := range s.Rules {
		for _, key := range r.Needs {
			if !r.Holds(p.node) || written(p.node, key) || e.misspelt(p, key) {
				continue
			}
			_, f := entry(s, key)
			at, subject := entryOf(p.node, r.Key), r.Key
			if r.Words != nil {
				subject += ": " + at[1].Value
			}
			e.add(diag.MissingPartner, at[0], quoted(subject)+" needs "+quoted(key), r.Why+"; add "+key+": "+f.Example)
		}
		e.anyPartner(p, &r)
	}
}

// anyPartner reports a key that has none of those of which it needs one.
func (e *explainer) anyPartner(p *place, r *spec.Rule) {
	there := func(key string) bool { return written(p.node, key) || e.misspelt(p, key) }
	if r.Any == nil || !r.Holds(p.node) || slices.ContainsFunc(r.Any, there) {
		return
	}
	_, f := entry(p.inner(), r.Any[0])
	e.add(diag.MissingPartner, entryOf(p.node, r.Key)[0], quoted(r.Key)+" needs "+enumerated(allQuoted(r.Any), "or"), r.Why+"; add for example "+f.Key+": "+f.Example)
}

// misspelt reports whether one of the unknown keys is most likely key.
func (e *explainer) misspelt(p *place, key string) bool {
	return slices.ContainsFunc(unknownKeys(p), func(k *yaml.Node) bool {
		_, near := diag.Nearest(k.Value, []string{key})
		same, known := otherWord(k.Value, []string{key})
		return near || known && same == key
	})
}

// otherWord finds the key among free that people who know other tools, other
// spellings or the robot's Python interface call by the name word.
func otherWord(word string, free []string) (key string, ok bool) {
	for _, names := range otherWords {
		if slices.Contains(free, names[0]) && slices.Contains(names[1:], strings.ToLower(word)) {
			return names[0], true
		}
	}
	return "", false
}

// options are those of the robot's Python interface that a liquid step says
// elsewhere, or in another way.
var options = map[string]string{
	"mix_before":       "write it like this: aspirate: {mix: 3 x 50 uL}",
	"mix_after":        "write it like this: dispense: {mix: 3 x 50 uL}",
	"blowout_location": "blow_out names the place: source, destination, trash, or a well",
	"disposal_volume":  "a distribute has a disposal; a transfer draws what it gives",
	"trash":            "tip says what becomes of it: tip: {then: return}, or trash, which is the default",
	"carryover":        "leave it out: a volume larger than the tip is divided, as split says",
}

// otherWords are keys, each with names it has elsewhere.
var otherWords = [...][]string{
	{"from", "source", "sources", "src", "from_well", "from_wells", "aspirate_from"},
	{"to", "dest", "dests", "destination", "destinations", "to_well", "to_wells", "into", "dispense_to"},
	{"volume", "vol", "amount", "quantity", "volume_ul"},
	{"volumes", "recipe", "amounts"},
	{"in", "well", "wells", "location", "labware"},
	{"at", "height", "position", "z", "offset_z"},
	{"rate", "flow_rate", "flowrate", "plunger_speed"},
	{"times", "repetitions", "reps", "cycles", "count"},
	{"tip", "new_tip", "change_tip", "tips"},
	{"tips", "tip_racks", "tipracks", "tip_rack", "tiprack", "racks"},
	{"disposal", "disposal_volume"},
	{"blow_out", "blowout"},
	{"touch_tip", "touchtip"},
	{"air_gap", "airgap"},
	{"mix", "mix_before", "mix_after", "mixing"},
	{"pipette", "instrument", "with"},
	{"type", "load_name", "model", "kind", "definition"},
	{"slot", "location", "position", "deck_slot"},
	{"mount", "side", "position"},
	{"color", "colour", "display_color"},
	{"comment", "log", "print", "echo", "note"},
	{"labels", "label", "tags", "tag"},
	{"address", "url", "uri", "host", "ip", "addr"},
	{"cron", "when", "schedule", "crontab", "every"},
	{"time_zone", "timezone", "tz", "zone"},
	{"robots", "robot", "devices", "device"},
	{"workflows", "tasks", "folders", "folder", "directories", "paths", "roots"},
	{"http", "listen", "bind", "port"},
	{"why", "reason", "message", "description"},
	{"description", "doc", "comment", "info", "help", "label"},
	{"min", "minimum", "at_least"},
	{"max", "maximum"},
	{"choices", "options", "values", "enum"},
	{"default", "value"},
	{"that", "condition", "assert", "if"},
	{"message", "msg", "error"},
	{"for", "foreach", "for_each", "loop", "with_items"},
	{"if", "when", "condition"},
	{"repeat", "times", "count", "loops"},
	{"id", "key"},
	{"name", "title", "label"},
	{"do", "steps", "run", "then"},
	{"delay", "wait", "sleep"},
	{"params", "parameters", "inputs", "arguments", "args"},
	{"let", "constants", "const", "define"},
	{"vars", "variables", "env"},
	{"require", "requires", "requirements", "assertions"},
	{"labware", "labwares", "deck", "plates"},
	{"pipettes", "instruments", "pipette"},
	{"liquids", "reagents", "liquid"},
	{"steps", "protocol", "commands", "tasks"},
	{"ot2flow", "version", "api_level", "apilevel"},
}
