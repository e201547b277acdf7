package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/ot2"
)

// A run that only computes takes no time, and still it is on the disk before it is
// answered: a server that is killed in the middle of thousands of requests has lost
// none that somebody got an answer to.
func TestComputedRunsSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "double.yaml"), []byte("ot2flow: 1\nname: double\nparams:\n  n: {type: integer}\noutputs: {twice: n * 2}\nsteps: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(t.TempDir(), "journal.db")
	const rounds, workers, answers = 3, 8, 150
	var mu sync.Mutex
	got := map[string]int{} // what was given, by the id of the run
	asked := 0
	for round := range rounds {
		p := serverOf(t, dir, "sim", state)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := 0; ; i++ {
					n := (round*workers+w)*100_000 + i
					mu.Lock()
					asked++
					mu.Unlock()
					id, twice, err := double(client, p.url, n)
					if err != nil {
						return // it was killed
					}
					mu.Lock()
					if _, again := got[id]; again || twice != 2*n {
						t.Errorf("%d gives %d, as run %s", n, twice, id)
					}
					got[id] = n
					enough := len(got) == (round+1)*answers
					mu.Unlock()
					if enough {
						_ = p.cmd.Process.Kill()
					}
				}
			})
		}
		all.Wait()
		p.kill()
		client.CloseIdleConnections()
	}
	s, err := journal.Open(t.Context(), state, journal.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if code, shown, errs := called([]string{"runs", "show", "last", "--state", state}, ""); code != exitFine || !strings.Contains(shown, "no robot was needed") || strings.Contains(shown, "the robot has") {
		t.Errorf("exit %d: %s%s", code, shown, errs)
	}
	kept := 0
	for sum, err := range s.Runs(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		kept++
		n, answered := got[sum.ID]
		if !answered {
			continue // nobody heard of it
		}
		delete(got, sum.ID)
		plan, err := s.Plan(t.Context(), sum, ot2.Machine{})
		if err != nil || sum.State != "ok" || len(plan.Outputs) != 1 || plan.Outputs[0].Value != fmt.Sprint(2*n) {
			t.Errorf("%s: %s, %+v, %v; want %d", sum.ID, sum.State, plan, err, 2*n)
		}
	}
	if len(got) > 0 {
		t.Errorf("%d runs were answered and are not in the journal: %v", len(got), got)
	}
	if kept < rounds*answers || kept > asked {
		t.Errorf("%d runs are in the journal, and %d were asked for", kept, asked)
	}
}

func double(client *http.Client, url string, n int) (id string, twice int, err error) {
	resp, err := client.Post(url+"/execute/double", "application/json", strings.NewReader(fmt.Sprintf(`{"n": %d}`, n)))
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", 0, err
	}
	var v struct{ Result struct{ Twice int } }
	if resp.StatusCode != http.StatusOK || json.Unmarshal(data, &v) != nil {
		return "", 0, fmt.Errorf("%d %s", resp.StatusCode, data)
	}
	return strings.TrimPrefix(resp.Header.Get("Location"), "/runs/"), v.Result.Twice, nil
}
