#!/usr/bin/env bash
# Adds runs (histories, records, folders of records) to history.jsonl in a branch, and pushes it. It never
# forces: if another job pushed first, it merges with that and tries again. It changes neither work tree nor index.
#
#   ci/push-history.sh artifacts/history.jsonl
#
# Environment: FITMAP (the program), FITMAP_BRANCH, FITMAP_REMOTE (a name or an address), FITMAP_TOKEN (for a remote that is
# reached by https; only git gets it).
set -euo pipefail
: "${FITMAP:=.venv/bin/fitmap}" "${FITMAP_BRANCH:=bench-history}" "${FITMAP_REMOTE:=origin}"
[ $# -gt 0 ] || { echo "usage: $0 SOURCE..." >&2; exit 2; }

token=${FITMAP_TOKEN-}
unset FITMAP_TOKEN
remotely() {
  if [ -n "$token" ]; then
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader \
      GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'fitmap:%s' "$token" | base64 | tr -d '\n')" git "$@"
  else
    git "$@"
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_TERMINAL_PROMPT=0 GIT_INDEX_FILE="$work/index"
export GIT_AUTHOR_NAME="${GIT_AUTHOR_NAME:-fitmap}" GIT_AUTHOR_EMAIL="${GIT_AUTHOR_EMAIL:-fitmap@localhost}"
export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"

for attempt in 1 2 3 4 5 6; do
  rm -f "$work"/*
  tip=
  # 2: there is no such branch yet. Any other status is a failure of the remote, and must not begin a new history.
  found=0; remotely ls-remote --exit-code --heads "$FITMAP_REMOTE" "$FITMAP_BRANCH" >/dev/null || found=$?
  if [ "$found" = 0 ]; then
    remotely fetch --quiet --no-tags "$FITMAP_REMOTE" "refs/heads/$FITMAP_BRANCH"
    tip=$(git rev-parse FETCH_HEAD)
    git read-tree "$tip"
    git cat-file -e "$tip:history.jsonl" 2>/dev/null && git show "$tip:history.jsonl" >"$work/history.jsonl"
  elif [ "$found" != 2 ]; then
    echo "$FITMAP_REMOTE does not answer" >&2; exit 4
  fi
  "$FITMAP" history --history "$work/history.jsonl" add "$@"
  git update-index --add --cacheinfo "100644,$(git hash-object -w "$work/history.jsonl"),history.jsonl"
  tree=$(git write-tree)
  if [ -n "$tip" ] && [ "$tree" = "$(git rev-parse "$tip^{tree}")" ]; then
    echo "nothing new"; exit 0
  fi
  commit=$(git commit-tree "$tree" ${tip:+-p "$tip"} -m "History of runs")
  remotely push --quiet "$FITMAP_REMOTE" "$commit:refs/heads/$FITMAP_BRANCH" && exit 0
  echo "attempt $attempt: another job was faster, or the push is forbidden" >&2
  sleep "$((attempt + RANDOM % 3))"
done
exit 4
