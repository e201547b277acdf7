"""Gives red into the wells that a table names. The table is a run-time parameter."""

requirements = {"robotType": "OT-2", "apiLevel": "2.20"}


def add_parameters(parameters):
    parameters.add_csv_file(variable_name="doses", display_name="Doses", description="well, volume in uL")


def run(protocol):
    plate = protocol.load_labware("corning_96_wellplate_360ul_flat", "1")
    paints = protocol.load_labware("opentrons_15_tuberack_falcon_15ml_conical", "3")
    tips = protocol.load_labware("opentrons_96_tiprack_300ul", "9")
    p300 = protocol.load_instrument("p300_single_gen2", "right", tip_racks=[tips])
    for well, volume in protocol.params.doses.parse_as_csv()[1:]:
        p300.transfer(float(volume), paints["A1"], plate[well])
