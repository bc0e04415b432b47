"""Runs one client on one core and reads its result: wrk, the lean user, FastHttpUser."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import msgspec
from msgspec import Struct

from loadtests.comparison.clients import Task
from loadtests.generator.exchange import HEADERS

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Seen(Struct, frozen=True):
    """The result of one client: requests/s, and percentiles of the response time in microseconds."""

    rate: float
    p50: float
    p99: float


def on_core(core: int, command: list[str]) -> list[str]:
    return ["taskset", "--cpu-list", str(core), *command]


def run_wrk(core: int, url: str, connections: int, seconds: float) -> Seen:
    """Runs wrk. Raises SystemExit if wrk got an answer other than 2xx, or prints something unexpected."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s", "--latency"]
    # The lean user's headers: the service has the same to parse.
    command += [word for line in HEADERS for word in ("--header", line)]
    command.append(url)
    output = subprocess.run(on_core(core, command), capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    percentiles = {
        percent: float(value) * _UNITS[unit] for percent, value, unit in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s)", output)
    }
    if not rate or not {"50", "99"} <= set(percentiles) or "Non-2xx" in output:
        raise SystemExit(f"wrk printed something unexpected:\n{output}")
    return Seen(float(rate[1]), percentiles["50"], percentiles["99"])


def run_locust(core: int, task: Task) -> Seen:
    """Runs a Locust user. Raises SystemExit if an answer was wrong."""
    command = [sys.executable, "-m", "loadtests.comparison.clients", msgspec.json.encode(task).decode()]
    output = subprocess.run(on_core(core, command), capture_output=True, text=True, check=True).stdout
    result = json.loads(output.splitlines()[-1])
    if result["failures"]:
        raise SystemExit(f"{task.client}: {result['failures']} failures")
    return Seen(result["requests"] / result["seconds"], result["p50"], result["p99"])
