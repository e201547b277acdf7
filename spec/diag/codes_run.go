package diag

// Codes OTF7xx to 9xx, the run and carrying it out.
var ()

var runCodes = []*Code{}
