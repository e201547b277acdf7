package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// An answer that holds is taken again, says where it comes from, and is never
// taken where it was asked for otherwise, is too old, was not good enough, or
// nobody wants that.
func TestCache(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"n": %d}`, asked.Add(1))
	}))
	defer server.Close()
	workflow := written(t, `ot2flow: 1
name: spared
params:
  what:  {type: string, default: dye}
  holds: {type: duration, default: 1 h}
  least: {type: integer, default: 0}
labware:
  plate: {type: corning_96_wellplate_360ul_flat, slot: 1}
vars: {n: 0}
steps:
  - retry: {attempts: 2, on: [check]}
    do:
      - retry: 2
        request: {url: '`+server.URL+`/${ what }', result: {n: integer}, simulate: {n: 10}, cache: holds}
        as: answer
      - check: {that: answer.n >= least}
      - set: {n: answer.n}
outputs: {n: n}
`)
	_, address := emulated(t, emulator.Options{Clock: emulator.NoTime()})
	state := filepath.Join(t.TempDir(), "runs.db")
	for _, c := range []struct {
		args  []string
		robot string
		asked int64
		gives string
		shows bool // that it was taken from the cache
	}{
		{nil, address, 1, "1", false},
		{nil, address, 1, "1", true},
		{[]string{"--set", "what=water"}, address, 2, "2", false},
		{[]string{"--no-cache"}, address, 3, "3", false},
		{nil, address, 3, "3", true},
		{[]string{"--set", "holds=1ms"}, address, 4, "4", false},
		{[]string{"--set", "least=5"}, address, 5, "5", true}, // the first attempt has it, the second asks
		{nil, "sim", 5, "", false},
		{[]string{"--set", "least=7", "--set", "what=nested"}, address, 7, "7", false}, // 6 was kept, and is not taken by the one retry in the second attempt of the other
	} {
		code, stdout, stderr := called(append([]string{"apply", workflow, "--robot", c.robot, "--yes", "--state", state}, c.args...), "")
		if code != exitFine || asked.Load() != c.asked || c.gives != "" && !strings.Contains(stdout, "n              "+c.gives) {
			t.Errorf("%v on %s: exit %d, asked %d times, want %d, and %s\n%s%s", c.args, c.robot, code, asked.Load(), c.asked, c.gives, stdout, stderr)
		}
		_, show, _ := called([]string{"runs", "show", "last", "--state", state}, "")
		if strings.Contains(show, "taken from the cache: run ") != c.shows {
			t.Errorf("%v on %s: it shows\n%s", c.args, c.robot, show)
		}
	}
}
