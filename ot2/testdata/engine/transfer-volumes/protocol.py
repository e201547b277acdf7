"""One well to several, each with its own volume; nothing is done for the 0."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    source = protocol.load_labware("nest_12_reservoir_15ml", 2)
    target = protocol.load_labware("biorad_96_wellplate_200ul_pcr", 4)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 7)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    p300.transfer([20, 35.5, 0, 150], source["A12"], target.wells()[:4], new_tip="once", trash=False)
