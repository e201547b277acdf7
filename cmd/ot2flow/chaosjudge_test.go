package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
	"github.com/ot2flow/ot2flow/ot2/command"
	"github.com/ot2flow/ot2flow/ot2/emulator"
	"github.com/ot2flow/ot2flow/ot2/robot"
)

// What really happened is taken from the file of the emulator, which nobody
// under test has written.

func (c *trial) deeds() []emulator.Deed {
	f, err := os.Open(c.disk())
	if err != nil {
		c.problem("%v", err)
		return nil
	}
	defer f.Close()
	deeds, err := emulator.ReadDeeds(f)
	if err != nil {
		c.problem("%v", err)
	}
	return deeds
}

// forgotten reports whether the robot lost its power in the middle of a run: it
// was told to play, was not over, and was switched on after that. Then, and only
// then, nobody can know.
func (c *trial) forgotten(run string) bool {
	f, err := os.Open(c.disk())
	if err != nil {
		c.problem("%v", err)
		return false
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<26)
	played, forgotten := false, false
	for in.Scan() {
		var line struct {
			Power  *string
			Action *struct{ Run, Kind string }
			Over   *struct{ Run string }
		}
		if json.Unmarshal(in.Bytes(), &line) != nil {
			break // what follows the last line end was never written whole
		}
		switch {
		case line.Action != nil && line.Action.Run == run:
			played = played || line.Action.Kind == "play"
		case line.Over != nil && line.Over.Run == run:
			return false
		case line.Power != nil:
			forgotten = played
		}
	}
	return forgotten
}

// host says which steps a run of the robot's has carried out: those of a part
// behind the first base ones.
type host struct {
	part *run.Part
	base int
}

// hosts returns the robot's runs that the journal knows, by their ids.
func (c *trial) hosts(story *run.Story) map[string]host {
	out := map[string]host{}
	var m run.Machine
	part := 0
	for _, r := range c.recorded {
		if _, is := r.Event.(run.Continued); is {
			part++
		}
		if _, err := m.On(r.Event); err != nil {
			c.problem("record %d: %v", r.Seq, err)
			return out
		}
		s := m.State()
		if _, known := out[robot.RunOf(s.Handle)]; !known && len(s.Handle) > 0 {
			out[robot.RunOf(s.Handle)] = host{&story.Parts[part], s.Base}
		}
	}
	return out
}

// did returns, for every step of the part, how often its last command happened in
// a run of the robot's. A protocol of its own has begun, or has not.
func (h host) did(deeds []emulator.Deed, id string) []int {
	plan := h.part.Plan
	out := make([]int, len(plan.Steps)+1)
	if h.base < len(plan.Steps) && plan.Steps[h.base].Protocol != nil {
		if slices.ContainsFunc(deeds, func(d emulator.Deed) bool { return d.Run == id && movesLiquid[d.Op] }) {
			out[h.base+1]++
		}
		return out
	}
	steps := map[string]int{}
	for i := range plan.Steps[h.base:] {
		step := plan.Steps[h.base+i]
		steps[fmt.Sprintf("%d.%d", i+1, len(command.Of(&step, plan.Deck)))] = h.base + i + 1
	}
	for _, d := range deeds {
		if n := steps[d.Key]; n > 0 && d.Run == id {
			out[n]++
		}
	}
	return out
}

// decide looks at the deck and says how it is. That nobody could know is
// checked too.
func (c *trial) decide() {
	story := c.story()
	if story == nil {
		return
	}
	c.doubts++
	part := story.Last()
	d, ok := part.State.Unclear()
	switch {
	case !ok:
		c.problem("somebody has to decide, and nothing is in question")
		return
	case !c.forgotten(robot.RunOf(part.State.Handle)):
		c.problem("a person is asked about steps %d to %d, and the robot knows", d.First, d.Last)
	}
	id := robot.RunOf(part.State.Handle)
	h := host{part, part.State.Base}
	if h.isPartOf(c.deeds(), id) {
		// The person puts back what the protocol has used up, and it is done again.
		c.undone[id] = true
	}
	happened := h.did(c.truth(), id)
	to := part.State.Base
	for n, times := range happened {
		if times > 0 {
			to = n
		}
	}
	for to < d.First-1 && part.Plan.Steps[to].Live != nil {
		to++ // beside the robot
	}
	if to > d.Last || to < d.First-1 {
		c.problem("steps %d to %d are in question, and %d happened", d.First, d.Last, to)
	}
	args := []string{"runs", "answer", "last", "redo", "--state", c.state(), "--by", "Ada"}
	if to >= d.First && !c.hasty {
		args = []string{"runs", "answer", "last", "done", "--to", part.Label(to), "--state", c.state(), "--by", "Ada"}
	}
	if code, text := c.call(blow{}, args...); code != exitFine {
		c.problem("%v: exit %d: %s", args, code, text)
	}
}

// movesLiquid are the operations by which it is seen how far a protocol has come; of
// moves and the like its analysis says other numbers.
var movesLiquid = map[string]bool{
	program.PickUpTip.String(): true, program.Aspirate.String(): true, program.Dispense.String(): true, program.DropTip.String(): true,
}

// isPartOf reports whether of a protocol some has happened, and not all.
func (h host) isPartOf(deeds []emulator.Deed, id string) bool {
	if h.base >= len(h.part.Plan.Steps) || h.part.Plan.Steps[h.base].Protocol == nil {
		return false
	}
	all, some := 0, 0
	for _, op := range h.part.Plan.Steps[h.base].Protocol.Does {
		if movesLiquid[op.Kind.String()] {
			all++
		}
	}
	for _, d := range deeds {
		if d.Run == id && movesLiquid[d.Op] {
			some++
		}
	}
	return some > 0 && some < all
}

// truth is what happened, without what a person has undone.
func (c *trial) truth() []emulator.Deed {
	return slices.DeleteFunc(c.deeds(), func(d emulator.Deed) bool { return c.undone[d.Run] })
}

// tipOnTip looks for a tip that was pressed into another one.
func (c *trial) tipOnTip() {
	on := map[string]bool{}
	for _, d := range c.deeds() {
		switch {
		case d.Command == emulator.EndOfRun:
			clear(on)
		case d.Op == program.PickUpTip.String() && on[d.Mount]:
			c.problem("a tip is picked up from %s.%s with another one on", d.Slot, d.Well)
		case d.Op == program.PickUpTip.String():
			on[d.Mount] = true
		case d.Op == program.DropTip.String() || d.Op == program.ReturnTip.String():
			delete(on, d.Mount)
		}
	}
}

// supplied is what a person has brought where the robot waited, in a run of the
// robot's.
func (h host) supplied(d *emulator.Deed) (program.Op, bool) {
	n, _, ok := strings.Cut(d.Key, ".")
	i, err := strconv.Atoi(n)
	if i += h.base - 1; !ok || err != nil || i < 0 || i >= len(h.part.Plan.Steps) {
		return program.Op{}, false
	}
	op := h.part.Plan.Steps[i].Op
	return op, op.Kind.Supplies()
}

// judge compares what happened with what should have.
func (c *trial) judge() {
	story := c.story()
	if story == nil {
		return
	}
	c.end = story
	c.tipOnTip()
	deeds := c.truth()
	times := make([]int, len(story.Plan.Steps)+1)
	count := func(part *run.Part, happened []int) {
		for n, k := range happened {
			if n > 0 && part.Origin[n-1] > 0 {
				times[part.Origin[n-1]] += k
			}
		}
	}
	hosts, told := c.hosts(story), map[string]bool{}
	for id, h := range hosts {
		count(h.part, h.did(deeds, id))
	}
	for _, d := range deeds {
		if _, known := hosts[d.Run]; !known && !told[d.Run] {
			told[d.Run] = true
			c.problem("the robot did %s in a run that the journal does not know", d.Command)
			count(&story.Parts[0], host{&story.Parts[0], 0}.did(deeds, d.Run))
		}
	}
	for n, k := range times {
		switch {
		case n > 0 && story.Plan.Steps[n-1].Live != nil: // the world's book is the lab's
		case n > 0 && story.Plan.Steps[n-1].Op.Kind == program.Comment: // nothing happens on the deck
		case n > 0 && k == 0:
			c.lost++
			c.problem("step %d (%s) never happened", n, story.Plan.Steps[n-1].ID())
		case k > 1 && story.Plan.Steps[n-1].Op.Kind.Info().Effect == program.Physical: // whoever cannot know waits again, for example
			c.twice++
			c.problem("step %d happened %d times", n, k)
		}
	}
	for i, f := range story.Fates() {
		if f != run.IsDone {
			c.problem("step %d does not count as done", i+1)
		}
	}
	used := c.play(story, hosts, deeds)
	c.compare(story.Plan)
	if !c.wrong() {
		c.books(story, used)
	}
}

// play does on a deck what the robot did. It returns what was used up for that.
func (c *trial) play(story *run.Story, hosts map[string]host, deeds []emulator.Deed) program.Needs {
	plan := story.Plan
	c.world = program.NewState(plan.Deck)
	world, used := c.world, program.NewCounting(plan.Deck)
	for i := range deeds {
		op, ok := opOf(plan.Deck, &deeds[i])
		if h, known := hosts[deeds[i].Run]; known && deeds[i].Op == "" && deeds[i].Command != emulator.EndOfRun {
			op, ok = h.supplied(&deeds[i])
		}
		if !ok || op.Kind == program.DropTip && !world.Mounts[op.Pipette].On {
			continue
		}
		t := world.Apply(&op)
		used.Count(&op, t, world)
		if t.Faults&^program.NotEmpty != 0 {
			c.problem("%s %s.%s of the robot's command %s goes wrong on the deck: %b", deeds[i].Command, deeds[i].Slot, deeds[i].Well, deeds[i].Key, t.Faults)
		}
	}
	return used.Result()
}

// compare looks at the wells of the plate.
func (c *trial) compare(plan *program.Plan) {
	whole, _ := plan.Timeline(func(*program.Transition) error { return nil })
	plate := slices.IndexFunc(plan.Deck.Labware, func(p program.Placed) bool { return p.Name == "plate" })
	for w := range plan.Deck.Labware[plate].Def.Wells {
		ref := program.WellRef{Labware: int16(plate), Well: int16(w)}
		want, _ := whole.Content(ref)
		got, _ := c.world.Content(ref)
		if !slices.Equal(want.Parts, got.Parts) {
			c.problem("%s holds %v, and without chaos %v", plan.Deck.WellName(ref), got.Parts, want.Parts)
		}
	}
}

// opOf is a deed as an operation on a deck.
func opOf(deck *program.Deck, d *emulator.Deed) (program.Op, bool) {
	if d.Command == emulator.EndOfRun {
		return program.Op{Kind: program.EndRun, Well: program.None}, true
	}
	kind, ok := program.LookupKind(d.Op)
	if !ok {
		return program.Op{}, false
	}
	op := program.Op{Kind: kind, Volume: d.VolumeNL, Trash: d.Trash, Well: program.None}
	for i := range deck.Pipettes {
		if deck.Pipettes[i].Mount == d.Mount {
			op.Pipette = int8(i)
		}
	}
	for i := range deck.Labware {
		if w, there := deck.Labware[i].Def.Well(d.Well); there && deck.Labware[i].Slot == d.Slot {
			op.Well = program.WellRef{Labware: int16(i), Well: int16(w)}
		}
	}
	return op, true
}
