"""What the Opentrons software does with exports, as canonical JSON.

    python analyze.py FILE…        prints {"FILE": answer, …}

Every file is given to `opentrons.cli analyze` of the installed package, all in
one process, which is most of the time it takes. An answer has the errors of
the analysis, what was loaded, and the commands in the form of record.py, each
also with the point of the deck that the tip was sent to, in mm (deck_mm), and
moves above the trash with whether tips are spread there.
"""

import contextlib
import json
import logging
import pathlib
import sys
import tempfile

import record  # before opentrons: it names a folder of settings

from opentrons.cli.analyze import analyze


def analysis(path):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "out.json")
        with contextlib.suppress(SystemExit):
            analyze.main([f"--json-output={out}", "--log-output=stderr", "--log-level=error", str(path)], standalone_mode=False)
        return json.loads(out.read_text(encoding="utf-8"))


def answer(result):
    errors = [problem(e) for e in result["errors"]]
    if result.get("result", "ok") != ("not-ok" if errors else "ok"):
        errors.append(result["result"])
    return {"errors": errors, **({} if errors else loaded(result)), "commands": [] if errors else list(steps(result))}


def problem(error):
    """The cause of an error: its number and its words, without the wrapping."""
    while error.get("wrappedErrors"):
        error = error["wrappedErrors"][0]
    return f"{error['errorCode']} {error['errorType']}: {error['detail']}"


def loaded(result):
    places, labware = record.Places(), []
    liquids = {l["id"]: {"name": l["displayName"], "description": l["description"], "color": l.get("displayColor"), "wells": {}} for l in result["liquids"]}
    for command in result["commands"]:
        params = command["params"]
        if command["commandType"].startswith("load"):
            places.after(command)
        if command["commandType"] == "loadLabware":
            name = places.names[command["result"]["labwareId"]]
            uri = record.uri(command["result"]["definition"])
            labware.append([places.text(params["location"]), uri, name])
        if command["commandType"] == "loadLiquid":
            wells = {f"{places.text(places.at[params['labwareId']])} {well}": record.number(v) for well, v in params["volumeByWell"].items()}
            liquids[params["liquidId"]]["wells"].update(wells)
    return {
        "labware": labware,
        **({"modules": [[m["location"]["slotName"], m["model"]] for m in result["modules"]]} if result["modules"] else {}),
        "pipettes": [[p["mount"], p["pipetteName"]] for p in result["pipettes"]],
        "liquids": [{**l, "wells": dict(sorted(l["wells"].items()))} for l in sorted(liquids.values(), key=lambda l: l["name"])],
    }


def steps(result):
    commands = [c for c in result["commands"] if not c["commandType"].startswith("load")]
    for step, command in zip(record.engine_steps(result), commands, strict=True):
        if command["params"].get("alternateDropLocation"):
            step["spread"] = True
        position = (command.get("result") or {}).get("position")
        if position:
            step["deck_mm"] = [record.number(position[axis]) for axis in "xyz"]
        yield step


def main():
    logging.disable(logging.WARNING)
    out = {path: record.render(answer(analysis(path))) for path in sys.argv[1:]}
    sys.stdout.write(json.dumps(out, ensure_ascii=False))


if __name__ == "__main__":
    main()
