"""Source lines of a target: what its team writes and reads, as pygount counts it."""

from __future__ import annotations

from pathlib import Path

from pygount import SourceAnalysis

from harness.errors import UsageError


def source_lines(folder: Path, patterns: tuple[str, ...]) -> int:
    """Lines of code (no comments, no blank lines) in the files of a target that its manifest calls sources.

    Raises UsageError where a pattern finds nothing: a count that silently lacks a file would flatter the target.
    """
    total = 0
    for pattern in patterns:
        files = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not files:
            raise UsageError(f'{folder / "service.toml"}: no file matches "{pattern}" in sources')
        total += sum(SourceAnalysis.from_file(str(path), folder.name, encoding="utf-8").code_count for path in files)
    return total
