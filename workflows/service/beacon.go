package service

import "sync"

// beacon tells everybody who waits that something has changed.
type beacon struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed at the next change.
func (b *beacon) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

// light says that something has changed.
func (b *beacon) light() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
