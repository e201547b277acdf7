// Package labware knows what can stand on the deck of an OT-2: the standard
// catalogue of Opentrons, and users' own definitions.
//
// It owns the catalogue, what a load name means, and the reading and checking
// of definitions in Opentrons labware schema 2. It does not know where on the
// deck a labware stands, which module is under it, or what is in its wells.
//
// The catalogue is generated from the Python package opentrons-shared-data
// 8.8.2 by generate.py, which says what was left out and why; NOTICE has the
// licence of these data. It is kept as text, one line a definition, so that a
// change of the catalogue can be read in a diff, and it is searched in place:
// nothing is read before it is asked for, and one line is read for one answer.
//
// A bare load name means the newest version that robot software 8.2.0 ships,
// the oldest software a workflow is promised to run on, or the newest version
// there is if 8.2.0 has none. A reference namespace/loadName/version means
// exactly that version. Only definitions of schema 2 are in the catalogue.
package labware

//go:generate python3 generate.py
//go:generate gofmt -w ../pipettes_gen.go
