// Package sim carries out programs without a robot: on a state of its own,
// with a virtual clock, refusing what a robot would refuse or what would put
// liquid where it cannot be.
//
// It owns the World, in which steps happen, the Trace of them, the Result, and
// a Backend that puts the World behind the interface a robot is behind. It
// plans nothing and knows no workflow: it sees operations and the deck.
package sim
