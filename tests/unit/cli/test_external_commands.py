"""The commands on a service that fitmap did not start: what they write, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.arguments import parser
from harness.cli.gate import gate
from harness.cli.own import check_services, write_first
from harness.cli.settings import configure
from harness.cli.terminal import Terminal
from harness.containers.versions import repository_of
from harness.errors import UsageError
from harness.plan.selection import chosen_targets


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """What `fitmap init --url` writes."""
    monkeypatch.chdir(tmp_path)
    options = parser().parse_args(["init", "perf/staging", "--url", "https://staging.shop.lab"])
    assert write_first(options, Terminal()) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote perf/staging/fitmap.toml",
        "wrote perf/staging/loadtests/staging.toml",
        "read both, then: fitmap --config perf/staging/fitmap.toml check --target staging",
    ]
    return tmp_path / "perf" / "staging" / "fitmap.toml"


def options(path: Path, *words: str) -> list[str]:
    return ["--config", str(path), *words]


def test_what_init_writes_allows_nothing_until_its_owner_does(written: Path) -> None:
    words = options(written, "bench", "--target", "staging")
    with pytest.raises(UsageError, match="staging: set i_may_load_it = true if you may load https://staging.shop.lab"):
        chosen_targets(configure(parser().parse_args(words)))
    written.write_text(written.read_text().replace("i_may_load_it = false", "i_may_load_it = true "))
    assert list(chosen_targets(configure(parser().parse_args(words)))) == ["staging"]


def test_init_writes_over_nothing_and_takes_no_image_with_a_url(written: Path) -> None:
    again = ["init", str(written.parent), "--url", "https://staging.shop.lab"]
    with pytest.raises(UsageError, match="fitmap.toml exists: remove it, or name another folder"):
        write_first(parser().parse_args(again), Terminal())
    with pytest.raises(UsageError, match="--url is of a service that runs already: leave out --image"):
        write_first(parser().parse_args([*again, "--image", "x"]), Terminal())
    with pytest.raises(UsageError, match="other: url: leave out"):
        write_first(parser().parse_args(["init", "other", "--url", "https://shop.lab/api"]), Terminal())
    assert not Path("other").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "name either a folder with services of your own, or --target with one that fitmap did not start"),
        (["perf", "--target", "staging"], "name either a folder"),
        (["--target", "go"], "--target go: `fitmap check` takes a service of your own: its folder, or one of \\[targets\\]"),
        (["--target", "staging"], "staging: set i_may_load_it = true"),
    ],
)
def test_check_takes_a_folder_or_a_target_that_may_be_loaded(written: Path, words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_services(parser().parse_args(options(written, "check", *words)), Terminal())


def test_check_looks_at_the_fuse_before_anything_is_sent(written: Path) -> None:
    text = written.read_text().replace("i_may_load_it = false", "i_may_load_it = true ")
    written.write_text(text.replace("most_requests_per_second = 50", "most_requests_per_second = 19"))
    with pytest.raises(UsageError, match=r"staging: 20/s is over its most_requests_per_second \(19\)"):
        check_services(parser().parse_args(options(written, "check", "--target", "staging")), Terminal())


def test_there_is_no_older_version_and_no_twin_to_gate_it_against(written: Path) -> None:
    written.write_text(written.read_text().replace("i_may_load_it = false", "i_may_load_it = true "))
    words = options(written, "gate", "--target", "staging")
    targets = chosen_targets(configure(parser().parse_args(words)))
    with pytest.raises(UsageError, match="staging: fitmap did not start it and can't build an older version of it"):
        repository_of(targets)
    with pytest.raises(UsageError, match="can't build an older version of it"):
        gate(parser().parse_args([*words, "--base", "main"]), Terminal())
    with pytest.raises(UsageError, match="--twin staging: it is one process, which fitmap did not start: it has no twin"):
        gate(parser().parse_args([*words, "--twin", "staging"]), Terminal())
