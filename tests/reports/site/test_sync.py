"""A folder that others serve: no foreign file touched, nothing outside it, and whole after a kill."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from reports.site.sync import MANIFEST, sync


def test_a_file_in_the_way_is_not_written_over(tmp_path: Path) -> None:
    sync(tmp_path, {"index.html": b"1"})
    (tmp_path / "feed.xml").write_text("not ours")
    with pytest.raises(UsageError, match="in the way"):
        sync(tmp_path, {"index.html": b"2", "feed.xml": b"2"})
    assert ((tmp_path / "index.html").read_text(), (tmp_path / "feed.xml").read_text()) == ("1", "not ours")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../outside", "link/outside"])
def test_no_name_in_a_manifest_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    site, outside = tmp_path / "site", tmp_path / "outside"
    outside.write_text("keep me")
    site.mkdir()
    (site / "link").symlink_to(tmp_path)
    (site / MANIFEST).write_bytes(msgspec.json.encode({"schema": 1, "files": [name]}))
    with pytest.raises(UsageError, match="not inside"):
        sync(site, {"index.html": b""})
    assert outside.read_text() == "keep me"


def test_a_publish_that_was_killed_leaves_whole_files_that_the_next_one_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(tmp_path, {"old.html": b"old", "index.html": b"old"})
    real = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target.name == "index.html":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        sync(tmp_path, {"new.html": b"new", "index.html": b"new"})
    assert {p.name: p.read_bytes() for p in tmp_path.glob("*.html")} == {
        "old.html": b"old", "new.html": b"new", "index.html": b"old",
    }  # fmt: skip
    monkeypatch.undo()
    sync(tmp_path, {"index.html": b"newer"})
    assert {p.name for p in tmp_path.iterdir()} == {"index.html", MANIFEST}
