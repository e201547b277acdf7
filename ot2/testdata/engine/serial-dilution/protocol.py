"""A twofold dilution along a row, one tip, step by step."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 6)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 9)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    row = plate.rows()[0]
    p300.pick_up_tip(tips["C5"])
    for here, there in zip(row[:6], row[1:7]):
        p300.aspirate(100, here)
        p300.dispense(100, there.bottom(2))
        p300.mix(3, 80, there.bottom(2))
        p300.blow_out(there.top(-3))
        p300.touch_tip()
    p300.aspirate(100, row[6])
    p300.dispense(100, row[7])
    p300.return_tip()
