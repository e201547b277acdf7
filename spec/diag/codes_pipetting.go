package diag

// Codes OTF5xx, tips and pipetting limits.
var ()

var pipettingCodes = []*Code{}
