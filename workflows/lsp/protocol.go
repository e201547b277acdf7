package lsp

import "encoding/json"

// What is used of the Language Server Protocol 3.17, by its names.

type position struct {
	Line      int `json:"line"`
	Character int `json:"character"` // UTF-16 code units
}

type textRange struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type location struct {
	URI   string    `json:"uri"`
	Range textRange `json:"range"`
}

type textDocument struct {
	URI     string `json:"uri"`
	Version int    `json:"version"`
	Text    string `json:"text"`
}

type contentChange struct {
	Range *textRange `json:"range"` // nil for all of it
	Text  string     `json:"text"`
}

// params are those of every request that is about a document; each has some of them.
type params struct {
	TextDocument   textDocument    `json:"textDocument"`
	Position       position        `json:"position"`
	Range          textRange       `json:"range"`
	ContentChanges []contentChange `json:"contentChanges"`
	NewName        string          `json:"newName"`
	Context        struct {
		IncludeDeclaration bool         `json:"includeDeclaration"`
		Only               []string     `json:"only"`
		Diagnostics        []diagnostic `json:"diagnostics"`
	} `json:"context"`
}

type textEdit struct {
	Range   textRange `json:"range"`
	NewText string    `json:"newText"`
}

type workspaceEdit struct {
	Changes map[string][]textEdit `json:"changes"`
}

type related struct {
	Location location `json:"location"`
	Message  string   `json:"message"`
}

type link struct {
	Href string `json:"href"`
}

type diagnostic struct {
	Range    textRange `json:"range"`
	Severity int       `json:"severity"` // 1 error, 2 warning
	Code     string    `json:"code,omitempty"`
	Link     *link     `json:"codeDescription,omitempty"`
	Source   string    `json:"source"`
	Message  string    `json:"message"`
	Related  []related `json:"relatedInformation,omitempty"`
}

type publishParams struct {
	URI         string       `json:"uri"`
	Version     *int         `json:"version,omitempty"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type markup struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

func markdown(text string) markup { return markup{"markdown", text} }

type hover struct {
	Contents markup     `json:"contents"`
	Range    *textRange `json:"range,omitempty"`
}

type completionItem struct {
	Label         string    `json:"label"`
	Kind          int       `json:"kind"`
	Detail        string    `json:"detail,omitempty"`
	Documentation *markup   `json:"documentation,omitempty"`
	SortText      string    `json:"sortText"`
	FilterText    string    `json:"filterText,omitempty"`
	TextEdit      *textEdit `json:"textEdit"`
}

type completionList struct {
	IsIncomplete bool             `json:"isIncomplete"`
	Items        []completionItem `json:"items"`
}

type documentSymbol struct {
	Name           string           `json:"name"`
	Detail         string           `json:"detail,omitempty"`
	Kind           int              `json:"kind"`
	Range          textRange        `json:"range"`
	SelectionRange textRange        `json:"selectionRange"`
	Children       []documentSymbol `json:"children,omitempty"`
}

type codeAction struct {
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Diagnostics []diagnostic   `json:"diagnostics,omitempty"`
	IsPreferred bool           `json:"isPreferred,omitempty"`
	Edit        *workspaceEdit `json:"edit,omitempty"`
}

type prepared struct {
	Range       textRange `json:"range"`
	Placeholder string    `json:"placeholder"`
}

// capabilities are what the server does.
var capabilities = json.RawMessage(`{
  "positionEncoding": "utf-16",
  "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
  "completionProvider": {"triggerCharacters": [".", " ", "-", "{", "[", ",", ":"]},
  "hoverProvider": true,
  "definitionProvider": true,
  "referencesProvider": true,
  "documentHighlightProvider": false,
  "renameProvider": {"prepareProvider": true},
  "documentFormattingProvider": true,
  "documentSymbolProvider": true,
  "codeActionProvider": {"codeActionKinds": ["quickfix", "source.fixAll"]}
}`)
