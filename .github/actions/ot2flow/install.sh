#!/usr/bin/env bash
# Puts ot2flow on the path of the steps that follow: a release, whose checksum is looked at,
# or what is built of the commit that this action is of.
set -euo pipefail
bin=$RUNNER_TEMP/ot2flow-bin
mkdir -p "$bin"
exe=
[ "$RUNNER_OS" != Windows ] || exe=.exe

if [ -z "$VERSION" ]; then
  (cd "$GITHUB_ACTION_PATH/../../.." && CGO_ENABLED=0 go build -trimpath -o "$bin/ot2flow$exe" ./cmd/ot2flow)
else
  version=${VERSION#v}
  case $RUNNER_OS/$RUNNER_ARCH in
  Linux/X64) of=linux_amd64 ;;
  Linux/ARM64) of=linux_arm64 ;;
  Linux/ARM) of=linux_armv7 ;;
  macOS/X64) of=darwin_amd64 ;;
  macOS/ARM64) of=darwin_arm64 ;;
  Windows/X64) of=windows_amd64 ;;
  *)
    echo "::error::there is no release for $RUNNER_OS on $RUNNER_ARCH; leave version out, and it is built"
    exit 1
    ;;
  esac
  name=ot2flow_${version}_$of$exe
  from=${RELEASES:-https://github.com/ot2flow/ot2flow/releases/download}/v$version
  for file in "$name" SHA256SUMS; do
    if ! curl --fail --silent --show-error --location --retry 3 -o "$bin/$file" "$from/$file"; then
      echo "::error::$from/$file cannot be downloaded; is $version a release?"
      exit 1
    fi
  done
  want=$(awk -v name="$name" '$2 == name {print $1}' "$bin/SHA256SUMS")
  got=$({ sha256sum "$bin/$name" 2>/dev/null || shasum -a 256 "$bin/$name"; } | cut -d' ' -f1)
  if [ -z "$want" ] || [ "$want" != "$got" ]; then
    echo "::error::what was downloaded as $name is not what the release says it is"
    exit 1
  fi
  mv "$bin/$name" "$bin/ot2flow$exe"
  chmod +x "$bin/ot2flow$exe"
fi
echo "$bin" >>"$GITHUB_PATH"
"$bin/ot2flow$exe" version
