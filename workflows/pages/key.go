package pages

import "crypto/rand"

// newKey is one under which a form is accepted once, however often it is sent.
func newKey() string { return "page-" + rand.Text() }
