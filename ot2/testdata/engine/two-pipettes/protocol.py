"""Two pipettes take turns: the large one for the buffer, the small one for the dye."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    trough = protocol.load_labware("nest_12_reservoir_15ml", 2)
    small = protocol.load_labware("opentrons_96_tiprack_20ul", 4)
    large = protocol.load_labware("opentrons_96_tiprack_300ul", 6)
    p20 = protocol.load_instrument("p20_single_gen2", "left", tip_racks=[small])
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[large])

    for well in plate.rows()[3][:3]:
        p300.transfer(190, trough["A1"], well, new_tip="once")
        p20.transfer(10, trough["A2"], well, new_tip="once", mix_after=(2, 15))
