"""The record of a team's own services: its report, tables, cells and changes say what is known, and why the rest is not."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from report_records import make_record, profile
from sliced_records import sliced

from harness.record.measurement import LevelMeasurement, Measurement, Missing
from harness.record.own import Companion, Own, OwnImage
from harness.record.plan import Variant
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.analysis.claims import claim_results, read_claims
from reports.comparison.changes import changes
from reports.export.files import write_files
from reports.export.tables import csv_text, frame
from reports.overview.overview import make_overview
from reports.regression.history import entry_of
from reports.sections.beside import beside_sections

NOBODY = Missing("nobody counts the statements of this service")
ROUTES = ("GET /carts/{id}", "POST /orders")
CHECKOUT = replace(profile("checkout", "Checkout", "What does a cart cost?", ROUTES, "saturate", "200/s"), content="1")
OWN = Own(
    folder="perf/checkout",
    image=OwnImage(use="shop/checkout:1"),
    profiles=("checkout",),
    keeps=(),
    health="/health",
    ready_seconds=30,
    user="10001",
    writable=(),
    environment={"PORT": "{port}"},
    secrets=(),
    command=(),
    migrate=(),
    database=None,
    beside=(Companion("redis", "redis:8"),),
)


def own_level(level: LevelMeasurement) -> LevelMeasurement:
    """Without a database, whose container is a cache here, and with statements that nobody counts."""
    usage = {"redis" if role == "database" else role: used for role, used in level.usage.items()}
    return replace(level, statements=NOBODY, times={}, usage=usage)


def own_result(result: TrialResult) -> TrialResult:
    whole = result.measurement
    assert isinstance(whole, Measurement)
    missing = Missing('its manifest does not keep "drain"')
    changed = replace(whole, meta={}, levels=tuple(map(own_level, whole.levels)), stop_seconds=missing, exit_status=missing)
    return replace(result, measurement=changed)


def own_record(folder: Path) -> Record:
    """Two own services, and a variant of one of them."""
    made = make_record(folder, targets=("cart", "checkout", "checkout.next"), profiles=(CHECKOUT,), blocks=4)
    made = sliced(made, lambda trial, _: 1.1 if trial.target == "checkout.next" else 1.0)
    targets = {name: replace(target, target_class="own", own=OWN) for name, target in made.run.targets.items()}
    variant = Variant("next", "checkout", "What does 1.43 bring?")
    targets["checkout.next"] = replace(targets["checkout.next"], variant=variant)
    run = replace(made.run, targets=targets, database_version="", database_settings={}, seed_checksum="")
    writer = RecordWriter(folder)
    writer.begin(run)
    (folder / "trials.jsonl").unlink()
    for result in made.results:
        writer.append(own_result(result))
    return read_record(folder)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return own_record(tmp_path_factory.mktemp("own") / "record")


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


def test_nobody_is_ranked_against_an_own_service(analysis: Analysis) -> None:
    assert {(ranking.target_class, *(entry.target for entry in ranking.entries)) for ranking in analysis.rankings} == {
        ("own, cart", "cart"),
        ("own, checkout", "checkout"),
    }
    assert {ranking.winner for ranking in analysis.rankings} == {None}
    assert analysis.unranked == ("checkout.next",)


def test_what_is_not_known_is_missing_and_never_zero(analysis: Analysis) -> None:
    table = frame(analysis)
    assert set(table["class"]) == {"own"}
    assert "database-cpu" not in set(table["metric"])
    assert set(table.loc[table["metric"] == "cpu", "missing"].dropna()) == set()
    rows = list(csv.DictReader(io.StringIO(csv_text(analysis))))
    assert {row["stack"] for row in rows} == {"a framework, a driver"}
    assert analysis.parts == ()
    assert not [cell.name for cell in cells(analysis) if "statements" in cell.name]


def test_a_variant_is_compared_with_its_base(record: Record) -> None:
    page = write_files(record).read_text(encoding="utf-8")
    assert "What a version brings" in page
    assert "checkout.next" in page


def test_the_page_tells_what_stands_beside_a_service_apart(record: Record, analysis: Analysis) -> None:
    (section,) = beside_sections(analysis)
    assert {(row[0], row[2]) for row in section.tables[0].rows} == {
        ("cart", "redis"),
        ("checkout", "redis"),
        ("checkout.next", "redis"),
    }
    page = write_files(record).read_text(encoding="utf-8")
    assert "Beside the service" in page
    assert "none of fitmap" in page
    assert "compared with nobody but its own variants" in page


def test_history_and_comparison_take_it(record: Record, analysis: Analysis, tmp_path: Path) -> None:
    entry = entry_of(analysis)
    assert any(name.startswith("checkout|checkout@saturate|cpu") for name in entry.cells)
    other = analyse(own_record(tmp_path / "other"))
    assert entry_of(other).key == entry.key
    assert changes(other, analysis).rows is not None


def test_the_first_part_is_about_the_services_own_loads(record: Record, analysis: Analysis) -> None:
    write_files(record)
    summary = (record.folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## cart at full load: throughput ")
    assert "Claims" not in summary
    assert "| Throughput |" in summary
    card = make_overview(analysis, claim_results(analysis, read_claims()), ("quiet", 0.01), twins_differ=False).cards[1]
    assert [column.name for column in card.columns] == ["checkout"]
    assert [row.row.group for row in card.rows][:3] == ["Checkout, saturated"] * 3
