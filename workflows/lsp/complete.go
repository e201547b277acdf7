package lsp

import (
	"fmt"
	"strings"

	"github.com/ot2flow/ot2flow/spec/complete"
	"github.com/ot2flow/ot2flow/workflows"
)

// kinds are the kinds of completions in the protocol.
var kinds = map[string]int{complete.Key: 10, complete.Word: 12, complete.Name: 6, complete.Function: 3, complete.Example: 15}

// complete says what can stand at a place.
func (s *server) complete(d *document, p *params) (any, error) {
	at := d.offset(p.Position)
	from, options := complete.At(string(d.data), at, s.known(d))
	out := completionList{Items: []completionItem{}}
	for i, o := range options {
		item := completionItem{
			Label: o.Label, Kind: kinds[o.Kind], Detail: o.Detail, SortText: fmt.Sprintf("%05d", i),
			TextEdit: &textEdit{d.between(from, at), o.Insert},
		}
		if o.Doc != "" {
			doc := markdown(o.Doc)
			item.Documentation = &doc
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// known knows the wells of labware that the workflow itself brings, too.
func (s *server) known(d *document) complete.Known {
	return func(what string) []complete.Option {
		file, ok := strings.CutPrefix(what, complete.Wells)
		if !ok {
			return workflows.Known(what)
		}
		if out := workflows.Known(what); out != nil {
			return out
		}
		return s.now(d).KnownWells(file)
	}
}
