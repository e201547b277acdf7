package workflows

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unique"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec"
)

// A server knows hundreds of workflows and needs a few of them at a time. Of the
// others it keeps what is said of them and the texts they are made from, which is a
// hundredth of what they become.

// Task is a checked workflow as it is offered to others. What it says never changes,
// whatever happens to the files.
type Task struct {
	Name        string
	Description string
	Params      []TaskParam

	path, main string
	files      []taskFile
	shelf      *Shelf
	made       atomic.Pointer[Checked] // nil where it is not on the shelf
	making     sync.Mutex
}

// taskFile is a file of a bundle. The same text is held once, however many workflows
// it belongs to.
type taskFile struct {
	name string
	text unique.Handle[string]
}

// TaskParam is what is declared of a parameter, as text.
type TaskParam struct {
	Name, Description string
	Type, Of          string // Of is that of the elements of a list
	In                string // the labware that a well is in; may be empty
	Unit              string // in which bare numbers count; may be empty
	Default, Min, Max string
	Choices           []string
	Required          bool // a run has to give it
}

// Bounds says between what a value has to be, as people say it; either may be empty.
func Bounds(least, most string) string {
	switch {
	case least != "" && most != "":
		return least + " to " + most
	case least != "":
		return "at least " + least
	case most != "":
		return "at most " + most
	}
	return ""
}

// Shelf holds the workflows that were needed last, ready to be used.
type Shelf struct {
	room int
	mu   sync.Mutex
	on   []*Task // the last one was needed last
}

// NewShelf returns a shelf for so many workflows.
func NewShelf(room int) *Shelf { return &Shelf{room: room} }

// Task returns a good workflow as a task, and nil for any other. The workflow is put
// on the shelf.
func (s *Shelf) Task(c *Checked) *Task {
	if c.Prepared == nil {
		return nil
	}
	p := c.Prepared
	t := &Task{Name: p.Name(), Description: p.Description(), path: c.Path, main: c.Bundle.Main, shelf: s}
	for _, f := range c.Bundle.Files {
		t.files = append(t.files, taskFile{f.Name, unique.Make(string(f.Data))})
	}
	declared := p.Declared()
	for i := range declared {
		d := &declared[i]
		one := TaskParam{
			Name: d.Name.Value, Description: d.Description.Text, Type: d.Type.Value, Of: d.Of.Value, In: d.In.Value, Unit: UnitOf(d),
			Default: writtenText(&d.Default), Min: d.Min.Text, Max: d.Max.Text, Required: !p.HasDefault(d.Name.Value),
		}
		for _, c := range d.Choices {
			one.Choices = append(one.Choices, c.Text)
		}
		t.Params = append(t.Params, one)
	}
	t.made.Store(c)
	s.use(t)
	return t
}

// Files are the workflow and what it is made of, by their names in its bundle.
func (t *Task) Files() []program.File {
	out := make([]program.File, len(t.files))
	for i, f := range t.files {
		out[i] = program.File{Name: f.name, Data: []byte(f.text.Value())}
	}
	return out
}

// Checked returns the workflow. It may be called by several goroutines.
func (t *Task) Checked() (*Checked, error) {
	if c := t.made.Load(); c != nil {
		t.shelf.use(t)
		return c, nil
	}
	t.making.Lock()
	defer t.making.Unlock()
	if c := t.made.Load(); c != nil {
		return c, nil
	}
	files := make([]spec.File, len(t.files))
	for i, f := range t.files {
		files[i] = spec.File{Name: f.name, Data: []byte(f.text.Value())}
	}
	c := &Checked{Path: t.path}
	c.prepare(spec.FromFiles(t.main, files))
	if c.Prepared == nil {
		return nil, fmt.Errorf("%s was good, and cannot be made again: %s", t.path, c.Diagnostics[0].Message)
	}
	t.made.Store(c)
	t.shelf.use(t)
	return c, nil
}

// use puts a task in front, and takes those off for which there is no room.
func (s *Shelf) use(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.on); n > 0 && s.on[n-1] == t {
		return
	}
	if i := slices.Index(s.on, t); i >= 0 {
		s.on = slices.Delete(s.on, i, i+1)
	}
	s.on = append(s.on, t)
	if len(s.on) > s.room {
		s.on[0].made.Store(nil)
		s.on = slices.Delete(s.on, 0, 1)
	}
}

// clear takes all tasks off.
func (s *Shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.on {
		t.made.Store(nil)
	}
	s.on = nil
}

// writtenText is a default as it is written, of a table how long it is.
func writtenText(w *spec.Written) string {
	if !w.Many {
		return w.Text
	}
	var parts []string
	for _, item := range w.Items {
		if item.IsRow {
			return strconv.Itoa(len(w.Items)) + " rows"
		}
		parts = append(parts, item.Text)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
