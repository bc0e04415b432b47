"""A history, its records and a site, made up and on disk; and what to look for in the pages of a site."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from harness.cli.main import main
from harness.record.run import Run
from reports.comparison.comparability import fingerprint
from reports.regression.gate_result import EvaluatedCell, Gate
from reports.regression.history import SCHEMA, Accept, HistoryEntry, append

ATOM = "{http://www.w3.org/2005/Atom}"
REPORT_BYTES = 1_250_000
PLACES = ("cpu@saturate", "cpu@50/s", "cpu@GET /cpu/collatz", "db@saturate", "db@1000/s")
METRICS = ("throughput", "p50", "p99", "cpu")
HOSTILE = '"><script>window.hit=1</script>\u0007& ]]>'


class Desk:
    """A history, its records and a site, on disk."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.history, self.runs, self.site = folder / "history.jsonl", folder / "runs", folder / "site"
        self.run = run
        self.host = fingerprint(run.host)

    def entry(self, number: int, cells: Mapping[str, float], **changes: object) -> HistoryEntry:
        at = datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(days=number)
        plain = HistoryEntry(
            SCHEMA, f"run-{number:04}", at.isoformat(), f"{number:040x}", self.host, "local", 3, "c0ffee", {}, cells,
            dict.fromkeys(cells, 3), 12, 0,
        )  # fmt: skip
        return msgspec.structs.replace(plain, **changes)

    def record(
        self, entry: HistoryEntry, report: bytes = b"<!doctype html><title>report</title>", gate: Gate | None = None
    ) -> Path:
        folder = self.runs / entry.run
        self.runs.mkdir(exist_ok=True)
        folder.mkdir(parents=True)
        head = msgspec.structs.replace(self.run, id=entry.run, started=entry.started)
        (folder / "run.json").write_bytes(msgspec.json.encode(head))
        (folder / "report.html").write_bytes(report)
        (folder / "results.json").write_bytes(b"{}")
        if gate:
            (folder / "gate.json").write_bytes(msgspec.json.encode(gate))
        return folder

    def publish(self, *more: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["--runs", str(self.runs), "publish", str(self.site), "--history", str(self.history), *more])
        return int(ended.value.code or 0)

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.site)): p.read_bytes() for p in sorted(self.site.rglob("*")) if p.is_file()}


def regressed(entry: HistoryEntry, *cells: str) -> Gate:
    judged = tuple(
        EvaluatedCell(cell, *cell.split("|"), unit="microseconds", now=112.0, before=100.0,
                      change=0.12, limit=0.05, bound=0.03,
               runs=30, state="regressed")
        for cell in cells
    )  # fmt: skip
    return Gate(
        schema=1, run=entry.run, started=entry.started, revision=None, base=None, verdict="regressed",
        reasons=("one cell is slower in 8 pairs",), cells=judged,
    )  # fmt: skip


def noisy(rng: random.Random, base: Mapping[str, float], **factors: float) -> dict[str, float]:
    return {cell: value * rng.lognormvariate(0, 0.02) * factors.get(cell.split("|")[0], 1.0) for cell, value in base.items()}


def fill(
    desk: Desk, count: int, targets: tuple[str, ...], at_hand: int, report: bytes = b"<!doctype html>"
) -> list[HistoryEntry]:
    """Runs of which python is slower by a tenth from two thirds on, which is acknowledged; a later run regressed."""
    rng = random.Random(7)
    base = {f"{t}|{scope}|{metric}": 1000.0 for t in targets for scope in PLACES for metric in METRICS}
    base["machine||canary"] = 870.0
    turn = count * 2 // 3
    entries = [desk.entry(i, noisy(rng, base, python=1.1 if i >= turn else 1.0)) for i in range(count)]
    append(desk.history, [*entries, Accept(SCHEMA, entries[turn].run, "2026-03-01T08:00:00+00:00", "mara", "CPython 3.15")])
    for entry in entries[count - at_hand :]:
        desk.record(entry, report, regressed(entry, "go|db@saturate|p99") if entry is entries[-3] else None)
    return entries


class Links(HTMLParser):
    """Every address and every anchor of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and not (value or "").startswith("data:"):
                self.links.append(value or "")
            if name == "id":
                assert value not in self.anchors, "an id must be there once"
                self.anchors.add(value or "")


def dead_links(site: Path) -> list[str]:
    pages = {p.resolve(): Links(p.read_text()) for p in site.rglob("*.html")}
    dead = []
    for page, found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            to = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not to.is_file() or (parts.fragment and parts.fragment not in pages[to].anchors):
                dead.append(f"{page.name}: {link}")
    return dead
