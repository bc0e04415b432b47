"""`fitmap advise`: from a record to an answer in the terminal, and mistakes in one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report_records import PROFILES, make_record

from harness.cli.main import main
from harness.record.reader import Record
from reports.analysis.analysis import analyse
from reports.analysis.cost_model import Requirements, answer, cost_inputs, everyday


def advise(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["advise", str(folder), *arguments])
    out, err = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), out, err


def test_the_answer_names_every_target_and_what_the_language_decides(
    capsys: pytest.CaptureFixture[str], detailed: Record
) -> None:
    status, out, _ = advise(capsys, detailed.folder, "--rps", "500", "--cpu-ms", "0.2", "--queries", "2", "--wait-ms", "0")
    assert status == 0
    assert re.search(r"500 requests/s, each with 0.2 ms of pure work \(as rust does it\), 2 queries", out)
    assert [line.split()[0] for line in out.splitlines() if "GiB  " in line] == ["rust", "go", "python"]
    assert re.search(r"The language decides \d+% of this bill: rust takes \$", out)
    assert "Extrapolated: What a request costs apart from its work" in out
    assert "June 2026" in out


def test_options_reach_the_model(capsys: pytest.CaptureFixture[str], detailed: Record) -> None:
    options = (
        "--rps", "4000", "--cpu-ms", "3", "--on", "python", "--queries", "1", "--wait-ms", "40", "--cpu-price", "10",
        "--memory-price", "7", "--utilisation", "0.5", "--instances", "3", "--json",
    )  # fmt: skip
    status, out, _ = advise(capsys, detailed.folder, *options)
    need = Requirements(4000, 3, 1, 40, 10, 7, "python", 0.5, 3)
    expected = answer(cost_inputs(analyse(detailed)), need)
    assert status == 0
    found = json.loads(out)
    assert [bill["target"] for bill in found["bills"]] == [bill.target for bill in expected.bills]
    assert [bill["total"] for bill in found["bills"]] == pytest.approx([bill.total for bill in expected.bills])
    assert found["decided"] == pytest.approx(expected.decided)
    assert found["warnings"] == list(expected.warnings)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rps", "-1"), "--rps must be at least 0"),
        (("--rps", "nan"), "--rps must be at least 0"),
        (("--cpu-price", "inf"), "--cpu-price must be at least 0"),
        (("--utilisation", "0"), "--utilisation must be above 0"),
        (("--on", "zig"), '"zig" is no target of this record: it has rust, go, python'),
    ],
)
def test_a_mistake_is_one_sentence(
    capsys: pytest.CaptureFixture[str], detailed: Record, options: tuple[str, str], said: str
) -> None:
    status, _, err = advise(capsys, detailed.folder, *options)
    assert status == 2
    assert said in err and len(err.splitlines()) == 1


def test_a_record_without_a_database_profile_still_answers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    record = make_record(tmp_path, targets=("go", "rust"), profiles=PROFILES[:1])
    assert everyday(analyse(record)).queries == 0
    status, out, _ = advise(capsys, tmp_path, "--queries", "2")
    assert status == 0
    assert "go can't be priced: no valid trial of profile db, saturated" in out
    assert "Fewer than two targets can be priced" in out
