package ot2

import (
	"strconv"

	"github.com/ot2flow/ot2flow/interpreter/program"
)

// TrashSlot is the slot of the fixed trash. Nothing else can stand there, so
// Slots leaves it out.
const TrashSlot = "12"

// The deck in µm, from the front left bottom corner of slot 1: Opentrons' deck
// definition ot2_standard. Slots are counted from the front left, three to a
// row.
const (
	SlotPitchX = 132_500
	SlotPitchY = 90_500
	SlotX      = 128_000 // size of a slot's frame; labware is a little smaller
	SlotY      = 86_000
	slotCount  = 11
	perRow     = 3
)

// Where tips are dropped and waste is blown out: above the middle of the fixed
// trash, at the height of its rim. The lower trash of 850 mL, which a setting
// of the robot selects, is at the same place with its rim at ShortTrashZ.
const (
	TrashX      = 347_840
	TrashY      = 351_500
	TrashZ      = 82_000
	ShortTrashZ = 55_000
)

// TrashLabware is the definition of the usual fixed trash.
const TrashLabware = "opentrons_1_trash_1100ml_fixed"

// Slots returns the slots that labware can stand on, "1" to "11".
func Slots() []program.Slot {
	slots := make([]program.Slot, slotCount)
	for i := range slots {
		slots[i] = slotAt(i)
	}
	return slots
}

// Slot returns the slot called name, "1" to "11".
func Slot(name string) (program.Slot, bool) {
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > slotCount || name != strconv.Itoa(n) {
		return program.Slot{}, false
	}
	return slotAt(n - 1), true
}

func slotAt(i int) program.Slot {
	return program.Slot{
		Name: strconv.Itoa(i + 1),
		X:    int64(i%perRow) * SlotPitchX,
		Y:    int64(i/perRow) * SlotPitchY,
	}
}
