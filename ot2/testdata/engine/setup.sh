#!/usr/bin/env bash
# Makes a Python environment with the real engine. Does nothing where it stands
# already.
#
#   setup.sh DIR            8.2.0, which the recordings beside this file come from;
#                           then OT2FLOW_ENGINE=DIR/bin/python go test ./ot2/
#   setup.sh DIR VERSION    another version: exports are also analysed by 8.8.2,
#                           OT2FLOW_ENGINE_NEW
#
# PYTHON names the interpreter to make it with (default python3; opentrons
# 8.2.0 and 8.8.2 take 3.10 and later).
set -euo pipefail

dir=${1:?usage: setup.sh DIR [VERSION]}
version=${2:-8.2.0}

has() {
  [ -x "$dir/bin/python" ] &&
    [ "$("$dir/bin/python" -c 'from importlib.metadata import version; print(version("opentrons"))' 2>/dev/null)" = "$version" ]
}

if ! has; then
  "${PYTHON:-python3}" -m venv "$dir"
  "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "opentrons==$version"
  has || { echo "setup.sh: opentrons $version is not in $dir" >&2; exit 1; }
fi
