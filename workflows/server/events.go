package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// events streams what happens in a run, from its first event or the one behind
// Last-Event-ID on. It ends behind an event called end, when the run is over.
func (s *Server) events(ctx context.Context, i *struct {
	OfRun
	Last  string `header:"Last-Event-ID" doc:"The number of the last event that was seen."`
	After int64  `query:"after" minimum:"0" doc:"The same, for those who cannot send a header."`
},
) (*huma.StreamResponse, error) {
	after := i.After
	if i.Last != "" {
		n, err := strconv.ParseInt(i.Last, 10, 64)
		if err != nil || n < 0 {
			return nil, problemf(http.StatusUnprocessableEntity, "Last-Event-ID is the number of an event, and %q is none", i.Last)
		}
		after = n
	}
	id, err := s.device.RunID(ctx, i.Run)
	if err != nil {
		return nil, answered(err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/event-stream")
		hc.SetHeader("Cache-Control", "no-store")
		hc.SetHeader("X-Accel-Buffering", "no")
		w := hc.BodyWriter()
		flush := func() error {
			if f, is := w.(http.Flusher); is {
				f.Flush()
			}
			if err := hc.Context().Err(); err != nil {
				return err
			}
			return s.still(hc.Context()) // who may not any more is told when they come again
		}
		_ = flush()
		err := s.device.Events(hc.Context(), id, after, func(seq int64, kind string, record []byte) error {
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", seq, kind, record); err != nil {
				return err
			}
			return flush()
		}, func() error {
			if _, err := fmt.Fprint(w, ": nothing new\n\n"); err != nil {
				return err
			}
			return flush()
		})
		if err == nil {
			_, _ = fmt.Fprint(w, "event: end\ndata: {}\n\n") // whoever listened may be gone
			_ = flush()
		}
	}}, nil
}
