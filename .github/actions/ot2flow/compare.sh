#!/usr/bin/env bash
# Says what a change means for the robot: minutes, tips and liquids of every workflow that
# does something else than in the commit BASE. It is on the page of the job, and in a
# comment of the pull request PULL, which is written anew at every change.
set -euo pipefail
mark='<!-- ot2flow: what changes for the robot -->'
paths=()
while IFS= read -r line; do [ -z "$line" ] || paths+=("$line"); done <<<"$PATHS"
scratch=$(mktemp -d)
changed=0
ended() {
  echo "changed=$changed" >>"$GITHUB_OUTPUT"
  git worktree remove --force "$scratch/before" 2>/dev/null || true
  rm -rf "$scratch"
}
trap ended EXIT

case ${BASE:-} in
'' | *[!0-9a-zA-Z._/-]* | -*)
  echo "there is nothing to compare with"
  exit
  ;;
esac
if [ -z "${BASE//0/}" ]; then
  echo "there is nothing to compare with: the branch is new"
  exit
fi
git rev-parse --quiet --verify "$BASE^{commit}" >/dev/null || git fetch --quiet --depth=1 origin "$BASE" || {
  echo "::warning::the commit $BASE cannot be fetched, and nothing was compared with it"
  exit
}
git worktree add --quiet --detach "$scratch/before" "$(git rev-parse --verify --quiet "$BASE^{commit}" || echo FETCH_HEAD)"

# workflows FOLDER lists those below the paths, from that folder.
workflows() {
  (cd "$1" && for path in "${paths[@]}"; do
    git -c core.quotePath=false grep -lE '^ot2flow:' -- "$path" | grep -E '\.ya?ml$' || true
  done) | sort -u
}

# cell is text in a table.
cell() { printf '%s' "$1" | tr '\r\n|`<>' ' ' ; }

rows=$scratch/rows
: >"$rows"
{ workflows .; workflows "$scratch/before"; } | sort -u >"$scratch/all"
while IFS= read -r file; do
  name=$(cell "$file")
  if [ ! -e "$file" ]; then
    changed=$((changed + 1))
    echo "| \`$name\` is gone | | | | |" >>"$rows"
    continue
  fi
  if [ ! -e "$scratch/before/$file" ]; then
    changed=$((changed + 1))
    if ot2flow plan --format json -- "$file" >"$scratch/plan" 2>"$scratch/said"; then
      jq -r --arg name "$name" '"| `\($name)` is new | \(.steps | length) | \([.needs.tips // {} | .[]] | add // 0) | \([.needs.liquids // {} | .[].volume_uL] | add // 0 | . * 10 | round / 10) uL | \(.estimate_s / 6 | round / 10) min |"' <"$scratch/plan" >>"$rows"
    else
      echo "| \`$name\` is new, and cannot be planned: it has mistakes, or needs parameters | | | | |" >>"$rows"
    fi
    continue
  fi
  code=0
  ot2flow diff --format json -- "$scratch/before/$file" "$file" >"$scratch/diff" 2>"$scratch/said" || code=$?
  case $code in
  0) ;;
  1)
    changed=$((changed + 1))
    jq -rs --arg name "$name" '
      def to(f): if (.before | f) == (.after | f) then "\(.after | f)" else "\(.before | f) → **\(.after | f)**" end;
      .[] | select(.same | not) |
      "| `\($name)` | \(to(.steps)) | \(to(.tips)) | \(to(.liquid_uL | . * 10 | round / 10)) uL | \(to(.duration_s / 6 | round / 10)) min |"' <"$scratch/diff" >>"$rows"
    ;;
  *)
    # That it cannot be compared is no difference: where it has mistakes, lint has said so.
    echo "| \`$name\` was not compared: it has mistakes, or needs parameters | | | | |" >>"$rows"
    ;;
  esac
done <"$scratch/all"

text=$scratch/text
{
  echo "$mark"
  if [ -s "$rows" ]; then
    echo "### What changes for the robot"
    echo
    echo "| workflow | steps | tips | liquids | time |"
    echo "|---|---|---|---|---|"
    head -n 100 "$rows"
    [ "$(wc -l <"$rows")" -le 100 ] || { echo; echo "… and $(($(wc -l <"$rows") - 100)) more."; }
  else
    echo "Nothing changes for the robot."
  fi
} >"$text"
tail -n +2 "$text" | tee -a "$GITHUB_STEP_SUMMARY"

[ -n "${PULL:-}" ] || exit 0
refused() { echo "::warning::the comment could not be made; the token needs pull-requests: write, which one of a fork has not. What changes is on the page of the job"; exit 0; }
api=repos/$GITHUB_REPOSITORY/issues
old=$(gh api --paginate "$api/$PULL/comments" --jq ".[] | select(.body | startswith(\"$mark\")) | .id") || refused
old=${old%%$'\n'*}
if [ -n "$old" ]; then
  gh api --silent -X PATCH "$api/comments/$old" -F "body=@$text" || refused
elif [ -s "$rows" ]; then
  gh api --silent -X POST "$api/$PULL/comments" -F "body=@$text" || refused
fi
