"""A tip per source, a tip per destination, and one tip kept on over two steps."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("usascientific_96_wellplate_2.4ml_deep", 3)
    tubes = protocol.load_labware("opentrons_6_tuberack_falcon_50ml_conical", 9)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 5)
    p300 = protocol.load_instrument("p300_single_gen2", "left", tip_racks=[tips])

    # Two sources, two wells each.
    for tube, wells in [("A1", ["A1", "B1"]), ("B1", ["C1", "D1"])]:
        p300.pick_up_tip()
        for well in wells:
            p300.aspirate(200, tubes[tube])
            p300.dispense(200, plate[well])
        p300.drop_tip()

    # 400 uL for each of two wells, in two halves.
    for well in ["A2", "B2"]:
        p300.pick_up_tip()
        for _ in range(2):
            p300.aspirate(200, tubes["A1"])
            p300.dispense(200, plate[well])
        p300.return_tip()

    # A tip from the end of the rack, for both.
    p300.pick_up_tip(tips["H12"])
    p300.aspirate(50, tubes["B1"])
    p300.air_gap(20)
    p300.dispense(70, plate["A3"].top(-3))
    p300.aspirate(60, tubes["B1"])
    p300.air_gap(25)
    p300.dispense(85, plate["B3"])
    p300.drop_tip()
