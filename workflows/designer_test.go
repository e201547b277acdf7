package workflows_test

import (
	"os"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// What Protocol Designer, the vendor's own editor, says of a protocol for an OT-2 is
// found here, too: each of its errors and warnings, by the names in its sources, with
// the file of the corpus that shows what is found. Those that only a Flex can have
// (gripper, staging slots, waste chute, stacker, plate reader, 96 channels) are left
// out, and so are fields that its forms want filled in and that have a default here.
var designer = []struct {
	name string
	file string
	code *diag.Code
}{
	// Of the timeline.
	{"INSUFFICIENT_TIPS", "out-of-tips", diag.OutOfTips},
	{"NO_TIP_ON_PIPETTE", "no-tip", diag.NoTip},
	{"PIPETTE_DOES_NOT_EXIST", "no-pipette", diag.NoPipette},
	{"NO_TIP_SELECTED", "pipette-without-tips", diag.OutOfTips},
	{"TIP_VOLUME_EXCEEDED", "too-much-for-tip", diag.TooMuchForTip},
	{"PIPETTE_VOLUME_EXCEEDED", "never-split", diag.TooMuchForTip},
	{"LABWARE_DOES_NOT_EXIST", "unknown-name", diag.UnknownName},
	{"LABWARE_OFF_DECK", "off-deck", diag.OffTheDeck},
	{"LABWARE_ON_ANOTHER_ENTITY", "move-refused", diag.MoveRefused},
	{"DROP_TIP_LOCATION_DOES_NOT_EXIST", "drop-into-plate", diag.NotATipRack},
	{"MISSING_MODULE", "which-module", diag.WhichModule},
	{"MISSING_TEMPERATURE_STEP", "nothing-to-wait-for", diag.NoTarget},
	{"MODULE_PIPETTE_COLLISION_DANGER", "eight-channels-beside-modules", diag.BesideGen1},
	{"THERMOCYCLER_LID_CLOSED", "lid-closed", diag.LidClosed},
	{"HEATER_SHAKER_LATCH_OPEN", "latch", diag.LatchState},
	{"HEATER_SHAKER_LATCH_CLOSED", "latch", diag.LatchState},
	{"HEATER_SHAKER_EAST_WEST_LATCH_OPEN", "latch", diag.LatchState},
	{"HEATER_SHAKER_IS_SHAKING", "shaking", diag.Shaking},
	{"HEATER_SHAKER_NORTH_SOUTH_EAST_WEST_SHAKING", "shaking", diag.Shaking},
	{"HEATER_SHAKER_EAST_WEST_MULTI_CHANNEL", "eight-channels-beside-modules", diag.BesideShaker},
	{"HEATER_SHAKER_NORTH_SOUTH__OF_NON_TIPRACK_WITH_MULTI_CHANNEL", "eight-channels-beside-modules", diag.BesideShaker},
	{"TALL_LABWARE_EAST_WEST_OF_HEATER_SHAKER", "module-beside", diag.ModulePlace},
	{"POSSIBLE_PIPETTE_COLLISION", "partial-tips-refused", diag.PartialRefused},
	{"ASPIRATE_MORE_THAN_WELL_CONTENTS", "over-aspirate", diag.OverAspirate},
	{"ASPIRATE_FROM_PRISTINE_WELL", "empty-well", diag.EmptyWell},
	{"TEMPERATURE_IS_POTENTIALLY_UNREACHABLE", "module-range", diag.ModuleRange},
	// Of its forms.
	{"BELOW_PIPETTE_MINIMUM_VOLUME", "below-minimum", diag.BelowMinimum},
	{"OVER_MAX_WELL_VOLUME", "overflow", diag.Overflow},
	{"INCOMPATIBLE_ASPIRATE_LABWARE", "no-liquid-here", diag.NoLiquidHere},
	{"INCOMPATIBLE_LABWARE", "channel-over-nothing", diag.OffWell},
	{"WELL_RATIO_MOVE_LIQUID", "lists-do-not-pair", diag.ListsDoNotPair},
	{"ENGAGE_HEIGHT_MAX_EXCEEDED", "magnet-height", diag.MagnetHeight},
	{"INVALID_PROFILE_DURATION", "module-range", diag.ModuleRange},
	{"MODULE_ID_REQUIRED", "which-module", diag.WhichModule},
	{"labware cannot stand on this module", "does-not-fit", diag.DoesNotFit},
	{"NON_ZERO", "bad-count", diag.BadCount},
	{"NOT_A_REAL_NUMBER", "not-a-number", diag.OddNumber},
	{"OUTSIDE_OF_RANGE", "out-of-bounds", diag.OutOfBounds},
	{"REQUIRED", "missing-key", diag.MissingKey},
	// Of the deck.
	{"SLOT_OCCUPIED", "slot-taken", diag.SlotTaken},
	{"HEATER_SHAKER_ADJACENT_TO_MODULE", "module-beside", diag.ModulePlace},
}

func TestProtocolDesigner(t *testing.T) {
	for _, d := range designer {
		out, err := os.ReadFile("testdata/err/" + d.file + ".out") // that it is what lint prints is proved by TestCorpusErr
		if err != nil || !strings.Contains(string(out), "["+d.code.String()+"]") {
			t.Errorf("%s: testdata/err/%s.out does not show %s (%v)", d.name, d.file, d.code, err)
		}
	}
}
