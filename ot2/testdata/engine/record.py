"""What the Opentrons software does with a protocol, as canonical JSON.

    python record.py [--labware DIR] PROTOCOL.py…       prints {path: recording, …}
    python record.py [--labware DIR] --write PROTOCOL.py…   writes engine.json beside each

Needs the package `opentrons`, nothing else. A recording has two views of one
protocol:

  run_log   the commands of opentrons_simulate at the protocol's own apiLevel
            (2.13), each with its point, volume, flow rate, the gantry speed in
            force and the time the vendor's duration estimator gives it. The
            estimator knows no later apiLevel. Homing is not part of this log.
  commands  what the protocol engine is told to do when the same text is
            analysed at apiLevel 2.20: what a robot executes today.

Lengths are in mm from the bottom (z, and x and y from the centre) of the well,
volumes in uL, flow rates in uL/s, speeds in mm/s, times in s.
"""

import argparse
import contextlib
import json
import logging
import os
import pathlib
import re
import sys
import tempfile

# The package reads and writes a folder of settings, named here before it is
# imported: nobody's own settings may show in a recording.
_settings = tempfile.TemporaryDirectory()
os.environ["OT_API_CONFIG_DIR"] = _settings.name

import opentrons
from opentrons import simulate
from opentrons.protocols.duration import DurationEstimator
from opentrons.types import Location

ENGINE_LEVEL = "2.20"
TRASH_SLOT = "12"


def number(value):
    """A float without the dust that float arithmetic leaves, whole where it is."""
    value = round(float(value), 4) + 0.0
    return int(value) if value == int(value) else value


def offset(x, y, z):
    """A point in a well; the sideways part only where there is one."""
    sideways = {"x_mm": number(x), "y_mm": number(y)} if number(x) or number(y) else {}
    return {**sideways, "z_mm": number(z)}


class Recorder(DurationEstimator):
    """The vendor's estimator, which also writes down what it hears."""

    def __init__(self):
        super().__init__()
        self.steps = []
        self.inside = []
        self.labware = {}
        self.pipettes = {}

    def on_message(self, message):
        name = message["name"]
        if message["$"] == "before":
            self.inside.append(name)
            return
        self.inside.pop()
        before = self.get_total_duration()
        super().on_message(message)
        step = self.step(name, message["payload"])
        if step:
            step["estimate_s"] = number(self.get_total_duration() - before)
            self.steps.append(step)

    def step(self, name, payload):
        kind = name.split(".")[-1].lower()
        if kind in ("transfer", "mix", "air_gap", "return_tip", "distribute", "consolidate"):
            return None  # what they are made of is heard one by one
        if kind == "aspirate" and "command.AIR_GAP" in self.inside:
            kind = "air_gap"
        if kind == "drop_tip" and "command.RETURN_TIP" in self.inside:
            kind = "return_tip"
        step = {"op": kind}
        instrument = payload.get("instrument")
        if instrument is not None:
            step["mount"] = instrument.mount
            self.pipettes[instrument.mount] = instrument.name
            step["speed_mm_s"] = number(instrument.default_speed)
            place = payload.get("location") or instrument._protocol_core.get_last_location()
            step.update(self.point(place, kind))
        if kind in ("aspirate", "dispense", "air_gap"):
            flow = instrument.flow_rate
            rate = flow.dispense if kind == "dispense" else flow.aspirate
            step["volume_uL"] = number(payload["volume"])
            step["flow_rate_uL_s"] = number(payload["rate"] * rate)
        if kind == "delay":
            step["duration_s"] = number(payload["seconds"] + 60 * payload["minutes"])
        if kind == "comment":
            step["text"] = payload["text"]
        if kind == "pause":
            step["text"] = payload["userMessage"] or ""
        return step

    def point(self, place, kind):
        """Where a command is done: the well, and the point from its bottom's centre."""
        well = place.labware.as_well() if isinstance(place, Location) else place
        slot = well.parent.parent
        if slot == TRASH_SLOT:
            return {"trash": True}
        self.labware[slot] = well.parent.load_name
        out = {"slot": slot, "well": well.well_name}
        if isinstance(place, Location) and kind in ("aspirate", "dispense", "air_gap", "blow_out", "move_to"):
            out.update(offset(*(place.point - well.bottom().point)))
        return out


def run_log(path, labware):
    recorder = Recorder()
    with open(path, encoding="utf-8") as f:
        log, _ = simulate.simulate(f, path.name, custom_labware_paths=labware, duration_estimator=recorder, log_level="none")
    return recorder, len(log)


def analysis(path, labware):
    """The engine's commands, read from `opentrons.cli analyze --json-output`."""
    from opentrons.cli.analyze import analyze

    text = path.read_text(encoding="utf-8")
    text, n = re.subn(r'"apiLevel": "[0-9.]+"', f'"apiLevel": "{ENGINE_LEVEL}"', text)
    if n != 1:
        raise SystemExit(f"{path}: no apiLevel to replace")
    with tempfile.TemporaryDirectory() as folder:
        protocol, out = pathlib.Path(folder, "protocol.py"), pathlib.Path(folder, "out.json")
        protocol.write_text(text, encoding="utf-8")
        files = [str(f) for d in labware for f in sorted(pathlib.Path(d).glob("*.json"))]
        with contextlib.suppress(SystemExit):
            analyze.main([f"--json-output={out}", "--log-output=stderr", "--log-level=error", str(protocol), *files], standalone_mode=False)
        result = json.loads(out.read_text(encoding="utf-8"))
    if result["errors"]:
        raise SystemExit(f"{path}: {result['errors'][0]['detail']}")
    return list(engine_steps(result))


NAMES = {
    "pickUpTip": "pick_up_tip", "dropTip": "drop_tip", "dropTipInPlace": "drop_tip", "touchTip": "touch_tip",
    "blowout": "blow_out", "blowOutInPlace": "blow_out", "moveToWell": "move_to", "moveToAddressableArea": "move_to",
    "moveToAddressableAreaForDropTip": "move_to", "waitForDuration": "delay", "waitForResume": "pause",
    "configureNozzleLayout": "configure_nozzles", "prepareToAspirate": "prepare",
    "airGapInPlace": "air_gap", "aspirateInPlace": "aspirate", "dispenseInPlace": "dispense",
    "moveLabware": "move_labware", "setRailLights": "lights",
    "temperatureModule/setTargetTemperature": "set_temperature", "temperatureModule/waitForTemperature": "wait_temperature",
    "temperatureModule/deactivate": "stop_temperature",
    "heaterShaker/setTargetTemperature": "set_temperature", "heaterShaker/waitForTemperature": "wait_temperature",
    "heaterShaker/deactivateHeater": "stop_temperature", "heaterShaker/setAndWaitForShakeSpeed": "shake",
    "heaterShaker/deactivateShaker": "stop_shaking", "heaterShaker/openLabwareLatch": "open_latch",
    "heaterShaker/closeLabwareLatch": "close_latch", "magneticModule/engage": "engage_magnet",
    "magneticModule/disengage": "disengage_magnet", "thermocycler/setTargetBlockTemperature": "set_temperature",
    "thermocycler/waitForBlockTemperature": "wait_temperature", "thermocycler/deactivateBlock": "stop_temperature",
    "thermocycler/setTargetLidTemperature": "set_lid_temperature", "thermocycler/waitForLidTemperature": "wait_lid_temperature",
    "thermocycler/deactivateLid": "stop_lid_temperature", "thermocycler/openLid": "open_lid", "thermocycler/closeLid": "close_lid",
    "thermocycler/runProfile": "profile",
}

OF_MODULES = [("celsius", "celsius"), ("blockMaxVolumeUl", "volume_uL"), ("holdTimeSeconds", "duration_s"), ("rpm", "rpm"), ("height", "height_mm")]


def uri(definition):
    return f"{definition['namespace']}/{definition['parameters']['loadName']}/{definition['version']}"


class Places:
    """Where labware stands, command by command."""

    def __init__(self):
        self.modules = {}  # the slots of modules, by id
        self.at = {}  # locations, by the id of the labware
        self.names = {}  # what labware is called: its name, or an adapter's load name

    def after(self, command):
        """Take in what a command changed."""
        kind, params, result = command["commandType"], command["params"], command.get("result")
        if kind == "loadModule":
            self.modules[result["moduleId"]] = params["location"]["slotName"]
        elif kind == "loadLabware":
            labware, definition = result["labwareId"], result["definition"]
            self.at[labware] = params["location"]
            adapter = "adapter" in definition.get("allowedRoles", [])
            self.names[labware] = definition["parameters"]["loadName"] if adapter else params.get("displayName")
        elif kind == "moveLabware":
            self.at[params["labwareId"]] = params["newLocation"]

    def slot(self, labware):
        """The slot it is in, with whatever is under it; empty off the deck."""
        location = self.at.get(labware, {"slotName": TRASH_SLOT})
        if location == "offDeck":
            return ""
        if "moduleId" in location:
            return self.modules[location["moduleId"]]
        return self.slot(location["labwareId"]) if "labwareId" in location else location["slotName"]

    def text(self, location):
        if location == "offDeck":
            return "off the deck"
        if "moduleId" in location:
            return f"module {self.modules[location['moduleId']]}"
        if "labwareId" in location:
            return f"{self.names[location['labwareId']]} {self.slot(location['labwareId'])}"
        return location["slotName"]


def engine_steps(result):
    places = Places()
    mounts = {p["id"]: p["mount"] for p in result["pipettes"]}
    depths = {}
    for command in result["commands"]:
        kind, params = command["commandType"], command["params"]
        if kind == "loadLabware":
            wells = command["result"]["definition"]["wells"]
            depths[command["result"]["labwareId"]] = {name: well["depth"] for name, well in wells.items()}
        if kind.startswith("load"):
            places.after(command)
            continue
        step = {"op": NAMES.get(kind, kind)}
        if "moduleId" in params:
            step["module"] = places.modules[params["moduleId"]]
        if kind == "moveLabware":
            labware = params["labwareId"]
            step["labware"], step["from"] = places.names[labware], places.text(places.at[labware])
            step["to"], step["text"] = places.text(params["newLocation"]), params["strategy"]
        if "profile" in params:
            step["profile"] = [{"celsius": p["celsius"], "seconds": p["holdSeconds"]} for p in params["profile"]]
        if kind == "setRailLights":
            step["on"] = params["on"]
        if step["op"] == "delay":
            step["duration_s"] = number(params["seconds"])
        if "configurationParams" in params:
            layout = params["configurationParams"]
            names = ("style", "primaryNozzle", "frontRightNozzle", "backLeftNozzle")
            step["text"] = " ".join(layout[name] for name in names if layout.get(name))
        if "message" in params:
            step["text"] = params["message"] or ""
        if "pipetteId" in params:
            step["mount"] = mounts[params["pipetteId"]]
        if kind in ("moveToAddressableArea", "moveToAddressableAreaForDropTip"):
            step["trash"] = True
        if "labwareId" in params and "wellName" in params:
            rack = params["labwareId"]
            step["slot"], step["well"] = places.slot(rack), params["wellName"]
            step.update(height(params["wellLocation"], depths[rack][params["wellName"]]))
        for key, name in [("volume", "volume_uL"), ("flowRate", "flow_rate_uL_s"), ("speed", "speed_mm_s"), ("pushOut", "push_out_uL"), ("minimumZHeight", "over_mm"), ("radius", "radius"), *OF_MODULES]:
            if params.get(key) is not None:
                step[name] = number(params[key])
        if params.get("forceDirect"):
            step["direct"] = True
        if params.get("homeAfter") is not None:
            step["home"] = params["homeAfter"]
        yield step
        if command["status"] == "succeeded":
            places.after(command)


def height(location, depth):
    origin, off = location["origin"], location["offset"]
    if origin == "default" and not any(off.values()):
        return {}  # a tip's place, at the depth the pipette's definition says
    z = off["z"] + {"top": depth, "center": depth / 2, "bottom": 0, "default": depth}[origin]
    return offset(off["x"], off["y"], z)


def record(path, labware):
    log, lines = run_log(path, labware)
    return {
        "format": "ot2flow.engine/1",
        "engine": f"opentrons {opentrons.__version__}",
        "labware": dict(sorted(log.labware.items(), key=lambda item: int(item[0]))),
        "pipettes": dict(sorted(log.pipettes.items())),
        "estimate_s": number(log.get_total_duration()),
        "run_log_lines": lines,
        "run_log": log.steps,
        "commands": analysis(path, labware),
    }


def render(recording):
    """One line per step, so that a difference is a line."""
    fields = []
    for key, value in recording.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(step, ensure_ascii=False) for step in value)
            fields.append(f' "{key}": [\n{lines}\n ]')
        else:
            fields.append(f' "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(fields) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labware", action="append", default=[], help="a folder of labware definitions")
    parser.add_argument("--write", action="store_true", help="write engine.json beside each protocol")
    parser.add_argument("protocols", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    out = {}
    for path in args.protocols:
        text = render(record(path, args.labware))
        if args.write:
            path.with_name("engine.json").write_text(text, encoding="utf-8")
        out[path.parent.name] = text
    if not args.write:
        body = ",\n".join(f"{json.dumps(name)}: {text.rstrip()}" for name, text in sorted(out.items()))
        sys.stdout.write("{\n" + body + "\n}\n")


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    main()
