// Package robot carries out plans on an OT-2 through the robot's own HTTP API.
//
// It owns the client of that API, what must be true of a robot before a plan is
// handed to it, and how the robot's account of a run becomes the reports of
// package run. A plan is handed over whole, as a JSON protocol made by package
// command, so that the robot homes, pauses, stops, minds its door and shows the
// run in its own app as it does for any other protocol. It keeps nothing
// between processes and asks nobody anything.
//
// Only reading is ever repeated. A request that changes something is sent
// once; where its answer is lost, reading tells whether it was heard, and where
// that does not tell, the error says so.
//
// Robot software 7.1 and later understands what is sent.
package robot
