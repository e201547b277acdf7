package pages

import (
	"fmt"
	"net/http"
	"time"
)

// quiet is how often whoever listens hears that there is nothing new.
const quiet = 20 * time.Second

// calmly is how often they hear that there is.
const calmly = 400 * time.Millisecond

// changes tells a page whenever something has changed that it may show.
func (p *Pages) changes(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c := http.NewResponseController(w)
	say := func(text string) bool {
		_, err := fmt.Fprint(w, text)
		return err == nil && c.Flush() == nil
	}
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	changed := p.o.Device.Changed()
	if !say("retry: 2000\n\n") {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if !say(": nothing new\n\n") {
				return
			}
		case <-changed:
			changed = p.o.Device.Changed() // what happens from now on is told after the rest
			if !say("event: changed\ndata: {}\n\n") {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-time.After(calmly):
			}
		}
	}
}
