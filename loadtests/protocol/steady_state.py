"""Is the warm-up over? A just-in-time compiler that is still at work shows as a trend from window to window. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

HALF = 3
TREND_LIMIT = 0.05
#: Of a measured window: a compiler's last step is worth far more, a shared machine's mood seldom so much.
CLIMB_LIMIT = 0.10
#: Of the CPU time of a request: a compiler at work is worth a third of it and more, a neighbour on the core seldom a fifth
#: from one second to another.
COOL_LIMIT = 0.20


def trend(values: Sequence[float]) -> tuple[bool, str]:
    """Whether the last 2 x HALF one-second windows show no trend, and the sentence that says so.

    `values`: requests a window in a closed loop; in an open one, where the schedule fixes their number, the mean response.
    The means of the two halves may differ by TREND_LIMIT, or by what the windows' own scatter explains (two standard
    errors of the difference): a slow target answers so few requests a second that counts alone scatter by more.
    """
    last = values[-2 * HALF :]
    if len(last) < 2 * HALF:
        return True, f"warm-up of {len(last)} windows is too short to see a trend"
    early, late = last[:HALF], last[HALF:]
    if not fmean(early):
        return False, "no request was answered in the warm-up"
    change = fmean(late) / fmean(early) - 1
    scatter = 2 * ((stdev(early) ** 2 + stdev(late) ** 2) / HALF) ** 0.5 / fmean(early)
    steady = abs(change) <= max(TREND_LIMIT, min(scatter, 3 * TREND_LIMIT))
    return steady, f"the last {HALF} s of the warm-up were {change:+.1%} against the {HALF} s before"


def cpu_time_falling(values: Sequence[float]) -> tuple[bool, str]:
    """Whether the CPU time of a request fell from a measured window's first HALF seconds to its last, and the sentence.

    Where a database or a pool is the limit, throughput stands still while a compiler works beside it: a JVM was seen at
    98 % of its core, and at 54 % five seconds later, at the same throughput. Windows under 2 x HALF seconds say nothing.
    """
    early, late = values[:HALF], values[-HALF:]
    if len(values) < 2 * HALF or not fmean(early) or not fmean(late):
        return False, ""
    gain = fmean(early) / fmean(late) - 1
    scatter = 2 * ((stdev(early) / fmean(early)) ** 2 + (stdev(late) / fmean(late)) ** 2) ** 0.5 / HALF**0.5
    return (
        gain > max(COOL_LIMIT, min(scatter, 1.5 * COOL_LIMIT)),
        f"a request took {gain:+.0%} CPU in the first {HALF} s of the measured window against its last {HALF}",
    )


def throughput_rising(values: Sequence[float], *, response: bool) -> tuple[bool, str]:
    """Whether a measured window got faster from its first HALF seconds to its last, and the sentence that says so.

    A compiler can rest on a plateau between two of its stages for longer than any warm-up looks back: a JVM on one core was
    seen to double its throughput ten seconds after it had stood still. Only getting faster counts: that is what a warm-up
    does. `response`: the values are mean responses, which fall. Windows under 2 x HALF seconds say nothing.
    """
    early, late = values[:HALF], values[-HALF:]
    if len(values) < 2 * HALF or not fmean(early) or not fmean(late):
        return False, ""
    gain = (fmean(early) / fmean(late) if response else fmean(late) / fmean(early)) - 1
    scatter = 2 * ((stdev(early) / fmean(early)) ** 2 + (stdev(late) / fmean(late)) ** 2) ** 0.5 / HALF**0.5
    return (
        gain > max(CLIMB_LIMIT, min(scatter, 1.5 * CLIMB_LIMIT)),
        f"the last {HALF} s of the measured window were {gain:+.1%} faster than its first {HALF}",
    )
