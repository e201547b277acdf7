package run

import (
	"context"
	"slices"
	"sync"
)

// Journal is the memory of one run. It is used by one runner at a time.
type Journal interface {
	// Append adds records, whose Seq goes on from the last one, all or none.
	// When it returns nil they survive a crash.
	Append(ctx context.Context, records ...Record) error
	// Read returns every record, in order.
	Read(ctx context.Context) ([]Record, error)
}

// Memory is a Journal that forgets everything with the process. The zero
// Memory is empty and ready.
type Memory struct {
	mu      sync.Mutex
	records []Record
}

var _ Journal = (*Memory)(nil)

// Append keeps the records.
func (m *Memory) Append(_ context.Context, records ...Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, records...)
	return nil
}

// Read returns a copy of what was kept.
func (m *Memory) Read(context.Context) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records), nil
}
