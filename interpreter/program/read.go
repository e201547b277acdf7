package program

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Definitions finds the labware and pipettes that a stored plan names.
type Definitions interface {
	Labware(ref string) (*Labware, bool)
	Module(name string) (*ModuleModel, bool)
	ParseLabware(file string, data []byte) (*Labware, diag.List)
	Pipette(name string) (*PipetteModel, bool)
}

type planJSON struct {
	Format   string `json:"format"`
	Workflow struct {
		Name   string          `json:"name"`
		File   string          `json:"file"`
		Params json.RawMessage `json:"params"`
	} `json:"workflow"`
	Outputs json.RawMessage `json:"outputs"`
	Failed  string          `json:"failed"`
	Ended   string          `json:"ended"`
	Modules []struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Slot string `json:"slot"`
	} `json:"modules"`
	Labware []struct {
		Name      string `json:"name"`
		LoadName  string `json:"load_name"`
		Namespace string `json:"namespace"`
		Version   int    `json:"version"`
		placeJSON
		File        string      `json:"file"`
		Evaporation json.Number `json:"evaporation_uL_per_h"`
		Keep        *bool       `json:"keep"`
		Exchange    string      `json:"exchange"`
	} `json:"labware"`
	Pipettes []struct {
		Name   string   `json:"name"`
		Type   string   `json:"type"`
		Mount  string   `json:"mount"`
		Tips   []string `json:"tips"`
		Refill string   `json:"refill"`
	} `json:"pipettes"`
	Liquids []struct {
		Name        string          `json:"name"`
		Color       string          `json:"color"`
		Description string          `json:"description"`
		Wells       json.RawMessage `json:"wells"`
		Contains    json.RawMessage `json:"contains"`
		Tip         string          `json:"tip"`
		Distinct    bool            `json:"distinct"`
		Kept        bool            `json:"kept"`
	} `json:"liquids"`
	Left  leftJSON   `json:"left"`
	Steps []stepJSON `json:"steps"`
	End   struct {
		Homes    bool     `json:"homes"`
		DropsTip []string `json:"drops_tip"`
	} `json:"end"`
	Timeouts    []limitJSON    `json:"timeouts"`
	Deferred    []deferredJSON `json:"deferred"`
	Outlook     *outlookJSON   `json:"outlook"`
	Needs       needsJSON      `json:"needs"`
	Estimate    json.Number    `json:"estimate_s"`
	Fingerprint string         `json:"fingerprint"`
	Files       []struct {
		Name    string `json:"name"`
		Content string `json:"content"`
		Base64  []byte `json:"base64"`
	} `json:"files"`
}

func (in *planJSON) files() []File {
	var out []File
	for _, f := range in.Files {
		data := []byte(f.Content)
		if f.Base64 != nil {
			data = f.Base64
		}
		out = append(out, File{f.Name, data})
	}
	return out
}

type needsJSON struct {
	Tips    json.RawMessage `json:"tips"`
	Liquids json.RawMessage `json:"liquids"`
	Racks   json.RawMessage `json:"racks"`
	Refills json.RawMessage `json:"refills"`
	Labware json.RawMessage `json:"labware"`
}

// placeJSON is where a labware stands: one of its members is there.
type placeJSON struct {
	Slot    string `json:"slot"`
	Module  string `json:"module"`
	On      string `json:"on"`
	OffDeck bool   `json:"off_deck"`
}

type stepJSON struct {
	N       int    `json:"n"`
	ID      string `json:"id"`
	Op      string `json:"op"`
	Pipette string `json:"pipette"`
	Labware string `json:"labware"`
	Well    string `json:"well"`
	Trash   bool   `json:"trash"`
	Nozzles string `json:"nozzles"`
	At      *struct {
		From string      `json:"from"`
		X    json.Number `json:"x_mm"`
		Y    json.Number `json:"y_mm"`
		Z    json.Number `json:"z_mm"`
	} `json:"at"`
	Volume  json.Number `json:"volume_uL"`
	Correct json.Number `json:"correction_uL"`
	Rate    json.Number `json:"flow_rate_uL_s"`
	Speed   json.Number `json:"speed_mm_s"`
	PushOut json.Number `json:"push_out_uL"`
	Touch   *struct {
		Radius json.Number `json:"radius"`
		Sides  []string    `json:"sides"`
	} `json:"touch"`
	Duration    json.Number     `json:"duration_s"`
	Liquid      string          `json:"liquid"`
	Module      string          `json:"module"`
	To          *placeJSON      `json:"to"`
	Temperature json.Number     `json:"temperature_C"`
	RPM         json.Number     `json:"rpm"`
	Height      json.Number     `json:"height_mm"`
	SwitchedOn  *bool           `json:"on"`
	Over        json.Number     `json:"over_mm"`
	Direct      bool            `json:"direct"`
	Home        *bool           `json:"home"`
	Message     string          `json:"message"`
	Live        json.RawMessage `json:"live"`
	Protocol    json.RawMessage `json:"protocol"`
	Origin      struct {
		File   string   `json:"file"`
		Line   int      `json:"line"`
		Column int      `json:"column"`
		Frames []string `json:"frames"`
	} `json:"origin"`
}

// IsPlan reports whether data looks like a plan's JSON rather than a workflow.
func IsPlan(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n\ufeff"), []byte("{")) && bytes.Contains(data[:min(len(data), 4096)], []byte(`"ot2flow.plan/`))
}

// Read reads a plan from its JSON. What is read back and written again is the
// same, byte by byte. A plan whose operations do not match its fingerprint was
// changed after it was made, and is refused.
func Read(data []byte, defs Definitions) (*Plan, error) {
	var in planJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, readError(err, data)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows after the end of the plan")
	}
	if in.Format != Format {
		return nil, fmt.Errorf("its format is %q, and this version of ot2flow reads %q", in.Format, Format)
	}
	r := &reader{in: &in, defs: defs, plan: &Plan{Fingerprint: in.Fingerprint, Deck: &Deck{}}, frames: map[string]*Frame{}, names: map[string]bool{}}
	r.read()
	if r.err != nil {
		return nil, r.err
	}
	if got := r.plan.Hash(); got != in.Fingerprint {
		return nil, errors.New("its steps do not match its fingerprint: it was changed after it was made; make a new plan from the workflow")
	}
	return r.plan, nil
}

func readError(err error, data []byte) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	offset := int64(-1)
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typ):
		offset = typ.Offset
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is not a whole plan: the file ends in the middle")
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if offset < 0 {
		return errors.New(text)
	}
	return fmt.Errorf("line %d: %s", 1+bytes.Count(data[:min(int(offset), len(data))], []byte("\n")), text)
}

// reader builds a plan from its wire form. The first error stays.
type reader struct {
	in     *planJSON
	defs   Definitions
	plan   *Plan
	frames map[string]*Frame
	names  map[string]bool
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) read() {
	in, p := r.in, r.plan
	p.Workflow.Name, p.Workflow.File = in.Workflow.Name, in.Workflow.File
	r.pairs(in.Workflow.Params, func(k string, v json.RawMessage) {
		var s string
		if json.Unmarshal(v, &s) != nil {
			r.fail("workflow.params.%s is no text", k)
		}
		p.Workflow.Params = append(p.Workflow.Params, Param{k, s})
	})
	p.Files = in.files()
	p.Failed, p.Ended = in.Failed, in.Ended
	r.pairs(in.Outputs, func(k string, v json.RawMessage) {
		var o struct {
			Type  string          `json:"type"`
			Value json.RawMessage `json:"value"`
		}
		if json.Unmarshal(v, &o) != nil || o.Value == nil {
			r.fail("outputs.%s cannot be read", k)
		}
		p.Outputs = append(p.Outputs, Output{k, o.Type, string(o.Value)})
	})
	r.modules()
	r.labware()
	r.pipettes()
	r.liquids()
	r.left()
	for i := range in.Steps {
		if in.Steps[i].N != i+1 {
			r.fail("step %d is numbered %d", i+1, in.Steps[i].N)
		}
		p.Steps = append(p.Steps, r.step(&in.Steps[i]))
		if r.err != nil {
			return
		}
	}
	p.End.Homes = in.End.Homes
	for _, name := range in.End.DropsTip {
		p.End.DropsTip = append(p.End.DropsTip, r.wellName(name))
	}
	p.Needs = r.needs(&in.Needs)
	r.limits()
	r.outlook()
	p.EstimateMS = r.number(in.Estimate, "estimate_s")
}

// pairs walks a JSON object in the order it is written.
func (r *reader) pairs(raw json.RawMessage, f func(string, json.RawMessage)) {
	if len(raw) == 0 {
		return
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		r.fail("a mapping is wanted where %.40s stands", raw)
		return
	}
	for dec.More() {
		var value json.RawMessage
		key, err := dec.Token()
		if err != nil || dec.Decode(&value) != nil {
			r.fail("%.40s cannot be read", raw)
			return
		}
		name, _ := key.(string)
		f(name, value)
	}
}

// number reads an amount in thousandths of its unit; none is 0.
func (r *reader) number(n json.Number, what string) int64 {
	v := r.signed(n, what)
	if v < 0 {
		r.fail("%s: %s is below 0", what, n)
	}
	return v
}

func (r *reader) signed(n json.Number, what string) int64 {
	if n == "" {
		return 0
	}
	v, err := quantity.Scaled(n.String(), 1000)
	if err != nil {
		r.fail("%s: %s: %v", what, n, err)
	}
	return v
}

// offset reads a distance in a well, in mm.
func (r *reader) offset(n json.Number, what string) int32 {
	v := r.signed(n, what)
	if v < math.MinInt32 || v > math.MaxInt32 {
		r.fail("%s: %s mm is out of this robot's world", what, n)
	}
	return int32(v)
}
