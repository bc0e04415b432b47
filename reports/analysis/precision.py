"""How precisely a record tells its targets apart: the widths of the ratios of CPU per request at saturated loads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from msgspec import Struct

from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.stats.pairs import paired_ratio

METRIC = "cpu"


class Width(Struct, frozen=True):
    """Half the interval's width of one ratio, in percent; None: one of the two has too few starts.

    The intervals of all pairs of a load hold together (Bonferroni).
    """

    load: str
    pair: tuple[str, str]
    percent: float | None

    @property
    def words(self) -> str:
        known = "too few valid starts" if self.percent is None else f"±{self.percent:.1f} %"
        return f"{self.pair[0]} / {self.pair[1]} on {self.load}: {known}"


def widths(analysis: Analysis) -> tuple[Width, ...]:
    """Each pair of targets of a class at each saturated load of the whole mix, the widest last."""
    return tuple(sorted(_widths(analysis), key=lambda width: (width.percent is None, width.percent or 0.0)))


def _widths(analysis: Analysis) -> Iterator[Width]:
    confidence = analysis.run.configuration.report.confidence_percent
    for ranking in analysis.rankings:
        load = analysis.scope(ranking).load
        if ranking.metric != METRIC or load is None or load.level != "saturate":
            continue
        pairs = list(combinations([entry.target for entry in ranking.entries], 2))
        for pair in pairs:
            first, second = (analysis.trial_values(METRIC, target, analysis.scope(ranking)) for target in pair)
            if isinstance(first, Missing) or isinstance(second, Missing):
                yield Width(load.title, pair, None)
                continue
            ratio = paired_ratio(first, second, confidence, len(pairs))
            yield Width(load.title, pair, None if ratio is None else (ratio.high / ratio.ahead - 1) * 100)
