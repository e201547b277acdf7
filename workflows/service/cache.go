package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/interpreter/run"
)

// A request that only reads may be spared where the same was asked a short while
// ago, if the workflow says for how long an answer holds.

// cache knows what was answered before; nil knows nothing.
type cache struct {
	store *journal.Store
	run   string
	off   bool // answers are kept, and none is taken
}

// cacheKey stands for everything that the answer depends on.
func cacheKey(l *program.Live) (string, error) {
	data, err := json.Marshal([]any{l.Verb(), l.URL, l.Headers, l.Body, l.Fields})
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), err
}

// recall is an answer from before to what a step asks; ok is false where there is
// none, or none is wanted. A journal that cannot be read has none.
func (c *cache) recall(ctx context.Context, step *program.Step) (r run.Response, ok bool) {
	l := step.Live
	if c == nil || c.store == nil || c.off || l.CacheMS == 0 || l.Fresh {
		return r, false
	}
	key, err := cacheKey(l)
	if err != nil {
		return r, false
	}
	was, err := c.store.Recall(ctx, key, time.Duration(l.CacheMS)*time.Millisecond)
	if err != nil || was == nil {
		return r, false
	}
	return run.Response{Values: was.Values, By: fmt.Sprintf("taken from the cache: run %s was answered so at %s", was.Run, was.At.Local().Format("2006-01-02 15:04:05"))}, true
}

// keep keeps an answer. That it could not be kept costs a request, and nothing else.
func (c *cache) keep(ctx context.Context, step *program.Step, r *run.Response) {
	l := step.Live
	if c == nil || c.store == nil || l.CacheMS == 0 {
		return
	}
	if key, err := cacheKey(l); err == nil {
		_ = c.store.Remember(ctx, key, c.run, r.Values, time.Duration(l.CacheMS)*time.Millisecond)
	}
}
