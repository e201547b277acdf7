"""Recipes of three stocks in two wells; a tip for each aliquot."""

metadata = {"apiLevel": "2.13"}

RECIPES = [("A1", {"A1": 60, "A2": 0, "A3": 40}), ("B2", {"A1": 25, "A2": 30, "A3": 145})]


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 2)
    stocks = protocol.load_labware("nest_12_reservoir_15ml", 3)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 11)
    p300 = protocol.load_instrument("p300_single_gen2", "left", tip_racks=[tips])

    for well, volumes in RECIPES:
        for stock, volume in volumes.items():
            if volume == 0:
                continue
            p300.pick_up_tip()
            p300.aspirate(volume, stocks[stock].bottom(2))
            p300.dispense(volume, plate[well].top(-2))
            p300.touch_tip(v_offset=-2, radius=0.8, speed=40)
            p300.drop_tip()
