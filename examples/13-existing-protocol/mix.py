from opentrons import protocol_api

metadata = {"protocolName": "mix two paints"}
requirements = {"robotType": "OT-2", "apiLevel": "2.20"}


def add_parameters(parameters):
    parameters.add_float("Red paint in uL", "red", default=60.0, minimum=0.0, maximum=300.0)
    parameters.add_int("How often to mix", "times", default=3, minimum=0, maximum=10)


def run(protocol: protocol_api.ProtocolContext):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", "1")
    paints = protocol.load_labware("opentrons_15_tuberack_falcon_15ml_conical", "3")
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", "9")
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])

    p300.transfer(protocol.params.red, paints["A1"], plate["A1"])
    p300.transfer(
        40, paints["A2"], plate["A1"],
        mix_after=(protocol.params.times, 50), blow_out=True, touch_tip=True,
    )
    protocol.comment("two paints are mixed")
