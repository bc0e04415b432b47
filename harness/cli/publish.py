"""The command publish: a static site of a history and of the available records."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from harness.cli.terminal import Terminal
from harness.errors import UsageError
from harness.record.damage import DAMAGED
from harness.record.run import Host
from harness.wording import counted
from reports.comparison.comparability import fingerprint
from reports.export.files import CARD, EXPLORE, REPORT
from reports.regression.gate_result import FILE, Gate, read_gate
from reports.regression.history import HistoryEntry, read
from reports.site.feed import feed
from reports.site.pages import FEED, INDEX, KEPT, absent_page, index_page, newest_card, to_keep, trend_pages
from reports.site.sync import claim, sync
from reports.site.trends import series_of
from reports.site.view import Folder, is_run_id, key_of


class _Head(Struct, frozen=True):
    """The part of run.json that identifies the run of a folder."""

    id: str
    started: str
    host: Host


def publish(options: argparse.Namespace, terminal: Terminal) -> int:
    """Writes or updates the site. Raises UsageError.

    The error is raised if the folder holds other files, or if the history has no run.
    """
    url = _address(options.url)
    claim(options.folder)
    history = read(options.history)
    if not history.entries:
        raise UsageError(f"no run in {options.history}: `fitmap history add` adds one")
    folders = {key_of(run): folder for run in history.entries if (folder := _folder(options.runs, run))}
    warnings = [
        *history.warnings,
        *(f"{run}: {found.warning}" for (run, _), found in folders.items() if found.warning),
    ]
    for warning in warnings:
        terminal.say(f"publish: {warning}")
    gates = {key: found.gate for key, found in folders.items() if found.gate}
    series = series_of(history, gates)
    pages = trend_pages(series)
    atom = feed(history, gates, url)
    # Pages are always kept. Reports get the space that is left.
    fixed = sum(map(len, pages.values())) + len(atom) + len(index_page(series, folders, (), warnings))
    kept = to_keep(series, folders, int(options.megabytes * 1e6) - fixed)
    files: dict[str, bytes | Path] = {}
    for run, host in sorted(kept):
        files.update(_copies(options.runs, run, folders[run, host]))
    # In this order a page is written after the pages that it links to.
    files |= pages
    files[FEED] = atom
    shown = newest_card(series, folders, kept)
    picture = (options.runs / shown / CARD).read_bytes() if shown else None
    files[INDEX] = index_page(series, folders, kept, warnings, picture)
    done = sync(options.folder, files)
    print(
        f"{options.folder / INDEX}: {counted(len(history.entries), 'run')}, {len(kept)} with their report, "
        f"{counted(len(files), 'file')}, {done.size / 1e6:.1f} MB; {done.written} written, {done.removed} removed"
    )
    return 0


def _address(given: str | None) -> str:
    """The site's URL with a slash at its end; empty if none is given. Raises UsageError."""
    if not given:
        return ""
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"--url must be like https://example.org/fitmap/, not {given!r}")
    return given.rstrip("/") + "/"


def _folder(runs: Path, run: HistoryEntry) -> Folder | None:
    """The files of a run's folder; None if there is no such folder.

    Only a valid run id is used as a folder name, so that a history can't name other folders.
    """
    if not is_run_id(run.run):
        return None
    folder = runs / run.run
    try:
        head = msgspec.json.decode((folder / "run.json").read_bytes(), type=_Head)
    except FileNotFoundError:
        return None
    except (OSError, *DAMAGED):
        return Folder({}, warning="its run.json can't be read")
    # Two machines may have used the same id.
    if (head.id, head.started, fingerprint(head.host)) != (run.run, run.started, run.host):
        return None
    gate, warning = _gate(folder, run)
    # A link could point to any file, and the site is public.
    found = {name: folder / name for name in KEPT if (folder / name).is_file() and not (folder / name).is_symlink()}
    return Folder({name: path.stat().st_size for name, path in found.items()}, gate, warning)


def _gate(folder: Path, run: HistoryEntry) -> tuple[Gate | None, str]:
    """The gate's result of a run, and a warning if it can't be used."""
    try:
        found = read_gate(folder)
    except UsageError as error:
        return None, f"its {error}"
    if found is None or found.run == run.run:
        return found, ""
    return None, f"its {FILE} is that of {found.run}"


def _copies(runs: Path, run: str, folder: Folder) -> Iterator[tuple[str, bytes | Path]]:
    """The files of a run for the site, and a page in place of the interactive report."""
    yield from ((f"runs/{run}/{name}", runs / run / name) for name in folder.sizes)
    if REPORT in folder.sizes:
        yield f"runs/{run}/{EXPLORE}", absent_page(run)
