"""Latency histograms on disk: HdrHistogram logs, one line per route."""

from __future__ import annotations

from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
from msgspec import Struct

from loadtests.protocol.histogram import new
from loadtests.protocol.messages import RouteResult

HISTOGRAM_KINDS = ("response", "service", "lag")


class LevelHistograms(Struct, frozen=True):
    """The histograms of a level. `start`: seconds from the begin of the trial's load."""

    level: str
    start: float
    seconds: float
    routes: tuple[RouteResult, ...]


def tag(level: str, kind: str, route: str) -> str:
    """The tag of a histogram in the log, which may hold neither space nor comma."""
    return f"{level}|{kind}|{route}".replace(" ", ":")


def read_encoded(folder: Path, trial_id: str, kind: str) -> dict[str, str]:
    """The histograms of one kind as they are in the log, by tag: whoever needs few of them decodes no others.

    Empty if the trial has none. A line that was cut off may give a histogram that can't be decoded. One that runs into the
    next line would give its route the histogram of another: a line is left out if it has not just its own fields.
    """
    path = folder / "histograms" / f"{trial_id}.hlog"
    try:
        lines = path.read_bytes().decode(errors="replace").split("\n")
    except OSError:
        return {}
    found = {}
    for line in lines:
        # Tag=level|kind|route,start,length,maximum,histogram
        name, *fields = line.split(",")
        if not name.startswith("Tag=") or name.split("|", 2)[1:2] != [kind]:
            continue
        # Zeros in the place of a line's end are no printable text. Decoding would pass over them.
        if len(fields) == 4 and all(map(_is_number, fields[:3])) and line.isprintable():
            found[name.removeprefix("Tag=")] = fields[3]
    return found


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def read_histograms(folder: Path, trial_id: str) -> dict[str, HdrHistogram]:
    """Histograms of measured windows by tag (level|kind|route), in microseconds.

    Empty if the trial has none.
    """
    path = folder / "histograms" / f"{trial_id}.hlog"
    if not path.exists():
        return {}
    reader = HistogramLogReader(str(path), new())
    found: dict[str, HdrHistogram] = {}
    while histogram := reader.get_next_interval_histogram():
        found[histogram.get_tag()] = histogram
    reader.close()
    return found
