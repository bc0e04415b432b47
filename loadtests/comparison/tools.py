"""Runs one client on one core and says what it saw: wrk, the lean user, FastHttpUser."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import msgspec
from msgspec import Struct

from loadtests.comparison.clients import Task

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Seen(Struct, frozen=True):
    """Requests/s, and percentiles of the response time in microseconds."""

    rate: float
    p50: float
    p99: float


def on_core(core: int, command: list[str]) -> list[str]:
    return ["taskset", "--cpu-list", str(core), *command]


def run_wrk(core: int, url: str, connections: int, seconds: float) -> Seen:
    """Raises SystemExit when wrk saw an answer other than 2xx, or says what is not understood here."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds:g}s", "--latency", url]
    output = subprocess.run(on_core(core, command), capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    found = {
        percent: float(value) * _UNITS[unit] for percent, value, unit in re.findall(r"(\d\d)%\s+([\d.]+)(us|ms|s)", output)
    }
    if not rate or not {"50", "99"} <= set(found) or "Non-2xx" in output:
        raise SystemExit(f"wrk said what is not understood here:\n{output}")
    return Seen(float(rate[1]), found["50"], found["99"])


def run_locust(core: int, task: Task) -> Seen:
    """Raises SystemExit when an answer was wrong."""
    command = [sys.executable, "-m", "loadtests.comparison.clients", msgspec.json.encode(task).decode()]
    output = subprocess.run(on_core(core, command), capture_output=True, text=True, check=True).stdout
    said = json.loads(output.splitlines()[-1])
    if said["failures"]:
        raise SystemExit(f"{task.client}: {said['failures']} failures")
    return Seen(said["requests"] / said["seconds"], said["p50"], said["p99"])
