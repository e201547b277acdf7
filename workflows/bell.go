package workflows

// Bell rings when one of some files may have changed: it is for who looks at files that it
// knows, and not for what is in folders.
type Bell struct{ signal *signal }

// NewBell returns a bell that follows no file yet.
func NewBell() *Bell { return &Bell{newSignal()} }

// Rings has something to receive when it is time to look. Where the operating system
// refuses to watch, it never has.
func (b *Bell) Rings() <-chan struct{} { return b.signal.wake }

// Follow has the bell ring for these files, and for no others.
func (b *Bell) Follow(paths []string) {
	a, l := area{folders: map[string]bool{}, points: map[string]bool{}}, newLinks()
	for _, path := range paths {
		a.include(l, path)
	}
	_, _ = b.signal.follow(a) // what cannot be watched is looked at when something is typed
}

// Close ends it.
func (b *Bell) Close() { b.signal.close() }
