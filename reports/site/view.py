"""The view model of the site: rows of runs, cards and figures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup
from msgspec import Struct

from reports.comparison.comparability import Key
from reports.export.files import REPORT
from reports.regression.gate_result import EXIT_STATUS, Gate
from reports.regression.history import Accept, HistoryEntry
from reports.site.trend_chart import chart, sparkline
from reports.site.trends import RunKey, Series, Trend
from reports.units import day, moment

_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_HASHED = re.compile(r"-[0-9a-f]{12}")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_WIDEST = 60

#: How many reasons and regressed cells a row in the list of runs shows.
MAX_SHOWN = 4
#: Verdicts that need attention.
BAD = tuple(verdict for verdict, status in EXIT_STATUS.items() if status)


class Folder(Struct, frozen=True):
    """A run's folder: the files that the site could keep, with their sizes in bytes, and the gate's result.

    `warning`: why the folder is not used for this run, or what in it can't be read.
    """

    sizes: Mapping[str, int]
    gate: Gate | None = None
    warning: str = ""


class Link(Struct, frozen=True):
    text: str
    address: str


class Card(Struct, frozen=True):
    """A trend in a list: its sparkline, its newest value and its newest change."""

    target: str
    title: str
    address: str
    spark: Markup
    now: str
    news: str
    bad: bool


class Note(Struct, frozen=True):
    """A mark in a chart as text. `kind`: change, accepted or regressed."""

    kind: str
    run: str
    day: str
    text: str
    quoted: str = ""


class Row(Struct, frozen=True):
    """A run in the table of a chart."""

    run: str
    day: str
    value: str
    trials: int
    happened: str


class TrendFigure(Struct, frozen=True):
    """A trend with chart and table. `svg` is None if there is only one run."""

    anchor: str
    title: str
    better: str
    reading: str
    svg: Markup | None
    notes: tuple[Note, ...]
    rows: tuple[Row, ...]


class RunRow(Struct, frozen=True):
    """A run in the list. `report` is empty if the site does not keep one; `absent` then says why."""

    anchor: str
    run: str
    report: str
    files: tuple[Link, ...]
    absent: str
    started: str
    revision: str
    valid: str
    all_valid: bool
    verdict: str
    bad: bool
    reasons: tuple[str, ...]
    regressed: tuple[Link, ...]
    more: int
    accepted: Accept | None


def key_of(run: HistoryEntry) -> RunKey:
    return (run.run, run.host)


def verdict_of(run: HistoryEntry, gate: Gate | None) -> str:
    """The gate's verdict on a run: from its folder, otherwise from the history; empty if there was no gate."""
    return gate.verdict if gate else run.verdict


def run_anchor(run: HistoryEntry) -> str:
    """The anchor of a run in the list. It includes the machine, because ids are unique per machine only."""
    return f"run-{slug(run.run)}-{slug(run.host)}"


def target_address(series: Series, target: str) -> str:
    return f"trends/{series_slug(series.key)}/{slug(target)}.html"


def cell_anchor(scope: str, metric: str) -> str:
    return f"cell-{slug(f'{scope}|{metric}')}"


def card(trend: Trend, series: Series, page: str) -> Card:
    """A trend's card. `page`: relative address of its target's page; empty on that page itself."""
    newest = _newest(trend, series)
    return Card(
        target=trend.target,
        title=trend.title,
        address=f"{page}#{cell_anchor(trend.scope, trend.metric)}",
        spark=sparkline(trend, len(series.runs)),
        now=trend.text(trend.values[-1]),
        news=newest[0],
        bad=newest[1],
    )


def _newest(trend: Trend, series: Series) -> tuple[str, bool]:
    """The newest change or regression as text, and whether it is a worsening."""
    found = [(change.at, 0, change.words, change.way == "worse") for change in trend.changes]
    found += [(at, 1, f"regressed by {worse * 100:.3g} %", True) for at, worse in trend.regressed.items()]
    if not found:
        return f"no change in {_runs(len(trend.at))}", False
    at, _, words, bad = max(found)
    ago = len(series.runs) - 1 - at
    return f"{words}, {f'{_runs(ago)} ago' if ago else 'newest run'}", bad


def trend_figure(trend: Trend, series: Series, number: int) -> TrendFigure:
    """A trend with its chart; `number` is unique within the page."""
    runs = series.runs
    days = [day(run.started) for run in runs]
    level = trend.segments[-1]
    reading = f"Newest: {trend.text(trend.values[-1])}."
    if trend.changes:
        reading += (
            f" Mean since the last change, {_runs(sum(at >= level.start for at in trend.at))}: {trend.text(level.value)}."
        )
    elif len(trend.at) > 1:
        reading += f" Mean of all {len(trend.at)} runs: {trend.text(level.value)}."
    notes = _notes(trend, series)
    said: dict[str, list[str]] = {}
    for note in notes:
        said.setdefault(note.run, []).append(f"{note.text}{f': {note.quoted}' if note.quoted else ''}")
    values = zip(trend.at, trend.values, trend.trials, strict=True)
    return TrendFigure(
        anchor=cell_anchor(trend.scope, trend.metric),
        title=trend.title,
        better=f"{trend.direction} is better" if trend.direction else "it is not known which direction is better",
        reading=reading,
        svg=chart(trend, series, days, f"trend-{number}") if len(trend.at) > 1 else None,
        notes=notes,
        rows=tuple(
            Row(runs[at].run, days[at], trend.text(value), trials, "; ".join(said.get(runs[at].run, ())))
            for at, value, trials in reversed(list(values))
        ),
    )


def _notes(trend: Trend, series: Series) -> tuple[Note, ...]:
    """All marks of the chart as text, the newest first."""
    found: list[tuple[int, Note]] = []

    def add(at: int, kind: str, text: str, quoted: str = "") -> None:
        run = series.runs[at]
        found.append((at, Note(kind, run.run, day(run.started), text, quoted)))

    for at, worse in trend.regressed.items():
        add(at, "regressed", f"regressed by {worse * 100:.3g} % (verdict of the gate)")
    for change in trend.changes:
        add(change.at, "change", f"{change.words} from here on")
    for at, accept in series.accepted.items():
        add(at, "accepted", "acknowledged", accept.reason)
    return tuple(note for _, note in sorted(found, key=lambda each: each[0], reverse=True))


def run_row(run: HistoryEntry, series: Series, accept: Accept | None, folder: Folder | None, kept: Sequence[str]) -> RunRow:
    """A row of the list of runs. `kept`: the files of its folder that the site has."""
    gate = folder.gate if folder else None
    regressed = gate.in_state("regressed") if gate else ()
    known = {trend.cell for trend in series.trends} if regressed else ()
    began = moment(run.started)
    verdict = verdict_of(run, gate)
    return RunRow(
        anchor=run_anchor(run),
        run=run.run,
        report=f"runs/{run.run}/{REPORT}" if REPORT in kept else "",
        files=tuple(Link(name, f"runs/{run.run}/{name}") for name in kept if name != REPORT),
        absent="" if REPORT in kept else _absent(folder),
        started=f"{began:%Y-%m-%d %H:%M}" if began else run.started,
        revision=(run.revision or "")[:12],
        valid=f"{run.planned - run.invalid} of {run.planned}",
        all_valid=run.invalid == 0,
        verdict=verdict,
        bad=verdict in BAD,
        reasons=gate.reasons[:MAX_SHOWN] if gate else (),
        regressed=tuple(
            Link(
                f"{cell.target}, {cell.scope or 'whole run'}, {cell.metric}: {cell.change * 100:.3g} % worse",
                f"{target_address(series, cell.target)}#{cell_anchor(cell.scope, cell.metric)}"
                if cell.cell in known
                else "",
            )
            for cell in regressed[:MAX_SHOWN]
        ),
        more=max(len(regressed) - MAX_SHOWN, 0),
        accepted=accept,
    )


def _absent(folder: Folder | None) -> str:
    if folder is None:
        return "record not available"
    if folder.warning and not folder.sizes:
        return folder.warning
    return "no room for it" if REPORT in folder.sizes else "no report was made"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def slug(name: str) -> str:
    """A name as file name, anchor or part of an address: lower-case letters, digits and hyphens.

    A name that is a slug already stays as it is. Other names get their hash at the end, and so do names that look as if they
    had one. So two names never share a slug, even on disks that do not distinguish `Go` and `go`.
    """
    if _PLAIN.fullmatch(name) and len(name) <= _WIDEST and not _HASHED.search(name):
        return name
    words = "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:_WIDEST].strip("-")
    return f"{words or 'x'}-{_digest(name)}"


def is_run_id(name: str) -> bool:
    """Whether a run's id may be a folder name: no separator, no dot, nothing special to a shell or a browser."""
    return _RUN.fullmatch(name) is not None


def series_slug(key: Key) -> str:
    """A slug of the key alone. The number of a series is no use: it may change when older runs are added."""
    return _digest(repr((key.host, key.image_set, key.method, key.content)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
