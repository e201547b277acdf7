package ledger

// hour is in ns.
const hour = 3600e9

// Age returns the ledger as it is at a later time, in ns since 1970: of what
// stands in labware that is declared to lose liquid, less is left. A mixture
// loses of everything alike.
func (l *Ledger) Age(now int64) *Ledger {
	out := l.Clone()
	for i := range out.Labware {
		b := &out.Labware[i]
		for k := range b.Wells {
			if b.LossNL > 0 {
				b.Wells[k].lose(int64(float64(b.LossNL) * float64(now-b.Wells[k].At) / hour))
				b.Wells[k].At = max(now, b.Wells[k].At)
			}
		}
	}
	return out
}

// lose takes a volume in nL out of a well whose amount is known.
func (w *Well) lose(nl int64) {
	nl = min(nl, w.NL)
	if nl <= 0 || w.Unknown != "" {
		return
	}
	// What rounding leaves over goes to the last part, so that the parts are the
	// volume.
	left, was := w.NL-nl, w.NL
	w.NL = left
	for i := range w.Parts {
		p := &w.Parts[i]
		if i == len(w.Parts)-1 {
			p.NL = left
			break
		}
		p.NL = int64(float64(p.NL) * (float64(was-nl) / float64(was)))
		left -= p.NL
	}
}
