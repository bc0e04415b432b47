"""Figures that a Markdown page cites from a record, each with its source in the link's title.

[126 µs](results.csv "cpu db@saturate go")                          a target's value, the median over trials
[126 µs (120-131 µs)](results.csv "cpu db@saturate go ±")           with its interval, or the number of trials
[×4.10](results.csv "cpu db@saturate python / go")                  a ratio, paired by block; ± gives its interval as well
[supported](results.json "claim go-is-small")                       the verdict on a claim

Metrics are named as in results.csv. Scopes are profile@level, a route of it (profile@level GET /path)
or profile; what belongs to no profile has the scope `run`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from statistics import median

from harness.errors import UsageError
from harness.record.measurement import Missing
from reports.analysis.analysis import Analysis
from reports.analysis.claims import claim_results, read_claims
from reports.metrics.catalogue import BY_ID
from reports.stats.pairs import paired_ratio
from reports.units import factor, number, quantity, span

_CITATION = re.compile(r'\[([^\]\n]*)\]\(([^()\s]*results\.(?:csv|json)) "([^"\n]+)"\)')

#: A scope may have blanks: `db@1000/s GET /orders`.
_FIGURE = re.compile(r"(?P<metric>\S+) (?P<scope>\S+(?: [A-Z]+ /\S*)?) (?P<target>\S+)(?: / (?P<other>\S+))?")


def citations(page: str) -> tuple[tuple[str, str], ...]:
    """The citations of a page in its order: source, and the text of the link."""
    return tuple((found[3], found[1]) for found in _CITATION.finditer(page))


def cited_folders(page: str) -> frozenset[str]:
    """The folders of the files that a page cites, as its links have them: one for each record."""
    return frozenset(_folder(found[2]) for found in _CITATION.finditer(page))


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def refreshed(page: str, analysis: Analysis, folders: Collection[str] | None = None) -> str:
    """The page with each cited figure replaced by the record's. `folders`: only what is cited from these.

    Raises UsageError where the record has no such figure.
    """
    verdicts = {finding.id: finding.verdict for finding in claim_results(analysis, read_claims())}

    def text(found: re.Match[str]) -> str:
        if folders is not None and _folder(found[2]) not in folders:
            return found[0]
        kind, _, name = found[3].partition(" ")
        if kind != "claim":
            return f'[{_figure(analysis, found[3])}]({found[2]} "{found[3]}")'
        if name not in verdicts:
            raise UsageError(f'"{found[3]}" is cited: there is no such claim')
        return f'[{verdicts[name]}]({found[2]} "{found[3]}")'

    return _CITATION.sub(text, page)


def _figure(analysis: Analysis, cited: str) -> str:
    known = _FIGURE.fullmatch(cited.removesuffix(" ±"))
    if known is None:
        raise UsageError(f'"{cited}" is cited: write METRIC PLACE TARGET, or METRIC PLACE TARGET / TARGET')
    metric, scope, target, other = known["metric"], known["scope"], known["target"], known["other"]
    scope = "" if scope == "run" else scope
    found = analysis.estimate(metric, scope, target)
    if found is None or isinstance(found, Missing):
        raise UsageError(f'"{cited}" is cited, and not in the record{f": {found.reason}" if found else ""}')
    if other:
        return _ratio(analysis, cited, metric, scope, target, other)
    unit = BY_ID[metric].unit
    value = quantity(found.median, unit)
    if not cited.endswith(" ±"):
        return value
    if found.low is None or found.high is None:
        return f"{value} ({found.trials} valid trial{'s' if found.trials > 1 else ''})"
    return f"{value} ({span(found.low, found.high, unit)})"


def _ratio(analysis: Analysis, cited: str, metric: str, scope: str, target: str, other: str) -> str:
    at = next(each for each in analysis.scopes if each.id == scope)
    mine, others = analysis.trial_values(metric, target, at), analysis.trial_values(metric, other, at)
    if isinstance(mine, Missing) or isinstance(others, Missing):
        raise UsageError(f'"{cited}" is cited, and one of the two has no value')
    if BY_ID[metric].exact:
        return factor(median(mine.values.values()) / median(others.values.values()))
    ratio = paired_ratio(mine, others, analysis.run.configuration.report.confidence_percent, 1)
    if ratio is None:
        raise UsageError(f'"{cited}" is cited, and has too few blocks for a ratio')
    interval = f" ({number(ratio.low)}–{number(ratio.high)})" if cited.endswith(" ±") else ""
    return f"{factor(ratio.ahead)}{interval}"
