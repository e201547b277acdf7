// Package run carries out plans: it decides what is asked of a robot, in which
// order, and what may be said about it afterwards.
//
// It owns the interfaces to whatever moves (Backend, Session) and to whatever
// remembers (Journal), the events of a run, the Machine that folds events into
// a State and answers with Actions, and the driver that carries the actions
// out. It knows nothing of HTTP, of files or of terminals, and nothing of an
// OT-2.
//
// The rule everything here serves: a step that touches liquid, tips or labware
// happens once. The intent to send a batch of steps is journalled before it is
// sent; a send whose outcome is unclear is never repeated, the robot is asked
// what it knows instead; and what nobody can know goes to a person as in
// doubt. A stop, a pause or an end is reported only when the robot says so.
package run
