"""Which movements with some nozzles the vendor's Python refuses.

A protocol: it tries movements of 8-channel pipettes with every layout, in every
slot, beside labware of several heights, and comments what comes of each. Run by
the analysis of the vendor's package; read by TestPartialMovements.
"""
from opentrons.protocol_api import ALL, PARTIAL_COLUMN, SINGLE

metadata = {"protocolName": "partial"}
requirements = {"robotType": "OT-2", "apiLevel": "2.20"}

LAYOUTS = {"H1": (SINGLE, "H1", None), "A1": (SINGLE, "A1", None)}
for first in "GFEDCB":
    LAYOUTS[first + "1-H1"] = (PARTIAL_COLUMN, "H1", first + "1")

RACK = "opentrons_96_tiprack_300ul"
# What stands where: low plates, tall racks, a trough, and nothing in slots 5 and 8.
DECK = {
    1: "corning_96_wellplate_360ul_flat",
    2: "nest_1_reservoir_195ml",
    3: "opentrons_24_tuberack_nest_1.5ml_snapcap",
    4: "nest_12_reservoir_15ml",
    6: RACK,
    7: "opentrons_10_tuberack_nest_4x50ml_6x15ml_conical",
    9: "corning_384_wellplate_112ul_flat",
    10: RACK,
    11: "nest_96_wellplate_2ml_deep",
}
# The same with modules and adapters, asked of the copy in which this is True.
MODULES = False
WITH_MODULES = {
    1: ("magnetic module gen2", None, "nest_96_wellplate_2ml_deep"),
    2: "corning_96_wellplate_360ul_flat",
    3: ("heaterShakerModuleV1", "opentrons_96_flat_bottom_adapter", "nest_96_wellplate_200ul_flat"),
    4: ("temperature module gen2", "opentrons_96_well_aluminum_block", "nest_96_wellplate_100ul_pcr_full_skirt"),
    5: "nest_12_reservoir_15ml",
    6: RACK,
    7: ("thermocyclerModuleV2", None, "nest_96_wellplate_100ul_pcr_full_skirt"),
    9: ("temperature module", None, None),
}


def place(protocol, slot, what):
    if isinstance(what, str):
        return protocol.load_labware(what, slot)
    model, adapter, name = what
    on = protocol.load_module(model, slot)
    if adapter:
        on = on.load_adapter(adapter)
    return on.load_labware(name) if name else None


def run(protocol):
    deck = WITH_MODULES if MODULES else DECK
    racks = [slot for slot, name in deck.items() if name == RACK]
    labware = {slot: on for slot, what in deck.items() if (on := place(protocol, slot, what))}
    for model, mount in (("p300_multi_gen2", "left"), ("p50_multi", "right")):
        pipette = protocol.load_instrument(model, mount)
        for layout, (style, start, end) in LAYOUTS.items():
            pipette.configure_nozzle_layout(style=style, start=start, end=end)
            for slot in racks:
                for row in "AH":
                    attempt(protocol, f"{model} {layout} pick {slot} {row}6", lambda: probe(pipette, labware[slot], row + "6"))
            pick = "H6" if layout == "A1" else chr(ord("A") + ord("H") - ord(layout[0])) + "6"
            # With a tip on: one is put on without the check of its own.
            rack = labware[6]
            force(pipette, rack, pick)
            for slot in labware:
                if slot in racks:
                    continue
                wells = labware[slot].wells()
                for well in sorted({wells[0], wells[len(wells) // 2], wells[-1]}, key=lambda w: w.well_name):
                    for height in (1, -2):
                        where = well.bottom(1) if height == 1 else well.top(-2)
                        attempt(protocol, f"{model} {layout} at {slot} {well.well_name} {height}", lambda: check(pipette, well, where))
            pipette.drop_tip()


def attempt(protocol, what, do):
    try:
        do()
        protocol.comment(what + ": ok")
    except Exception as refused:  # what is refused is what is asked
        protocol.comment(what + ": " + type(refused).__name__)


def core(pipette):
    return pipette._core


def checker():
    try:
        from opentrons.protocol_api.core.engine import pipette_movement_conflict as conflict
    except ImportError:
        from opentrons.protocol_api.core.engine import deck_conflict as conflict
    return conflict


def probe(pipette, rack, well):
    from opentrons.protocol_engine import PickUpTipWellLocation

    checker().check_safe_for_pipette_movement(
        engine_state=core(pipette)._engine_client.state,
        pipette_id=core(pipette).pipette_id,
        labware_id=rack._core.labware_id,
        well_name=well,
        well_location=PickUpTipWellLocation(),
    )


def check(pipette, well, where):
    from opentrons.protocol_engine import WellLocation, WellOffset, WellOrigin

    corner = well.bottom(0).point
    offset = WellOffset(x=0, y=0, z=where.point.z - corner.z)
    checker().check_safe_for_pipette_movement(
        engine_state=core(pipette)._engine_client.state,
        pipette_id=core(pipette).pipette_id,
        labware_id=well.parent._core.labware_id,
        well_name=well.well_name,
        well_location=WellLocation(origin=WellOrigin.BOTTOM, offset=offset),
    )


def force(pipette, rack, well):
    from opentrons.protocol_engine import commands as cmd

    core(pipette)._engine_client.execute_command(
        cmd.PickUpTipParams(pipetteId=core(pipette).pipette_id, labwareId=rack._core.labware_id, wellName=well)
    )
