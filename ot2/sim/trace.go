package sim

import (
	"bufio"
	"io"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Trace writes a line of JSON for every step: n, id, t_s (when it starts),
// duration_s, op, and where they mean something pipette, well (null for the
// trash), volume_uL, well_volume_uL (where several wells
// change, well_volumes_uL by well) and held_uL, in each channel (both after the step) and
// text. The step that fails has a line with the key error instead of a
// duration. A nil Trace writes nothing.
type Trace struct {
	w   *bufio.Writer
	buf []byte
	err error
}

// NewTrace returns a Trace that writes to w, through a buffer.
func NewTrace(w io.Writer) *Trace { return &Trace{w: bufio.NewWriterSize(w, 1<<16)} }

// Close writes what is still in the buffer, and returns the first error there
// was. It does not close what is written to.
func (t *Trace) Close() error {
	if t.err == nil {
		t.err = t.w.Flush()
	}
	return t.err
}

func (t *Trace) failed() error {
	if t == nil {
		return nil
	}
	return t.err
}

func (t *Trace) step(w *World, s *program.Step, touched *program.Touched, took int64) {
	if t == nil || t.err != nil {
		return
	}
	b := t.begin(w, s)
	b = append(b, `,"duration_s":`...)
	b = quantity.AppendDecimal(b, took, 1e6)
	b = appendPlace(b, w.deck, s)
	b = appendWells(b, w, touched)
	if hasPipette(w.deck, &s.Op) {
		b = append(b, `,"held_uL":`...)
		b = quantity.AppendDecimal(b, w.state.Mounts[s.Op.Pipette].Held.Volume, 1000)
	}
	t.end(b)
}

// appendWells appends what is in the wells that changed: the volume of one, and
// of several a mapping from their names.
func appendWells(b []byte, w *World, touched *program.Touched) []byte {
	switch len(touched.Wells) {
	case 0:
		return b
	case 1:
		c, _ := w.state.Content(touched.Wells[0].Well)
		return appendVolume(append(b, `,"well_volume_uL":`...), c)
	}
	b = append(b, `,"well_volumes_uL":`...)
	for i := range touched.Wells {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		b = appendWell(append(b, separator), w.deck, touched.Wells[i].Well)
		c, _ := w.state.Content(touched.Wells[i].Well)
		b = appendVolume(append(b, ':'), c)
	}
	return append(b, '}')
}

func (t *Trace) refused(w *World, s *program.Step, message string) {
	if t == nil || t.err != nil {
		return
	}
	b := appendPlace(t.begin(w, s), w.deck, s)
	b = append(b, `,"error":`...)
	t.end(program.AppendString(b, message))
}

func (t *Trace) begin(w *World, s *program.Step) []byte {
	b := append(t.buf[:0], `{"n":`...)
	b = appendInt(b, s.N)
	b = append(b, `,"id":`...)
	b = t.appendID(b, s)
	b = append(b, `,"t_s":`...)
	b = quantity.AppendDecimal(b, w.now, 1e6)
	b = append(b, `,"op":"`...)
	b = append(b, s.Op.Kind.String()...)
	return append(b, '"')
}

// appendID quotes an id. Only a user's own names can make one that needs
// escapes.
func (t *Trace) appendID(b []byte, s *program.Step) []byte {
	start := len(b)
	b = s.AppendID(append(b, '"'))
	if !isPlain(b[start+1:]) {
		return program.AppendString(b[:start], s.ID())
	}
	return append(b, '"')
}

// appendWell quotes the name of a well.
func appendWell(b []byte, d *program.Deck, r program.WellRef) []byte {
	start := len(b)
	b = d.AppendWellName(append(b, '"'), r)
	if !isPlain(b[start+1:]) {
		return program.AppendString(b[:start], d.WellName(r))
	}
	return append(b, '"')
}

// isPlain reports whether b can stand in a JSON string as it is.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

func hasPipette(d *program.Deck, op *program.Op) bool {
	return op.Kind.Info().Fields&program.HasPipette != 0 && int(op.Pipette) < len(d.Pipettes)
}

func appendPlace(b []byte, d *program.Deck, s *program.Step) []byte {
	op := &s.Op
	fields := op.Kind.Info().Fields
	if hasPipette(d, op) {
		b = append(b, `,"pipette":`...)
		b = program.AppendString(b, d.Pipettes[op.Pipette].Name)
	}
	switch {
	case fields&program.HasTrash != 0 && op.Trash:
		b = append(b, `,"well":null`...)
	case fields&program.HasWell != 0 && op.Well != program.None:
		b = appendWell(append(b, `,"well":`...), d, op.Well)
	}
	if fields&program.HasVolume != 0 {
		b = append(b, `,"volume_uL":`...)
		b = quantity.AppendDecimal(b, op.Volume, 1000)
	}
	if fields&program.HasText != 0 {
		b = append(b, `,"text":`...)
		b = program.AppendString(b, s.Text)
	}
	return b
}

// appendVolume appends what is in a well, or null where nobody declared how
// much there was.
func appendVolume(b []byte, c *program.Content) []byte {
	if c.Unknown {
		return append(b, "null"...)
	}
	return quantity.AppendDecimal(b, c.Volume, 1000)
}

func (t *Trace) end(b []byte) {
	t.buf = append(b, "}\n"...)
	_, t.err = t.w.Write(t.buf)
}
