"""The files that CI reads of a gate, beside gate.json in the run's folder. Writes them; what makes them is pure."""

from __future__ import annotations

from pathlib import Path

from reports.export.files import write_file
from reports.export.gate_markdown import gate_markdown
from reports.export.junit import junit_xml
from reports.export.trackers import Intervals, action_json, bencher_json
from reports.regression.gate_result import Gate
from reports.regression.history import Entry

MARKDOWN, JUNIT, BENCHER, BIGGER, SMALLER = (
    "gate.md", "gate.junit.xml", "bencher.json", "github-action-benchmark-bigger.json",
    "github-action-benchmark-smaller.json",
)  # fmt: skip


def gate_files(gate: Gate, entry: Entry, intervals: Intervals | None = None) -> dict[str, bytes]:
    """Name -> content. `entry`: the run's values; `intervals`: theirs, where they are known (reports/export/trackers.py)."""
    known = intervals or {}
    return {
        MARKDOWN: gate_markdown(gate).encode(),
        JUNIT: junit_xml(gate),
        BENCHER: bencher_json(entry, known).encode(),
        BIGGER: action_json(entry, known, "higher").encode(),
        SMALLER: action_json(entry, known, "lower").encode(),
    }


def write_gate_files(gate: Gate, entry: Entry, folder: Path, intervals: Intervals | None = None) -> None:
    """Write them into the run's folder. Raises RunError when the disk refuses."""
    for name, data in gate_files(gate, entry, intervals).items():
        write_file(folder / name, data)
