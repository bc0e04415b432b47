"""Throughput from a service's first request on: the speed that it comes to hold, and when it is there. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from harness.record.measurement import Missing
from loadtests.protocol.messages import Window
from loadtests.protocol.steady_state import throughput_rising

#: A service is there when it does so much of what it does in the end.
STEADY_SHARE = 0.95
#: A quarter of a second scatters too much to be judged alone.
JUDGED_SECONDS = 1.0
#: How fine a course is told: by the quarter of a second.
RESOLUTION_SECONDS = 0.25
#: Windows end when their messages come: a second of them is a few milliseconds more or less.
SLACK_SECONDS = 0.1


def rate(windows: Sequence[Window]) -> float:
    """Requests answered in each second of some windows."""
    seconds = sum(window.end_ns - window.start_ns for window in windows) / 1e9
    return sum(window.requests for window in windows) / seconds if seconds else 0.0


def steady_rate(windows: Sequence[Window]) -> float:
    """Requests/s of the windows at the end, those of phase `measure`."""
    return rate([window for window in windows if window.phase == "measure"])


def shares(windows: Sequence[Window]) -> list[tuple[float, float]]:
    """The middle of each window, seconds since the first request, and its throughput in percent of the steady one."""
    steady = steady_rate(windows)
    if not steady:
        return []
    zero = windows[0].start_ns
    return [((w.start_ns + w.end_ns - 2 * zero) / 2e9, rate([w]) / steady * 100) for w in windows if w.end_ns > w.start_ns]


def climbing(windows: Sequence[Window]) -> bool:
    """Whether the service still got faster at the end, second by second: then it held no speed yet that it could reach."""
    steady = [window.requests for window in windows if window.phase == "measure"]
    each = round(JUDGED_SECONDS / RESOLUTION_SECONDS)
    return throughput_rising([sum(steady[i : i + each]) for i in range(0, len(steady) - each + 1, each)], response=False)[0]


def time_to_steady(windows: Sequence[Window]) -> float | Missing:
    """Seconds from the first request to the end of the first JUDGED_SECONDS whose mean reaches STEADY_SHARE of the end's.

    In steps of RESOLUTION_SECONDS: else two that are there at once would differ by the jitter of a message.
    """
    steady = steady_rate(windows)
    if not steady:
        return Missing("no request was answered at the end of the course")
    zero = windows[0].start_ns
    for number, last in enumerate(windows):
        since = last.end_ns - (JUDGED_SECONDS + SLACK_SECONDS) * 1e9
        judged = [window for window in windows[: number + 1] if window.start_ns >= since]
        whole = last.end_ns - zero >= (JUDGED_SECONDS - SLACK_SECONDS) * 1e9
        if whole and rate(judged) >= STEADY_SHARE * steady:
            return round((last.end_ns - zero) / 1e9 / RESOLUTION_SECONDS) * RESOLUTION_SECONDS
    return Missing("no second of the course reached the speed of its end")
