package command

import (
	"encoding/json"
	"fmt"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// document is an Opentrons JSON protocol of schema 8.
type document struct {
	Schema        string                     `json:"$otSharedSchema"`
	SchemaVersion int                        `json:"schemaVersion"`
	Metadata      metadata                   `json:"metadata"`
	Robot         robot                      `json:"robot"`
	LabwareSchema string                     `json:"labwareDefinitionSchemaId"`
	Labware       map[string]json.RawMessage `json:"labwareDefinitions"`
	LiquidSchema  string                     `json:"liquidSchemaId"`
	Liquids       map[string]liquid          `json:"liquids"`
	CommandSchema string                     `json:"commandSchemaId"`
	Commands      []Command                  `json:"commands"`
	NotesSchema   string                     `json:"commandAnnotationSchemaId"`
	Notes         []struct{}                 `json:"commandAnnotations"`
	Application   application                `json:"designerApplication"`
}

type metadata struct {
	Name        string `json:"protocolName"`
	Description string `json:"description,omitempty"`
}

type robot struct {
	Model string `json:"model"`
	Deck  string `json:"deckId"`
}

type liquid struct {
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	Color       string `json:"displayColor,omitempty"`
}

type application struct {
	Name string      `json:"name"`
	Data fingerprint `json:"data"`
}

type fingerprint struct {
	Fingerprint string `json:"fingerprint"`
}

// Protocol returns a plan as an Opentrons JSON protocol, schema 8: what the
// robot is given, and what `export --to json` writes. Equal plans give equal
// bytes: there is no date in it. Definitions of the user's own are inside;
// those of the standard catalogue the robot has itself.
func Protocol(p *program.Plan) ([]byte, error) {
	doc := document{
		Schema: "#/protocol/schemas/8", SchemaVersion: 8,
		Metadata:      metadata{Name: p.Workflow.Name, Description: "made by ot2flow from " + p.Workflow.File},
		Robot:         robot{"OT-2 Standard", "ot2_standard"},
		LabwareSchema: "opentronsLabwareSchemaV2", Labware: map[string]json.RawMessage{},
		LiquidSchema: "opentronsLiquidSchemaV1", Liquids: map[string]liquid{},
		CommandSchema: "opentronsCommandSchemaV8", Commands: Setup(p.Deck),
		NotesSchema: "opentronsCommandAnnotationSchemaV1", Notes: []struct{}{},
		Application: application{"ot2flow", fingerprint{p.Fingerprint}},
	}
	for i := range p.Deck.Labware {
		def := p.Deck.Labware[i].Def
		if def.JSON == nil {
			continue
		}
		if !json.Valid(def.JSON) {
			return nil, fmt.Errorf("the definition of %s is no JSON", p.Deck.Labware[i].Name)
		}
		doc.Labware[def.URI()] = json.RawMessage(def.JSON)
	}
	for i := range p.Deck.Liquids {
		l := &p.Deck.Liquids[i]
		doc.Liquids[l.Name] = liquid{l.Name, l.Description, l.Color}
	}
	for i := range p.Steps {
		doc.Commands = append(doc.Commands, Of(&p.Steps[i], p.Deck)...)
	}
	return json.MarshalIndent(doc, "", " ")
}
