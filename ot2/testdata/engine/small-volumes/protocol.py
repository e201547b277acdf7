"""A P20 in a 384-well plate, slow and fast."""

metadata = {"apiLevel": "2.13"}


def run(protocol):
    plate = protocol.load_labware("corning_384_wellplate_112ul_flat", 2)
    tubes = protocol.load_labware("opentrons_24_tuberack_nest_0.5ml_screwcap", 5)
    tips = protocol.load_labware("opentrons_96_filtertiprack_20ul", 7)
    p20 = protocol.load_instrument("p20_single_gen2", "left", tip_racks=[tips])

    p20.pick_up_tip()
    for well in plate.columns()[0][:6]:
        p20.aspirate(5.5, tubes["A1"].bottom(0.5), rate=0.5)
        protocol.delay(seconds=0.5)
        p20.dispense(5.5, well.bottom(0.6), rate=2)
        p20.blow_out(tubes["A1"].top())
    p20.drop_tip()
