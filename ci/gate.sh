#!/usr/bin/env bash
# Runs `fitmap gate`, and copies the files that CI keeps to artifacts/. Exit status as of `fitmap gate`: 0 fine,
# 1 regressed, 2 wrong usage, 3 inconclusive or invalid, 4 the harness failed.
#
#   ci/gate.sh                     a nightly run, against the history in the branch bench-history
#   ci/gate.sh --base=REVISION     a change, against the images of another revision, without a history
#
# Environment: FITMAP (the program), FITMAP_BRANCH, FITMAP_REMOTE.
set -euo pipefail
# What this script itself fails at is no regression: without this a full disk would end it with 1.
trap 'exit 4' ERR
cd "$(dirname "$0")/.."
export GIT_TERMINAL_PROMPT=0
: "${FITMAP:=.venv/bin/fitmap}" "${FITMAP_BRANCH:=bench-history}" "${FITMAP_REMOTE:=origin}"

# Files of an earlier run must not be taken for those of this run.
rm -rf artifacts && mkdir artifacts
"$FITMAP" doctor | tee artifacts/doctor.txt || exit 4

# The branch may be here already. A checkout without credentials can't fetch it.
tip="refs/remotes/origin/$FITMAP_BRANCH"
git fetch --quiet "$FITMAP_REMOTE" "+refs/heads/$FITMAP_BRANCH:$tip" || true
if git rev-parse --quiet --verify "$tip" >/dev/null; then
  "$FITMAP" history --history artifacts/history.jsonl add --branch "$tip"
else
  echo "no branch $FITMAP_BRANCH here: nothing to compare with yet" >&2
fi

status=0
"$FITMAP" --runs artifacts/runs gate --history artifacts/history.jsonl "$@" | tee artifacts/gate.txt \
  || status=${PIPESTATUS[0]} # not that of tee
# Killed by a signal, or not there at all.
case $status in [0-4]) ;; *) status=4 ;; esac

# Only one run of this call has a verdict. Runs that measured cells again have none.
for verdict in artifacts/runs/*/gate.json; do
  [ -e "$verdict" ] || break
  run=$(dirname "$verdict")
  cp "$run"/gate.* "$run"/bencher.json "$run"/github-action-benchmark-*.json artifacts/
done
exit "$status"
