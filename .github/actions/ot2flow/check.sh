#!/usr/bin/env bash
# Proves workflows and runs their tests; what is wrong stands in the changed files.
set -uo pipefail
paths=()
while IFS= read -r line; do [ -z "$line" ] || paths+=("$line"); done <<<"$PATHS"
failed=0
software=()
[ -z "$ROBOT_VERSION" ] || software=(--robot-version "$ROBOT_VERSION")

ot2flow lint --format github ${software[@]+"${software[@]}"} -- "${paths[@]}" || failed=$?

if [ "$TEST" = auto ]; then
  TEST=false
  [ -z "$(find "${paths[@]}" \( -name '*.test.yaml' -o -name '*.test.yml' \) -not -path '*/.*' 2>/dev/null | head -n 1)" ] || TEST=true
fi
if [ "$TEST" = true ]; then
  ot2flow test --format github -- "${paths[@]}" || failed=$?
fi
exit $failed
