package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// flow is a workflow that is carried out under chaos, and what stands around it.
type flow struct {
	how   string // what the report calls it
	text  string
	files []string // that it needs beside it
	set   []string // of its parameters
	// robot are further flags of the emulator.
	robot  []string
	eager  bool // the robot is looked at again at once
	brings bool // a person is there who brings what runs out
	// faults has the robot give up; then it is what finally says that has to be done.
	faults string
}

var chaosFlow = flow{how: "uploaded", robot: []string{"--speed", "400"}, text: `ot2flow: 1
name: chaos
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  dyes:  {type: nest_12_reservoir_15ml, slot: 2}
  tips:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [tips]}
liquids:
  red:    {in: dyes.A1, volume: 12 mL}
  yellow: {in: dyes.A2, volume: 12 mL}
steps:
  - for: w in plate.A1:H4
    do:
      - transfer: {from: dyes.A1, to: w, volume: 40 uL}
      - transfer: {from: dyes.A2, to: w, volume: 60 uL}
  - distribute: {from: dyes.A1, to: plate.A5:H6, volume: 30 uL}
`}

// reactFlow is dosed, measured and dosed again by what the world says.
var reactFlow = flow{how: "that reacts", text: reactWorkflow, set: []string{"wells=A1:H2"}, robot: []string{"--speed", "400"}}

// wellsFlow measures every well until it is as it should be, dosing it in between,
// with an instrument that is often busy, and asks a person about every column, who
// is not there. For every well a person fills up what it is given from, and now and
// then tip racks and another dye. It waits for hours, of a robot on which no time
// passes.
var wellsFlow = flow{how: "measures, decides, refills", eager: true, brings: true, text: `ot2flow: 1
name: wells
params:
  lab: {type: string, default: 'http://127.0.0.1:1'}
  columns: {type: integer, default: 12}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
  dyes:  {type: nest_12_reservoir_15ml, slot: 2}
  rack:  {type: opentrons_96_tiprack_300ul, slot: 9}
pipettes:
  p300: {type: p300_single_gen2, mount: right, tips: [rack], refill: ask}
liquids:
  red:    {in: dyes.A1, volume: 400 uL, refill: {below: 330 uL}}
  yellow: {in: dyes.A2, volume: 1 mL, refill: {below: 400 uL}}
instruments:
  reader:
    url: ${ lab }/level
    result: {light: {type: integer, min: 0, max: 1000}}
    simulate: {light: 300 + 200 * sent.pass}
vars: {pass: 0}
steps:
  - for: column in range(1, columns + 1)
    do:
      - ask: {message: 'column ${ column }: the most that a well may get of yellow', type: volume, min: 20 uL, max: 40 uL, default: 30 uL, timeout: 50 ms}
        as: most
      - for: w in plate.column(column)
        do:
          - set: {pass: 0}
          - transfer: {from: red, to: w, volume: 40 uL}
          - until: seen.light >= 500
            at_most: 3
            do:
              - delay: 4 min
              - measure: {with: reader, send: {well: w.name, pass: pass}}
                retry: {attempts: 8, delay: 30 s}
                as: seen
              - if: seen.light < 500
                do:
                  - set: {pass: pass + 1}
                  - transfer: {from: yellow, to: w, volume: most}
            else:
              - comment: ${ w.name } is as it is
outputs: {last: pass, red: 'plate.H1.liquids.red', yellow: 'plate.H1.liquids.yellow'}
`}

// protocolFlow has a protocol in Python in its middle.
var protocolFlow = flow{how: "with a protocol", files: []string{"workflow.yaml", "mix.py", "mix.analysis.json"}, robot: []string{"--speed", "400", "--analysis", "mix.analysis.json"}}

// write puts the workflow into a folder.
func (f *flow) write(dir string) error {
	for _, name := range f.files {
		data, err := os.ReadFile(existing + name)
		if name == "workflow.yaml" {
			name = "chaos.yaml"
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	if f.faults != "" {
		if err := os.WriteFile(filepath.Join(dir, "faults.yaml"), []byte(f.faults), 0o600); err != nil {
			return err
		}
	}
	if f.text == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "chaos.yaml"), []byte(f.text), 0o600)
}

// levels answers what a well looks like after so many doses, which is always the
// same; every second time it is asked about some wells, it is busy.
func levels() http.HandlerFunc {
	var mu sync.Mutex
	asked := map[string]int{}
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Well string
			Pass int
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(in.Well))
		mu.Lock()
		asked[in.Well]++
		n := asked[in.Well]
		mu.Unlock()
		if h.Sum32()%3 == 0 && n%2 == 1 {
			http.Error(w, "warming up", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, `{"light": %d}`, 200*in.Pass+int(h.Sum32()%700))
	}
}
