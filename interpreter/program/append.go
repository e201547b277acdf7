package program

import "strconv"

// AppendID appends what ID returns.
func (s *Step) AppendID(b []byte) []byte {
	b = s.Frame.appendID(b)
	b = append(b, s.Op.Kind.String()...)
	if s.Seq > 0 {
		b = append(b, '-')
		b = strconv.AppendInt(b, int64(s.Seq)+1, 10)
	}
	return b
}

func (f *Frame) appendID(b []byte) []byte {
	if f == nil {
		return b
	}
	b = f.Parent.appendID(b)
	if f.Label == "" {
		return b
	}
	return append(append(b, f.Label...), '/')
}

// AppendWellName appends what WellName returns.
func (d *Deck) AppendWellName(b []byte, r WellRef) []byte {
	if r == None {
		return b
	}
	l := &d.Labware[r.Labware]
	b = append(append(b, l.Name...), '.')
	return append(b, l.Def.Wells[r.Well].Name...)
}
