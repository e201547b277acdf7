package workflows

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ot2flow/ot2flow/spec"
	"github.com/ot2flow/ot2flow/spec/diag"
)

// Find returns the workflow files that roots stand for. A file stands for
// itself, whatever it holds. A folder stands for every file below it that ends
// in .yaml or .yml and has a line that starts with the key "ot2flow:", except
// tests (*.test.yaml), hidden files, and what is in hidden folders and in
// folders that only tools write to. Symbolic links are followed, after all that
// is found without them; what can be reached in several ways is returned once.
// The order is that of roots and, within a folder, of names. The findings are
// about roots and folders that cannot be read.
func Find(roots ...string) ([]string, diag.List) {
	p := newPrints()
	p.begin()
	found := scan(p, roots, nil)
	return found.workflows, found.problems
}

// findings is what one look at the roots brings.
type findings struct {
	workflows []string       // each once, in the order of Find
	rootOf    map[string]int // which of the roots a workflow was found under
	problems  diag.List
	area      area
	links     *links
	hidden    []string // folders that are there but cannot be listed
}

// hides reports whether path is in a folder that cannot be listed.
func (f *findings) hides(path string) bool {
	return slices.ContainsFunc(f.hidden, func(dir string) bool {
		return path == dir || dir == "." && !filepath.IsAbs(path) || strings.HasPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
	})
}

// scanner walks the roots. Plain folders and files come first and links last,
// so that what is reachable by both goes by its own name.
type scanner struct {
	*findings
	prints *prints
	known  map[string]bool
	been   map[string]bool // real paths of files and folders
	later  []later         // links not yet followed
	at     int             // which root
}

// later is a link, and the root it was found under.
type later struct {
	path string
	at   int
}

// scan finds the workflows of roots. Paths in known count as workflows even if
// the key is missing.
func scan(p *prints, roots []string, known map[string]bool) *findings {
	s := &scanner{
		findings: &findings{rootOf: map[string]int{}, links: newLinks(), area: area{folders: map[string]bool{}, points: map[string]bool{}}},
		prints:   p, known: known, been: map[string]bool{},
	}
	for i, root := range roots {
		s.at = i
		s.root(filepath.Clean(root))
	}
	for len(s.later) > 0 {
		link := s.later[0]
		s.later = s.later[1:]
		s.at = link.at
		s.link(link.path)
	}
	return s.findings
}

// root takes a file or folder that was named. The folder above a root folder
// may be large and lively, and is left out: a watcher looks for its roots
// itself.
func (s *scanner) root(path string) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		s.area.approach(s.links.follow(path))
		s.folder(path)
		return
	}
	s.area.include(s.links, path)
	if err != nil {
		s.fail(path, err)
		return
	}
	s.file(path, true)
}

// link follows a symbolic link inside a folder. One that leads nowhere is no
// mistake: the target may be on a drive that is not there today.
func (s *scanner) link(path string) {
	s.area.include(s.links, path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return
	case info.IsDir():
		s.folder(path)
	default:
		s.file(path, false)
	}
}

// folder takes the workflows below path. A folder that was visited already, by
// whatever name, is not visited again, so a loop of links ends here.
func (s *scanner) folder(path string) {
	to := s.links.follow(path)
	if !to.ok || s.been[to.real] {
		return
	}
	s.been[to.real] = true
	entries, err := os.ReadDir(path)
	if err != nil {
		s.fail(path, err)
		return
	}
	s.area.folders[to.real] = true
	for _, e := range entries {
		s.entry(filepath.Join(path, e.Name()), e)
	}
}

func (s *scanner) entry(path string, e fs.DirEntry) {
	name := e.Name()
	switch {
	case strings.HasPrefix(name, ".") || isTemporary(name):
	case e.Type()&fs.ModeSymlink != 0 && !isToolFolder(name):
		s.later = append(s.later, later{path, s.at})
	case e.IsDir() && !isToolFolder(name):
		s.folder(path)
	case e.Type().IsRegular() && isCandidate(name):
		s.file(path, false)
	}
}

// file takes one file. Named ones are taken unseen.
func (s *scanner) file(path string, named bool) {
	to := s.links.follow(path)
	if !to.ok || s.been[to.real] || !named && !isCandidate(filepath.Base(path)) {
		return
	}
	p := s.prints.look(path)
	if !named && !s.known[path] && !p.workflow {
		return
	}
	s.been[to.real] = true
	s.workflows = append(s.workflows, path)
	s.rootOf[path] = s.at
}

// fail reports a root or folder that cannot be read.
func (s *scanner) fail(path string, err error) {
	d := diag.Diagnostic{
		Code: diag.Unreadable, Span: diag.Span{File: path},
		Message: fmt.Sprintf("%s cannot be read: %v", path, cause(err)),
		Help:    "check that you can open it in an editor or a file browser as the same user",
	}
	if errors.Is(err, fs.ErrNotExist) {
		d.Code, d.Message = diag.NotFound, path+" does not exist"
		d.Help = "check the spelling; upper and lower case matter"
	} else {
		s.hidden = append(s.hidden, path)
	}
	s.problems = append(s.problems, d)
}

// cause strips the operation and the path off an error of the file system.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// isCandidate reports whether a file of that name in a folder may be a workflow.
func isCandidate(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".yaml" || ext == ".yml") && filepath.Ext(strings.TrimSuffix(name, ext)) != ".test"
}

// isTemporary reports whether editors and operating systems use such a name
// for files that come and go beside the one that is edited.
func isTemporary(name string) bool {
	switch filepath.Ext(name) {
	case ".swp", ".swo", ".swx", ".swpx", ".tmp", ".temp", ".bak", ".part", ".crdownload":
		return true
	}
	return name == "4913" || // vim tries with it whether it may write here
		strings.HasSuffix(name, "~") || strings.HasPrefix(name, "~$") ||
		strings.HasPrefix(name, ".#") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		strings.HasPrefix(name, ".goutputstream-") || strings.HasSuffix(name, "___jb_tmp___") || strings.HasSuffix(name, "___jb_old___")
}

// isToolFolder reports whether a folder of that name belongs to a program and
// may hold many thousands of files.
func isToolFolder(name string) bool {
	switch name {
	case "node_modules", "__pycache__", "venv", "site-packages", "$RECYCLE.BIN", "System Volume Information":
		return true
	}
	return false
}

// hasKey reports whether text has the key that makes a YAML file a workflow, at
// the start of a line or of a mapping in braces. It does not parse: a workflow
// with a mistake in its YAML is still meant to be one.
func hasKey(text []byte) bool {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		text = bytes.ReplaceAll(text, []byte{0}, nil) // UTF-16: the check will say so
	}
	for {
		at := bytes.Index(text, []byte("ot2flow"))
		if at < 0 {
			return false
		}
		if startsKey(text[:at]) && endsKey(text[at+len("ot2flow"):]) {
			return true
		}
		text = text[at+len("ot2flow"):]
	}
}

func startsKey(before []byte) bool {
	before = bytes.TrimRight(before, `"'`)
	if len(before) == 0 {
		return true
	}
	switch last := before[len(before)-1]; last {
	case '\n', '\r', '\xbf', '\xfe', '\xff': // the last three end byte order marks
		return true
	}
	return bytes.HasSuffix(bytes.TrimRight(before, " \t\r\n"), []byte("{"))
}

func endsKey(after []byte) bool {
	after = bytes.TrimLeft(bytes.TrimLeft(after, `"'`), " \t")
	return len(after) > 0 && after[0] == ':'
}

// print is what is remembered of a file, so that it is read only when it may
// have changed.
type print struct {
	info     fs.FileInfo
	hash     string // SHA-256 in hexadecimal; empty for what cannot be read as a file
	workflow bool   // has the key of a workflow
	recent   bool   // changed so shortly before it was read that its time cannot tell another change
	round    int
}

// prints remembers files between two looks at them. A file is looked at once
// in a round.
type prints struct {
	of           map[string]print
	round, first int
}

func newPrints() *prints { return &prints{of: map[string]print{}} }

// begin starts the first round of a Refresh.
func (p *prints) begin() { p.next(); p.first = p.round }

// next makes the following looks new ones.
func (p *prints) next() { p.round++ }

// forgetUnseen drops files that nobody looked at since begin.
func (p *prints) forgetUnseen() {
	maps.DeleteFunc(p.of, func(_ string, is print) bool { return is.round < p.first })
}

// coarsest is the resolution of the coarsest clock of a file system (FAT).
// Within it two writes may carry the same time.
const coarsest = 2 * time.Second

// look returns the print of a file as it is in this round.
func (p *prints) look(path string) print {
	was, ok := p.of[path]
	if ok && was.round == p.round {
		return was
	}
	now := lookAt(path, was)
	now.round = p.round
	p.of[path] = now
	return now
}

// rests reports whether the file was not written a moment ago. A time in the
// future is the clock of another computer and tells nothing.
func (p print) rests() bool {
	if p.info == nil {
		return true
	}
	pause := settlePause
	if p.info.Size() == 0 {
		pause = emptyPause
	}
	age := time.Since(p.info.ModTime())
	return age < 0 || age >= pause
}

func lookAt(path string, was print) print {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return print{}
	}
	if was.info != nil && !was.recent && sameState(was.info, info) {
		return was
	}
	now := print{info: info}
	data, err := readSome(path)
	if err != nil {
		return now
	}
	if after, err := os.Stat(path); err == nil && !sameState(info, after) {
		now.info = after // it was written just now, which rests must know
	}
	now.recent = time.Since(now.info.ModTime()) < coarsest
	sum := sha256.Sum256(data)
	now.hash, now.workflow = hex.EncodeToString(sum[:]), hasKey(data)
	return now
}

func sameState(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode() && os.SameFile(a, b)
}

// readSome reads as much of a file as a workflow may have at most.
func readSome(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, spec.MaxFileSize+1))
	return data, errors.Join(err, f.Close())
}

// area is where something must happen to change what a scan finds: the real
// paths of folders, of which every entry counts, and of single points, which
// may be files, links or names that do not exist yet.
type area struct{ folders, points map[string]bool }

// include adds everything that decides what is found at path.
func (a area) include(l *links, path string) {
	to := l.follow(path)
	a.approach(to)
	if to.ok {
		a.points[to.real] = true
	}
}

// approach adds the links that lead to a target.
func (a area) approach(to target) {
	for _, p := range to.points {
		a.points[p] = true
	}
}

// watchFolders returns the folders whose events tell of every change.
func (a area) watchFolders() map[string]bool {
	all := maps.Clone(a.folders)
	for p := range a.points {
		all[filepath.Dir(p)] = true
	}
	return all
}

// target is where a path leads. If ok, real is a path without links. points
// are the links on the way, or the first name that does not exist.
type target struct {
	real   string
	points []string
	ok     bool
}

// links follows paths through symbolic links and remembers the folders, for
// the time of one scan.
type links struct{ known map[string]target }

func newLinks() *links { return &links{known: map[string]target{}} }

// maxHops is how many links may lead from one to the next, as in the kernel.
const maxHops = 40

func (l *links) follow(path string) target {
	abs, err := filepath.Abs(path)
	if err != nil {
		return target{}
	}
	return l.from(abs, maxHops)
}

func (l *links) from(path string, hops int) target {
	if to, ok := l.known[path]; ok {
		return to
	}
	to := l.step(path, hops)
	l.known[path] = to
	return to
}

func (l *links) step(path string, hops int) target {
	dir := filepath.Dir(path)
	if dir == path {
		return target{real: path, ok: true}
	}
	up := l.from(dir, hops)
	if !up.ok {
		return up
	}
	at := filepath.Join(up.real, filepath.Base(path))
	info, err := os.Lstat(at)
	if err != nil || info.Mode()&fs.ModeSymlink != 0 && hops == 0 {
		return target{points: slices.Concat(up.points, []string{at})}
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return target{real: at, points: up.points, ok: true}
	}
	next, err := os.Readlink(at)
	if err != nil {
		return target{points: slices.Concat(up.points, []string{at})}
	}
	if !filepath.IsAbs(next) {
		next = filepath.Join(up.real, next)
	}
	to := l.from(next, hops-1)
	return target{real: to.real, points: slices.Concat(up.points, []string{at}, to.points), ok: to.ok}
}
