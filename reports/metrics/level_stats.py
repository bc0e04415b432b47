"""What a level comes to: requests, their rate, their mean response, their CPU time. Pure."""

from __future__ import annotations

from harness.record.measurement import LevelMeasurement, Missing


def requests(level: LevelMeasurement) -> int:
    """Requests of the measured window, all routes."""
    return sum(route.requests for route in level.routes.values())


def throughput(level: LevelMeasurement) -> float:
    """Requests answered in each second of the window."""
    return requests(level) / level.window_seconds


def mean_response_microseconds(level: LevelMeasurement) -> float | Missing:
    """Mean response time over all requests of the window: exact, from sums."""
    count = requests(level)
    if not count:
        return Missing("no request was answered")
    return sum(route.requests * route.mean_microseconds for route in level.routes.values()) / count


def cpu_per_request_microseconds(role: str, level: LevelMeasurement) -> float | Missing:
    """CPU time of a role's container in the window / requests of the window, microseconds."""
    count = requests(level)
    used = level.usage.get(role)
    if not count or used is None:
        return Missing("no request was answered" if not count else f"no samples of the {role}")
    return used.cpu_seconds / count * 1e6 if used.cpu_seconds > 0 else Missing("the counter did not move")
