package pages

import (
	"bytes"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
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
	Findings diag.List
	Errors   int
	Plan     *program.Plan
	Deck     *deckView
}

func (p *Pages) check(path string, text []byte) checkedDraft {
	d := p.o.Device.Draft(path, text)
	out := checkedDraft{Findings: d.Findings, Plan: d.Plan}
	for i := range d.Findings {
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
	if task := r.URL.Query().Get("task"); task != "" {
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
