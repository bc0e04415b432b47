"""Time to steady speed: throughput from a service's first request on, its final speed, and when it is reached."""

from __future__ import annotations

from collections.abc import Sequence

from harness.record.measurement import Missing
from loadtests.protocol.messages import Window
from loadtests.protocol.steady_state import throughput_rising

#: A service is at steady speed when its throughput reaches this share of the final throughput.
STEADY_SHARE = 0.95
#: The throughput of a quarter of a second varies too much, so a whole second is evaluated.
JUDGED_SECONDS = 1.0
#: Resolution of the result: a quarter of a second.
RESOLUTION_SECONDS = 0.25
#: A window ends when its message arrives, so a second of windows is a few milliseconds longer or shorter.
SLACK_SECONDS = 0.1


def rate(windows: Sequence[Window]) -> float:
    """Requests answered per second in some windows."""
    seconds = sum(window.end_ns - window.start_ns for window in windows) / 1e9
    return sum(window.requests for window in windows) / seconds if seconds else 0.0


def steady_rate(windows: Sequence[Window]) -> float:
    """Requests/s in the windows of phase `measure`, at the end."""
    return rate([window for window in windows if window.phase == "measure"])


def shares(windows: Sequence[Window]) -> list[tuple[float, float]]:
    """For each window: its middle in seconds since the first request, and its throughput in percent of the steady rate."""
    steady = steady_rate(windows)
    if not steady:
        return []
    zero = windows[0].start_ns
    return [
        ((w.start_ns + w.end_ns - 2 * zero) / 2e9, w.requests / ((w.end_ns - w.start_ns) / 1e9) / steady * 100)
        for w in windows
        if w.end_ns > w.start_ns
    ]


def climbing(windows: Sequence[Window]) -> bool:
    """Whether throughput was still rising at the end, second by second. Then no steady speed was reached."""
    steady = [window.requests for window in windows if window.phase == "measure"]
    each = round(JUDGED_SECONDS / RESOLUTION_SECONDS)
    return throughput_rising([sum(steady[i : i + each]) for i in range(0, len(steady) - each + 1, each)], response=False)[0]


def time_to_steady(windows: Sequence[Window]) -> float | Missing:
    """Seconds from the first request to the end of the first JUDGED_SECONDS with STEADY_SHARE of the final throughput.

    In steps of RESOLUTION_SECONDS: otherwise equally fast services would differ by the jitter of a message.
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
