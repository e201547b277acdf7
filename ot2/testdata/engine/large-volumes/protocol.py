"""A P1000 from a falcon tube to a reservoir and back, a tip per direction."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    tubes = protocol.load_labware("opentrons_10_tuberack_falcon_4x50ml_6x15ml_conical", 10)
    trough = protocol.load_labware("nest_12_reservoir_15ml", 3)
    tips = protocol.load_labware("opentrons_96_tiprack_1000ul", 8)
    p1000 = protocol.load_instrument("p1000_single_gen2", "right", tip_racks=[tips])

    p1000.transfer(2500, tubes["A4"], trough["A1"], mix_before=(1, 500))
    p1000.pick_up_tip(tips["H12"])
    p1000.mix(2, 800, trough["A1"].bottom(3))
    p1000.aspirate(1000, trough["A1"])
    p1000.dispense(400, tubes["A1"].top(-10))
    p1000.dispense(600, tubes["B1"].top(-10))
    p1000.blow_out(tubes["B1"].top(-10))
    p1000.drop_tip()
