"""Source lines: what a manifest names, without comments and blank lines, and never a part of it in silence."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.sources import count_sources, source_lines
from harness.plan.targets import find_targets
from harness.record.plan import Target


def test_code_counts_and_comments_and_blank_lines_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text("// a comment\npackage main\n\nfunc main() {\n}\n")
    (tmp_path / "b.py").write_text('"""What it is."""\n\nX = 1  # why\n')
    # A brace alone is no line of code to pygount.
    assert source_lines(tmp_path, ("*.go", "*.py")) == 3


def test_a_pattern_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text("package main\n")
    with pytest.raises(UsageError, match=r'no file matches "\*\.rs"'):
        source_lines(tmp_path, ("*.go", "*.rs"))


def test_files_in_which_no_line_counts_are_refused_with_a_way_out(tmp_path: Path) -> None:
    """0 lines would be a value that can't be compared, found after all was measured."""
    folder = tmp_path / "services" / "example"
    folder.mkdir(parents=True)
    (folder / "main.unheard-of").write_text("begin\n  serve\nend\n")
    (folder / "empty.py").write_text("")
    target = Target("example", "Example", "standard", "", "", ("main.unheard-of",), "", (), ())
    for name in ("main.unheard-of", "empty.py"):
        with pytest.raises(UsageError, match=rf"no line of code is counted in sources \({name}\).*sources = \[\]"):
            count_sources({"example": msgspec.structs.replace(target, sources=(name,))}, tmp_path)
    assert count_sources({"example": msgspec.structs.replace(target, sources=())}, tmp_path) == {}


@pytest.mark.parametrize("target", find_targets(ROOT / "services").values(), ids=lambda target: target.name)
def test_no_target_counts_its_tests(target: object) -> None:
    assert hasattr(target, "name") and hasattr(target, "sources")
    folder = ROOT / "services" / target.name
    named = [path for pattern in target.sources for path in folder.glob(pattern)]
    assert source_lines(folder, target.sources) > 200
    for path in named:
        text = path.read_text()
        assert "test" not in path.relative_to(folder).as_posix().casefold().replace("latest", "")
        assert "#[test]" not in text and "func Test" not in text and "@Test" not in text and "def test_" not in text, path
