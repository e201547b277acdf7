package diag

// Codes OTF2xx, the structure of a workflow.
var ()

var structureCodes = []*Code{}
