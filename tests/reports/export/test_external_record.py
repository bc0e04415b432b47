"""The record of a service that fitmap did not start: page, tables and gate say why so much is not known, and never 0."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from msgspec.structs import replace
from report_records import make_record, profile
from sliced_records import sliced

from harness.cli import gate
from harness.cli.arguments import parser
from harness.cli.terminal import Terminal
from harness.record.config import GateSection
from harness.record.external import NOT_STARTED, UNSEEN, External
from harness.record.measurement import LevelMeasurement, Measurement
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter
from reports.analysis.analysis import Analysis, analyse
from reports.analysis.cells import cells
from reports.comparison.comparability import incomparable
from reports.export.files import write_files
from reports.export.tables import csv_text
from reports.regression.history import HistoryEntry, entry_of
from reports.regression.screening import judge

ROUTES = ("GET /carts/{id}", "POST /orders")
PROFILE = replace(profile("checkout", "Checkout", "What does a cart cost?", ROUTES, "200/s"), content="1")
EXTERNAL = External("https://staging.shop.lab", "perf/checkout", ("checkout",), 300, 32, "ca.pem")
#: What nobody sees from outside.
UNKNOWN = {"cpu", "database-cpu", "working-set", "anonymous", "peak", "image", "start"}


def external_level(level: LevelMeasurement) -> LevelMeasurement:
    slices = tuple(replace(each, service_cpu_ns=None, database_cpu_ns=None) for each in level.slices)
    return replace(
        level,
        bottleneck="unknown",
        bottleneck_reason="generator 10% of its cores; fitmap did not start the service",
        usage={"generator": level.usage["generator"]},
        unseen=UNSEEN,
        host=NOT_STARTED,
        statements=NOT_STARTED,
        times={},
        speed={role: found for role, found in level.speed.items() if role not in UNSEEN},
        slices=slices,
    )


def external_result(result: TrialResult) -> TrialResult:
    whole = result.measurement
    assert isinstance(whole, Measurement)
    changed = replace(
        whole,
        meta={},
        levels=tuple(map(external_level, whole.levels)),
        start_seconds=NOT_STARTED,
        stop_seconds=NOT_STARTED,
        exit_status=NOT_STARTED,
    )
    return replace(result, measurement=changed)


def external_record(folder: Path) -> Record:
    made = make_record(folder, targets=("staging",), profiles=(PROFILE,), blocks=4)
    made = sliced(made, lambda _trial, _round: 1.0)
    target = replace(made.run.targets["staging"], target_class="own", external=EXTERNAL)
    images = {name: image for name, image in made.run.images.items() if name == "load"}
    run = replace(
        made.run,
        targets={"staging": target},
        images=images,
        source_lines={},
        database_version="",
        database_settings={},
        seed_checksum="",
    )
    writer = RecordWriter(folder)
    writer.begin(run)
    (folder / "trials.jsonl").unlink()
    for result in made.results:
        writer.append(external_result(result))
    return read_record(folder)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return external_record(tmp_path_factory.mktemp("external") / "record")


@pytest.fixture(scope="module")
def analysis(record: Record) -> Analysis:
    return analyse(record)


def test_what_is_not_known_is_missing_with_its_reason_and_never_zero(analysis: Analysis) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(analysis))))
    assert {row["class"] for row in rows} == {"own"}
    found = {row["metric"]: row for row in rows}
    assert set(found) >= UNKNOWN | {"p50", "p99"}
    for metric in UNKNOWN:
        assert (found[metric]["median"], found[metric]["missing"]) == ("", NOT_STARTED.reason), metric
    assert float(found["p50"]["median"]) > 0
    assert found["p50"]["missing"] == ""


def test_the_page_says_what_is_not_known_and_what_its_intervals_know(record: Record) -> None:
    page = write_files(record).read_text(encoding="utf-8")
    assert NOT_STARTED.reason in page
    for said in (
        "its interval knows windows, not starts",
        "of a process that fitmap did not start, the same in each trial",
        "compared with nobody but itself at other times",
        "https://staging.shop.lab",
        "verified, by ca.pem",
        "for the load; fitmap did not start the service",
        "a service that fitmap did not start has no twin",
        "not known: fitmap did not start it",
    ):
        assert said in page, said
    assert "on freshly started containers" not in page
    summary = (record.folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith("## staging at 200 requests/s: half of the answers within ")
    assert "| Latency p99 (GET /carts/{id}) |" in summary


def test_every_figure_of_it_says_that_its_interval_knows_windows(record: Record) -> None:
    page = write_files(record).read_text(encoding="utf-8")
    matrix = page[page.index("Every axis and load") : page.index("Where a request")]
    values = matrix.count('<span class="value">') - matrix.count('<span class="value">–')
    assert values >= 2
    assert matrix.count("its interval knows windows, not starts") == values


def test_the_gate_judges_its_latency_and_invents_no_other_value(analysis: Analysis) -> None:
    metrics = {cell.metric for cell in cells(analysis) if cell.scope}
    assert metrics >= {"p50", "p99"}
    assert not metrics & (UNKNOWN | {"statements"})
    entry = entry_of(analysis)

    def past(factor: float) -> list[HistoryEntry]:
        """Twelve nights, a percent up and down."""
        return [
            replace(
                entry,
                run=f"night-{night:02}",
                started=f"2019-01-{night:02}",
                cells={name: value * (factor + 0.01 * (-1) ** night) for name, value in entry.cells.items()},
            )
            for night in range(1, 13)
        ]

    judged = judge(analysis, past(1.0), GateSection(), {})
    assert {cell.metric for cell in judged} == {"Latency p99"}
    assert {cell.state for cell in judged} == {"fine"}
    # Against nights in which it took half as long it is flagged.
    assert {cell.state for cell in judge(analysis, past(0.5), GateSection(), {})} == {"flagged"}


def test_a_flagged_cell_of_it_is_not_measured_again_against_an_older_version(
    record: Record, analysis: Analysis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def again(*_: object) -> Record:
        raise AssertionError("there is no older version")

    monkeypatch.setattr(gate, "_again", again)
    entry = entry_of(analysis)
    past = [
        replace(entry, run=f"night-{n:02}", started=f"2019-01-{n:02}", cells={k: v / 2 for k, v in entry.cells.items()})
        for n in range(1, 13)
    ]
    options = parser().parse_args(["--config", str(tmp_path / "fitmap.toml"), "gate", "--target", "staging"])
    (tmp_path / "fitmap.toml").touch()
    found = gate._judged(options, record, analysis, past, (), Terminal())
    assert (found.verdict, found.base) == ("inconclusive", None)
    assert {cell.state for cell in found.cells} == {"flagged"}


def test_a_record_of_another_address_is_one_of_another_service(record: Record) -> None:
    target = record.run.targets["staging"]
    moved = replace(record.run, targets={"staging": replace(target, external=replace(EXTERNAL, url="https://other.lab"))})
    assert incomparable(record.run, record.run) == []
    assert incomparable(record.run, moved) == ["something else was measured (address)"]
    # The fuse is no part of what was measured.
    wider = replace(
        record.run, targets={"staging": replace(target, external=replace(EXTERNAL, most_requests_per_second=900))}
    )
    assert incomparable(record.run, wider) == []
