"""A histogram log that was cut short or changed: the level has no latencies, and says so. No latency is a wrong one."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from report_records import make_record

from harness.record.histograms import read_encoded
from harness.record.measurement import Missing
from harness.record.reader import Record, read_record
from reports.analysis.analysis import Analysis, analyse
from reports.metrics.level_stats import DAMAGED_HISTOGRAM, NO_HISTOGRAM
from reports.regression.history import entry_of


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make_record(tmp_path_factory.mktemp("sound") / "record", targets=("go", "rust"), blocks=1)


def copied(record: Record, folder: Path) -> Record:
    return read_record(Path(shutil.copytree(record.folder, folder)))


def log_of(record: Record) -> Path:
    """The histograms of a trial with a rate, where latencies are ranked."""
    trial = next(r.trial for r in record.results if r.trial.profile == "db")
    return record.folder / "histograms" / f"{trial.id}.hlog"


def latencies(analysis: Analysis) -> dict[tuple[str, str, str], float | Missing]:
    """All that is said of latencies: of mixes, and of routes alone."""
    found: dict[tuple[str, str, str], float | Missing] = {}
    for m in analysis.measured:
        for name, values in {"": m.values, **m.by_route}.items():
            found |= {(f"{m.trial.id}@{m.load.level}", name, k): v for k, v in values.items() if k.startswith("p")}
    return found


def test_a_log_cut_anywhere_gives_the_same_latencies_or_none(sound: Record, tmp_path: Path) -> None:
    before = latencies(analyse(sound))
    record = copied(sound, tmp_path / "cut")
    path = log_of(record)
    whole = path.read_bytes()
    # Behind it are the service times and the generator's lag, which the report does not show.
    end = whole.index(b"\n", whole.rindex(b"|response|"))
    rng = random.Random(1)
    for size in sorted(rng.sample(range(len(whole)), 60)):
        path.write_bytes(whole[:size])
        analysis = analyse(record)
        now = latencies(analysis)
        assert now.keys() == before.keys()
        for key, value in now.items():
            assert isinstance(value, Missing) or value == before[key], (size, key)
        told = sum(m.distribution in (DAMAGED_HISTOGRAM, NO_HISTOGRAM) for m in analysis.measured)
        assert told >= (size < end), size
        entry_of(analysis)


def test_a_changed_byte_is_told_by_level_and_the_rest_is_kept(sound: Record, tmp_path: Path) -> None:
    record = copied(sound, tmp_path / "changed")
    path = log_of(record)
    lines = path.read_bytes().split(b"\n")
    last = max(i for i, line in enumerate(lines) if b"|response|" in line)
    lines[last] = lines[last][:-9] + b"\xff" + lines[last][-8:]
    path.write_bytes(b"\n".join(lines))
    analysis = analyse(record)
    (warning,) = analysis.warnings
    assert warning == f"histograms/{path.name}: level 1000/s has no latencies ({DAMAGED_HISTOGRAM.reason})"
    damaged = [m for m in analysis.measured if m.distribution == DAMAGED_HISTOGRAM]
    assert [(m.trial.id, m.load.level) for m in damaged] == [(path.stem, "1000/s")]
    assert damaged[0].values["p50"] == DAMAGED_HISTOGRAM
    # What does not come from histograms is there.
    assert not isinstance(damaged[0].values["cpu"], Missing)


def test_a_mix_without_one_of_its_routes_is_no_mix(sound: Record, tmp_path: Path) -> None:
    """The log ended between two lines: what is left is whole, and is of another mix."""
    record = copied(sound, tmp_path / "short")
    path = log_of(record)
    tags = list(read_encoded(record.folder, path.stem, "response"))
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(f"Tag={tags[-1]},")))
    analysis = analyse(record)
    level = tags[-1].partition("|")[0]
    assert [m.load.level for m in analysis.measured if m.distribution == DAMAGED_HISTOGRAM] == [level]
