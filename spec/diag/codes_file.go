package diag

// Codes OTF1xx, the file and its YAML.
var ()

var fileCodes = []*Code{}
