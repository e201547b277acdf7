package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"sync"
	"unique"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// What is found in a workflow follows from its files and from this program, and from
// nothing else. So a workflow that was proved need not be proved again when a server
// begins, as long as both are the same byte by byte.

// Proofs remember which workflows were good, and of which texts they were made. They
// hold for one program and for folders that are named in the same way; whoever keeps
// them sees to that. Their methods may be called by several goroutines.
type Proofs struct {
	shelf *Shelf

	mu    sync.Mutex
	old   map[string]*proof // by path, from before; nil behind Settle
	now   map[string]*proof // that hold, or were made since
	fresh bool              // now has something that is not kept yet
	texts map[string]text   // of files that were read for old ones, by path; likewise
}

// proof is a good workflow without findings.
type proof struct {
	Name        string      `json:"name"`
	NameSpan    diag.Span   `json:"at"`
	Description string      `json:"description"`
	Params      []TaskParam `json:"params"`
	Main        string      `json:"main"`
	Hash        string      `json:"hash"`
	Files       []proofFile `json:"files"`
}

// proofFile is a file by its name in the bundle and by its path.
type proofFile struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Hash string `json:"hash"`
}

type text struct {
	hash string
	text unique.Handle[string]
	bad  bool // it cannot be read
}

// NewProofs returns what Data gave before; nothing, or something else, is no proof of
// anything. Tasks are put on the shelf.
func NewProofs(data []byte, shelf *Shelf) *Proofs {
	p := &Proofs{shelf: shelf, now: map[string]*proof{}, texts: map[string]text{}}
	if json.Unmarshal(data, &p.old) != nil {
		p.old = nil
	}
	return p
}

// Task is Shelf.Task.
func (p *Proofs) Task(c *Checked) *Task { return p.shelf.Task(c) }

// Recall is what checking the workflow at path would give, where that is known from
// before. It knows nothing any more behind Settle.
func (p *Proofs) Recall(path string) (out Result[*Task], ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := p.old[path]
	if of == nil {
		return out, false
	}
	t := &Task{Name: of.Name, Description: of.Description, Params: of.Params, path: path, main: of.Main, shelf: p.shelf}
	for _, f := range of.Files {
		is, known := p.texts[f.Path]
		if !known {
			is = readText(f.Path)
			p.texts[f.Path] = is
		}
		if is.bad || is.hash != f.Hash {
			return out, false
		}
		t.files = append(t.files, taskFile{f.Name, is.text})
		out.Files = append(out.Files, File{f.Path, f.Hash})
	}
	p.now[path] = of
	out.OK, out.Name, out.NameSpan, out.Hash, out.Value = true, of.Name, of.NameSpan, of.Hash, t
	return out, true
}

func readText(path string) text {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > spec.MaxTableSize {
		return text{bad: true}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return text{bad: true}
	}
	sum := sha256.Sum256(data)
	return text{hash: hex.EncodeToString(sum[:]), text: unique.Make(string(data))}
}

// Keep remembers what was found in a workflow that was just checked.
func (p *Proofs) Keep(path string, c *Checked, r *Result[*Task]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !r.OK || len(r.Diagnostics) > 0 || c.Bundle == nil || len(c.Bundle.Missing) > 0 {
		delete(p.now, path)
		return
	}
	of := &proof{r.Name, r.NameSpan, r.Value.Description, r.Value.Params, r.Value.main, r.Hash, nil}
	for i, f := range c.Bundle.Files {
		of.Files = append(of.Files, proofFile{f.Name, r.Files[i].Path, f.Hash})
	}
	p.now[path], p.fresh = of, true
}

// Settle says that all workflows were looked at: what was not found among them is
// forgotten, and none of them was needed yet.
func (p *Proofs) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh = p.fresh || len(p.old) != len(p.now)
	p.old, p.texts = nil, nil
	p.shelf.clear()
}

// Data is what NewProofs takes, and whether that is something new. It is called when
// the workflows were looked at.
func (p *Proofs) Data() (data []byte, fresh bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh, p.fresh = p.fresh, false
	data, err = json.Marshal(p.now)
	return data, fresh, err
}
