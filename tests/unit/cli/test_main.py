"""The command line: each mistake one sentence and a non-zero exit, --help that teaches."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import measurement, result, run

from harness.cli import prepare
from harness.cli.arguments import COMMANDS
from harness.cli.main import main
from harness.cli.reference import reference
from harness.errors import EngineError, ImageError
from harness.files import ROOT
from harness.record.writer import RecordWriter


def fitmap(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), out, err


def one_sentence(err: str) -> str:
    (line,) = [line for line in err.splitlines() if line.startswith("fitmap: ")]
    return line


def test_wrong_configuration_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "fitmap.toml"
    path.write_text("[run]\nprest = 'quick'\n")
    status, _, err = fitmap(capsys, "--config", str(path), "plan")
    assert status == 2
    assert 'did you mean "preset"' in one_sentence(err)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('metrics = ["throughput", "p95"]', '[gate] metrics: unknown metric "p95": did you mean "p99"?'),
        ("metrics = []", "[gate] metrics is empty"),
        ("percents = { cpus = 2.0 }", '[gate] percents: unknown metric "cpus": did you mean "cpu"?'),
    ],
)
def test_an_unknown_metric_of_the_gate_is_refused_before_anything_is_built(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "fitmap.toml"
    path.write_text(f"[gate]\n{text}\n")
    for command in (("plan",), ("--runs", str(tmp_path), "gate")):
        status, _, err = fitmap(capsys, "--config", str(path), *command)
        assert status == 2
        assert said in one_sentence(err)


def test_a_configuration_that_is_not_there_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, err = fitmap(capsys, "--config", str(tmp_path / "missing.toml"), "plan")
    assert status == 2
    assert "missing.toml: there is no such file" in one_sentence(err)


@pytest.mark.parametrize(
    "words",
    [
        ("gate", "--base", ""), ("bench", "--target", ""), ("bench", "--target", "go,,rust"), ("bench", "--profile", ","),
        ("bench", "--level", " "), ("bench", "--route", ""), ("bench", "--variants", ""), ("bench", "--resume", ""),
        ("bench", "--precision", "2%", "--minutes", "nan"), ("gate", "--minutes", "0"), ("gate", ""), ("gate", "--twin", ""),
        ("report", ""), ("report", "--baseline", ""), ("compare", ""), ("compare", "main", ""), ("build", ""),
        ("history", "add", ""), ("history", "add", "--branch", ""), ("history", "show", ""), ("advise", "--on", ""),
        ("history", "accept", "run", "--reason", " "), ("history", "accept", "run", "--reason", "x", "--by", ""),
        ("publish", ""), ("publish", "site", "--url", ""), ("publish", "site", "--megabytes", "inf"),
        ("--config", "", "plan"), ("--runs", "", "list"), ("repeatability", ""), ("history", "--history", "", "list"),
    ],
)  # fmt: skip
def test_an_empty_word_never_stands_for_a_default(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    """Such as that of a variable that a CI job did not set: `fitmap gate --base "$BASE"`."""
    status, out, err = fitmap(capsys, *words)
    assert (status, out) == (2, "")
    assert "it is empty" in err or "has an empty name" in err or "is no number above 0" in err


def test_an_unknown_target_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = fitmap(capsys, "bench", "--target", "pyhton")
    assert status == 2
    assert 'unknown target "pyhton": did you mean "python"' in one_sentence(err)


def test_an_unknown_profile_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = fitmap(capsys, "plan", "--profile", "cpus")
    assert status == 2
    assert 'did you mean "cpu"' in one_sentence(err)


def test_an_engine_that_is_away_is_one_sentence_and_status_4(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    status, _, err = fitmap(capsys, "--runs", str(tmp_path), "bench", "--no-install-engine")
    assert status == 4
    assert "no Docker Engine answers" in one_sentence(err)


def test_a_runs_folder_that_cant_be_written_is_one_sentence_and_status_4(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = fitmap(capsys, "--runs", str(tmp_path / "file"), "bench")
    assert status == 4
    assert "can't be written" in one_sentence(err)


def test_a_report_of_nothing_says_how_to_get_a_record(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, err = fitmap(capsys, "--runs", str(tmp_path), "report")
    assert status == 2
    assert "`fitmap bench` makes one" in one_sentence(err)


def test_plan_touches_nothing_and_tells_the_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = fitmap(capsys, "--runs", str(tmp_path / "runs"), "plan", "--preset", "quick", "--target", "go")
    assert status == 0
    assert re.search(r"18 trials, \d+ min in all", out)
    assert not (tmp_path / "runs").exists()


def test_what_is_not_measured_unasked_is_told_with_the_way_to_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "unasked", lambda _config: ("other", "another"))
    _, out, _ = fitmap(capsys, "plan", "--preset", "smoke", "--profile", "ping")
    assert out.startswith("not measured unless asked for: other, another (--target all, --class, or by name)\n")


def test_a_plan_of_one_trial_is_told_in_the_singular(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ("--preset", "smoke", "--target", "go", "--profile", "ping")
    _, out, _ = fitmap(capsys, "--runs", str(tmp_path / "runs"), "plan", *options)
    assert "seed 1: 1 trial, under a minute in all" in out


def test_list_shows_damaged_records_beside_good_ones(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    RecordWriter(tmp_path / "good").begin(run())
    RecordWriter(tmp_path / "good").append(result(run().plan.trials[0], measurement()))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    status, out, _ = fitmap(capsys, "--runs", str(tmp_path), "list")
    assert status == 0
    assert "1 of 6 trials, 1 valid" in out
    assert "bad:" in out and "no valid record" in out


@pytest.mark.parametrize(
    "command",
    [command.name for command in COMMANDS],
)
def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, out, _ = fitmap(capsys, command, "--help")
    assert status == 0 and command in out
    assert f"\n  fitmap {command}" in out, "an example"
    assert max(map(len, out.splitlines())) <= 90


def test_the_reference_page_is_what_the_help_says() -> None:
    """`make docs` writes it again."""
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == reference()


def test_the_help_names_every_command_in_one_line_and_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = fitmap(capsys, "--help")
    assert status == 0
    assert max(map(len, out.splitlines())) <= 80
    for command in COMMANDS:
        assert len(re.findall(rf"^  {command.name} +{re.escape(command.summary)}$", out, re.MULTILINE)) == 1


def test_exit_statuses_tell_usage_from_failure() -> None:
    assert EngineError("x").exit_status == ImageError("x").exit_status == 4


def test_a_reader_that_goes_away_is_no_error_worth_a_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli.main", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 141
