// Package ot2 holds the plain facts of the Opentrons OT-2: its deck, its
// pipettes, and how long it takes over things.
//
// It owns where the slots and the trash are, which pipettes there are, what
// they can hold, how fast they move liquid by default, which standard tip
// racks are made for them, and the model of time. It does not know what labware
// there is (see ot2/labware) and moves nothing. Lengths are micrometres, volumes nanolitres,
// flow rates nL/s.
package ot2
