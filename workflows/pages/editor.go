package pages

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/complete"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// edited is a workflow that somebody changes.
type edited struct {
	Name  string // of the file
	Path  string
	Mark  string // of the text that is changed; empty for a new file
	Text  string
	Saved bool
	checkedDraft
}

// checkedDraft is what is found in it.
type checkedDraft struct {
	Findings []finding
	Errors   int
	Plan     *program.Plan
	Deck     *deckView
}

// finding is one of them, with where it stands as scripts count: in UTF-16.
type finding struct {
	*diag.Diagnostic
	Here     bool // in this text, and not in a file that it names
	From, To int
	Fix      string // changes that would mend it, as JSON; empty for none
}

// change is one of a text.
type change struct {
	From   int    `json:"from"`
	To     int    `json:"to"`
	Insert string `json:"insert"`
}

// marked is a finding in a text of that name.
func marked(d *diag.Diagnostic, name string, text []byte) finding {
	f := finding{Diagnostic: d, Here: d.Span.File == name}
	f.From, f.To = units(text, d.Span.Start.Offset), units(text, d.Span.End.Offset)
	var edits []change
	for _, e := range d.Edits {
		if e.Span.File != name {
			return f
		}
		edits = append(edits, change{units(text, e.Span.Start.Offset), units(text, e.Span.End.Offset), e.New})
	}
	if fix, err := json.Marshal(edits); err == nil && edits != nil {
		f.Fix = string(fix)
	}
	return f
}

// units is how many UTF-16 code units stand before an offset in bytes.
func units(text []byte, offset int) int {
	n := 0
	for _, r := range string(text[:min(offset, len(text))]) {
		n += utf16.RuneLen(r)
	}
	return n
}

// offset is how many bytes stand before so many UTF-16 code units.
func offset(text string, units int) int {
	for i, r := range text {
		if units <= 0 {
			return i
		}
		units -= utf16.RuneLen(r)
	}
	return len(text)
}

func (p *Pages) check(path string, text []byte) checkedDraft {
	d := p.o.Device.Draft(path, text)
	out := checkedDraft{Plan: d.Plan}
	for i := range d.Findings {
		out.Findings = append(out.Findings, marked(&d.Findings[i], path, text))
		if d.Findings[i].Severity == diag.Error {
			out.Errors++
		}
	}
	if d.Plan != nil {
		out.Deck = afterwards(d.Plan)
	}
	return out
}

// firstText is what a new workflow begins with.
const firstText = `ot2flow: 1
name: my-workflow
description: What it is for.

labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  stock: {type: nest_12_reservoir_15ml, slot: 2}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 4}

pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}

liquids:
  water: {in: stock.A1, volume: 10 mL, color: '#4da3d9'}

steps:
  - transfer: {from: water, to: plate.A1:H1, volume: 100 uL}
`

// edit shows a workflow to be changed, or a new one.
func (p *Pages) edit(r *http.Request) (*page, error) {
	e := &edited{Name: "my-workflow.yaml", Text: firstText}
	if file := r.URL.Query().Get("file"); file != "" {
		text, err := p.o.Device.Broken(file)
		if err != nil {
			return nil, err
		}
		e = &edited{Name: filepath.Base(text.Path), Path: text.Path, Mark: text.Mark, Text: string(text.Data)}
	} else if task := r.URL.Query().Get("task"); task != "" {
		saved := r.URL.Query().Get("saved") != ""
		for range 60 { // what was just saved is noticed in a moment
			if _, ok := p.o.Device.Tasks.Snapshot().Lookup(task); ok || !saved || r.Context().Err() != nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		text, err := p.o.Device.Text(task)
		if err != nil {
			return nil, err
		}
		e = &edited{Name: filepath.Base(text.Path), Path: text.Path, Mark: text.Mark, Text: string(text.Data), Saved: saved}
	}
	e.checkedDraft = p.check(e.at(), []byte(e.Text))
	return &page{Name: "editor", Title: e.Name, Data: e}, nil
}

// at is where the file is, or would be.
func (e *edited) at() string {
	if e.Path != "" {
		return e.Path
	}
	return e.Name
}

// checked answers with what is found in a text that is being written.
func (p *Pages) checked(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := r.URL.Query().Get("path")
	if path == "" {
		path = "workflow.yaml"
	}
	var out bytes.Buffer
	if err := templateOf("editor").ExecuteTemplate(&out, "checked", p.check(path, b.Bytes())); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(out.Bytes()) // whoever wrote may be gone
}

// completed answers with what can stand at a place of a text that is being written.
func (p *Pages) completed(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	at, err := strconv.Atoi(r.URL.Query().Get("at"))
	if err != nil {
		http.Error(w, "at is where it is to stand", http.StatusBadRequest)
		return
	}
	type option struct {
		Label  string `json:"label"`
		Kind   string `json:"kind"`
		Detail string `json:"detail,omitempty"`
		Doc    string `json:"doc,omitempty"`
		Insert string `json:"insert"`
	}
	from, list := complete.At(b.String(), offset(b.String(), at), workflows.Known)
	out := struct {
		From    int      `json:"from"`
		Options []option `json:"options"`
	}{units(b.Bytes(), from), []option{}}
	for _, o := range list {
		out.Options = append(out.Options, option(o))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(out) // whoever wrote may be gone
}

// save writes the file, or only checks it.
func (p *Pages) save(r *http.Request) (*page, string, error) {
	e := &edited{Name: r.PostFormValue("name"), Path: r.PostFormValue("path"), Mark: r.PostFormValue("mark")}
	e.Text = strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n") // as browsers send it
	e.checkedDraft = p.check(e.at(), []byte(e.Text))
	again := func(err error) (*page, string, error) {
		one := &page{Name: "editor", Title: e.Name, Data: e}
		if err != nil {
			one.Wrong, one.Status = err.Error(), http.StatusUnprocessableEntity
		}
		return one, "", nil
	}
	if r.PostFormValue("do") != "save" {
		return again(nil)
	}
	path := e.Path
	if e.Mark == "" {
		var err error
		if path, err = p.o.Device.NewPath(e.Name); err != nil {
			return again(err)
		}
	}
	if err := p.o.Device.Save(path, e.Mark, []byte(e.Text)); err != nil {
		return again(err)
	}
	if e.Plan != nil && e.Errors == 0 {
		return nil, Root + "editor?saved=1&task=" + url.QueryEscape(e.Plan.Workflow.Name), nil
	}
	return nil, Root + "workflows", nil
}
