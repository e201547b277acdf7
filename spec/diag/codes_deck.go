package diag

// Codes OTF4xx, deck, labware and pipettes.
var ()

var deckCodes = []*Code{}
