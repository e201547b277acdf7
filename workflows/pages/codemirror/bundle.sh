#!/usr/bin/env bash
# Makes ../static/codemirror.js: what codemirror.mjs names of CodeMirror, of the versions
# in package-lock.json, in one file with its licence. That file is committed, so that
# building ot2flow needs neither Node nor the network; this script does.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json package-lock.json codemirror.mjs "$work"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund >&2

# Their licences are one text under different names.
{
    echo "/*! CodeMirror and what it needs, in one file. Made by ../codemirror/bundle.sh."
    for file in node_modules/@codemirror/*/LICENSE node_modules/@lezer/*/LICENSE node_modules/@marijn/*/LICENSE node_modules/{crelt,style-mod,w3c-keyname}/LICENSE; do
        dir=$(dirname "$file")
        version=$(sed -n 's/^ *"version": *"\(.*\)".*/\1/p' "$dir/package.json" | head -n 1)
        printf '%s %s: %s\n' "${dir#node_modules/}" "$version" "$(grep -m 1 '^Copyright' "$file")"
    done
    sed '/^Copyright/d' node_modules/@codemirror/state/LICENSE | cat -s
    echo "*/"
} >banner

npx esbuild codemirror.mjs --bundle --minify --format=esm --target=es2020 --charset=utf8 --legal-comments=none --outfile=out.js --log-level=warning
cat banner out.js >"$here/../static/codemirror.js"
ls -l "$here/../static/codemirror.js" >&2
echo "$(gzip -9 -c "$here/../static/codemirror.js" | wc -c) bytes compressed" >&2
