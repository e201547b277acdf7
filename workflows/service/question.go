package service

import (
	"maps"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows"
)

// Question is a question of a workflow to a person.
type Question struct {
	Step    *program.Step
	Decides bool // it is about a step that is in doubt, and is asked of whoever sits in front of the run alone

	beside *beside
	one    func(text string) error // says whether text answers a question that is not the workflow's; nil of one that is
}

// Accept says whether values are an answer, and what it is with defaults.
func (q *Question) Accept(values map[string]string) (map[string]string, error) {
	if q.one != nil {
		return values, q.one(values[""])
	}
	return q.beside.accept(q.Step, values)
}

// AcceptOne says whether text is an answer for the value of that name.
func (q *Question) AcceptOne(name, text string) error {
	if q.one != nil {
		return q.one(text)
	}
	return q.beside.checked.Prepared.AcceptOne(q.Step, q.beside.plan.Deck, name, text)
}

// FieldText says what may be answered: "volume, 20 uL to 100 uL, Enter for 50 uL".
func FieldText(f *program.LiveField) string {
	text := f.Type
	if f.Of != "" {
		text += " of " + f.Of
	}
	switch {
	case len(f.Choices) > 0:
		text = strings.Join(f.Choices, ", ")
	case f.Type == "boolean":
		text = "yes or no"
	}
	if b := workflows.Bounds(f.Min, f.Max); b != "" {
		text += ", " + b
	}
	if f.Default != nil {
		text += ", Enter for " + *f.Default
	}
	return text
}

// AnswerText is a line as a value: people say yes and no.
func AnswerText(f *program.LiveField, line string) string {
	line = strings.TrimSpace(line)
	if f.Type == "boolean" {
		switch strings.ToLower(line) {
		case "y", "yes":
			return "true"
		case "n", "no":
			return "false"
		}
	}
	return line
}

// AnswersOf reads name=text, or text alone for a single answer.
func AnswersOf(l *program.Live, given []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range given {
		name, text := "", s
		if len(l.Fields) != 1 || l.Fields[0].Name != "" {
			var ok bool
			if name, text, ok = strings.Cut(s, "="); !ok {
				return nil, usage("--value takes name=value here, and this is %q; what is asked for: %s", s, fieldNames(l))
			}
		}
		f := slices.IndexFunc(l.Fields, func(f program.LiveField) bool { return f.Name == strings.TrimSpace(name) })
		if f < 0 {
			return nil, usage("nothing named %q is asked for; there are: %s", name, fieldNames(l))
		}
		out[l.Fields[f].Name] = AnswerText(&l.Fields[f], text)
	}
	return out, nil
}

func fieldNames(l *program.Live) string {
	var names []string
	for i := range l.Fields {
		names = append(names, l.Fields[i].Name)
	}
	return strings.Join(names, ", ")
}

// askedFor says what may be answered to a question.
func askedFor(l *program.Live) string {
	var parts []string
	for i := range l.Fields {
		f := &l.Fields[i]
		parts = append(parts, strings.TrimSpace(f.Name+" ("+FieldText(f)+")"))
	}
	return strings.Join(parts, ", ")
}

// WhatLive names a step beside the robot for people.
func WhatLive(step *program.Step) string {
	l := step.Live
	switch step.Op.Kind {
	case program.Measure:
		return l.Instrument
	case program.Request:
		return l.URL
	case program.Publish:
		return l.Topic
	case program.Notify:
		return l.To
	default:
		return strings.TrimSpace(l.Message)
	}
}

// ValuesText lists values by name; one without a name stands alone.
func ValuesText(values map[string]string) string {
	if len(values) == 0 {
		return "nothing"
	}
	if v, single := values[""]; single {
		return v
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, name+" = "+values[name])
	}
	return strings.Join(parts, ", ")
}
