"""Mixing before and after, an air gap, touched tips, blown out at the destination."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    source = protocol.load_labware("nest_96_wellplate_2ml_deep", 10)
    target = protocol.load_labware("corning_96_wellplate_360ul_flat", 11)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 6)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    p300.transfer(
        80,
        source.columns()[2][:3],
        target.columns()[3][:3],
        new_tip="always",
        mix_before=(2, 100),
        air_gap=15,
        mix_after=(3, 60),
        touch_tip=True,
        blow_out=True,
        blowout_location="destination well",
    )
