package diag

// Codes OTF6xx, liquids in wells.
var ()

var liquidCodes = []*Code{}
