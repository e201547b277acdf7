package emulator

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// What survives a loss of power: protocols, which runs there were and what was
// asked of them, and the commands of those that are over. Of a run under way a
// robot knows afterwards only that there was one. Beside that stands what
// physically happened, which no robot writes down: it is how whoever tests
// with this one finds out the truth.

// Deed is something that happened on the deck: a command that took effect,
// whatever was said of it.
type Deed struct {
	Run      string `json:"run"`
	Key      string `json:"key,omitempty"`
	Command  string `json:"command"` // as the robot names it; EndOfRun for what ends a played run
	Op       string `json:"op,omitempty"`
	Mount    string `json:"mount,omitempty"`
	Slot     string `json:"slot,omitempty"`
	Well     string `json:"well,omitempty"`
	Trash    bool   `json:"trash,omitempty"`
	VolumeNL int64  `json:"volume_nl,omitempty"`
}

// EndOfRun is the Command of what a robot does at the end of every played run:
// it drops what is on into the trash, and homes.
const EndOfRun = "end of run"

// line is one line of the file: exactly one of its fields.
type line struct {
	Power    *stamp        `json:"power,omitempty"` // it was switched on
	Protocol *keptProtocol `json:"protocol,omitempty"`
	Run      *keptRun      `json:"run,omitempty"`
	Action   *keptAction   `json:"action,omitempty"`
	Over     *keptOver     `json:"over,omitempty"`
	Deleted  string        `json:"deleted,omitempty"` // a run
	Did      *Deed         `json:"did,omitempty"`
}

type keptProtocol struct {
	ID      string            `json:"id"`
	Key     string            `json:"key"`
	Created time.Time         `json:"created"`
	File    string            `json:"file"`
	Data    []byte            `json:"data"`
	Params  json.RawMessage   `json:"params,omitempty"`
	Labware [][]byte          `json:"labware,omitempty"`
	Tables  map[string]string `json:"tables,omitempty"`
	Sums    []byte            `json:"sums,omitempty"`
}

type keptRun struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Protocol string    `json:"protocol,omitempty"`
}

type keptAction struct {
	Run     string    `json:"run"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Kind    string    `json:"kind"`
}

type keptOver struct {
	Run      string          `json:"run"`
	Body     json.RawMessage `json:"body"`
	Commands []keptCommand   `json:"commands"`
}

// keptCommand is a command that is over, in the robot's own form.
type keptCommand struct {
	ID        string          `json:"id"`
	Key       string          `json:"key"`
	Kind      string          `json:"commandType"`
	Status    string          `json:"status"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result,omitempty"`
	Created   time.Time       `json:"createdAt"`
	Started   time.Time       `json:"startedAt"`
	Completed time.Time       `json:"completedAt"`
	Error     *keptError      `json:"error"`
	Intent    string          `json:"intent"`
	Notes     json.RawMessage `json:"notes"`
}

type keptError struct {
	ID      string    `json:"id"`
	Created time.Time `json:"createdAt"`
	Kind    string    `json:"errorType"`
	Code    string    `json:"errorCode"`
	Detail  string    `json:"detail"`
	Info    object    `json:"errorInfo"`
}

// boot reads the file and opens it for more. A last line that is cut short was
// being written when the power went.
func (e *Emulator) boot(path string) error {
	data, err := os.ReadFile(path) //nolint:gosec // whoever starts the emulator names the file
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s cannot be read: %w", path, err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	for n := 1; len(whole) > 0; n++ {
		text, rest, _ := bytes.Cut(whole, []byte("\n"))
		whole = rest
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("%s, line %d is none of an emulator: %w", path, n, err)
		}
		e.remember(&l)
	}
	for _, r := range e.runs {
		if r.completed.IsZero() {
			r.lost = true
		}
		r.end()
	}
	e.disk, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	if cut := len(data) - (bytes.LastIndexByte(data, '\n') + 1); cut > 0 {
		if err := e.disk.Truncate(int64(len(data) - cut)); err != nil {
			return fmt.Errorf("%s cannot be written: %w", path, err)
		}
	}
	now := stamp(e.now())
	e.keep(line{Power: &now})
	return e.diskErr
}

// remember takes what one line says.
func (e *Emulator) remember(l *line) {
	switch {
	case l.Protocol != nil:
		u := &uploaded{name: l.Protocol.File, data: l.Protocol.Data, params: l.Protocol.Params, labware: l.Protocol.Labware, tables: l.Protocol.Tables, sums: l.Protocol.Sums}
		says, metadata, bad := e.readProtocol(u, e.model())
		if bad != nil {
			return // of a robot of another model
		}
		p := &protocol{id: l.Protocol.ID, key: l.Protocol.Key, created: l.Protocol.Created, file: l.Protocol.File, sum: u.sum(), metadata: metadata, fileProgram: says}
		e.analyse(p)
		e.protocols = append(e.protocols, p)
		e.tidy()
	case l.Run != nil:
		e.forget(1)
		r := e.newRun()
		r.id, r.created, r.protocol = l.Run.ID, l.Run.Created, e.protocol(l.Run.Protocol)
		e.runs = append(e.runs, r)
	case l.Action != nil:
		if r := e.run(l.Action.Run); r != nil {
			r.actions = append(r.actions, action{l.Action.ID, stamp(l.Action.Created), l.Action.Kind})
		}
	case l.Over != nil:
		if r := e.run(l.Over.Run); r != nil {
			r.restore(l.Over)
		}
	case l.Deleted != "":
		e.runs = slices.DeleteFunc(e.runs, func(r *run) bool { return r.id == l.Deleted })
	}
}

func (e *Emulator) run(id string) *run {
	i := slices.IndexFunc(e.runs, func(r *run) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return e.runs[i]
}

// restore makes a run what it was when it was over.
func (r *run) restore(k *keptOver) {
	var body object
	if json.Unmarshal(k.Body, &body) != nil {
		return // it counts as one that was under way
	}
	r.stored = body
	r.result = map[any]result{"succeeded": succeeded, "failed": failed}[body["status"]]
	if r.result == noResult {
		r.result = stopped
	}
	r.completed = r.created
	for i := range k.Commands {
		c := &k.Commands[i]
		kept := &entry{
			request: request{kind: c.Kind, key: c.Key, intent: c.Intent, echo: c.Params}, id: c.ID, index: i,
			created: c.Created, started: c.Started, completed: c.Completed, status: c.Status, result: c.Result,
			fromFile: c.Intent == "", noted: c.Notes != nil, done: make(chan struct{}),
		}
		if c.Error != nil {
			kept.err = &occurrence{ID: c.Error.ID, Created: stamp(c.Error.Created), Kind: c.Error.Kind, Code: c.Error.Code, Detail: c.Error.Detail, Info: c.Error.Info, Wrapped: []occurrence{}}
		}
		close(kept.done)
		r.commands = append(r.commands, kept)
	}
}

// keep writes a line, if there is a file. The first error is kept too.
func (e *Emulator) keep(l line) {
	if e.disk == nil || e.diskErr != nil {
		return
	}
	b, err := json.Marshal(l)
	if err == nil {
		_, err = e.disk.Write(append(b, '\n'))
	}
	e.diskErr = err
}

// keepOver keeps how a run ended.
func (e *Emulator) keepOver(r *run) {
	if e.disk == nil || r.upkeep {
		return
	}
	body, err := json.Marshal(r.body())
	commands := make([]object, len(r.commands))
	for i, c := range r.commands {
		commands[i] = c.full()
	}
	all, err2 := json.Marshal(commands)
	if err = errors.Join(err, err2); err != nil {
		e.diskErr = errors.Join(e.diskErr, err)
		return
	}
	k := keptOver{Run: r.id, Body: body}
	if err := json.Unmarshal(all, &k.Commands); err != nil {
		e.diskErr = errors.Join(e.diskErr, err)
		return
	}
	e.keep(line{Over: &k})
}

// did keeps that a command took effect.
func (e *Emulator) did(r *run, c *entry, w *work) {
	if r.engine.virtual || e.disk == nil { // in this order: analyses go on while the disk is opened
		return
	}
	d := Deed{Run: r.id, Key: c.key, Command: c.kind}
	switch {
	case len(w.ops) > 0:
		r.engine.describe(&d, &w.ops[0])
	case c.kind == "dropTip" || c.kind == "dropTipInPlace":
		// There is no tip as far as the robot knows; one that it does not know
		// of falls off all the same.
		on, bad := r.engine.pipette(c.params.pipetteID)
		if bad != nil {
			return
		}
		op := on.op(program.DropTip, &on.spot)
		r.engine.describe(&d, &op)
	case w.waits: // a person has said that it goes on
	default:
		return
	}
	e.keep(line{Did: &d})
}

// describe says of an operation where it was, in words that mean the same in
// every run.
func (g *engine) describe(d *Deed, op *program.Op) {
	d.Op, d.Trash, d.VolumeNL = op.Kind.String(), op.Trash, op.Volume
	if op.Kind.Info().Fields&program.HasPipette != 0 {
		d.Mount = g.deck.Pipettes[op.Pipette].Mount
	}
	if op.Well != program.None && op.Kind.Info().Fields&program.HasWell != 0 {
		d.Slot, d.Well = g.deck.Labware[op.Well.Labware].Slot, g.deck.Well(op.Well).Name
	}
}

// ReadDeeds reads what happened on the deck from the file of an emulator, in
// order.
func ReadDeeds(r io.Reader) ([]Deed, error) {
	var out []Deed
	in := bufio.NewReaderSize(r, 1<<16)
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, nil // what follows the last line end was never written whole
		}
		if err != nil {
			return nil, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, err
		}
		if l.Did != nil {
			out = append(out, *l.Did)
		}
	}
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var t time.Time
	err := t.UnmarshalJSON(b)
	*s = stamp(t)
	return err
}
