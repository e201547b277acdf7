package spec

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ot2flow/ot2flow/spec/diag"
)

const rack = `{"parameters": {}}`

func mapFS(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return out
}

// using returns a workflow with one labware of the given type.
func using(ref string) string { return "ot2flow: 1\nlabware:\n  rack: {type: " + ref + "}\n" }

func TestLoad(t *testing.T) {
	fsys := mapFS(map[string]string{
		"p/w.yaml":         "labware:\n  a: {type: ./labware/r.json}\n  b: {type: ../common/s.json}\n  c: {type: corning_96_wellplate_360ul_flat}\n  d: {type: labware/r.json}\n",
		"p/labware/r.json": rack, "common/s.json": rack + "\n", "p/other.yaml": "x",
	})
	b, list := Load(fsys, "p/w.yaml")
	if len(list) > 0 {
		t.Fatal(list)
	}
	var names []string
	for _, f := range b.Files {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); b.Main != "w.yaml" || got != "../common/s.json labware/r.json w.yaml" {
		t.Errorf("%s: %s", b.Main, got)
	}
	if f, ok := b.Referenced("./labware/r.json"); !ok || string(f.Data) != rack {
		t.Error("the reference cannot be resolved")
	}
	again, list := FromFiles(b.Main, b.Files)
	if len(list) > 0 || again.Hash != b.Hash {
		t.Errorf("from its own files the bundle differs: %v", list)
	}
}

func TestHashCoversNamesAndContents(t *testing.T) {
	hashes := map[string]string{}
	for name, files := range map[string][]File{
		"one":          {newFile("w.yaml", []byte(using("./a.json"))), newFile("a.json", []byte("1"))},
		"content":      {newFile("w.yaml", []byte(using("./a.json"))), newFile("a.json", []byte("2"))},
		"name":         {newFile("w.yaml", []byte(using("./b.json"))), newFile("b.json", []byte("1"))},
		"without file": {newFile("w.yaml", []byte("a: 1\n"))},
		"main":         {newFile("v.yaml", []byte("a: 1\n"))},
	} {
		b, list := FromFiles(files[0].Name, files)
		if len(list) > 0 {
			t.Fatal(list)
		}
		if other, ok := hashes[b.Hash]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		hashes[b.Hash] = name
	}
}

func TestLoadWorkflowProblems(t *testing.T) {
	big := &fstest.MapFile{Data: make([]byte, MaxFileSize+1)}
	fsys := mapFS(map[string]string{
		"d/x.yaml": "a: 1", "empty.yaml": "", "blank.yaml": "\ufeff \r\n\t\n", "latin.yaml": "a: 1\nb: 5 \xb5L\n", "utf16.yaml": "\xff\xfea\x00",
		"nul.yaml": "a: \x00\n", "c1.yaml": "a: \u0080\n", "del.yaml": "a: \x7f", "serial.yaml": "a: 1",
	})
	fsys["big.yaml"] = big
	fsys["pipe.yaml"] = &fstest.MapFile{Mode: fs.ModeNamedPipe}
	for _, c := range []struct {
		path string
		code *diag.Code
		say  string
	}{
		{"d", diag.NotAFile, "the workflow is a folder, not a file"},
		{"pipe.yaml", diag.NotAFile, "the workflow is a pipe or a device, not a file"},
		{"empty.yaml", diag.EmptyFile, "the file is empty"},
		{"blank.yaml", diag.EmptyFile, "the file is empty"},
		{"latin.yaml", diag.NotUTF8, "2:6 the file is not saved as UTF-8: byte 0xB5 stands here"},
		{"utf16.yaml", diag.NotUTF8, "the file is saved as UTF-16, not as UTF-8"},
		{"nul.yaml", diag.NotText, "1:4 a control character (U+0000) stands here, which no text has"},
		{"c1.yaml", diag.NotText, "1:4 a control character (U+0080) stands here, which no text has"},
		{"del.yaml", diag.NotText, "1:4 a control character (U+007F) stands here, which no text has"},
		{"big.yaml", diag.FileTooLarge, "the workflow has 4.1 MiB; at most 4 MiB are read"},
		{"serail.yaml", diag.NotFound, "the workflow does not exist; did you mean serial.yaml?"},
		{"../x.yaml", diag.FileOutside, "the workflow is outside the folder that files are read from"},
		{"/x.yaml", diag.FileOutside, "the workflow is outside the folder that files are read from"},
	} {
		b, list := Load(fsys, c.path)
		if b != nil || len(list) != 1 {
			t.Errorf("%s: %v %v", c.path, b, list)
			continue
		}
		checkFinding(t, c.path, list[0], c.code, c.say)
	}
}

// checkFinding compares code and "line:column message; help".
func checkFinding(t *testing.T, name string, d diag.Diagnostic, code *diag.Code, say string) {
	t.Helper()
	if got := brief(d); d.Code != code || !strings.HasPrefix(got, say) {
		t.Errorf("%s: got %s %q\nwant %s %q", name, d.Code, got, code, say)
	}
}

func brief(d diag.Diagnostic) string {
	say := d.Message + "; " + d.Help
	if d.Span.Start.Line > 0 {
		say = fmt.Sprintf("%d:%d %s", d.Span.Start.Line, d.Span.Start.Column, say)
	}
	return say
}

func TestLoadReferenceProblems(t *testing.T) {
	fsys := mapFS(map[string]string{"labware/rack.json": rack, "labware/d.json/x": "", "labware/bad.json": "\xff", "labware/none.json": "\n"})
	fsys["labware/big.json"] = &fstest.MapFile{Data: make([]byte, MaxFileSize+1<<20)}
	for _, c := range []struct {
		ref  string
		code *diag.Code
		say  string
	}{
		{"./labware/rakc.json", diag.NotFound, "3:16 labware/rakc.json does not exist; did you mean ./labware/rack.json?"},
		{"labware/Rack.json", diag.NotFound, "3:16 labware/Rack.json does not exist; did you mean labware/rack.json?"},
		{"'./xyz/a.json'", diag.NotFound, "3:16 xyz/a.json does not exist; file names count from the folder"},
		{"./labware/d.json", diag.NotAFile, "3:16 labware/d.json is a folder, not a file"},
		{"./labware/big.json", diag.FileTooLarge, "3:16 labware/big.json has 5 MiB; at most 4 MiB are read"},
		{"./labware/none.json", diag.EmptyFile, "the file is empty"},
		{"./labware/bad.json", diag.NotUTF8, "1:1 the file is not saved as UTF-8"},
		{"../x.json", diag.FileOutside, "3:16 ../x.json is outside the folder that files are read from"},
		{"/home/me/x.json", diag.FileOutside, "3:16 the file is named by an absolute path, which exists on one computer only; put it beside the workflow and write ./labware/x.json"},
		{`C:\me\x.json`, diag.FileOutside, "3:16 the file is named by an absolute path"},
		{"C:/x.json", diag.FileOutside, "3:16 the file is named by an absolute path"},
		{"~/x.json", diag.FileOutside, "3:16 the file is named by a path into somebody's home folder"},
		{`labware\rack.json`, diag.FileOutside, `3:16 the path is written with "\", which only Windows understands; write it with slashes: labware/rack.json`},
		{"https://a.b/x.json", diag.FileOutside, "3:16 a labware definition is read from a file, not from the web"},
	} {
		fsys["w.yaml"] = &fstest.MapFile{Data: []byte(using(c.ref))}
		b, list := Load(fsys, "w.yaml")
		if b == nil || len(b.Files) != 1 || len(list) != 1 {
			t.Errorf("%s: %v %v", c.ref, b, list)
			continue
		}
		checkFinding(t, c.ref, list[0], c.code, c.say)
	}
}

func TestReferenceProblemOffersAnEdit(t *testing.T) {
	source := using("'./labware/rakc.json'")
	b, list := FromFiles("w.yaml", []File{newFile("w.yaml", []byte(source)), newFile("labware/rack.json", []byte(rack))})
	if b == nil || len(list) != 1 || len(list[0].Edits) != 1 {
		t.Fatal(list)
	}
	e := list[0].Edits[0]
	if got := source[e.Span.Start.Offset:e.Span.End.Offset]; got != "./labware/rakc.json" || e.New != "./labware/rack.json" {
		t.Errorf("%q becomes %q", got, e.New)
	}
}

func TestLoadKeepsAWorkflowWithBadYAML(t *testing.T) {
	b, list := Load(mapFS(map[string]string{"w.yaml": "a: [\n"}), "w.yaml")
	if b == nil || len(list) > 0 {
		t.Errorf("%v %v", b, list)
	}
}

func TestFromFilesProblems(t *testing.T) {
	_, list := FromFiles("w.yaml", nil)
	checkFinding(t, "missing", list[0], diag.NotFound, "the workflow does not exist")
	_, list = FromFiles("w.yaml", []File{{Name: "w.yaml", Data: make([]byte, MaxFileSize+1)}})
	checkFinding(t, "large", list[0], diag.FileTooLarge, "the workflow has")
	_, list = FromFiles("w.yaml", []File{{Name: "w.yaml", Data: []byte(using("./x.json"))}, {Name: "x.json", Data: make([]byte, MaxFileSize+1)}})
	checkFinding(t, "large labware", list[0], diag.FileTooLarge, "3:16 x.json has")
}

func TestLoadFromDisk(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("w.yaml", using("./r.json"), 0o644)
	write("r.json", rack, 0o644)
	if b, list := Load(os.DirFS(dir), "w.yaml"); len(list) > 0 || len(b.Files) != 2 {
		t.Error(list)
	}
	_, list := Load(closed{os.DirFS(dir)}, "w.yaml")
	checkFinding(t, "closed", list[0], diag.Unreadable, "the workflow may not be read by this user")
}

// closed is a file system whose files this user may not read; a test cannot
// make one on disk where it runs as an administrator.
type closed struct{ fs.FS }

func (c closed) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// growing is a file system whose files get longer while they are read, the
// first few times.
type growing struct {
	fs.FS
	times *int
}

func (g growing) Open(name string) (fs.File, error) {
	f, err := g.FS.Open(name)
	return &growingFile{f, g.times, 0}, err
}

type growingFile struct {
	fs.File
	times *int
	stats int
}

func (f *growingFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if f.stats++; f.stats > 1 && *f.times > 0 {
		*f.times--
		return laterInfo{info}, err
	}
	return info, err
}

type laterInfo struct{ fs.FileInfo }

func (i laterInfo) ModTime() time.Time { return i.FileInfo.ModTime().Add(time.Nanosecond) }

func TestLoadReadsAgainWhatChanges(t *testing.T) {
	files := mapFS(map[string]string{"w.yaml": "a: 1\n"})
	times := 2
	if b, list := Load(growing{files, &times}, "w.yaml"); b == nil || len(list) > 0 {
		t.Errorf("twice changed: %v", list)
	}
	times = 99
	b, list := Load(growing{files, &times}, "w.yaml")
	if b != nil || times != 96 {
		t.Fatalf("%v, %d times read", b, 99-times)
	}
	checkFinding(t, "always changing", list[0], diag.FileChanged, "the workflow changed while it was read")
}

func FuzzLoad(f *testing.F) {
	f.Add("w.yaml", using("./r.json"), "r.json", rack)
	f.Add("p/w.yaml", using("../r.json"), "r.json", rack)
	f.Add("w.yaml", using(`"..\\\\\x00.json"`), "a/../r.json", "\xff")
	f.Add("w.yaml", "labware: {a: {type: [./x.json]}, b: &x {type: *x}, ./c.json: }\n", "", "")
	f.Add(".", "labware:\n  ? [a]\n  : {type: .json}\n", "..", "\ufeff")
	f.Fuzz(func(t *testing.T, main, text, name, data string) {
		b, list := FromFiles(main, []File{{Name: main, Data: []byte(text)}, {Name: name, Data: []byte(data)}})
		checkBundle(t, b, list)
		fsys := fstest.MapFS{}
		if fs.ValidPath(main) && fs.ValidPath(name) && main != "." && name != "." {
			fsys[main] = &fstest.MapFile{Data: []byte(text)}
			fsys[name] = &fstest.MapFile{Data: []byte(data)}
		}
		b, list = Load(fsys, main)
		checkBundle(t, b, list)
	})
}

func checkBundle(t *testing.T, b *Bundle, list diag.List) {
	t.Helper()
	if b == nil && len(list) == 0 {
		t.Error("neither a bundle nor a finding")
	}
	for _, d := range list {
		if d.Code == nil || d.Message == "" || strings.HasSuffix(d.Message, ".") {
			t.Errorf("%+v", d)
		}
	}
	if b == nil {
		return
	}
	if _, ok := b.File(b.Main); !ok {
		t.Error("the bundle lacks its main file")
	}
}
