"""How high the vendor's software lets a pipette go.

A protocol: it looks for the highest place that each pipette may go to, without a
tip and with the tips of every rack made for it, and for the tallest labware it
may pass over; and comments what it finds. Run by the analysis of the vendor's
package; read by TestReach.
"""
from opentrons.protocol_api import OFF_DECK

metadata = {"protocolName": "reach"}
requirements = {"robotType": "OT-2", "apiLevel": "2.20"}

PAIR = ("p300_single_gen2", "p20_multi_gen2")  # another pair in every copy
RACKS = {
    "p10": ["opentrons_96_tiprack_10ul", "geb_96_tiprack_10ul"],
    "p20": ["opentrons_96_tiprack_20ul", "opentrons_96_filtertiprack_10ul"],
    "p50": ["opentrons_96_tiprack_300ul", "tipone_96_tiprack_200ul"],
    "p300": ["opentrons_96_tiprack_300ul", "opentrons_96_filtertiprack_200ul"],
    "p1000": ["opentrons_96_tiprack_1000ul", "geb_96_tiprack_1000ul"],
}
STEP = 0.02  # mm


def run(protocol):
    low = protocol.load_labware("corning_96_wellplate_360ul_flat", 1)
    other = protocol.load_labware("corning_96_wellplate_360ul_flat", 2)
    tall = [protocol.load_labware_from_definition(tower(low, 100 + 4 * i), OFF_DECK) for i in range(42)]
    for model, mount in zip(PAIR, ("left", "right")):
        pipette = protocol.load_instrument(model, mount)
        for slot, name in enumerate([None, *RACKS[model.split("_")[0]]], 4):
            if name:
                rack = protocol.load_labware(name, slot)
                pipette.pick_up_tip(rack["A1"])
            for way, start in (("far", other["A1"]), ("near", low["B1"])):
                z = highest(pipette, low["A1"], start)
                protocol.comment(f"{model} {name or '-'} {way} {z:.2f}")
            if name:
                pipette.drop_tip()
            protocol.comment(f"{model} {name or '-'} over {over(protocol, pipette, low, other, tall, name and rack)}")
            if name:
                protocol.move_labware(rack, OFF_DECK)


def refused(do):
    try:
        do()
    except Exception as why:  # what is refused is what is asked
        if "out of bounds" not in str(why):
            raise
        return True
    return False


def highest(pipette, well, start):
    """The highest z that the pipette may go to, coming from start."""
    top = well.top().point.z
    low, high = int(0 / STEP), int(280 / STEP)
    while high - low > 1:
        middle = (low + high) // 2
        pipette.move_to(start.top())
        if refused(lambda: pipette.move_to(well.top(middle * STEP - top))):
            high = middle
        else:
            low = middle
    return low * STEP


def over(protocol, pipette, low, other, tall, rack):
    """The tallest labware that the pipette may pass over."""
    lo, hi = 0, len(tall)
    while hi - lo > 1:
        middle = (lo + hi) // 2
        if rack:
            pipette.pick_up_tip(rack.wells()[8 * middle % 88])
        pipette.move_to(other["A1"].top())
        protocol.move_labware(tall[middle], 9)
        if refused(lambda: pipette.move_to(low["A1"].top())):
            hi = middle
        else:
            lo = middle
        protocol.move_labware(tall[middle], OFF_DECK)
        if rack:
            pipette.drop_tip()
            pipette.reset_tipracks()
    return 100 + 4 * lo


def tower(like, height):
    import copy

    definition = copy.deepcopy(like._core.get_definition())
    definition["namespace"] = "custom"
    definition["parameters"]["loadName"] = f"tower_{height}"
    definition["dimensions"]["zDimension"] = height
    return definition
