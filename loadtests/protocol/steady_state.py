"""Tests whether the warm-up is over: a just-in-time compiler at work shows as a trend from window to window."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

HALF = 3
TREND_LIMIT = 0.05
#: Gain in throughput within a measured window. A compiler's last step gains far more; drift of a shared machine is seldom so
#: large.
CLIMB_LIMIT = 0.10
#: Fall of the CPU time per request. A compiler at work takes a third of it or more; a noisy neighbour seldom changes it by a
#: fifth from one second to the next.
COOL_LIMIT = 0.20


def trend(values: Sequence[float]) -> tuple[bool, str]:
    """Whether the last 2 x HALF one-second windows show no trend, and the sentence about it.

    `values`: requests per window in a closed loop; in an open one, whose schedule fixes their number, the mean response
    time. The means of the two halves may differ by TREND_LIMIT, or by what the scatter of the windows explains (two standard
    errors of the difference): a slow target answers so few requests per second that the counts alone scatter by more.
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
    return steady, f"the last {HALF} s of the warm-up differ by {change:+.1%} from the {HALF} s before"


def cpu_time_falling(values: Sequence[float]) -> tuple[bool, str]:
    """Whether the CPU time per request fell from a measured window's first HALF seconds to its last, and the sentence.

    Where the database or the pool is the limit, throughput does not change while a compiler works: a JVM used 98 % of its
    core, and 54 % five seconds later, at the same throughput. Windows of less than 2 x HALF seconds are not tested.
    """
    early, late = values[:HALF], values[-HALF:]
    if len(values) < 2 * HALF or not fmean(early) or not fmean(late):
        return False, ""
    gain = fmean(early) / fmean(late) - 1
    scatter = 2 * ((stdev(early) / fmean(early)) ** 2 + (stdev(late) / fmean(late)) ** 2) ** 0.5 / HALF**0.5
    return (
        gain > max(COOL_LIMIT, min(scatter, 1.5 * COOL_LIMIT)),
        f"a request took {gain:+.0%} CPU time in the first {HALF} s of the measured window, compared with the last {HALF} s",
    )


def throughput_rising(values: Sequence[float], *, response: bool) -> tuple[bool, str]:
    """Whether a measured window got faster from its first HALF seconds to its last, and the sentence about it.

    Between two stages of a compiler, speed may be constant for longer than a warm-up looks back: a JVM on one core doubled
    its throughput ten seconds after it had been constant. Only getting faster counts, because that is what a warm-up does.
    `response`: the values are mean response times, which fall. Windows of less than 2 x HALF seconds are not tested.
    """
    early, late = values[:HALF], values[-HALF:]
    if len(values) < 2 * HALF or not fmean(early) or not fmean(late):
        return False, ""
    gain = (fmean(early) / fmean(late) if response else fmean(late) / fmean(early)) - 1

    def beyond_scatter() -> bool:
        scatter = 2 * ((stdev(early) / fmean(early)) ** 2 + (stdev(late) / fmean(late)) ** 2) ** 0.5 / HALF**0.5
        return bool(gain > min(scatter, 1.5 * CLIMB_LIMIT))

    return (
        gain > CLIMB_LIMIT and beyond_scatter(),
        f"the last {HALF} s of the measured window were faster than its first {HALF} s by {gain:.1%}",
    )
