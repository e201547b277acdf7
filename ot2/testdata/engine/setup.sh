#!/usr/bin/env bash
# Makes the Python environment with the real engine that the recordings beside
# this file come from. Does nothing where it stands already.
#
#   setup.sh DIR        then OT2FLOW_ENGINE=DIR/bin/python go test ./ot2/
#
# PYTHON names the interpreter to make it with (default python3; opentrons
# 8.2.0 takes 3.10 and later).
set -euo pipefail

version=8.2.0
dir=${1:?usage: setup.sh DIR}

has() {
  [ -x "$dir/bin/python" ] &&
    [ "$("$dir/bin/python" -c 'from importlib.metadata import version; print(version("opentrons"))' 2>/dev/null)" = "$version" ]
}

if ! has; then
  "${PYTHON:-python3}" -m venv "$dir"
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "opentrons==$version"
  has || { echo "setup.sh: opentrons $version is not in $dir" >&2; exit 1; }
fi
