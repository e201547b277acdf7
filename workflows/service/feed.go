package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/journal"
)

// What happens in a run is read from the journal once, however many listen: each has
// its own place in what was read, and reads for itself only what is longer ago.

// happening is an event as it is handed over.
type happening struct {
	seq    int64
	kind   string
	record []byte
}

// tailKept is how many of the last events of a run are at hand for those who listen.
const tailKept = 1024

// feed is the end of a run's events, kept up to date as long as somebody listens.
type feed struct {
	news beacon
	stop context.CancelFunc
	done chan struct{}

	listeners int // under the lock of the feeds

	mu   sync.Mutex
	tail []happening // without gaps
	read bool        // the tail reaches to the end of what was there when it was read
	over bool        // nothing more comes
	err  error       // why nothing more can be read
}

// feeds are those that somebody listens to, by the id of the run.
type feeds struct {
	mu sync.Mutex
	of map[string]*feed
}

// listen returns the feed of a run, which is kept up to date until leave.
func (d *Device) listen(store *journal.Store, id string) (f *feed, leave func()) {
	d.feeds.mu.Lock()
	defer d.feeds.mu.Unlock()
	f = d.feeds.of[id]
	if f == nil {
		ctx, stop := context.WithCancel(context.Background())
		f = &feed{stop: stop, done: make(chan struct{})}
		if d.feeds.of == nil {
			d.feeds.of = map[string]*feed{}
		}
		d.feeds.of[id] = f
		go func() {
			defer close(f.done)
			d.follow(ctx, store, id, f)
		}()
	}
	f.listeners++
	return f, func() {
		d.feeds.mu.Lock()
		f.listeners--
		last := f.listeners == 0
		if last {
			delete(d.feeds.of, id)
		}
		d.feeds.mu.Unlock()
		if last {
			f.stop()
			<-f.done
		}
	}
}

// follow keeps a feed up to date, until the run is over or ctx is done.
func (d *Device) follow(ctx context.Context, store *journal.Store, id string, f *feed) {
	after := int64(-1)
	for {
		changed := d.changed.next()
		seq, over, err := standing(ctx, store, id)
		if after < 0 {
			after = max(0, seq-tailKept)
		}
		var list []happening
		for e, bad := range store.Events(ctx, journal.Query{Run: id, AfterSeq: after}) {
			if err = errors.Join(err, bad); err != nil {
				break
			}
			var h happening
			if h, err = happened(&e); err != nil {
				break
			}
			list, after = append(list, h), h.seq
		}
		if f.add(list, over, err) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// add adds what was read, and reports whether that is all.
func (f *feed) add(list []happening, over bool, err error) bool {
	f.mu.Lock()
	news := len(list) > 0 || over || err != nil || !f.read
	f.tail = append(f.tail, list...)
	if n := len(f.tail) - tailKept; n > 0 {
		f.tail = append([]happening(nil), f.tail[n:]...) // others hold what was there
	}
	f.read, f.over, f.err = true, over, err
	f.mu.Unlock()
	if news {
		f.news.light()
	}
	return over || err != nil
}

// behind returns what came behind an event; whole is false where that is longer ago
// than what is at hand.
func (f *feed) behind(after int64) (list []happening, whole, read, over bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tail) == 0 {
		return nil, true, f.read, f.over, f.err
	}
	n := after + 1 - f.tail[0].seq
	if n < 0 {
		return nil, false, f.read, f.over, f.err
	}
	return f.tail[min(n, int64(len(f.tail))):], true, f.read, f.over, f.err
}

// standing is the number of the last event of a run, and whether nothing more comes.
func standing(ctx context.Context, store *journal.Store, id string) (seq int64, over bool, err error) {
	var none *journal.NoRun
	o, err := store.Submission(ctx, id)
	switch {
	case errors.As(err, &none):
		o = nil
	case err != nil:
		return 0, false, err
	case o.State != journal.Begun && o.State != journal.Forgotten:
		return 0, o.State != journal.Queued, nil
	}
	sum, err := store.Find(ctx, id)
	if err != nil {
		return 0, false, err
	}
	return sum.Seq, sum.Over() || o != nil && o.State == journal.Forgotten, nil
}

func happened(e *journal.Event) (happening, error) {
	data, err := e.Record.MarshalJSON()
	return happening{e.Record.Seq, e.Record.Event.Kind(), data}, err
}

// RunID is the whole id of the run that is meant by an id, or by the beginning of one.
func (d *Device) RunID(ctx context.Context, id string) (string, error) {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return "", err
	}
	var none *journal.NoRun
	switch _, err := store.Submission(ctx, id); {
	case err == nil:
		return id, nil
	case !errors.As(err, &none):
		return "", cannot("%v", err)
	}
	sum, err := store.Find(ctx, id)
	switch {
	case errors.As(err, &none):
		return "", missing("%v", err)
	case err != nil:
		return "", cannot("%v", err)
	}
	return sum.ID, nil
}

// Events hands over the events of a run, which is named by its whole id, whose number
// is above after, until the run is over, more returns an error, or ctx is done. A run
// that was not begun is waited for; calm is called now and then while nothing happens.
func (d *Device) Events(ctx context.Context, id string, after int64, more func(seq int64, kind string, record []byte) error, calm func() error) error {
	store, err := d.Service.Journal(ctx)
	if err != nil {
		return err
	}
	f, leave := d.listen(store, id)
	defer leave()
	tick := time.NewTicker(calmEvery)
	defer tick.Stop()
	for {
		news := f.news.next()
		list, whole, read, over, err := f.behind(after)
		if !whole {
			if list, err = earlier(ctx, store, id, after); err != nil {
				return cannot("%v", err)
			}
		}
		for i := range list {
			if err := more(list[i].seq, list[i].kind, list[i].record); err != nil {
				return err
			}
			after = list[i].seq
		}
		switch {
		case len(list) > 0:
			continue // there may be more already
		case err != nil:
			return cannot("%v", err)
		case read && over:
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-news:
		case <-tick.C:
			if err := calm(); err != nil {
				return err
			}
		}
	}
}

// earlier reads events that are longer ago, at most as many as are kept at hand.
func earlier(ctx context.Context, store *journal.Store, id string, after int64) (list []happening, err error) {
	for e, err := range store.Events(ctx, journal.Query{Run: id, AfterSeq: after}) {
		if err != nil {
			return nil, err
		}
		h, err := happened(&e)
		if err != nil {
			return nil, err
		}
		if list = append(list, h); len(list) == tailKept {
			break
		}
	}
	return list, nil
}

// calmEvery is how often somebody who listens hears that there is nothing new.
const calmEvery = 15 * time.Second
