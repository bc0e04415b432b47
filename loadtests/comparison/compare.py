"""Compares clients: the null server runs on one core, each client in turn on another. Prints a table and a verdict.

Rounds are interleaved, so that a noisy minute affects all clients. The median round counts. Exit status 1 if the lean user
is less than REQUIRED_RATIO times as fast as FastHttpUser.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from statistics import median

from loadtests.comparison.clients import Task
from loadtests.comparison.tools import Seen, on_core, run_locust, run_wrk

REQUIRED_RATIO = 3.0
ROUNDS = 3
SECONDS = 4
CONNECTIONS = 32
ADDRESS = "http://127.0.0.1:18090"
NGINX = Path(__file__).parents[1] / "calibration" / "nginx.conf"
CLIENTS = ("wrk", "lean", "lean, firing events.request", "FastHttpUser")


def run(name: str, core: int, connections: int) -> Seen:
    if name == "wrk":
        return run_wrk(core, f"{ADDRESS}/", connections, SECONDS)
    firing = "firing" in name
    return run_locust(core, Task("fast" if name == "FastHttpUser" else "lean", ADDRESS, "/", connections, SECONDS, firing))


def measure(core: int, connections: int) -> dict[str, list[Seen]]:
    rounds: dict[str, list[Seen]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name in CLIENTS:
            rounds[name].append(run(name, core, connections))
    return rounds


def table(rounds: dict[str, list[Seen]]) -> str:
    slowest = median(seen.rate for seen in rounds["FastHttpUser"])
    lines = [f"{'client':<30}{'requests/s':>12}{'x FastHttpUser':>16}{'p50 us':>10}   rounds"]
    for name, results in rounds.items():
        rate, p50 = median(seen.rate for seen in results), median(seen.p50 for seen in results)
        single = " ".join(f"{seen.rate:,.0f}" for seen in results)
        lines.append(f"{name:<30}{rate:>12,.0f}{rate / slowest:>16.2f}{p50:>10,.0f}   {single}")
    return "\n".join(lines)


def main() -> int:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("the comparison needs two cores: one for the null server, one for the client")
    server_core, client_core = cores[-1], cores[0]
    server = subprocess.Popen(on_core(server_core, ["nginx", "-e", "stderr", "-p", "/tmp", "-c", str(NGINX)]))
    try:
        time.sleep(0.5)
        if server.poll() is not None:
            raise SystemExit(f"the null server ended at once with status {server.returncode}")
        rounds = measure(client_core, CONNECTIONS)
        print(
            f"null server on core {server_core}, clients on core {client_core}, {CONNECTIONS} connections, "
            f"median of {ROUNDS} interleaved rounds of {SECONDS} s"
        )
        print(table(rounds))
        print("\none connection")
        print(table(measure(client_core, 1)))
    finally:
        server.terminate()
        server.wait(timeout=5)
    ratio = median(seen.rate for seen in rounds["lean"]) / median(seen.rate for seen in rounds["FastHttpUser"])
    print(f"\nlean / FastHttpUser = {ratio:.2f} (required {REQUIRED_RATIO:g})")
    return 0 if ratio >= REQUIRED_RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
