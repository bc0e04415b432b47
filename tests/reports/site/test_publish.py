"""A site is written completely, the same every time, never over its bound, and no foreign file is touched."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from site_desk import Desk, fill


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


def test_files_with_bytes_that_are_not_utf_8_are_told_and_the_others_published(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = fill(desk, 5, ("go",), 5)
    for entry, name in zip(entries, ("run.json", "gate.json"), strict=False):
        (desk.runs / entry.run / name).write_bytes(b'{"id": "\xff"}')
    assert desk.publish() == 0
    told = capsys.readouterr().err
    assert f"{entries[0].run}: its run.json can't be read" in told
    assert f"{entries[1].run}: its gate.json can't be read" in told
    assert (desk.site / "runs" / entries[4].run / "report.html").exists()


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
