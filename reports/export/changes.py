"""The changes between two records as text, Markdown and JSON. docs/results/ holds such texts: a test compares them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from msgspec import to_builtins

from reports.comparison.changes import Change, Changes
from reports.export.markdown import escaped
from reports.units import clean, columns

HEADERS = ("where", "axis", "target", "before", "now", "now / before", "verdict")


def _shown(found: Changes, every: bool) -> Sequence[Change]:
    return found.rows if every else found.changed


def _row(change: Change) -> tuple[str, ...]:
    return (change.scope, change.axis, change.target, change.before, change.now, change.ratio, change.verdict)


def summary_of(found: Changes) -> str:
    """A sentence: how many cells changed, and how many would by chance."""
    better = sum(change.verdict == "better" for change in found.changed)
    return (
        f"{len(found.rows)} cells: {len(found.changed) - better} worse, {better} better, {found.irrelevant} apart by less "
        f"than matters; if nothing had changed, about {found.expected_by_chance:.1f} intervals would exclude 1 by chance"
    )


def text_of(found: Changes, *, every: bool) -> str:
    """The changes as text for a terminal."""
    rows = [_row(change) for change in _shown(found, every)]
    lines = [*columns([HEADERS, *rows]), ""] if rows else []
    return clean("\n".join([*lines, summary_of(found), *_others(found)]))


def _others(found: Changes) -> list[str]:
    return [
        *filter(None, (found.machine, found.agreement)),
        *(f"differs as well: {name}: {before} -> {now}" for name, before, now in found.differences),
        *(f"only in the base: {target}" for target in found.only_before),
        *(f"only in the head: {target}" for target in found.only_now),
    ]


def markdown_of(found: Changes, *, every: bool) -> str:
    """The changes as Markdown for a comment, at most 200 rows."""
    lines = [f"**{escaped(summary_of(found))}**", ""]
    rows = [_row(change) for change in _shown(found, every)][:200]
    if rows:
        lines += [f"| {' | '.join(HEADERS)} |", "|---" * len(HEADERS) + "|"]
        lines += [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    return "\n".join([*lines, "", *(f"- {escaped(line)}" for line in _others(found))])


def json_of(found: Changes, *, every: bool) -> str:
    """The changes as JSON for programs."""
    value = to_builtins(found) | {"rows": to_builtins(list(_shown(found, every))), "summary": summary_of(found)}
    return json.dumps(value, indent=1)


WRITERS: Mapping[str, Callable[..., str]] = {"text": text_of, "markdown": markdown_of, "json": json_of}
