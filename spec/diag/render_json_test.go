package diag

import (
	"errors"
	"strings"
	"testing"
)

func fullList() List {
	at := Span{File: "a,b:c.yaml", Start: Pos{2, 3, 10}, End: Pos{2, 6, 13}}
	return List{
		{
			Code: overAspirate, Span: at, Message: "100 % <too> much", Label: "here", Values: []Value{{"v", "1 uL"}}, Frames: []string{"i = 1"},
			Notes: []string{"n"}, Related: []Related{{at, "there"}}, Help: "less", Edits: []Edit{{at, "x"}},
		},
		{Severity: Warning, Span: Span{File: "w.yaml"}, Message: "whole file"},
		{Message: "no place"},
		{Message: "lines", Span: Span{File: "w.yaml", Start: Pos{1, 2, 1}, End: Pos{3, 4, 30}}},
	}
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := JSON(&b, fullList()[:2]); err != nil {
		t.Fatal(err)
	}
	compact := strings.NewReplacer("\n", "", "  ", "").Replace(b.String())
	span := `{"file": "a,b:c.yaml","start": {"line": 2,"column": 3,"offset": 10},"end": {"line": 2,"column": 6,"offset": 13}}`
	expect(t, compact, `{"format": "ot2flow.diagnostics/1","diagnostics": [`+
		`{"code": "OTF602","name": "over-aspirate","severity": "error","message": "100 % <too> much","label": "here","span": `+span+
		`,"values": [{"name": "v","value": "1 uL"}],"frames": ["i = 1"],"notes": ["n"],"related": [{"span": `+span+`,"message": "there"}]`+
		`,"help": "less","edits": [{"span": `+span+`,"new": "x"}]},`+
		`{"code": "","name": "","severity": "warning","message": "whole file","label": "","span": {"file": "w.yaml","start": null,"end": null}`+
		`,"values": [],"frames": [],"notes": [],"related": [],"help": "","edits": []}],"summary": {"errors": 1,"warnings": 1}}`)
}

func TestJSONOfNothing(t *testing.T) {
	var b strings.Builder
	if err := JSON(&b, nil); err != nil {
		t.Fatal(err)
	}
	expect(t, strings.Join(strings.Fields(b.String()), ""), `{"format":"ot2flow.diagnostics/1","diagnostics":[],"summary":{"errors":0,"warnings":0}}`)
}

func TestGitHub(t *testing.T) {
	var b strings.Builder
	if err := GitHub(&b, fullList()); err != nil {
		t.Fatal(err)
	}
	expect(t, b.String(), `
::error file=a%2Cb%3Ac.yaml,line=2,endLine=2,col=3,endColumn=5,title=OTF602 over-aspirate::100 %25 <too> much%0Ahere%0Awith v = 1 uL%0Ain i = 1%0Anote: n%0Anote: there (line 2)%0Ahelp: less
::warning file=w.yaml::whole file
::error::no place
::error file=w.yaml,line=1,endLine=3::lines
`)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteErrorsAreReturned(t *testing.T) {
	for name, err := range map[string]error{
		"text":   Text(brokenWriter{}, fullList(), TextOptions{}),
		"json":   JSON(brokenWriter{}, fullList()),
		"github": GitHub(brokenWriter{}, fullList()),
	} {
		if err == nil {
			t.Errorf("%s: the error is lost", name)
		}
	}
}
