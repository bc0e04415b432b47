"""The site: complete, the same every time, never over its bound, never outside its folder, and no foreign file touched."""

from __future__ import annotations

import random
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import altair as alt
import msgspec
import pytest
from axe import violations
from browser import background, console, forbidden, look_at, needs_chromium, out_of_reach, screenshot, scroll_width
from report_records import make_record
from selenium import webdriver
from selenium.webdriver.common.by import By

from harness.cli.main import main
from harness.record.reader import Record
from harness.record.run import Run
from reports.comparison.comparability import fingerprint
from reports.regression.gate_result import EvaluatedCell, Gate
from reports.regression.history import SCHEMA, Accept, HistoryEntry, append, read
from reports.site.sync import MANIFEST
from reports.site.trend_chart import trend_spec
from reports.site.trends import series_of
from reports.site.view import slug

ATOM = "{http://www.w3.org/2005/Atom}"
REPORT_BYTES = 1_250_000
PLACES = ("cpu@saturate", "cpu@50/s", "cpu@GET /cpu/collatz", "db@saturate", "db@1000/s")
METRICS = ("throughput", "p50", "p99", "cpu")
HOSTILE = '"><script>window.hit=1</script>\u0007& ]]>'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    record: Record = make_record(tmp_path_factory.mktemp("publish") / "record", targets=("go", "python"), blocks=3)
    return record.run


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


@pytest.fixture
def desk(tmp_path: Path, run: Run) -> Desk:
    return Desk(tmp_path, run)


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


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, run: Run) -> tuple[Desk, float]:
    """Two hundred runs of 61 cells, 40 of them at hand with reports of full size; and how long the site took."""
    desk = Desk(tmp_path_factory.mktemp("big"), run)
    fill(
        desk,
        200,
        ("go", "python", "rust"),
        40,
        b"<!doctype html><a href=explore.html>as real ones do</a>".ljust(REPORT_BYTES),
    )
    begun = time.monotonic()
    assert desk.publish() == 0
    return desk, time.monotonic() - begun


def test_two_hundred_runs_stay_under_twenty_megabytes_and_half_a_minute(big: tuple[Desk, float]) -> None:
    desk, seconds = big
    size = sum(map(len, desk.files().values()))
    assert size < 20e6
    assert seconds < 30
    assert sum(name.endswith("/report.html") for name in desk.files()) >= 10


def test_every_link_leads_somewhere(big: tuple[Desk, float]) -> None:
    assert dead_links(big[0].site) == []


def test_what_changed_is_found_named_and_first(big: tuple[Desk, float]) -> None:
    desk, _ = big
    (series,) = series_of(read(desk.history), {})
    changed = [trend for trend in series.trends if trend.changes]
    assert {trend.target for trend in changed} <= {"python", "go", "rust"}
    assert all(any(abs(c.at - 133) <= 2 for c in trend.changes) for trend in series.of_target("python"))
    assert sum(bool(t.changes) for t in series.trends if t.target != "python") <= 2
    ways = {trend.metric: trend.changes[0].way for trend in series.of_target("python")}
    assert (ways["throughput"], ways["p99"]) == ("better", "worse")
    page = next(desk.site.glob("trends/*/python.html")).read_text()
    assert "CPython 3.15" in page
    assert page.count("<figure") == page.count('<svg xmlns="http://www.w3.org/2000/svg" role="img"') == 20


def test_the_chart_of_a_trend_is_valid_vega_lite(big: tuple[Desk, float]) -> None:
    (series,) = series_of(read(big[0].history), {})
    trend = next(trend for trend in series.trends if trend.changes)
    alt.LayerChart.from_dict(trend_spec(trend, series, [run.started[:10] for run in series.runs]), validate=True)


def test_the_list_says_why_a_report_is_missing_and_what_a_gate_found(big: tuple[Desk, float]) -> None:
    page = (big[0].site / "index.html").read_text()
    assert "no room for it" in page
    assert "record not available" in page
    assert "one cell is slower in 8 pairs" in page
    assert '<span class="badge accepted">acknowledged</span> <bdi>CPython 3.15</bdi>' in page
    assert page.index("run-0199") < page.index("run-0100") < page.index("run-0001")


def test_those_that_someone_will_ask_about_are_kept_before_newer_ones(desk: Desk) -> None:
    entries = fill(desk, 30, ("go", "python"), 30, b"x" * 1_000_000)
    assert desk.publish("--megabytes", "4.3") == 0
    kept = {path.parent.name for path in desk.site.glob("runs/*/report.html")}
    # The newest, the one that regressed, the acknowledged one; not the second newest.
    assert kept == {entries[-1].run, entries[-3].run, entries[20].run}


def test_the_same_history_gives_the_same_bytes_and_nothing_is_written_twice(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(desk, 12, ("go",), 5)
    assert desk.publish() == 0
    before = desk.files()
    assert desk.publish() == 0
    assert desk.files() == before
    assert "0 written, 0 removed" in capsys.readouterr().out
    desk.site = desk.site.with_name("another")
    assert desk.publish() == 0
    assert desk.files() == before


def test_what_is_stale_goes_and_what_is_not_ours_stays(desk: Desk) -> None:
    entries = fill(desk, 12, ("go", "python"), 5)
    assert desk.publish() == 0
    (desk.site / "runs" / entries[-1].run / "mine.txt").write_text("keep me")
    (desk.site / "CNAME").write_text("example.org")
    for entry in entries[-2:]:
        for path in (desk.runs / entry.run).iterdir():
            path.unlink()
    assert desk.publish() == 0
    assert not (desk.site / "runs" / entries[-2].run).exists()
    assert [p.name for p in (desk.site / "runs" / entries[-1].run).iterdir()] == ["mine.txt"]
    assert (desk.site / "CNAME").read_text() == "example.org"


def test_a_folder_that_is_not_ours_is_refused_in_one_sentence(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    fill(desk, 3, ("go",), 0)
    desk.site.mkdir()
    (desk.site / "thesis.tex").write_text("years of work")
    assert desk.publish() == 2
    assert "is not empty and was not written by fitmap publish" in capsys.readouterr().err
    assert [p.name for p in desk.site.iterdir()] == ["thesis.tex"]


@pytest.fixture
def hostile(desk: Desk) -> Desk:
    """Names that want out, or to be code."""
    cells = {
        f"{HOSTILE}|{HOSTILE}|{HOSTILE}": 5.0,
        "../../../etc|x|cpu": 7.0,
        "Go|cpu|p99": 1.0,
        "go|cpu|p99": 1.0,
        "no cell": 1.0,
    }
    names = ["../escape", HOSTILE, "/tmp/x", ".", "con\\..\\x", "", "a" * 5000]
    entries = [desk.entry(i, cells, run=name, revision=HOSTILE) for i, name in enumerate(names)]
    entries.append(desk.entry(50, cells, started=HOSTILE))
    append(desk.history, [*entries, *(Accept(SCHEMA, e.run, HOSTILE, HOSTILE, HOSTILE) for e in entries)])
    # A record in every respect, but not in the folder of records.
    desk.record(entries[0], b"secret")
    assert desk.publish() == 0
    return desk


def test_hostile_names_are_text_and_reach_no_other_file(hostile: Desk) -> None:
    assert {p.name for p in hostile.site.parent.iterdir()} == {"history.jsonl", "runs", "site", "escape"}
    for name, data in hostile.files().items():
        assert b"<script" not in data.lower(), name
        assert b"secret" not in data
        assert all(part.strip(".") and part.isascii() for part in Path(name).parts if part != MANIFEST), name
    # Names that differ in case alone are two pages on any disk.
    assert len({p.name.lower() for p in hostile.site.glob("trends/*/*.html")}) == 4
    assert dead_links(hostile.site) == []
    titles = [title.text or "" for title in ET.fromstring(hostile.files()["feed.xml"]).iter(f"{ATOM}title")]
    assert any("<script>window.hit=1</script>\ufffd& ]]>" in title for title in titles)


def test_a_record_of_another_machine_or_behind_a_link_is_not_published(desk: Desk, tmp_path: Path) -> None:
    entries = fill(desk, 4, ("go",), 2)
    other = msgspec.structs.replace(desk.run, id=entries[2].run, started=entries[2].started,
                                    host=msgspec.structs.replace(desk.run.host, cpu_model="another"))  # fmt: skip
    (desk.runs / entries[2].run / "run.json").write_bytes(msgspec.json.encode(other))
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (desk.runs / entries[3].run / "summary.md").symlink_to(secret)
    assert desk.publish() == 0
    assert not (desk.site / "runs" / entries[2].run).exists()
    assert not any(b"secret" in data for data in desk.files().values())


def test_series_never_mix(desk: Desk) -> None:
    base = {"go|cpu|p99": 100.0}
    append(desk.history, [desk.entry(i, base, method=2 + i % 2) for i in range(12)])
    assert [len(series.runs) for series in series_of(read(desk.history), {})] == [6, 6]
    assert desk.publish() == 0
    assert len(list(desk.site.glob("trends/*/go.html"))) == 2
    assert "method 2" in (desk.site / "index.html").read_text()


def test_slugs_are_safe_and_no_two_names_share_one() -> None:
    names = ["go", "Go", "GO", "..", "", "a/b", "a-b", "a b", "é", "x" * 300, "x" * 301, slug("Go"), slug(slug("Go"))]
    assert len({slug(name) for name in names}) == len(names)
    assert slug("go") == "go"
    assert all(slug(name).replace("-", "").isalnum() and slug(name).isascii() and len(slug(name)) < 80 for name in names)


def test_the_feed_is_atom_with_stable_ids_and_no_present_time(desk: Desk) -> None:
    entries = fill(desk, 30, ("go", "python"), 10)
    assert desk.publish() == 0
    feed = ET.fromstring((desk.site / "feed.xml").read_bytes())
    assert feed.tag == f"{ATOM}feed"
    found = feed.findall(f"{ATOM}entry")
    # RFC 4287, 4.1.1 and 4.1.2: exactly one id, title and updated each, an author, an alternate link.
    for element in (feed, *found):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
        assert (element.findtext(f"{ATOM}id") or "").startswith("urn:uuid:")
        assert datetime.fromisoformat(element.findtext(f"{ATOM}updated") or "").tzinfo
        assert element.find(f"{ATOM}link[@rel='alternate']") is not None
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    ids = [entry.findtext(f"{ATOM}id") for entry in found]
    assert len(set(ids)) == 2
    assert feed.findtext(f"{ATOM}updated") == max(entry.findtext(f"{ATOM}updated") or "" for entry in found)
    assert "go|db@saturate|p99: 12 % worse" in (found[1].findtext(f"{ATOM}content") or "")
    assert "CPython 3.15" in (found[0].findtext(f"{ATOM}title") or "")
    # One run more moves no id; an address makes links absolute.
    append(desk.history, [desk.entry(99, entries[0].cells)])
    assert desk.publish("--url", "https://example.org/fitmap") == 0
    again = ET.fromstring((desk.site / "feed.xml").read_bytes())
    assert [entry.findtext(f"{ATOM}id") for entry in again.findall(f"{ATOM}entry")] == ids
    assert all((link.get("href") or "").startswith("https://example.org/fitmap/") for link in again.iter(f"{ATOM}link"))


def test_a_verdict_of_the_history_counts_where_the_record_is_not_here(desk: Desk) -> None:
    append(desk.history, [desk.entry(1, {"go|cpu|p99": 1.0}, verdict="regressed")])
    assert desk.publish() == 0
    assert '<span class="badge regressed">regressed</span>' in (desk.site / "index.html").read_text()
    assert "run-0001 regressed" in (desk.site / "feed.xml").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--url", "javascript:x"), "--url must be"), (("--megabytes", "0"), "--megabytes"), ((), "no run in")],
)
def test_wrong_use_is_told_in_a_sentence(
    desk: Desk, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], said: str
) -> None:
    assert desk.publish(*more) == 2
    assert said in capsys.readouterr().err
    assert not desk.site.exists()


def pages_of(desk: Desk) -> Iterator[Path]:
    yield desk.site / "index.html"
    yield from desk.site.glob("trends/*/python.html")


@needs_chromium
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_from_disk_the_pages_ask_for_nothing_fit_and_hinder_nobody(
    browser: webdriver.Chrome, big: tuple[Desk, float], tmp_path: Path, width: int, dark: bool
) -> None:
    for page in pages_of(big[0]):
        assert look_at(browser, page.as_uri(), width=width, dark=dark) == [page.as_uri()]
        assert (console(browser), forbidden(browser)) == ([], [])
        assert scroll_width(browser) <= width
        assert background(browser) == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
        assert violations(browser, *(["color-contrast"] if dark else [])) == []
        screenshot(browser, tmp_path / f"{page.stem}.png", width)


@needs_chromium
def test_by_keyboard_alone_and_from_page_to_page(browser: webdriver.Chrome, big: tuple[Desk, float]) -> None:
    for page in pages_of(big[0]):
        look_at(browser, page.as_uri())
        assert out_of_reach(browser) == []
    look_at(browser, (big[0].site / "index.html").as_uri())
    browser.find_element(By.CSS_SELECTOR, ".cards a").click()
    assert "/trends/" in browser.current_url
    anchor = browser.current_url.partition("#")[2]
    assert browser.find_element(By.ID, anchor).find_elements(By.CSS_SELECTOR, "svg[role=img]")


@needs_chromium
def test_hostile_names_run_nothing(browser: webdriver.Chrome, hostile: Desk) -> None:
    for page in hostile.site.rglob("*.html"):
        assert look_at(browser, page.as_uri()) == [page.as_uri()]
        assert browser.execute_script("return window.hit") is None
        assert console(browser) == []


@needs_chromium
def test_print_shows_every_table_in_light(browser: webdriver.Chrome, big: tuple[Desk, float]) -> None:
    *_, page = pages_of(big[0])
    look_at(browser, page.as_uri(), dark=True, media="print")
    assert background(browser) == "rgb(255, 255, 255)"
    assert browser.execute_script("return document.querySelector('figure details table').getBoundingClientRect().height") > 0
