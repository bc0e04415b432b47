"""Runs the null server on one core and each client in turn on another, several rounds; prints a table and a verdict.

Rounds are interleaved, so that a noisy minute hits all clients; the median round counts. Exit status 1 when the lean
user is less than REQUIRED_RATIO times as fast as FastHttpUser.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

REQUIRED_RATIO = 3.0
ROUNDS = 3
SECONDS = 4
CONNECTIONS = 32
HERE = Path(__file__).parent

CLIENTS = {
    "wrk": None,
    "lean": ("lean", "quiet"),
    "lean, firing events.request": ("lean", "fire"),
    "FastHttpUser": ("fast", "fire"),
}


def on_core(core: int, command: list[str]) -> list[str]:
    return ["taskset", "--cpu-list", str(core), *command]


def run_wrk(core: int, connections: int) -> dict[str, Any]:
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{SECONDS}s", "--latency"]
    output = subprocess.run(
        on_core(core, [*command, "http://127.0.0.1:18090/"]), capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p50 = re.search(r"50%\s+([\d.]+)(us|ms)", output)
    if not rate or not p50:
        raise SystemExit(f"wrk said what is not understood here:\n{output}")
    return {"rate": float(rate[1]), "p50": float(p50[1]) * (1000 if p50[2] == "ms" else 1), "failures": 0}


def run_locust(core: int, connections: int, kind: str, events: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "loadtests.comparison.clients", kind, str(connections), str(SECONDS), events]
    output = subprocess.run(on_core(core, command), capture_output=True, text=True, check=True).stdout
    said = json.loads(output.splitlines()[-1])
    return {"rate": said["requests"] / said["seconds"], "p50": said["p50_microseconds"], "failures": said["failures"]}


def measure(core: int, connections: int) -> dict[str, list[dict[str, Any]]]:
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name, arguments in CLIENTS.items():
            result = run_locust(core, connections, *arguments) if arguments else run_wrk(core, connections)
            if result["failures"]:
                raise SystemExit(f"{name}: {result['failures']} failures against the null server")
            rounds[name].append(result)
    return rounds


def table(rounds: dict[str, list[dict[str, Any]]]) -> str:
    slowest = median(r["rate"] for r in rounds["FastHttpUser"])
    lines = [f"{'client':<30}{'requests/s':>12}{'x FastHttpUser':>16}{'p50 us':>10}   rounds"]
    for name, results in rounds.items():
        rate = median(r["rate"] for r in results)
        p50 = median(r["p50"] for r in results)
        single = " ".join(f"{r['rate']:,.0f}" for r in results)
        lines.append(f"{name:<30}{rate:>12,.0f}{rate / slowest:>16.2f}{p50:>10,.0f}   {single}")
    return "\n".join(lines)


def main() -> int:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("the comparison needs two cores: one for the null server, one for the client")
    server_core, client_core = cores[-1], cores[0]
    server = subprocess.Popen(on_core(server_core, ["nginx", "-e", "stderr", "-p", "/tmp", "-c", str(HERE / "nginx.conf")]))
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
    ratio = median(r["rate"] for r in rounds["lean"]) / median(r["rate"] for r in rounds["FastHttpUser"])
    print(f"\nlean / FastHttpUser = {ratio:.2f} (required {REQUIRED_RATIO:g})")
    return 0 if ratio >= REQUIRED_RATIO else 1


if __name__ == "__main__":
    raise SystemExit(main())
