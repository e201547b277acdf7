package diag

// Codes OTF420 to OTF439, modules and what stands on them.
var (
	UnknownModule = &Code{ID: "OTF420", Name: "unknown-module", Explain: `A module is named by its kind and generation, such as magnetic_module_gen2. The generation matters: it decides what the module can do and what the robot takes for it. The names of Opentrons' Python API ("magnetic module gen2", magneticModuleV2) are taken as well. The modules of a Flex do not stand on an OT-2.`}

	ModulePlace = &Code{ID: "OTF421", Name: "module-place", Explain: `A module cannot stand there, or not beside that. A thermocycler stands in slot 7 and takes 8, 10 and 11 too. Beside a heater-shaker no other module stands, and to its left and right nothing taller than 53 mm, because its latch opens to the sides; in slot 9 the trash is in the way of the screw that holds it. Opentrons' own software refuses such a deck.`}

	DoesNotFit = &Code{ID: "OTF422", Name: "does-not-fit", Explain: `A labware says in its definition which adapters and blocks it is made to stand on. It does not name this one, so the robot would refuse it, and nobody has measured how high it would stand. An adapter stands in a slot or on a module, never on other labware.`}

	WhichModule = &Code{ID: "OTF423", Name: "which-module", Explain: `A step sets a kind of module that the workflow does not have, or of which it has two and the step does not say which one. Declare it under modules, or name one with module:.`}

	ModuleRange = &Code{ID: "OTF424", Name: "module-range", Explain: `The module cannot be set to this. A temperature module goes from 4 to 95 C in whole degrees, a heater-shaker heats from 37 to 95 C and shakes with 200 to 3000 rpm, the block of a thermocycler goes from 4 to 99 C and its lid from 37 to 110 C; magnets rise as far as their generation allows. The robot would stop the run there, or never get there.`}

	NoTarget = &Code{ID: "OTF425", Name: "nothing-to-wait-for", Explain: `A step waits for a temperature that no step has set, or that was switched off in between. The robot would stop the run there. Set a temperature first.`}

	LidClosed = &Code{ID: "OTF426", Name: "lid-closed", Explain: `A pipette or a hand is to reach into a thermocycler whose lid is closed, or has not been opened by this workflow: how it stands before the run is not known. Open it first: thermocycler: {lid: open}.`}

	LatchState = &Code{ID: "OTF427", Name: "latch", Explain: `The latch of a heater-shaker holds its labware. It must be closed, by a step of this workflow, before a pipette goes there or to its left or right, and before it shakes; it must be open before a hand takes labware away or puts it there. How it stands before the run is not known.`}

	Shaking = &Code{ID: "OTF428", Name: "shaking", Explain: `While a heater-shaker shakes, no pipette goes to it or to a slot beside it, its latch stays closed, and no hand takes labware from it. Stop it first, or give the step that shakes a hold, after which it stops.`}

	BesideShaker = &Code{ID: "OTF429", Name: "beside-heater-shaker", Explain: `An 8-channel pipette is so wide that it would hit a heater-shaker beside the slot it works in. It can never work to the left or right of one, and in front of and behind it only in tip racks. Put the labware or the heater-shaker elsewhere.`}

	MoveRefused = &Code{ID: "OTF430", Name: "move-refused", Explain: `Labware cannot be moved there now: something stands there already or on top of it, the magnets are up in its wells, or it is where it should go to. Say the moves in the order in which they can be done.`}

	OffTheDeck = &Code{ID: "OTF431", Name: "off-deck", Explain: `A pipette is to work in labware that is not on the deck at that point: it was declared with slot: off_deck and not brought yet, or has been taken off. Or something stands on top of it. Move it first: move_labware: {labware: plate, to: 1}.`}

	MagnetHeight = &Code{ID: "OTF432", Name: "magnet-height", Explain: `The magnets are to rise to the height that the labware asks for, and there is no labware on the module, or its definition says no height. Give one: magnet: {height: 6 mm}, counted from the plane the labware stands on.`}

	BesideGen1 = &Code{ID: "OTF433", Name: "beside-gen1-module", Explain: `An 8-channel pipette of the first generation hangs so far back that it would hit a magnetic or temperature module of the first generation in the slot in front of the one it works in. Put the labware or the module elsewhere.`}

	LidOpen = &Code{ID: "OTF434", Name: "lid-open", Explain: `The block of a thermocycler is to hold more than 45 C for some time under a lid that is open, or that this workflow has not closed: how it stands before the run is not known. Samples evaporate, and water condenses where it should not. Close the lid first, and heat it: thermocycler: {lid: closed, lid_temperature: 105 C}.`}
)

var moduleCodes = []*Code{
	UnknownModule, ModulePlace, DoesNotFit, WhichModule, ModuleRange, NoTarget, LidClosed, LatchState, Shaking, BesideShaker,
	MoveRefused, OffTheDeck, MagnetHeight, BesideGen1, LidOpen,
}
