// Package spec reads workflow files: it owns the bundle of files a workflow is
// made of, the YAML with exact places, the table of keys and step kinds, and
// the positioned tree that decoding by this table gives.
//
// It evaluates nothing and knows no robot; what names and expressions mean is
// package interpreter's.
package spec
