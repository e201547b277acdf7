"""700 and 720 uL, divided three ways, with a pipette that holds 300."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    water = protocol.load_labware("agilent_1_reservoir_290ml", 4)
    deep = protocol.load_labware("nest_96_wellplate_2ml_deep", 5)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 6)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    # Its own division: as much as fits, then the last two alike.
    p300.transfer(700, water["A1"], deep["A1"], new_tip="once")
    # As much as fits, and then the rest.
    p300.pick_up_tip()
    for volume in [300, 300, 100]:
        p300.aspirate(volume, water["A1"])
        p300.dispense(volume, deep["B1"])
    p300.drop_tip()
    # 720 uL in equal parts, a new tip for each.
    for volume in [240, 240, 240]:
        p300.pick_up_tip()
        p300.aspirate(volume, water["A1"])
        p300.dispense(volume, deep["C1"])
        p300.drop_tip()
