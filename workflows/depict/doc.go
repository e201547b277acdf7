// Package depict puts what plans say into the words, numbers and colours in which
// people read them, the same on a terminal and on a page.
package depict
