"""Writes catalogue.txt, version_gen.go and ../pipettes_gen.go from Opentrons' published data.

    pip install opentrons-shared-data==8.8.2
    python3 generate.py [--baseline DIR]

The data are those of the installed package; nothing of its code runs, and only
Python's standard library is needed to read them. DIR is where the package of
the oldest robot software we support is unpacked:

    pip install --no-deps --target DIR opentrons-shared-data==8.2.0

Which versions that software ships decides what a bare load name means. Without
--baseline the marks of the committed catalogue.txt are kept, so that the script
gives the same bytes again wherever it runs.

What is left out: see stands_on_ot2. The format of catalogue.txt: see
catalogue.go.
"""

import argparse
import importlib.util
import json
import pathlib
import sys

VERSION = "8.8.2"
HERE = pathlib.Path(__file__).resolve().parent
CATALOGUE = HERE / "catalogue.txt"
PIPETTES = HERE.parent / "pipettes_gen.go"
WHICH = HERE / "version_gen.go"

# The pitch of the OT-2's slots, in mm: what is wider reaches into its neighbours.
SLOT_PITCH = (132.5, 90.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", type=pathlib.Path, help="where opentrons-shared-data 8.2.0 is unpacked")
    args = parser.parse_args()
    data = installed_data()
    definitions = read_definitions(data)
    if args.baseline:
        shipped = set(read_definitions(args.baseline / "opentrons_shared_data" / "data"))
    else:
        shipped = committed_marks()
    CATALOGUE.write_text(catalogue(definitions, shipped), encoding="utf-8", newline="\n")
    WHICH.write_text(which(), encoding="utf-8", newline="\n")
    PIPETTES.write_text(pipettes(data), encoding="utf-8", newline="\n")


def installed_data():
    """The data folder of the installed package, which must be of VERSION."""
    spec = importlib.util.find_spec("opentrons_shared_data")
    if spec is None:
        sys.exit(f"install opentrons-shared-data=={VERSION} first")
    package = pathlib.Path(spec.origin).parent
    if not (package.parent / f"opentrons_shared_data-{VERSION}.dist-info").is_dir():
        sys.exit(f"the installed opentrons-shared-data is not version {VERSION}")
    return package / "data"


def read_definitions(data):
    """All schema 2 definitions by (load name, version)."""
    out = {}
    for path in sorted((data / "labware" / "definitions" / "2").glob("*/*.json")):
        d = json.loads(path.read_text(encoding="utf-8"))
        out[d["parameters"]["loadName"], d["version"]] = d
    return out


def committed_marks():
    """(load name, version) of the lines marked b in the committed catalogue."""
    lines = [line.split("\t") for line in CATALOGUE.read_text(encoding="utf-8").splitlines()]
    return {(fields[0], int(fields[1])) for fields in lines if "b" in fields[2]}


def stands_on_ot2(d):
    """Whether a definition is of something a workflow can put on an OT-2's deck.

    Left out are the Flex's own tips, adapters, risers and trash (its tips do not
    fit the OT-2's nozzles), lids and the engine's placeholder for stacks of them
    (the OT-2 has no gripper to move a lid), the blocks and adapters that only a
    calibration uses, and whatever is too wide for a slot of the OT-2. The fixed
    trash is wider, but it has its own place; and so may be what stands on modules.
    """
    name = d["parameters"]["loadName"]
    category = d["metadata"]["displayCategory"]
    if category in ("lid", "system") or "_flex_" in name or "calibration" in name:
        return False
    if category == "trash":
        return name != "opentrons_1_trash_3200ml_fixed"
    if "adapter" in d.get("allowedRoles", []):
        return True  # it stands on a module, and may be as wide as that
    size = d["dimensions"]
    return size["xDimension"] <= SLOT_PITCH[0] and size["yDimension"] <= SLOT_PITCH[1]


def catalogue(definitions, shipped):
    chosen = {key: d for key, d in definitions.items() if stands_on_ot2(d)}
    versions = {}
    for name, version in sorted(chosen):
        versions.setdefault(name, []).append(version)
    lines = []
    for name in sorted(versions):
        known = [v for v in versions[name] if (name, v) in shipped]
        default = max(known or versions[name])
        for version in versions[name]:
            d = chosen[name, version]
            marks = "b" * ((name, version) in shipped) + "d" * (version == default)
            marks += "m" * d["parameters"]["isMagneticModuleCompatible"]
            marks += "a" * ("adapter" in d.get("allowedRoles", []))
            lines.append(line(d, marks, set(versions)))
    return "\n".join(lines) + "\n"


def line(d, marks, names):
    p, meta, size = d["parameters"], d["metadata"], d["dimensions"]
    assert d["namespace"] == "opentrons" and d["schemaVersion"] == 2
    corner = d["cornerOffsetFromSlot"]
    fields = [
        p["loadName"],
        d["version"],
        marks or "-",
        meta["displayName"].strip(),
        meta["displayCategory"],
        d["brand"]["brand"].strip(),
        p["format"],
        len(d["wells"]),
        max([nl(w["totalLiquidVolume"]) for w in d["wells"].values()], default=0),
        numbers(size["xDimension"], size["yDimension"], size["zDimension"]),
        numbers(corner["x"], corner["y"], corner["z"]),
        numbers(p["tipLength"], p.get("tipOverlap", 0)) if p["isTiprack"] else "",
        ",".join(p.get("quirks") or []),
        stacking(d.get("stackingOffsetWithLabware"), names),
        stacking(d.get("stackingOffsetWithModule"), MODULES),
        magnet(d),
        ";".join(blocks(d)),
    ]
    fields = [str(f) for f in fields]
    assert not any("\t" in f or "\n" in f for f in fields)
    return "\t".join(fields)


# The modules of an OT-2 that labware sinks into, by the robot's names.
MODULES = {"thermocyclerModuleV1", "thermocyclerModuleV2"}

# Definitions whose engage height is in half millimetres: those that the engine
# lists (opentrons.protocol_engine.state.labware, _MAGDECK_HALF_MM_LABWARE).
HALF_MM = {
    ("biorad_96_wellplate_200ul_pcr", 1),
    ("nest_96_wellplate_100ul_pcr_full_skirt", 1),
    ("usascientific_96_wellplate_2.4ml_deep", 1),
}


def stacking(offsets, names):
    """What a labware may stand on, each with how far it sinks in: name:z,name:z."""
    found = []
    for name, by in sorted((offsets or {}).items()):
        if name in names:
            assert by["x"] == by["y"] == 0, f"a stacking sideways: {by}"
            found.append(f"{name}:{round(by['z'] * 1000)}")
    return ",".join(found)


def magnet(d):
    """How high the magnets go by default, above the plane the labware stands on."""
    height = d["parameters"].get("magneticModuleEngageHeight")
    if height is None or not d["parameters"]["isMagneticModuleCompatible"]:
        return ""
    half = (d["parameters"]["loadName"], d["version"]) in HALF_MM
    return um(height / 2 if half else height)


def blocks(d):
    """The wells as rectangles of equal wells at an even pitch, column by column."""
    wells = numbered_wells(d)
    left = dict(wells)
    while left:
        first = min(left)
        rows, columns = extent(left, first)
        column, row = first
        for c in range(column, column + columns):
            for r in range(row, row + rows):
                del left[c, r]
        yield block(wells, first, rows, columns)


def numbered_wells(d):
    """The wells by (column number, row), checked to stand in that order."""
    bottoms = {}
    for group in d["groups"]:
        for name in group["wells"]:
            bottoms[name] = group["metadata"].get("wellBottomShape") or "-"
    out, order = {}, []
    for column in d["ordering"]:
        numbers_seen = {name[1:] for name in column}
        assert len(numbers_seen) == 1, f"mixed column {column}"
        for name in column:
            order.append((int(name[1:]), ord(name[0]) - ord("A")))
            out[order[-1]] = facts(d["wells"][name], bottoms.get(name, "-"))
    assert order == sorted(order) and len(out) == len(d["wells"]), d["parameters"]["loadName"]
    return out


def facts(w, bottom):
    if w["shape"] == "circular":
        shape = "o" + str(um(w["diameter"]))
    else:
        shape = f"r{um(w['xDimension'])}x{um(w['yDimension'])}"
    kind = f"{um(w['depth'])} {shape} {nl(w['totalLiquidVolume'])} {bottom}"
    return um(w["x"]), um(w["y"]), um(w["z"]), kind


def extent(left, first):
    """How many rows and columns from first on belong to one even block."""
    column, row = first
    dx, dy = pitch(left, first)

    def fits(c, r):
        x, y, z, kind = left[first]
        want = (x + dx * (c - column), y + dy * (r - row), z, kind)
        return left.get((c, r)) == want

    rows = 1
    while fits(column, row + rows):
        rows += 1
    columns = 1
    while all(fits(column + columns, row + r) for r in range(rows)):
        columns += 1
    return rows, columns


def pitch(left, first):
    column, row = first
    right, below = left.get((column + 1, row)), left.get((column, row + 1))
    return (right[0] - left[first][0] if right else 0), (below[1] - left[first][1] if below else 0)


def block(wells, first, rows, columns):
    (column, row), (x, y, z, kind) = first, wells[first]
    dx = wells[column + 1, row][0] - x if columns > 1 else 0
    dy = wells[column, row + 1][1] - y if rows > 1 else 0
    last = chr(ord("A") + row + rows - 1) + str(column + columns - 1)
    return f"{chr(ord('A') + row)}{column}:{last} {x},{y},{z} {dx},{dy} {kind}"


def numbers(*lengths):
    return ",".join(str(um(v)) for v in lengths)


def um(mm):
    return thousandths(mm)


def nl(ul):
    return thousandths(ul)


def thousandths(v):
    n = round(v * 1000)
    assert abs(v * 1000 - n) < 1e-6, f"{v} is finer than a thousandth"
    return n


# The OT-2's pipettes: load name, folder of the definitions, generation.
PIPETTE_NAMES = [
    ("p10_single", "single_channel/p10", "GEN1"),
    ("p10_multi", "eight_channel/p10", "GEN1"),
    ("p20_single_gen2", "single_channel/p20", "GEN2"),
    ("p20_multi_gen2", "eight_channel/p20", "GEN2"),
    ("p50_single", "single_channel/p50", "GEN1"),
    ("p50_multi", "eight_channel/p50", "GEN1"),
    ("p300_single", "single_channel/p300", "GEN1"),
    ("p300_multi", "eight_channel/p300", "GEN1"),
    ("p300_single_gen2", "single_channel/p300", "GEN2"),
    ("p300_multi_gen2", "eight_channel/p300", "GEN2"),
    ("p1000_single", "single_channel/p1000", "GEN1"),
    ("p1000_single_gen2", "single_channel/p1000", "GEN2"),
]


# Where the vendor's software homes a mount to, in mm above the deck, by the
# generation and the channels of what is on it (opentrons_shared_data,
# pipette/model_constants.py: the figures are code there and no data), and how
# far below that it stays (opentrons, config/defaults_ot2.py).
HOME = {("GEN1", 1): 220, ("GEN1", 8): 220, ("GEN2", 1): 172.15, ("GEN2", 8): 155.75}
RETRACT = 2


def which():
    return f"""// Code generated by labware/generate.py from opentrons-shared-data {VERSION}; DO NOT EDIT.

package labware

// SharedData is the version of opentrons-shared-data that the catalogue was made from.
const SharedData = "{VERSION}"
"""


def pipettes(data):
    out = [
        f"// Code generated by labware/generate.py from opentrons-shared-data {VERSION}; DO NOT EDIT.",
        "",
        "package ot2",
        "",
        'import "github.com/ot2flow/ot2flow/interpreter/program"',
        "",
        "var pipettes = [...]pipette{",
    ]
    for name, folder, generation in PIPETTE_NAMES:
        out += pipette(data / "pipette" / "definitions" / "2", name, folder, generation)
    return "\n".join(out + ["}"]) + "\n"


def pipette(root, name, folder, generation):
    general, liquid = newest(root, folder, generation)
    tips = list(liquid["supportedTips"].values())
    nozzles = next(iter(general["pickUpTipConfigurations"]["pressFit"]["configurationsByNozzleMap"].values()))
    overlaps = dict(nozzles["default"]["tipOverlaps"]["v0"])
    overlap = um(overlaps.pop("default"))
    racks = [uri.split("/")[1] for uri in liquid["defaultTipracks"]]
    for uri in sorted(overlaps):
        if uri.split("/")[1] not in racks:
            racks.append(uri.split("/")[1])
    special = {uri.split("/")[1]: um(v) for uri, v in overlaps.items() if um(v) != overlap}
    rows = [
        f"\t{{PipetteModel: program.PipetteModel{{",
        f"\t\tName: {quote(name)}, DisplayName: {quote(general['displayName'])}, Channels: {general['channels']},",
        f"\t\tMinNL: {nl(liquid['minVolume'])}, MaxNL: {nl(liquid['maxVolume'])},",
        f"\t\tAspirate: {flow(tips, 'Aspirate')}, Dispense: {flow(tips, 'Dispense')}, BlowOut: {flow(tips, 'BlowOut')},",
        f"\t\tReturnTipPermille: {same([thousandths(t.get('defaultReturnTipHeight') or 0.5) for t in tips])}, TipOverlap: {overlap},",
        f"\t\tTips: []string{{{', '.join(map(quote, racks))}}},",
    ]
    rows.append(f"\t}}, pushOut: {push_out(general, tips)}, reach: {reach(root, folder, generation, general)}")
    if not special:
        rows[-1] += "},"
        return rows
    pairs = ", ".join(f"{{{quote(rack)}, {special[rack]}}}" for rack in sorted(special))
    rows[-1] += f", overlaps: []overlap{{{pairs}}}}},"
    return rows


def reach(root, folder, generation, general):
    """How high above the deck the end of the nozzle goes at most."""
    _, path, _ = newest_file(root, folder, generation)
    geometry = json.loads((root / "geometry" / folder / path.name).read_text(encoding="utf-8"))
    return um(HOME[generation, general["channels"]] - RETRACT + geometry["nozzleOffset"][2])


def push_out(general, tips):
    """The largest push-out in nL: what the plunger moves from the end of its way
    to where it stands when it has blown out. The robot turns the volume into a
    way by the first piece of its table for dispensing that takes the volume."""
    plunger = general["plungerPositionsConfigurations"]["default"]
    way = plunger["bottom"] - plunger["blowout"]
    most = []
    for tip in tips:
        tables = tip["dispense"]["default"]
        table = tables[max(tables, key=int)]

        def fits(n):
            ul = n / 1000
            slope, at_zero = next(piece[1:] for piece in table if ul <= piece[0])
            return ul / (slope * ul + at_zero) <= way

        n = 0
        while n / 1000 < table[-1][0] and fits(n + 10):
            n += 10
        most.append(n)
    return min(most)


def newest(root, folder, generation):
    """The newest sub-model of a generation: its general and its liquid definition."""
    _, path, general = newest_file(root, folder, generation)
    liquid = root / "liquid" / folder / "default" / path.name
    return general, json.loads(liquid.read_text(encoding="utf-8"))


def newest_file(root, folder, generation):
    """The newest sub-model of a generation: its version, the path and the content of its general definition."""
    found = []
    for path in (root / "general" / folder).glob("*.json"):
        general = json.loads(path.read_text(encoding="utf-8"))
        if general["displayCategory"] == generation:
            found.append((tuple(int(n) for n in path.stem.split("_")), path, general))
    return max(found, key=lambda f: f[0])


def flow(tips, what):
    """The default flow rate of the newest API level, the same for all tips."""
    rates = []
    for tip in tips:
        levels = tip[f"default{what}FlowRate"]["valuesByApiLevel"]
        level = max(levels, key=lambda v: tuple(int(n) for n in v.split(".")))
        rates.append(nl(levels[level]))
    return same(rates)


def same(values):
    assert len(set(values)) == 1, values
    return values[0]


def quote(s):
    return json.dumps(s, ensure_ascii=False)


if __name__ == "__main__":
    main()
