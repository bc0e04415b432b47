"""Counts the source lines of targets: what their manifests name, without comments and blank lines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pygount import SourceAnalysis

from harness.errors import UsageError
from harness.files import ROOT
from harness.record.plan import Target, folder_of, is_base, is_variant


@cache
def source_lines(folder: Path, patterns: tuple[str, ...]) -> int:
    """Lines of code, without comments and blank lines, in the sources of a target. Without a pattern there are none.

    pygount counts them. Raises UsageError if a pattern matches no file: a missing file would make the target look smaller.
    Raises it as well if no line counts in all files together, because nothing can be compared with 0 lines.
    """
    total = 0
    for pattern in patterns:
        files = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not files:
            raise UsageError(f'{folder / "service.toml"}: no file matches "{pattern}" in sources')
        total += sum(SourceAnalysis.from_file(str(path), folder.name, encoding="utf-8").code_count for path in files)
    if patterns and not total:
        raise UsageError(
            f"{folder / 'service.toml'}: no line of code is counted in sources ({', '.join(patterns)}): are they empty, or "
            "of a type that pygount does not know? With sources = [] the target is measured without this metric"
        )
    return total


def count_sources(targets: Mapping[str, Target], root: Path = ROOT) -> dict[str, int]:
    """Target -> its source lines, for those that have any. Raises UsageError, before anything is built.

    The sources of a base version are not in this checkout, and a variant has its base's.
    """
    own = (name for name in targets if not is_base(name) and not is_variant(name) and targets[name].sources)
    return {name: source_lines(root / "services" / folder_of(name), targets[name].sources) for name in own}
