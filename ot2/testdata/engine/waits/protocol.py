"""Delays, pauses, comments, homing and moves that carry no liquid."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 11)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    protocol.comment("the run begins")
    protocol.home()
    protocol.pause("put the plate on")
    p300.pick_up_tip()
    p300.move_to(plate["H12"].top(3))
    protocol.delay(minutes=1, seconds=2.5)
    p300.move_to(plate["A1"].center(), speed=80)
    p300.aspirate(50, plate["A1"].bottom(1.5))
    protocol.delay(seconds=1)
    p300.dispense(50, plate["A2"].center())
    p300.drop_tip()
    protocol.home()
    protocol.comment("the run ends")
