"""First-generation pipettes: a P50 and a P300, each with its own rack."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_24_wellplate_3.4ml_flat", 4)
    tubes = protocol.load_labware("opentrons_15_tuberack_falcon_15ml_conical", 5)
    few = protocol.load_labware("opentrons_96_tiprack_300ul", 8)
    many = protocol.load_labware("opentrons_96_filtertiprack_200ul", 9)
    p50 = protocol.load_instrument("p50_single", "left", tip_racks=[few])
    p300 = protocol.load_instrument("p300_single", "right", tip_racks=[many])

    p50.transfer(45, tubes["A1"], plate.wells()[:2], new_tip="always")
    p300.pick_up_tip()
    p300.aspirate(180, tubes["C5"].bottom(5))
    p300.dispense(180, plate["D6"].bottom(2))
    p300.touch_tip()
    p300.drop_tip()
