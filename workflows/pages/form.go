package pages

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
	"github.com/ot2flow/ot2flow/workflows"
	"github.com/ot2flow/ot2flow/workflows/compare"
	"github.com/ot2flow/ot2flow/workflows/depict"
	"github.com/ot2flow/ot2flow/workflows/service"
)

// field is a parameter in a form.
type field struct {
	*workflows.TaskParam
	Value   string
	Hint    string
	Wrong   string
	Wells   []wellView // of a plate to choose from; none where it is not known
	Rows    []wellView // with their letters
	Columns []wellView // with their numbers
	WideX   int        // of the picture of that plate
	WideY   int
}

// Kind is how the field is filled in.
func (f *field) Kind() string {
	switch f.Type {
	case "boolean", "choice", "color", "table", "well", "wells":
		return f.Type
	case "number", "integer":
		return "number"
	case "string":
		if len(f.Choices) > 0 {
			return "choice"
		}
	}
	return "text"
}

// wellView is a well in the picture of a plate.
type wellView struct {
	Name string
	X, Y int
	R    int
}

// asked is what a form asks and what was filled in.
type asked struct {
	Task       *workflows.Version[*workflows.Task]
	Fields     []*field
	Robots     []service.Robot
	Robot      string
	Experiment string
	From       string // the run that it repeats
	Wrong      []string
	Served     string // why the file is served as an earlier version
}

// form asks what a run of a workflow is given.
func (p *Pages) form(r *http.Request) (*page, error) {
	a, err := p.asks(r.PathValue("task"))
	if err != nil {
		return nil, err
	}
	if from := r.URL.Query().Get("from"); from != "" {
		v, err := p.o.Device.View(r.Context(), from)
		if err != nil {
			return nil, err
		}
		a.From = v.ID
		for _, given := range named(v.Parameters) {
			a.fill(given.Name, given.Value)
		}
	}
	return &page{Name: "form", Title: a.Task.Name, Data: a}, nil
}

func (a *asked) fill(name, value string) {
	for _, f := range a.Fields {
		if f.Name == name {
			f.Value = value
		}
	}
}

// asks is the empty form of a workflow.
func (p *Pages) asks(task string) (*asked, error) {
	now := p.o.Device.Tasks.Snapshot()
	v, ok := now.Lookup(task)
	if !ok {
		return nil, p.o.Device.NoTask(task)
	}
	a := &asked{Task: v, Robots: p.o.Device.Robots()}
	for _, problem := range problemsOf(now) {
		if problem.Served == v.Name {
			a.Served = problem.First
		}
	}
	for i := range v.Value.Params {
		d := &v.Value.Params[i]
		f := &field{TaskParam: d, Value: d.Default, Hint: hint(d)}
		if d.Type == "table" {
			f.Value = "" // the default is a file
		}
		a.Fields = append(a.Fields, f)
	}
	a.plates(p)
	return a, nil
}

// hint says what may be filled in.
func hint(d *workflows.TaskParam) string {
	var parts []string
	if b := workflows.Bounds(d.Min, d.Max); b != "" {
		parts = append(parts, b)
	}
	switch {
	case d.Type == "list":
		parts = append(parts, "several, with commas between")
	case d.Type == "table" && d.Default != "":
		parts = append(parts, "left empty, it is "+d.Default)
	case d.Unit != "":
		parts = append(parts, "a number alone is in "+d.Unit)
	}
	return strings.Join(parts, "; ")
}

// plates gives fields for wells the plate to choose from.
func (a *asked) plates(p *Pages) {
	picks := func(f *field) bool { return f.In != "" && (f.Type == "well" || f.Type == "wells") }
	if !slices.ContainsFunc(a.Fields, picks) {
		return
	}
	plan, err := p.o.Device.Example(a.Task.Name)
	if err != nil {
		return
	}
	for _, f := range a.Fields {
		i := slices.IndexFunc(plan.Deck.Labware, func(l program.Placed) bool { return l.Name == f.In })
		if !picks(f) || i < 0 {
			continue
		}
		def := plan.Deck.Labware[i].Def
		f.WideX, f.WideY = int(def.X/100), int(def.Y/100)
		for w := range def.Wells {
			well := &def.Wells[w]
			size := well.Diameter
			if !well.Round {
				size = min(well.XSize, well.YSize)
			}
			at := wellView{well.Name, int(well.X / 100), f.WideY - int(well.Y/100), int(size / 200)}
			f.Wells = append(f.Wells, at)
			row := strings.TrimRight(well.Name, "0123456789")
			if column := well.Name[len(row):]; column == "1" {
				f.Rows = append(f.Rows, wellView{row, 0, at.Y, 0})
			}
			if row == "A" {
				f.Columns = append(f.Columns, wellView{well.Name[len(row):], at.X, 0, 0})
			}
		}
	}
}

// take takes a form that was filled in: the plan of it is shown, and then it is
// submitted.
func (p *Pages) take(r *http.Request) (one *page, to string, err error) {
	a, err := p.asks(r.PathValue("task"))
	if err != nil {
		return nil, "", err
	}
	a.Robot, a.Experiment, a.From = r.PostFormValue("robot"), r.PostFormValue("experiment"), r.PostFormValue("from")
	for _, f := range a.Fields {
		f.Value = r.PostFormValue("p." + f.Name)
	}
	given, ok := a.json()
	var plan *program.Plan
	if ok {
		plan, err = p.o.Device.Plan(a.Task.Name, given)
		ok = a.blame(err)
	}
	again := func(err error) (*page, string, error) {
		if err != nil {
			a.Wrong = append(a.Wrong, err.Error())
		}
		return &page{Name: "form", Title: a.Task.Name, Data: a, Status: http.StatusUnprocessableEntity}, "", nil
	}
	switch {
	case !p.o.Who(r).May(a.robot()):
		a.Wrong = append(a.Wrong, "your token is not for this robot; choose one that it is for")
		return &page{Name: "form", Title: a.Task.Name, Data: a, Status: http.StatusForbidden}, "", nil
	case !ok:
		return again(nil)
	case r.PostFormValue("do") == "change":
		return &page{Name: "form", Title: a.Task.Name, Data: a}, "", nil
	case r.PostFormValue("do") != "run":
		return p.review(r, a, plan, given), "", nil
	}
	who, err := p.o.Behalf(r.Context(), "", "")
	if err != nil {
		return nil, "", err
	}
	v, _, err := p.o.Device.Submit(r.Context(), service.Request{Task: a.Task.Name, Given: given, Key: r.PostFormValue("key"), Robot: a.Robot, Experiment: a.Experiment, For: who})
	if err != nil {
		return again(err)
	}
	return nil, runAt(v.ID), nil
}

// robot is the name of the robot that is to do it; empty is any.
func (a *asked) robot() string {
	if len(a.Robots) == 1 {
		return a.Robots[0].Name
	}
	return a.Robot
}

// json is what was filled in, as a run is given it. Where a field cannot be read, ok is
// false and the field says why.
func (a *asked) json() (data []byte, ok bool) {
	values := map[string]any{}
	ok = true
	for _, f := range a.Fields {
		text := strings.TrimSpace(f.Value)
		switch {
		case f.Type == "boolean":
			values[f.Name] = text == "true" || text == "on"
			f.Value = strconv.FormatBool(values[f.Name] == true)
		case text == "":
			// it has a default, or the plan says that it is missing
		case f.Type == "table":
			rows, err := readRows(text)
			if err != nil {
				f.Wrong, ok = err.Error(), false
			}
			values[f.Name] = rows
		case f.Type == "list":
			var list []string
			for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' }) {
				list = append(list, strings.TrimSpace(one))
			}
			values[f.Name] = list
		case f.Kind() == "number" && json.Valid([]byte(text)):
			values[f.Name] = json.RawMessage(text)
		default:
			values[f.Name] = text
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(values) != nil {
		return nil, false
	}
	return b.Bytes(), ok
}

// readRows reads a table with the names of its columns in the first row.
func readRows(text string) ([]map[string]string, error) {
	c := csv.NewReader(strings.NewReader(text))
	if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, ",") {
		switch {
		case strings.Contains(first, "\t"):
			c.Comma = '\t'
		case strings.Contains(first, ";"):
			c.Comma = ';'
		}
	}
	c.TrimLeadingSpace = true
	rows, err := c.ReadAll()
	switch {
	case err != nil:
		return nil, err
	case len(rows) < 2:
		return nil, errors.New("a table has the names of its columns in the first row, and rows below it")
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		one := map[string]string{}
		for i, cell := range row {
			if cell != "" {
				one[strings.TrimSpace(rows[0][i])] = cell
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// blame says at each field what is wrong with it. It reports whether nothing is.
func (a *asked) blame(err error) bool {
	if err == nil {
		return true
	}
	var found *service.Findings
	if !errors.As(err, &found) {
		a.Wrong = append(a.Wrong, err.Error())
		return false
	}
	for i := range found.List {
		d := &found.List[i]
		if d.Severity != diag.Error {
			continue
		}
		text := d.Message
		if d.Help != "" {
			text += " (" + d.Help + ")"
		}
		at := -1
		if found.Param != nil {
			name := found.Param(d)
			at = slices.IndexFunc(a.Fields, func(f *field) bool { return f.Name == name })
		}
		if at >= 0 {
			a.Fields[at].Wrong = text
		} else {
			a.Wrong = append(a.Wrong, text)
		}
	}
	return false
}

// need is something that has to be there for a run.
type need struct{ What, Amount string }

// review shows what a run would do.
func (p *Pages) review(r *http.Request, a *asked, plan *program.Plan, given []byte) *page {
	before := &service.Picture{Plan: plan, State: program.NewState(plan.Deck), Over: true}
	var needs []need
	for _, c := range plan.Needs.Tips {
		needs = append(needs, need{"new tips from " + plan.Deck.Labware[c.Index].Name, strconv.FormatInt(c.Amount, 10)})
	}
	for _, c := range plan.Needs.Liquids {
		needs = append(needs, need{plan.Deck.Liquids[c.Index].Name, quantity.Volume.Text(c.Amount)})
	}
	var steps []stepLine
	for i := range plan.Steps[:min(len(plan.Steps), stepsReviewed)] {
		s := &plan.Steps[i]
		steps = append(steps, stepLine{N: s.N, Text: depict.Line(depict.Sentence(s, plan.Deck))})
	}
	return &page{Name: "review", Title: a.Task.Name, Data: map[string]any{
		"Asked": a, "Plan": plan, "Before": viewDeck(before), "After": afterwards(plan), "Needs": needs, "Steps": steps, "More": len(plan.Steps) - len(steps),
		"Key": newKey(), "Given": named(given), "Others": p.differences(r, a, given),
	}}
}

// stepsReviewed is how many steps of a plan are listed.
const stepsReviewed = 400

// differences compares with the last run of the same workflow.
func (p *Pages) differences(r *http.Request, a *asked, given []byte) map[string]any {
	list, _, err := p.o.Device.List(r.Context(), service.Wanted{Task: a.Task.Name, Limit: 1})
	if err != nil || len(list) == 0 {
		return nil
	}
	last, err := p.o.Device.View(r.Context(), list[0].ID)
	if err != nil {
		return nil
	}
	return map[string]any{"Run": last, "List": compare.Params(named(last.Parameters), named(given))}
}
