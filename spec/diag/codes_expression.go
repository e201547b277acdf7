package diag

// Codes OTF3xx, names, types and expressions.
var ()

var expressionCodes = []*Code{}
