"""One column into another, a new tip for each well."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    source = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    target = protocol.load_labware("corning_96_wellplate_360ul_flat", 5)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 8)
    p300 = protocol.load_instrument("p300_single_gen2", "left", tip_racks=[tips])

    p300.transfer(100, source.columns()[0], target.columns()[11], new_tip="always")
