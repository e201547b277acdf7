"""What the Opentrons software does with calls, for as long as it is asked.

    python serve.py     a line of JSON in, a line of JSON out

A line in is {"text": PROTOCOL}. The protocol puts a comment `> N` before and
`< N` behind each of its calls, and `! ERROR` where the call raised one. A line
out has the commands of every call, in the form of analyze.py, and its error:
{"calls": [{"steps": […], "error": "…"}, …]}; or {"error": "…"} where the
protocol as a whole is none. The software is imported once, which takes longer
than a hundred calls.
"""

import json
import logging
import os
import pathlib
import re
import sys
import tempfile

import analyze
import record


def calls(result):
    out, inside = [], None
    commands = [c for c in result["commands"] if not c["commandType"].startswith("load")]
    for step, command in zip(analyze.steps(result), commands, strict=True):
        text = step.get("text", "") if step["op"] == "comment" else ""
        if text.startswith("> "):
            inside = {"steps": []}
            out.append(inside)
        elif text.startswith("< "):
            inside = None
        elif inside is not None and text.startswith("! "):
            inside["error"] = re.sub(" at 0x[0-9a-f]+", "", text[2:])
        elif inside is not None and command["status"] == "succeeded":
            if step.get("spread"):
                del step["deck_mm"]  # left and right in turns, which goes on from call to call
            inside["steps"].append(step)
    return out


def answer(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "protocol.py")
        path.write_text(text, encoding="utf-8")
        result = analyze.analysis(path)
    if result["errors"]:
        return {"error": analyze.problem(result["errors"][0])}
    return {"calls": calls(result)}


def main():
    logging.disable(logging.CRITICAL)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no answer
    for line in sys.stdin:
        out.write(json.dumps(answer(json.loads(line)["text"]), ensure_ascii=False) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
