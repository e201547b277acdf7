"""A pool of two tubes to four wells, blown out into the trash each time."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    tubes = protocol.load_labware("opentrons_24_tuberack_eppendorf_1.5ml_safelock_snapcap", 3)
    target = protocol.load_labware("corning_96_wellplate_360ul_flat", 2)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 1)
    p300 = protocol.load_instrument("p300_single_gen2", "left", tip_racks=[tips])

    p300.transfer(
        120,
        [tubes["D1"], tubes["D6"]],
        target.rows()[7][:4],
        new_tip="once",
        blow_out=True,
        blowout_location="trash",
    )
