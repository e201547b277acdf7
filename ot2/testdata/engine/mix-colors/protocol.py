"""Red 100 uL, yellow 50 uL and blue 30 uL into one well, a tip kept for each."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    paints = protocol.load_labware("ac_6_tuberack_15000ul", 3, namespace="custom_beta", version=1)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 9)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    for place, volume in [("B1", 100), ("B2", 50), ("B3", 30)]:
        p300.pick_up_tip(tips[place])
        p300.aspirate(volume, paints[place])
        p300.dispense(volume, plate["A1"].bottom(8))
        p300.default_speed = 100
        p300.blow_out(paints["A1"].top(-5))
        p300.default_speed = 400
        p300.return_tip()
