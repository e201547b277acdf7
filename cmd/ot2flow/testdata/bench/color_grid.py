"""The workflow 02-color-grid by hand: sixty wells, three paints each, then a look with the colour sensor."""

metadata = {"robotType": "OT-2", "apiLevel": "2.20"}


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    paints = protocol.load_labware("ac_6_tuberack_15000ul", 3, namespace="custom_beta", version=1)
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", 9)
    sensor = protocol.load_labware("ac_color_sensor_charging_port", 10, namespace="custom_beta", version=1)
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    wells = [well for row in plate.rows() for well in row][:60]
    for well in wells:
        for place in ["B1", "B2", "B3"]:
            p300.pick_up_tip(tips[place])
            p300.aspirate(40, paints[place])
            p300.dispense(40, well.bottom(10))
            p300.default_speed = 100
            p300.blow_out(paints["A1"].top(-5))
            p300.default_speed = 400
            p300.drop_tip(tips[place])
        p300.pick_up_tip(sensor["A2"])
        p300.move_to(well.top(3))
        protocol.delay(seconds=5)
        p300.drop_tip(sensor["A2"].top(-75))
