"""The feed of regressions and acknowledged changes: Atom 1.0 (RFC 4287). It does not contain the present time.

Ids are name-based UUIDs (RFC 4122, version 5) of an entry's subject. They need no host, and stay when the site moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid5

from msgspec import Struct

from reports.export.html import render_template
from reports.regression.gate_result import Gate
from reports.regression.history import Accept, History, HistoryEntry
from reports.site.trends import RunKey
from reports.site.view import key_of, run_anchor, verdict_of
from reports.units import moment

#: The namespace of our UUIDs.
SPACE = uuid5(UUID(int=0), "fitmap")
MAX_ENTRIES = 100
MAX_CELLS = 20
#: Stands for a time that can't be read.
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


class Item(Struct, frozen=True):
    """An entry of the feed."""

    id: str
    updated: str
    title: str
    address: str
    lines: tuple[str, ...]
    author: str = ""


def feed(history: History, gates: Mapping[RunKey, Gate], url: str) -> bytes:
    """feed.xml, the newest entry first. `url`: the site's address with a slash at the end; empty: relative links."""
    judged = [(run, gates.get(key_of(run))) for run in history.entries]
    items = [_regressed(run, gate, url) for run, gate in judged if verdict_of(run, gate) == "regressed"]
    runs: dict[str, HistoryEntry] = {}
    for run in history.entries:
        runs.setdefault(run.run, run)
    items += [_accepted(accept, runs[accept.run], url) for accept in history.accepts if accept.run in runs]
    items.sort(key=lambda item: (item.updated, item.id), reverse=True)
    oldest, newest = history.entries[0], history.entries[-1]
    text = render_template(
        "site_feed.xml.j2",
        id=_id("feed", url or oldest.run, "" if url else oldest.host),
        updated=items[0].updated if items else _instant(newest.started),
        url=url,
        items=items[:MAX_ENTRIES],
    )
    return text.encode()


def _regressed(run: HistoryEntry, gate: Gate | None, url: str) -> Item:
    cells = gate.in_state("regressed") if gate else ()
    reasons = (
        gate.reasons
        if gate
        else ("The history says so. The cells are in gate.json of the run's record, which is not available here.",)
    )
    lines = [*reasons, *(f"{cell.cell}: {cell.change * 100:.3g} % worse" for cell in cells[:MAX_CELLS])]
    if len(cells) > MAX_CELLS:
        lines.append(f"and {len(cells) - MAX_CELLS} more")
    return Item(
        id=_id("regressed", run.run, run.host),
        updated=_instant(run.started),
        title=f"{run.run} regressed{f': {len(cells)} cells' if len(cells) > 1 else ''}",
        address=f"{url}index.html#{run_anchor(run)}",
        lines=tuple(lines),
    )


def _accepted(accept: Accept, run: HistoryEntry, url: str) -> Item:
    return Item(
        id=_id("accepted", accept.run, accept.at, accept.by, accept.reason),
        updated=_instant(accept.at),
        title=f"{accept.run} acknowledged: {accept.reason[:120]}",
        address=f"{url}index.html#{run_anchor(run)}",
        lines=(accept.reason, f"Later runs are compared only with runs from {accept.run} on."),
        author=accept.by,
    )


def _id(*parts: str) -> str:
    # Lengths are included, so that different lists of parts never give the same text.
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return uuid5(SPACE, name.encode("utf-8", "replace").decode()).urn


def _instant(text: str) -> str:
    """The time in the format of RFC 3339."""
    return (moment(text) or _UNKNOWN).isoformat(timespec="seconds")
