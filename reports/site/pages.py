"""History -> pages: the site of `fitmap publish`. reports/site/sync.py writes the files.

    index.html                     every run of each series, and what changed
    trends/<series>/<target>.html  each cell of a target over the runs
    runs/<id>/                     the report and tables of a record, if there is room
    feed.xml                       regressions and acknowledged changes (reports/site/feed.py)

All content of a history is text in the pages. It becomes a path or an anchor only by `slug` in reports/site/view.py.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from reports.charts.palette import MAPPED
from reports.export.files import CARD, CSV, JSON, REPORT, SUMMARY
from reports.export.html import STATIC_POLICY, render_template
from reports.regression.history import HistoryEntry
from reports.site.trends import RunKey, Series
from reports.site.view import Card, Folder, Link, RunRow, card, key_of, run_row, target_address, trend_figure, verdict_of

INDEX, FEED, GATE = "index.html", "feed.xml", "gate.json"
#: Files of a run that the site keeps. The interactive page would triple the size.
KEPT = (REPORT, SUMMARY, CSV, JSON, CARD, GATE)
#: How many trends of each series the first page shows.
MAX_CARDS = 12


class Block(Struct, frozen=True):
    """A series on the first page."""

    series: Series
    targets: tuple[Link, ...]
    cards: tuple[Card, ...]
    changed: int
    runs: tuple[RunRow, ...]


def trend_pages(every: Sequence[Series]) -> dict[str, bytes]:
    """Address -> page, one for each target of each series."""
    return {target_address(series, target): _target_page(series, target) for series in every for target in series.targets}


def _target_page(series: Series, target: str) -> bytes:
    trends = series.of_target(target)
    return _page(
        "site_target.html.j2",
        series=series,
        target=target,
        others=[Link(other, target_address(series, other).rpartition("/")[2]) for other in series.targets],
        items=[card(trend, series, "") for trend in trends],
        figures=[trend_figure(trend, series, number) for number, trend in enumerate(trends)],
    )


def index_page(
    every: Sequence[Series],
    folders: Mapping[RunKey, Folder],
    kept: Collection[RunKey],
    warnings: Sequence[str],
    picture: bytes | None = None,
) -> bytes:
    """The first page. `kept`: the runs whose files the site has. `picture`: the card of the newest of them, as PNG."""
    blocks = [_block(series, folders, kept) for series in every]
    return _page(
        "site_index.html.j2",
        blocks=blocks,
        # The first series has the newest run, and its first row is that run.
        newest=blocks[0].runs[0],
        total=sum(len(series.runs) + series.older for series in every),
        reports=len(kept),
        warnings=warnings,
        picture=f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}" if picture else "",
    )


def newest_card(every: Sequence[Series], folders: Mapping[RunKey, Folder], kept: Collection[RunKey]) -> str:
    """The run whose card the first page shows: the newest one that is kept and has a card; empty if there is none."""
    found = [run for series in every for run in series.runs if key_of(run) in kept and CARD in folders[key_of(run)].sizes]
    return max(found, key=lambda run: (run.started, run.run)).run if found else ""


def _block(series: Series, folders: Mapping[RunKey, Folder], kept: Collection[RunKey]) -> Block:
    rows = []
    for at, run in enumerate(series.runs):
        folder = folders.get(key_of(run))
        names = tuple(folder.sizes) if folder and key_of(run) in kept else ()
        rows.append(run_row(run, series, series.accepted.get(at), folder, names))
    return Block(
        series=series,
        targets=tuple(Link(target, target_address(series, target)) for target in series.targets),
        cards=tuple(card(trend, series, target_address(series, trend.target)) for trend in series.trends[:MAX_CARDS]),
        changed=sum(trend.news > 0 for trend in series.trends),
        runs=tuple(reversed(rows)),
    )


def absent_page(run: str) -> bytes:
    """The page in place of a run's interactive page, to which its report links."""
    return _page("site_absent.html.j2", run=run)


def to_keep(every: Sequence[Series], folders: Mapping[RunKey, Folder], room: int) -> frozenset[RunKey]:
    """The runs whose files fit into `room` bytes. First the newest run of each series, then regressed and acknowledged
    runs, then the others; the newest first in each group.
    """

    def rank(found: tuple[Series, int, HistoryEntry]) -> int:
        series, at, run = found
        if at == len(series.runs) - 1:
            return 0
        regressed = verdict_of(run, folders[key_of(run)].gate) == "regressed"
        return 1 if regressed or at in series.accepted else 2

    candidates = [
        (series, at, run)
        for series in every
        for at, run in enumerate(series.runs)
        if key_of(run) in folders and folders[key_of(run)].sizes
    ]
    candidates.sort(key=lambda found: (found[2].started, found[2].run), reverse=True)
    kept = set()
    for _, _, run in sorted(candidates, key=rank):
        # The links to the files and the page in place of the interactive one take room too.
        size = sum(folders[key_of(run)].sizes.values()) + len(absent_page(run.run)) + 1000
        if size <= room:
            kept.add(key_of(run))
            room -= size
    return frozenset(kept)


def _page(name: str, **context: object) -> bytes:
    return render_template(name, palette=MAPPED, policy=STATIC_POLICY, explore=None, **context).encode()
