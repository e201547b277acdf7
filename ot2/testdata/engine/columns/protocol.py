"""Whole columns with eight channels."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    source = protocol.load_labware("corning_96_wellplate_360ul_flat", 4)
    target = protocol.load_labware("corning_96_wellplate_360ul_flat", 5)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 7)
    m300 = protocol.load_instrument("p300_multi_gen2", "left", tip_racks=[tips])

    m300.transfer(50, source.columns()[0] + source.columns()[1], target.columns()[4] + target.columns()[5], new_tip="always")
