"""Checks that wrk and the lean user measure a running target alike: `python -m loadtests.comparison.agreement PORT`.

The requests are pure work, so the service is the limit and not the client. Rounds are interleaved, and each client begins
every other round. The median round counts. Exit status 1 if throughput, p50 or p99 differ by more than TOLERANCE.
"""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from statistics import median

from loadtests.comparison.clients import WORK_PATH, Task
from loadtests.comparison.tools import Seen, run_locust, run_wrk

ROUNDS = 6
SECONDS = 5
CONNECTIONS = 8
TOLERANCE = 0.10
READY_SECONDS = 30


def wait_for(address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()  # noqa: S310
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"the service is not ready: {error}") from None
            time.sleep(0.1)
        else:
            return


def main() -> int:
    address = f"http://127.0.0.1:{int(sys.argv[1])}"
    core = min(os.sched_getaffinity(0))
    wait_for(address)
    rounds: dict[str, list[Seen]] = {"wrk": [], "lean": []}
    task = Task("lean", address, WORK_PATH, CONNECTIONS, SECONDS)
    run_locust(core, task)
    for number in range(ROUNDS):
        for name in ("wrk", "lean") if number % 2 == 0 else ("lean", "wrk"):
            seen = run_wrk(core, address + WORK_PATH, CONNECTIONS, SECONDS) if name == "wrk" else run_locust(core, task)
            rounds[name].append(seen)
    print(f"\n{WORK_PATH}, {CONNECTIONS} connections, median of {ROUNDS} interleaved rounds of {SECONDS} s")
    print(f"{'':<14}{'wrk':>12}{'lean':>12}{'lean / wrk':>12}")
    good = True
    for title, field in (("requests/s", "rate"), ("p50 us", "p50"), ("p99 us", "p99")):
        theirs, ours = (median(getattr(seen, field) for seen in rounds[name]) for name in ("wrk", "lean"))
        good = good and abs(ours / theirs - 1) <= TOLERANCE
        print(f"{title:<14}{theirs:>12,.0f}{ours:>12,.0f}{ours / theirs:>12.3f}")
    print(f"they agree within {TOLERANCE:.0%}: {'yes' if good else 'NO'}")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
