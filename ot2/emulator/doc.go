// Package emulator answers as an OT-2 does: the robot's own HTTP API in front
// of a simulated deck, so that everything that drives a robot can be practised
// and tested without one. It imitates robot software 8.2, and was checked
// against recordings of a real server (see the tests).
//
// It owns the API's envelopes and errors, the life of a run, the queues of
// commands, what each command checks, stored protocols and their analyses, and
// Faults: robots that misbehave in a chosen way. What liquid does is
// interpreter/program's, how long things take is ot2's.
//
// It refuses what the robot refuses and no more: a real OT-2 draws from a dry
// well, fills a well over its rim and picks up from an empty place of a rack
// without a word, and so does this one. An aspirate above a well's rim draws
// air.
//
// # What is not a robot's
//
// GET /ot2flow/wells says what the wells of the current run hold, or of the
// last one that moved anything, as ot2flow.simulation/1. It needs no version
// header. With ?run=ID it answers for that run.
//
// # In a test
//
//	robot, err := emulator.New(emulator.Options{})
//	server := httptest.NewServer(robot.Handler())
//
// and at the end server.Close and robot.Close, in this order.
//
// # What is not emulated
//
//   - of the definition of a module, more than what is known here of it
//   - Python protocols other than by their recorded analyses, and JSON protocols
//     before schema 7
//   - calibration, networking, camera, the robot's own settings beyond the door
//     switch, MQTT notifications
//   - error recovery, which an OT-2 does not have
//   - the reach of the gantry; an 8-channel pipette with some of its nozzles is
//     moved wherever it is told to go, as the robot does
package emulator
