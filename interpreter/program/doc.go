// Package program holds what a workflow becomes: atomic steps, the plan made
// of them, and the state of a deck in their course.
//
// It owns the operations and their table, the one function that changes a
// state, the JSON form of plans, and the plain facts of labware, pipettes and
// slots that everything after expansion reads. It knows nothing of the
// language, and of a robot only what these facts say.
package program
