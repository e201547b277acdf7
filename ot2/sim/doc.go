// Package sim carries out programs without a robot: on a state of its own,
// with a virtual clock, refusing what a robot would refuse or what would put
// liquid where it cannot be.
//
// It owns the World, in which steps happen, the Trace of them, the Result, and
// a Backend that puts the World behind the interface a robot is behind. Noise
// carries a program out many times with the errors that pipettes make. The
// package plans nothing; it sees operations and the deck, and what expands a
// workflow only where the workflow reacts to what it measures.
package sim
