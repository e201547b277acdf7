package diag

import (
	"encoding/json"
	"io"
	"strings"
)

// The form in which programs that collect findings of many tools take them:
// SARIF 2.1.0, the Static Analysis Results Interchange Format of OASIS.

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Short sarifText `json:"shortDescription"`
	Full  sarifText `json:"fullDescription"`
	Help  sarifText `json:"help"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId,omitempty"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
	Related   []sarifLocation `json:"relatedLocations,omitempty"`
	Fixes     []sarifFix      `json:"fixes,omitempty"`
}

type sarifLocation struct {
	ID       *int          `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifText    `json:"message,omitempty"`
}

type sarifPhysical struct {
	File   sarifArtifact `json:"artifactLocation"`
	Region *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

type sarifFix struct {
	Description sarifText     `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	File         sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion `json:"deletedRegion"`
	Inserted sarifText   `json:"insertedContent"`
}

// SARIF writes the findings as SARIF 2.1.0, with the page of every code that is
// found as the help of its rule, and what would mend it as fixes. version is that
// of ot2flow.
func SARIF(w io.Writer, list List, version string) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: make([]sarifResult, 0, len(list))}
	run.Tool.Driver = sarifDriver{Name: "ot2flow", Version: version, InformationURI: "https://github.com/ot2flow/ot2flow", Rules: []sarifRule{}}
	rules := map[*Code]int{}
	for i := range list {
		d := &list[i]
		rule, known := rules[d.Code]
		if !known && d.Code != nil {
			rule = len(run.Tool.Driver.Rules)
			rules[d.Code] = rule
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, d.Code.sarif())
		}
		run.Results = append(run.Results, d.sarif(rule))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func (c *Code) sarif() sarifRule {
	first, _, _ := strings.Cut(c.Explain, "\n")
	return sarifRule{ID: c.ID, Name: c.Name, Short: sarifText{strings.ReplaceAll(c.Name, "-", " ")}, Full: sarifText{first}, Help: sarifText{c.Explain}}
}

func (d *Diagnostic) sarif(rule int) sarifResult {
	out := sarifResult{RuleIndex: rule, Level: d.Severity.String(), Message: sarifText{d.paragraph()}, Locations: []sarifLocation{}}
	if d.Code == nil {
		out.RuleIndex = -1
	} else {
		out.RuleID = d.Code.ID
	}
	if d.Span.File != "" {
		out.Locations = append(out.Locations, sarifLocation{Physical: d.Span.physical()})
	}
	for _, r := range d.Related {
		if r.Span.File != "" {
			id := len(out.Related) + 1
			out.Related = append(out.Related, sarifLocation{ID: &id, Physical: r.Span.physical(), Message: &sarifText{r.Message}})
		}
	}
	if fix := d.sarifFix(); len(fix.Changes) > 0 {
		out.Fixes = []sarifFix{fix}
	}
	return out
}

// sarifFix is all edits of a finding, which belong together.
func (d *Diagnostic) sarifFix() sarifFix {
	out := sarifFix{Description: sarifText{d.Help}}
	if d.Help == "" {
		out.Description.Text = d.Message
	}
	at := map[string]int{}
	for _, e := range d.Edits {
		if e.Span.File == "" || e.Span.Start.Line == 0 {
			continue
		}
		i, known := at[e.Span.File]
		if !known {
			i = len(out.Changes)
			at[e.Span.File] = i
			out.Changes = append(out.Changes, sarifChange{File: sarifArtifact{uri(e.Span.File)}})
		}
		out.Changes[i].Replacements = append(out.Changes[i].Replacements, sarifReplacement{e.Span.region(), sarifText{e.New}})
	}
	return out
}

func (s Span) physical() sarifPhysical {
	out := sarifPhysical{File: sarifArtifact{uri(s.File)}}
	if s.Start.Line > 0 {
		r := s.region()
		out.Region = &r
	}
	return out
}

// region is s with an end that is not before its start.
func (s Span) region() sarifRegion {
	out := sarifRegion{s.Start.Line, max(1, s.Start.Column), s.End.Line, max(1, s.End.Column)}
	if out.EndLine < out.StartLine {
		out.EndLine, out.EndColumn = out.StartLine, out.StartColumn
	}
	return out
}

// uri is a file's name as a reference: what has a meaning in an address is written
// in hexadecimal.
func uri(file string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(file) {
		if c := file[i]; strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	if strings.HasPrefix(file, "/") {
		return "file://" + b.String()
	}
	return b.String()
}
