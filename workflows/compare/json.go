package compare

import (
	"encoding/json"
	"io"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/depict"
)

// Format is the name and version of the JSON form.
const Format = "ot2flow.difference/1"

type report struct {
	Format  string     `json:"format"`
	Same    bool       `json:"same"`
	Before  side       `json:"before"`
	After   side       `json:"after"`
	Params  []Changed  `json:"params"`
	Deck    []Changed  `json:"deck"`
	Course  []Changed  `json:"course"`
	Tips    []tips     `json:"tips"`
	Liquids []volume   `json:"liquids"`
	Steps   stepChange `json:"steps"`
	Wells   []Changed  `json:"wells"`
	Unknown string     `json:"unknown"`
}

type side struct {
	Workflow    string  `json:"workflow"`
	File        string  `json:"file"`
	Fingerprint string  `json:"fingerprint"`
	Steps       int     `json:"steps"`
	Tips        int64   `json:"tips"`
	LiquidUL    float64 `json:"liquid_uL"`
	DurationS   float64 `json:"duration_s"`
	Likely      bool    `json:"likely"`
}

type tips struct {
	Rack   string `json:"rack"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

type volume struct {
	Liquid string  `json:"liquid"`
	Before float64 `json:"before_uL"`
	After  float64 `json:"after_uL"`
}

type stepChange struct {
	Removed int     `json:"removed"`
	Added   int     `json:"added"`
	Whole   bool    `json:"whole"`
	Changes []place `json:"changes"`
}

type place struct {
	BeforeN int      `json:"before_n"`
	Before  []string `json:"before"`
	AfterN  int      `json:"after_n"`
	After   []string `json:"after"`
}

// Totals are how many steps a plan has and how many milliseconds it takes, with what is
// likely to come behind the steps that are certain; likely reports that there is any.
func Totals(p *program.Plan) (steps int, ms int64, likely bool) {
	if p.Outlook != nil {
		return p.Outlook.Steps, p.Outlook.EstimateMS, true
	}
	return len(p.Steps), p.EstimateMS, false
}

// JSON writes the difference as ot2flow.difference/1. Every key is always there.
func (d *Difference) JSON(w io.Writer) error {
	r := report{
		Format: Format, Same: d.Same(), Before: sideOf(d.A), After: sideOf(d.B),
		Params: all(d.Params), Deck: all(d.Deck), Course: all(d.Course), Wells: all(d.Wells), Unknown: d.Unknown,
		Tips: []tips{}, Liquids: []volume{}, Steps: stepChange{Whole: d.Whole, Changes: []place{}},
	}
	r.Before.Tips, r.After.Tips = Total(d.Tips)
	before, after := Total(d.Liquids)
	r.Before.LiquidUL, r.After.LiquidUL = float64(before)/1000, float64(after)/1000
	for _, a := range d.Tips {
		r.Tips = append(r.Tips, tips{a.Name, a.Before, a.After})
	}
	for _, a := range d.Liquids {
		r.Liquids = append(r.Liquids, volume{a.Name, float64(a.Before) / 1000, float64(a.After) / 1000})
	}
	r.Steps.Removed, r.Steps.Added = d.Steps()
	for i := range d.Hunks {
		h := &d.Hunks[i]
		r.Steps.Changes = append(r.Steps.Changes, place{h.FirstBefore, sentences(h.Before, d.A.Deck), h.FirstAfter, sentences(h.After, d.B.Deck)})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(r)
}

func sideOf(p *program.Plan) side {
	steps, ms, likely := Totals(p)
	return side{Workflow: p.Workflow.Name, File: p.Workflow.File, Fingerprint: p.Fingerprint, Steps: steps, DurationS: float64(ms) / 1000, Likely: likely}
}

func all(list []Changed) []Changed { return append([]Changed{}, list...) }

func sentences(steps []program.Step, d *program.Deck) []string {
	out := []string{}
	for i := range steps {
		out = append(out, depict.Line(depict.Sentence(&steps[i], d)))
	}
	return out
}
