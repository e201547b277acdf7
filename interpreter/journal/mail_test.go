package journal

import (
	"testing"
	"time"
)

// What was asked for is known again, and the last answer waits until it has arrived.
func TestMail(t *testing.T) {
	s := fresh(t)
	ctx := t.Context()
	first, err := s.Epoch(ctx, "bench-3")
	if err != nil || first == "" {
		t.Fatal(first, err)
	}
	if again, err := s.Epoch(ctx, "bench-3"); again != first || err != nil {
		t.Error(again, err)
	}
	if l, err := s.Letter(ctx, "a"); l != nil || err != nil {
		t.Error(l, err)
	}
	// No run of that id is there: what was asked for it is due at once.
	if _, fresh, err := s.Receive(ctx, Letter{ID: "a", Sender: "ada", Asked: "h", Run: "gone", Open: true}, nil); !fresh || err != nil {
		t.Error(fresh, err)
	}
	if _, fresh, err := s.Receive(ctx, Letter{ID: "a", Sender: "eve", Asked: "other"}, []byte(`{}`)); fresh || err != nil {
		t.Error(fresh, err)
	}
	due, err := s.Due(ctx)
	if err != nil || len(due) != 1 || due[0].ID != "a" || due[0].Sender != "ada" {
		t.Fatal(due, err)
	}
	one, err := s.Reply(ctx, due[0], "in_doubt", true, []byte(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Reply(ctx, due[0], "ok", false, []byte(`{"n":2}`))
	if err != nil || two <= one {
		t.Fatal(one, two, err)
	}
	if due, err := s.Due(ctx); len(due) != 0 || err != nil {
		t.Error(due, err)
	}
	waits := func() (data string) {
		t.Helper()
		list, err := s.Waiting(ctx)
		if err != nil || len(list) > 1 {
			t.Fatal(list, err)
		}
		for _, a := range list {
			data = string(a.Data)
		}
		return data
	}
	if err := s.Arrived(ctx, "a", one); err != nil || waits() != `{"n":2}` {
		t.Error("an answer that nobody has is taken for one that has arrived", err)
	}
	if err := s.Arrived(ctx, "a", two); err != nil || waits() != "" {
		t.Error("it does not arrive", err)
	}
	if err := s.Resend(ctx, "a"); err != nil || waits() != `{"n":2}` {
		t.Error("it is not sent again", err)
	}
	if err := s.TidyMail(ctx, time.Now().Add(time.Hour)); err != nil || waits() != "" {
		t.Error("it is not forgotten", err)
	}
	if l, err := s.Letter(ctx, "a"); l != nil || err != nil {
		t.Error(l, err)
	}
}
