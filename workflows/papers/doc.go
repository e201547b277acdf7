// Package papers makes of a plan what people take to the bench: a sheet to prepare the deck
// by and to pipette by hand, and a picture of the deck. Both are files that need nothing
// else, no network and no scripts.
package papers
