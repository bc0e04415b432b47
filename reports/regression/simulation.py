"""The gate's false-alarm rate and what it finds: a simulation of nightly runs with the gate's own rules.

    python -m reports.regression.simulation        prints the tables of docs/method/regression-statistics.md (a minute)

A night is one run of 60 metrics, each the geometric mean of three trials. Logarithms are normal, with a standard deviation
of 2 % between runs and of 3 % between trials. Metrics are independent, which gives the most false alarms. Each night is
screened against the nights before it. Flagged cells are measured again in eight pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct

from reports.comparison.matched_cells import PairedCell
from reports.regression.confirmation import confirm, verdict
from reports.regression.gate_result import State
from reports.regression.screening import MAX_RUNS, MIN_RUNS, SCREEN_CONFIDENCE, screen
from reports.stats.intervals import student_t_quantile

RUN_NOISE = 0.02
TRIAL_NOISE = 0.03
TRIALS = 3
METRICS = 60
NIGHTS = 100
REPETITIONS = 1000
PAIRS = 8
BOUND = 0.05
#: Nights of a month, and the number of nights within which a lasting change should be found.
MONTH = 30
PATIENCE = 3


class Nights(Struct, frozen=True):
    """Counts over all metrics and nights: how many there were, and how many each rule called worse."""

    judged: int
    last_run: int
    screened: int
    regressed: int
    inconclusive: int

    def a_month(self, count: int) -> float:
        """The count as alarms per month over all metrics."""
        return count / self.judged * MONTH * METRICS


def values(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Simulated logarithms of the values of runs."""
    return rng.normal(0, RUN_NOISE, shape) + rng.normal(0, TRIAL_NOISE / math.sqrt(TRIALS), shape)


def flags(history: np.ndarray, now: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """The rule of reports/regression/screening.py for many cells at once. Runs are the last axis of `history`."""
    recent = history[..., -MAX_RUNS:]
    n = recent.shape[-1]
    limit = student_t_quantile(SCREEN_CONFIDENCE, n - 1) * recent.std(axis=-1, ddof=1) * math.sqrt(1 + 1 / n)
    return np.asarray(now - recent.mean(axis=-1) > np.maximum(limit, math.log1p(bound)))


def measured_again(rng: np.random.Generator, effect: float, cells: int) -> list[State]:
    """The verdicts on the flagged cells of one night. The first cell is worse by `effect`, the others are unchanged."""
    pairs = rng.normal(0, TRIAL_NOISE * math.sqrt(2), (cells, PAIRS))
    pairs[0] += effect
    found = confirm({str(i): PairedCell(tuple(map(float, row))) for i, row in enumerate(pairs)})
    return [verdict(found[str(i)], BOUND) for i in range(cells)]


def quiet_nights(rng: np.random.Generator, repetitions: int = REPETITIONS) -> Nights:
    """Simulates nights in which nothing changes, so that every alarm is false."""
    judged = last_run = screened = regressed = inconclusive = 0
    for _ in range(repetitions):
        nights = values(rng, (METRICS, NIGHTS))
        for night in range(MIN_RUNS, NIGHTS):
            now = nights[:, night]
            flagged = int(flags(nights[:, :night], now).sum())
            judged += METRICS
            last_run += int((now - nights[:, night - 1] > math.log1p(BOUND)).sum())
            screened += flagged
            if flagged:
                states = measured_again(rng, 0.0, flagged)
                regressed += states.count("regressed")
                inconclusive += states.count("inconclusive")
    return Nights(judged, last_run, screened, regressed, inconclusive)


def found(rng: np.random.Generator, change: float, nights: int, repetitions: int = REPETITIONS) -> tuple[float, float]:
    """The shares (0 to 1) of lasting changes that are flagged, and confirmed, within so many nights."""
    effect = math.log1p(change)
    flagged = confirmed = 0
    for _ in range(repetitions):
        series = values(rng, (MAX_RUNS + nights,))
        series[MAX_RUNS:] += effect
        looks = [bool(flags(series[:night], series[night])) for night in range(MAX_RUNS, MAX_RUNS + nights)]
        flagged += any(looks)
        confirmed += any(look and measured_again(rng, effect, 1)[0] == "regressed" for look in looks)
    return flagged / repetitions, confirmed / repetitions


def table() -> Iterator[str]:
    """The lines of the Markdown table."""
    rng = np.random.default_rng(1)
    quiet = quiet_nights(rng)
    yield "| | last run, over 5 % | screen alone | screen and confirmation |"
    yield "|---|---|---|---|"
    yield (
        f"| false alarms a month, {METRICS} metrics nightly | {quiet.a_month(quiet.last_run):.0f} "
        f"| {quiet.a_month(quiet.screened):.1f} | {quiet.a_month(quiet.regressed):.3f} "
        f"({quiet.regressed} in {quiet.judged // METRICS:,} nights) |"
    )
    yield f"| inconclusive, a month | - | - | {quiet.a_month(quiet.inconclusive):.3f} ({quiet.inconclusive}) |"
    for change in (0.05, 0.10, 0.20):
        for nights in (1, PATIENCE):
            screened, confirmed = found(rng, change, nights)
            when = "the first night" if nights == 1 else f"within {nights} nights"
            naive = last_run_finds(change) if nights == 1 else None
            yield (
                f"| +{change:.0%} found {when} | {f'{naive:.0%}' if naive is not None else '-'} "
                f"| {screened:.0%} | {confirmed:.0%} |"
            )


def last_run_finds(change: float) -> float:
    """The share of changes found by comparing with the last run alone: noise of two runs, and one bound."""
    spread = math.sqrt(2 * (RUN_NOISE**2 + TRIAL_NOISE**2 / TRIALS))
    distance = (math.log1p(BOUND) - math.log1p(change)) / spread
    return 0.5 * math.erfc(distance / math.sqrt(2))


def lost_again(night: int) -> float:
    """The logarithm of a metric that is a fifth better for six nights, and then what it was."""
    return math.log(0.8) if MAX_RUNS - 6 <= night < MAX_RUNS else 0.0


def drifting(night: int) -> float:
    """The logarithm of a metric that gets 1 % worse each night."""
    return night * math.log1p(0.01)


def flagged_nights(
    rng: np.random.Generator, middle: Callable[[int], float], nights: range, *, levels: bool
) -> Iterator[bool]:
    """Whether each of some nights is flagged in a series with such middles. `levels`: against its best level."""
    logs = values(rng, (nights.stop,)) + np.array([middle(night) for night in range(nights.stop)])
    series = np.exp(logs).tolist()
    return (screen(series[:night], series[night], "lower", BOUND, levels=levels).flagged for night in nights)


def level_table(repetitions: int = 300) -> Iterator[str]:
    """The lines of the Markdown table of what the best level is for."""
    yield "| | against all runs | against the best level |"
    yield "|---|---|---|"
    cases: tuple[tuple[str, Callable[[int], float], range], ...] = (
        ("improvement of 20 % that is lost again, flagged the first night", lost_again, range(MAX_RUNS, MAX_RUNS + 1)),
        ("drift of 1 % a night, flagged within 20 nights", drifting, range(MIN_RUNS, 20)),
        ("drift of 1 % a night, flagged within 30 nights", drifting, range(MIN_RUNS, 30)),
    )
    for title, middle, nights in cases:
        found = [
            sum(any(flagged_nights(np.random.default_rng(i), middle, nights, levels=levels)) for i in range(repetitions))
            for levels in (False, True)
        ]
        yield f"| {title} | {found[0] / repetitions:.0%} | {found[1] / repetitions:.0%} |"
    quiet = [
        sum(
            sum(flagged_nights(np.random.default_rng(i), lambda _: 0.0, range(MAX_RUNS, NIGHTS), levels=levels))
            for i in range(repetitions)
        )
        for levels in (False, True)
    ]
    a_month = [count / (repetitions * (NIGHTS - MAX_RUNS)) * MONTH * METRICS for count in quiet]
    yield f"| flags a month where nothing changes, {METRICS} metrics nightly | {a_month[0]:.1f} | {a_month[1]:.1f} |"


if __name__ == "__main__":
    for line in (*table(), "", *level_table()):
        print(line, flush=True)
