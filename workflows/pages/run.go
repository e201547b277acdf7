package pages

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// deckView is a deck as a page shows it.
type deckView struct {
	Picture *service.Picture
	SVG     template.HTML
	Mounts  []mountView
	Liquids []liquidView
	Near    []stepLine // steps around the one under way
	File    string
	Line    int // of the workflow, that the step under way comes from
}

type mountView struct{ Mount, Name, Holds, Color string }

type liquidView struct{ Name, Color string }

type stepLine struct {
	N     int
	Text  string
	State string // done, now or next
}

// Around the step under way so many are shown.
const (
	stepsBefore = 3
	stepsBehind = 6
)

// deckOf is the deck of a run as it stands.
func (p *Pages) deckOf(ctx context.Context, id string) (*deckView, error) {
	pic, err := p.o.Device.Picture(ctx, id)
	if err != nil {
		return nil, err
	}
	return viewDeck(pic), nil
}

func viewDeck(pic *service.Picture) *deckView {
	step := pic.Step()
	out := &deckView{Picture: pic, SVG: template.HTML(depict.Deck(pic.State, step))} //nolint:gosec // names in it are escaped
	d := pic.Plan.Deck
	for i := range d.Pipettes {
		out.Mounts = append(out.Mounts, viewMount(d, i, &pic.State.Mounts[i]))
	}
	for i := range d.Liquids {
		out.Liquids = append(out.Liquids, liquidView{d.Liquids[i].Name, d.Liquids[i].Color})
	}
	if step != nil {
		at := step.Where()
		out.File, out.Line = at.File, at.Start.Line
	}
	if !pic.Over {
		out.Near = near(pic)
	}
	return out
}

// afterwards is the deck as a plan leaves it.
func afterwards(plan *program.Plan) *deckView {
	after := &service.Picture{Plan: plan, Done: len(plan.Steps), Over: true}
	after.State, _ = plan.Timeline(func(*program.Transition) error { return nil })
	return viewDeck(after)
}

func viewMount(d *program.Deck, i int, m *program.Mounted) mountView {
	v := mountView{Mount: d.Pipettes[i].Mount, Name: d.Pipettes[i].Model.DisplayName, Holds: "no tip"}
	switch {
	case m.On && m.Held.Volume > 0:
		v.Holds, v.Color = depict.Line(depict.Content(d, &m.Held)), depict.Mixed(d, &m.Held)
	case m.On && m.From != program.None:
		v.Holds = "a tip from " + d.WellName(m.From)
	case m.On:
		v.Holds = "a tip"
	}
	return v
}

func near(pic *service.Picture) []stepLine {
	now := max(pic.Current, pic.Done+1)
	var out []stepLine
	for n := max(1, now-stepsBefore); n <= min(len(pic.Plan.Steps), now+stepsBehind); n++ {
		s := &pic.Plan.Steps[n-1]
		line := stepLine{N: n, Text: depict.Line(depict.Sentence(s, pic.Plan.Deck)), State: "next"}
		switch {
		case n <= pic.Done:
			line.State = "done"
		case n == now:
			line.State = "now"
		}
		out = append(out, line)
	}
	return out
}

// sourceLine is a line of a workflow.
type sourceLine struct {
	N    int
	Text string
}

// source is the text of the workflow that a run was made from.
func source(plan *program.Plan) []sourceLine {
	for _, f := range plan.Files {
		if f.Name != plan.Workflow.File && len(plan.Files) > 1 {
			continue
		}
		var out []sourceLine
		for i, text := range strings.Split(strings.TrimRight(string(f.Data), "\n"), "\n") {
			out = append(out, sourceLine{i + 1, text})
		}
		return out
	}
	return nil
}

// named are values by name, as text.
func named(data json.RawMessage) []program.Param {
	var out []program.Param
	d := json.NewDecoder(strings.NewReader(string(data)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return out
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return out
		}
		text := string(value)
		if s := ""; json.Unmarshal(value, &s) == nil {
			text = s
		}
		key, _ := name.(string) // which names are
		out = append(out, program.Param{Name: key, Value: text})
	}
	return out
}

// run shows a run.
func (p *Pages) run(r *http.Request) (*page, error) {
	id, err := p.o.Device.RunID(r.Context(), r.PathValue("run"))
	if err != nil {
		return nil, err
	}
	v, err := p.o.Device.View(r.Context(), id)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"Run": v, "Params": named(v.Parameters), "Result": named(v.Result)}
	if v.State != service.StateWithdrawn && v.State != service.StateRefused {
		if d, err := p.deckOf(r.Context(), id); err == nil {
			data["Deck"], data["Source"] = d, source(d.Picture.Plan)
			data["LeftMS"] = d.Picture.Plan.EstimateMS * int64(max(0, v.Steps-v.Done)) / int64(max(1, v.Steps))
		}
	}
	if list, err := p.o.Device.Moments(r.Context(), id); err == nil { // a run that was begun
		list = slices.Clone(list)
		slices.Reverse(list)
		data["Moments"] = list
	}
	return &page{Name: "run", Title: v.Task + " " + v.ID, Data: data}, nil
}

func runAt(id string) string { return Root + "runs/" + id }

// control asks that a run is to pause, to go on, or to stop.
func (p *Pages) control(r *http.Request) (string, error) {
	id := r.PathValue("run")
	who, err := p.o.Behalf(r.Context(), "", "")
	if err != nil {
		return "", err
	}
	on := func(name string) bool { return r.PostFormValue(name) != "" }
	how := service.GoingOn{Ready: on("ready"), Finally: on("finally"), Accept: on("accept")}
	return runAt(id), p.o.Device.Control(r.Context(), id, r.PostFormValue("control"), on("now"), who.By, how)
}

// answer answers what a run asks.
func (p *Pages) answer(r *http.Request) (string, error) {
	id := r.PathValue("run")
	who, err := p.o.Behalf(r.Context(), "", "")
	if err != nil {
		return "", err
	}
	var one *string
	values := map[string]string{}
	for key, list := range r.PostForm {
		name, is := strings.CutPrefix(key, "value.")
		switch {
		case !is:
		case name == "":
			one = &list[len(list)-1]
		default:
			values[name] = list[len(list)-1]
		}
	}
	return runAt(id), p.o.Device.Answer(r.Context(), id, one, values, who.By)
}

// decide keeps what a person decides about steps that are in doubt.
func (p *Pages) decide(r *http.Request) (string, error) {
	id := r.PathValue("run")
	who, err := p.o.Behalf(r.Context(), "", "")
	if err != nil {
		return "", err
	}
	what := service.Decision{Answer: r.PostFormValue("answer"), Redraw: r.PostFormValue("redraw") != "", By: who.By}
	if what.Answer == "done" || what.Answer == "skip" {
		what.To = r.PostFormValue("to")
	}
	return runAt(id), p.o.Device.Decide(r.Context(), id, what)
}
