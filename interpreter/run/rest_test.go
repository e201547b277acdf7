package run_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// plant is a robot that works in the physical world, and breaks down now and
// then. What it does is the truth that the journal is compared with.
type plant struct {
	world    *program.State
	breaks   []breakdown // one per part; afterwards nothing breaks
	plan     *program.Plan
	origin   []int
	happened map[int]int // how often, by step of the run's plan
	pos      int
	reported int
	ended    run.Status
	final    bool
	truth    int             // the last step of the part that happened
	closing  bool            // it is one that closes the run
	was      int             // truth of the part before it
	before   []circumstances // of the run's plan, by index
	faults   []string
}

// circumstances are those a step of the plan is to happen in.
type circumstances struct {
	places  []program.Place
	module  program.ModuleState
	nozzles []program.Nozzles
}

func circumstancesOf(s *program.State) circumstances {
	c := circumstances{module: *s.Module(0)}
	for i := range s.Deck.Labware {
		c.places = append(c.places, s.Place(i))
	}
	for i := range s.Mounts {
		c.nozzles = append(c.nozzles, s.Mounts[i].Nozzles)
	}
	return c
}

// planned are the circumstances of every step of a plan.
func planned(p *program.Plan) []circumstances {
	state := program.NewState(p.Deck)
	var out []circumstances
	for i := range p.Steps {
		out = append(out, circumstancesOf(state))
		state.Apply(&p.Steps[i].Op)
	}
	return out
}

// breakdown is how a part ends before its end.
type breakdown struct {
	after int // steps
	how   run.Status
	cut   bool // another step had begun; half says whether it happened
	half  bool
	more  int // of a robot that is restarted: steps that happened unnoticed
}

func (p *plant) Inspect(context.Context) (run.Device, error) { return run.Device{}, nil }

func (p *plant) Open(_ context.Context, job run.Job) (run.Session, error) {
	p.plan, p.pos, p.reported, p.ended, p.final, p.truth = job.Plan, 0, 0, run.NoStatus, false, 0
	for i := range p.world.Mounts {
		p.world.Mounts[i].Nozzles = program.AllNozzles
	}
	for i := range job.Plan.Deck.Labware {
		if told, is := job.Plan.Deck.Labware[i].On, p.world.Place(i); told != is && !p.closing { // what closes a run needs none, and nobody may have decided yet
			p.faults = append(p.faults, fmt.Sprintf("the robot is told that labware %d is at %v, and it is at %v", i, told, is))
		}
	}
	return p, nil
}

func (p *plant) Reattach(context.Context, run.Job, run.Handle) (run.Session, error) { return p, nil }

func (p *plant) Handle() run.Handle { return run.Handle(`{}`) }

func (p *plant) Close(context.Context) error { return nil }

func (p *plant) Extend(*program.Plan) {}

func (p *plant) Ask(context.Context, run.Control) error { return nil }

func (p *plant) Send(_ context.Context, b run.Batch) error {
	p.final = b.Final
	return nil
}

// do carries a step out in the world.
func (p *plant) do(n int) {
	op := p.plan.Steps[n-1].Op
	m := &p.world.Mounts[op.Pipette]
	if op.Kind == program.DropTip && !m.On {
		return // the robot does not mind
	}
	if o := p.origin[n-1]; o > 0 && op.Kind.Info().Effect == program.Physical {
		want, is := &p.before[o-1], circumstancesOf(p.world)
		if is.module != want.module || !slices.Equal(is.places, want.places) || op.Kind != program.DropTip && is.nozzles[op.Pipette] != want.nozzles[op.Pipette] {
			p.faults = append(p.faults, fmt.Sprintf("step %d %s happened in other circumstances than planned: %v, want %v", o, op.Kind, is, *want))
		}
	}
	if t := p.world.Apply(&op); t.Faults&^(program.NotEmpty|program.Short) != 0 {
		p.faults = append(p.faults, fmt.Sprintf("step %d %s of the part: faults %b", n, op.Kind, t.Faults))
	}
	if o := p.origin[n-1]; o > 0 {
		p.happened[o]++
	}
	p.truth = n
}

func (p *plant) end(how run.Status) {
	p.ended = how
	if how == run.Gone {
		*p.world.Module(0) = *program.NewState(p.world.Deck).Module(0) // it forgets
	} else {
		p.world.Apply(&program.Op{Kind: program.EndRun, Well: program.None})
	}
}

func (p *plant) Next(context.Context) (run.Report, error) {
	if p.ended != run.NoStatus {
		return run.Report{}, &run.Error{Kind: run.Halted, Message: "over"}
	}
	if len(p.breaks) > 0 && p.pos >= min(p.breaks[0].after, len(p.plan.Steps)-1) {
		return p.breakDown()
	}
	if p.pos == len(p.plan.Steps) {
		p.end(run.Succeeded)
		return run.Report{Status: run.Succeeded}, nil
	}
	p.pos++
	p.do(p.pos)
	return run.Report{Phase: run.Done, Step: p.pos}, nil
}

func (p *plant) breakDown() (run.Report, error) {
	b := p.breaks[0]
	p.breaks = p.breaks[1:]
	if b.how == run.Gone {
		for range b.more {
			if p.truth < len(p.plan.Steps) {
				p.do(p.truth + 1)
			}
		}
		p.end(run.Gone)
		return run.Report{}, &run.Error{Kind: run.Halted, Message: "restarted"}
	}
	if !b.cut {
		p.end(b.how)
		return run.Report{Status: b.how}, nil
	}
	if b.half {
		p.do(p.pos + 1)
	}
	p.end(b.how)
	return run.Report{Phase: run.Failed, Step: p.pos + 1, Finding: run.Finding{Outcome: run.HasFailed, Evidence: "cut off"}, Status: b.how}, nil
}

func (p *plant) Find(_ context.Context, n int) (run.Finding, error) {
	switch {
	case n <= p.pos:
		return run.Finding{Outcome: run.WasDone}, nil
	case p.ended == run.NoStatus:
		return run.Finding{Outcome: run.WasTaken}, nil
	}
	return run.Finding{Outcome: run.WasNotTaken}, nil
}

// grid are the wells of a labware of 8 rows, as an 8-channel pipette sees them.
func grid(columns int, max int64) (out []program.Well, by [][]int) {
	for c := range columns {
		by = append(by, nil)
		for r := range 8 {
			by[c] = append(by[c], len(out))
			out = append(out, program.Well{Name: fmt.Sprint(string(rune('A'+r)), c+1), MaxNL: max, Round: true, Diameter: 6000, X: 9000 * int64(c), Y: 9000 * int64(7-r)})
		}
	}
	return out, by
}

// The labware of benchDeck.
const (
	deepPlate = 3
	trough    = 6
)

// A deck with a stock, a plate and plenty of tips, for one channel and for eight.
func benchDeck() *program.Deck {
	wells := func(n int, max int64) []program.Well {
		var out []program.Well
		for i := range n {
			out = append(out, program.Well{Name: fmt.Sprint("A", i+1), MaxNL: max})
		}
		return out
	}
	column := func(n int) [][]int {
		var c []int
		for i := range n {
			c = append(c, i)
		}
		return [][]int{c}
	}
	d := &program.Deck{
		Labware: []program.Placed{
			{Name: "stock", Slot: "1", Def: &program.Labware{LoadName: "stock", Wells: wells(3, 1e9)}},
			{Name: "plate", Slot: "2", Def: &program.Labware{LoadName: "plate", Wells: wells(8, 4e5)}},
			{Name: "tips", Slot: "3", Def: &program.Labware{LoadName: "tips", IsTipRack: true, Wells: wells(60, 3e5), Columns: column(60)}},
		},
		Pipettes: []program.Pipette{{Name: "p300", Mount: "right", Model: &program.PipetteModel{Name: "p300_single_gen2", Channels: 1, MaxNL: 3e5}, Racks: []int{2}}},
	}
	deep, _ := grid(12, 4e5)
	rack, byColumn := grid(12, 3e5)
	d.Labware = append(d.Labware,
		program.Placed{Name: "deep", Slot: "4", Def: &program.Labware{LoadName: "deep", Wells: deep}},
		program.Placed{Name: "rack1", Slot: "5", Def: &program.Labware{LoadName: "rack", IsTipRack: true, Wells: rack, Columns: byColumn}},
		program.Placed{Name: "rack2", Slot: "6", Def: &program.Labware{LoadName: "rack", IsTipRack: true, Wells: rack, Columns: byColumn}},
		program.Placed{Name: "trough", Slot: "7", Def: &program.Labware{LoadName: "trough", Wells: []program.Well{{Name: "A1", MaxNL: 1e9, XSize: 1e6, YSize: 1e6}}}},
	)
	for i := range d.Labware {
		d.Labware[i].On = program.SlotPlace(d.Labware[i].Slot)
	}
	d.Pipettes = append(d.Pipettes, program.Pipette{Name: "p300m", Mount: "left", Model: &program.PipetteModel{Name: "p300_multi_gen2", Channels: 8, MaxNL: 3e5}, Racks: []int{4, 5}})
	d.Modules = []program.Module{{Name: "block", Slot: "8", Model: &program.ModuleModel{Name: "thermocycler", Type: program.Thermocycler}}}
	d.Liquids = append(d.Liquids, program.Liquid{Name: "water", Wells: []program.WellRef{{Labware: trough}}, VolumeNL: []int64{9e8}, Tip: program.None})
	for i := range 3 {
		d.Liquids = append(d.Liquids, program.Liquid{Name: fmt.Sprint("dye", i), Wells: []program.WellRef{{Labware: 0, Well: int16(i)}}, VolumeNL: []int64{5e8}, Tip: program.None})
	}
	return d
}

// drawTold draws something that a program which begins anew has to be told
// again: labware that is moved by hand, or a module that is set to something.
func drawTold(t *rapid.T, add func(program.Op)) {
	switch rapid.SampledFrom([]string{"nothing", "move", "heat", "off", "open", "close"}).Draw(t, "told") {
	case "move":
		labware := rapid.IntRange(0, deepPlate).Draw(t, "labware")
		add(program.Op{Kind: program.MoveLabware, Well: program.WellRef{Labware: int16(labware)}, To: program.Place{Index: int16(rapid.IntRange(20, 25).Draw(t, "to"))}})
	case "heat":
		add(program.Op{Kind: program.SetTemperature, Well: program.None, Temperature: int32(rapid.IntRange(4, 90).Draw(t, "°C")) * 1000})
		if rapid.Bool().Draw(t, "wait") {
			add(program.Op{Kind: program.WaitTemperature, Well: program.None})
		}
	case "off":
		add(program.Op{Kind: program.StopTemperature, Well: program.None})
	case "open":
		add(program.Op{Kind: program.OpenLid, Well: program.None})
	case "close":
		add(program.Op{Kind: program.CloseLid, Well: program.None})
	}
}

// drawColumn draws a transfer of the 8-channel pipette in some nozzle layout.
func drawColumn(t *rapid.T, state *program.State, add func(program.Op)) {
	n := rapid.SampledFrom([]program.Nozzles{program.AllNozzles, program.NozzleH1, program.NozzleA1, program.NozzlesF1H1, program.NozzlesB1H1}).Draw(t, "nozzles")
	if n != state.Mounts[1].Nozzles {
		add(program.Op{Kind: program.ConfigureNozzles, Pipette: 1, Nozzles: n, Well: program.None})
	}
	tip, ok := state.NextTip(1, n)
	if !ok {
		t.Fatal("too few tips for the plan")
	}
	to := func() program.WellRef {
		return program.WellRef{Labware: deepPlate, Well: int16(8*rapid.IntRange(0, 11).Draw(t, "column") + n.Layout().Primary)}
	}
	add(program.Op{Kind: program.PickUpTip, Pipette: 1, Well: tip})
	add(program.Op{Kind: program.Aspirate, Pipette: 1, Well: program.WellRef{Labware: trough}, Volume: 4e4})
	add(program.Op{Kind: program.Dispense, Pipette: 1, Well: to(), Volume: 2e4})
	add(program.Op{Kind: program.Dispense, Pipette: 1, Well: to(), Volume: 2e4})
	if rapid.Bool().Draw(t, "return columns") {
		add(program.Op{Kind: program.ReturnTip, Pipette: 1, Well: tip})
		add(program.Op{Kind: program.PickUpTip, Pipette: 1, Well: tip})
	}
	add(program.Op{Kind: program.DropTip, Pipette: 1, Trash: true, Well: program.None})
}

// drawPlan makes a plan that moves dyes about, with new tips, tips that are
// returned and taken again, air, mixing, several gives per draw, eight channels
// and fewer, labware that is moved and a module that is set.
func drawPlan(t *rapid.T) *program.Plan {
	p := &program.Plan{Workflow: program.Workflow{Name: "dyes"}, Deck: benchDeck()}
	state := program.NewState(p.Deck)
	add := func(op program.Op) {
		state.Apply(&op)
		p.Steps = append(p.Steps, program.Step{N: len(p.Steps) + 1, Op: op, Frame: &program.Frame{Label: fmt.Sprint("s", len(p.Steps))}})
	}
	plate := func() program.WellRef {
		return program.WellRef{Labware: 1, Well: int16(rapid.IntRange(0, 7).Draw(t, "well"))}
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "transfers") {
		drawTold(t, add)
		if rapid.Bool().Draw(t, "eight") {
			drawColumn(t, state, add)
			continue
		}
		tip := program.WellRef{Labware: 2, Well: int16(i)}
		add(program.Op{Kind: program.PickUpTip, Well: tip})
		for range rapid.IntRange(1, 2).Draw(t, "rounds") {
			source := program.WellRef{Well: int16(rapid.IntRange(0, 2).Draw(t, "dye"))}
			gives := rapid.IntRange(1, 3).Draw(t, "gives")
			add(program.Op{Kind: program.Aspirate, Well: source, Volume: int64(gives) * 2e4})
			air := rapid.Bool().Draw(t, "air")
			if air {
				add(program.Op{Kind: program.AirGap, Well: source, Volume: 1e4})
			}
			for g := range gives {
				v := int64(2e4)
				if g == 0 && air {
					v += 1e4
				}
				add(program.Op{Kind: program.Dispense, Well: plate(), Volume: v})
			}
			if rapid.Bool().Draw(t, "touch") {
				add(program.Op{Kind: program.TouchTip, Well: plate(), Touch: program.AllSides})
			}
		}
		if rapid.Bool().Draw(t, "return") {
			add(program.Op{Kind: program.ReturnTip, Well: tip})
			add(program.Op{Kind: program.PickUpTip, Well: tip})
			add(program.Op{Kind: program.DropTip, Trash: true, Well: program.None})
		} else {
			add(program.Op{Kind: program.DropTip, Trash: true, Well: program.None})
		}
	}
	p.Fingerprint = p.Hash()
	return p
}

func drawBreaks(t *rapid.T) []breakdown {
	var out []breakdown
	for range rapid.IntRange(0, 4).Draw(t, "breakdowns") {
		out = append(out, breakdown{
			after: rapid.IntRange(0, 30).Draw(t, "after"),
			how:   rapid.SampledFrom([]run.Status{run.Errored, run.Stopped, run.Gone}).Draw(t, "how"),
			cut:   rapid.Bool().Draw(t, "cut"),
			half:  rapid.Bool().Draw(t, "half"),
			more:  rapid.IntRange(0, 4).Draw(t, "more"),
		})
	}
	return out
}

// However a run breaks down, and whatever a person who looked at the deck says,
// it is gone on with so that every step of its plan happens once, the journal
// knows the deck as it is, and the plate ends as it would have.
func TestRunsAreGoneOnWith(t *testing.T) {
	parts, asked := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		p := &plant{world: program.NewState(plan.Deck), breaks: drawBreaks(t), origin: ordinalsOf(plan), before: planned(plan), happened: map[int]int{}}
		journal := new(run.Memory)
		var rest *run.Rest
		for {
			parts++
			r, err := run.Run(context.Background(), run.Options{Run: "r", Plan: plan, Backend: p, Journal: journal, Clock: newInstant(), Rest: rest, By: "Ada"})
			if r.Verdict == run.VerdictOK {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			if r.Verdict == run.NoVerdict {
				t.Fatalf("no verdict: %v", err)
			}
			rest, asked = goOn(t, plan, p, journal, asked)
			if rest == nil {
				break
			}
			p.origin = rest.Origin
		}
		checkHappened(t, plan, p)
	})
	t.Logf("%d parts, %d answers", parts, asked)
}

func ordinalsOf(p *program.Plan) []int {
	var out []int
	for i := range p.Steps {
		out = append(out, i+1)
	}
	return out
}

// goOn makes the rest, answering truthfully what is asked.
func goOn(t *rapid.T, plan *program.Plan, p *plant, journal *run.Memory, asked int) (*run.Rest, int) {
	for range 3 {
		records, _ := journal.Read(context.Background())
		records = jsonRound(t, records)
		story, err := run.Tell(plan, records)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := story.Rest(nil)
		var open *run.Undecided
		switch {
		case err == nil:
			compareWorld(t, p, rest)
			return rest, asked
		case errors.Is(err, run.ErrNothingLeft):
			return nil, asked
		case !errors.As(err, &open):
			t.Fatal(err)
		}
		asked++
		a := run.Answered{Answer: run.AnswerDone, To: p.truth, By: "Ada"}
		if d := open.Doubt; p.truth < d.First {
			a = run.Answered{Answer: run.AnswerRedo, By: "Ada"}
		}
		if len(open.Lost) > 0 {
			t.Fatalf("liquid of a stock is lost for good: %v", open.Lost)
		}
		if err := journal.Append(context.Background(), run.Record{Seq: int64(len(records) + 1), Event: a}); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("it is asked again and again")
	return nil, 0
}

func jsonRound(t *rapid.T, records []run.Record) []run.Record {
	data, err := json.Marshal(records)
	var out []run.Record
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compareWorld: the journal knows what is in the wells and at the places of tips.
func compareWorld(t *rapid.T, p *plant, rest *run.Rest) {
	for i := range rest.Start.Deck.Labware {
		for w := range rest.Start.Deck.Labware[i].Def.Wells {
			ref := program.WellRef{Labware: int16(i), Well: int16(w)}
			if rest.Start.Deck.Labware[i].Def.IsTipRack {
				if a, b := rest.Start.Tip(ref), p.world.Tip(ref); a != b {
					t.Fatalf("at %s the journal believes in %v, and there is %v", rest.Start.Deck.WellName(ref), a, b)
				}
				continue
			}
			a, _ := rest.Start.Content(ref)
			b, _ := p.world.Content(ref)
			if !slices.Equal(a.Parts, b.Parts) {
				t.Fatalf("in %s the journal believes in %v, and there is %v", rest.Start.Deck.WellName(ref), a.Parts, b.Parts)
			}
		}
	}
}

// checkHappened: nothing was lost or done twice, but for what was drawn again
// because its tip was lost, or a person said so.
func checkHappened(t *rapid.T, plan *program.Plan, p *plant) {
	for _, f := range p.faults {
		t.Error(f)
	}
	whole, _ := plan.Timeline(func(*program.Transition) error { return nil })
	for w := range 8 + 96 {
		ref := program.WellRef{Labware: 1, Well: int16(w)}
		if w >= 8 {
			ref = program.WellRef{Labware: deepPlate, Well: int16(w - 8)}
		}
		want, _ := whole.Content(ref)
		got, _ := p.world.Content(ref)
		if !slices.Equal(want.Parts, got.Parts) {
			t.Errorf("%s ends with %v, without breakdowns with %v", plan.Deck.WellName(ref), got.Parts, want.Parts)
		}
	}
	for n := range plan.Steps {
		op := &plan.Steps[n].Op
		if times := p.happened[n+1]; times > 1 && op.Kind.Info().Effect == program.Physical && op.Kind != program.AirGap && op.Kind != program.TouchTip {
			t.Errorf("step %d %s happened %d times", n+1, op.Kind, times)
		}
	}
}
