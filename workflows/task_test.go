package workflows

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A workflow that was put away is the same when it is needed again, also where its
// files have changed meanwhile.
func TestTaskIsMadeAgain(t *testing.T) {
	files, err := filepath.Glob("../examples/*/workflow.yaml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	files = append(files, filepath.Join(t.TempDir(), "gone.yaml"))
	gone := files[len(files)-1]
	if err := os.WriteFile(gone, []byte("ot2flow: 1\nname: gone\ndescription: soon\nparams:\n  x: {type: list, of: number, default: [1, 2.5], description: what}\noutputs: {y: x}\nsteps: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shelf := NewShelf(2)
	var tasks []*Task
	var hashes, prints []string
	plan := func(c *Checked) string {
		p, list := c.Prepared.Plan((&Run{}).Input(true))
		if p == nil {
			return list[0].Message
		}
		return p.Fingerprint
	}
	for _, file := range files {
		c := Open(file)
		task := shelf.Task(c)
		if task == nil {
			t.Fatal(file, c.Diagnostics)
		}
		tasks, hashes, prints = append(tasks, task), append(hashes, c.Bundle.Hash), append(prints, plan(c))
	}
	if err := os.WriteFile(gone, []byte("ot2flow: 1\nname: other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := tasks[len(tasks)-1]; p.Description != "soon" || len(p.Params) != 1 || p.Params[0].Default != "[1, 2.5]" || p.Params[0].Of != "number" || p.Params[0].Required {
		t.Errorf("%+v", p)
	}
	for round := range 2 {
		var all sync.WaitGroup
		for i, task := range tasks {
			for range 2 {
				all.Go(func() {
					c, err := task.Checked()
					if err != nil {
						t.Error(err)
						return
					}
					if got := plan(c); c.Bundle.Hash != hashes[i] || got != prints[i] || c.Path != files[i] {
						t.Errorf("round %d: %s is another one: %s, and was %s", round, files[i], got, prints[i])
					}
				})
			}
			if round == 0 {
				all.Wait()
			}
		}
		all.Wait()
	}
	n := 0
	for _, task := range tasks {
		if task.made.Load() != nil {
			n++
		}
	}
	if n != 2 || len(shelf.on) != 2 {
		t.Errorf("%d are at hand", n)
	}
	if task := shelf.Task(FromBytes("bad.yaml", []byte(strings.Repeat("x", 3)))); task != nil {
		t.Errorf("%+v", task)
	}
}
