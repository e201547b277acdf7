package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"
)

var chaosLog = flag.String("chaos-log", "", "chaos: file that keeps what came of each trial; a sweep that was ended is gone on with from it")

// chaosRecord is a line of the file: first what the trials were drawn from, then
// what came of each.
type chaosRecord struct {
	Of       string       `json:",omitempty"` // the flags and the system they are of
	Whole    *undisturbed `json:",omitempty"`
	Batches  *undisturbed `json:",omitempty"`
	Trial    int          // from 1
	Struck   int
	Resumes  int
	Doubts   int
	Twice    int
	Lost     int
	Steps    int
	Took     time.Duration
	Problems []string `json:",omitempty"`
}

// sweepLog is such a file; without a name it keeps nothing.
type sweepLog struct {
	mu      sync.Mutex
	file    *os.File
	records []chaosRecord // that were there
}

// openSweepLog opens the file of a sweep, whose name ends in suffix.
func openSweepLog(t *testing.T, name, suffix string) *sweepLog {
	l := &sweepLog{}
	if name == "" {
		return l
	}
	name += suffix
	data, err := os.Open(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err == nil {
		defer data.Close()
		lines := bufio.NewScanner(data)
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var r chaosRecord
			if json.Unmarshal(lines.Bytes(), &r) != nil {
				break // it was not written whole
			}
			l.records = append(l.records, r)
		}
	}
	if l.file, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.file.Close() })
	return l
}

// header returns what the trials were drawn from, which is measured if it is not
// there. of has to be what it was.
func (l *sweepLog) header(t *testing.T, of string, measure func() (whole, batches undisturbed)) (whole, batches undisturbed) {
	if len(l.records) > 0 {
		h := l.records[0]
		if h.Of != of || h.Whole == nil || h.Batches == nil {
			t.Fatalf("%s is of another sweep: %s, and this is %s", l.file.Name(), h.Of, of)
		}
		return *h.Whole, *h.Batches
	}
	whole, batches = measure()
	l.write(chaosRecord{Of: of, Whole: &whole, Batches: &batches})
	return whole, batches
}

// restore puts what was tried before into trials.
func (l *sweepLog) restore(trials []*trial) {
	for i, c := range trials {
		c.n = i + 1
	}
	for i := range l.records {
		r := &l.records[i]
		if r.Trial < 1 || r.Trial > len(trials) {
			continue
		}
		c := trials[r.Trial-1]
		c.done, c.struck, c.resumes, c.doubts, c.twice, c.lost, c.steps, c.took, c.problems = true, r.Struck, r.Resumes, r.Doubts, r.Twice, r.Lost, r.Steps, r.Took, r.Problems
	}
}

// keep writes down what came of a trial.
func (l *sweepLog) keep(c *trial) {
	l.write(chaosRecord{Trial: c.n, Struck: c.struck, Resumes: c.resumes, Doubts: c.doubts, Twice: c.twice, Lost: c.lost, Steps: c.steps, Took: c.took, Problems: c.problems})
}

func (l *sweepLog) write(r chaosRecord) {
	if l.file == nil {
		return
	}
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // everything in it has a JSON form
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		panic(err) // a sweep of which nothing is known later is none
	}
}
