"""Reading a build's output, and editing one line."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from harness.errors import TrialError
from harness.files import ROOT
from harness.plan.targets import find_targets
from harness.record.plan import Edit
from harness.trials.build import edited, read_steps

#: The output of the engine's own builder.
LINES = [
    {"stream": "Step 1/4 : ARG GO_IMAGE=golang:1-trixie\n"},
    {"stream": "Step 2/4 : FROM ${GO_IMAGE} AS build\n"},
    {"stream": " ---> 15ca71b7c985\n"},
    {"stream": "Step 3/4 : COPY go.mod go.sum ./\n"},
    {"stream": " ---> Using cache\n"},
    {"stream": " ---> 0123456789ab\n"},
    {"stream": "Step 4/4 : RUN go build\n"},
    {"stream": " ---> Running in aaaaaaaaaaaa\n"},
    {"stream": "warming up\n"},
    {"stream": " ---> ba9876543210\n"},
    {"aux": {"ID": "sha256:ba98"}},
    {"stream": "Successfully tagged x\n"},
]


def test_steps_have_their_time_and_whether_they_were_cached() -> None:
    steps = read_steps(LINES, map(float, count()))
    assert [(step.instruction.split()[0], step.seconds, step.cached) for step in steps] == [
        ("ARG", 1.0, False), ("FROM", 2.0, False), ("COPY", 3.0, True), ("RUN", 6.0, False),
    ]  # fmt: skip


def test_a_build_that_fails_is_reported_with_its_last_output() -> None:
    lines = [*LINES[:9], {"error": "returned a non-zero code: 1"}]
    with pytest.raises(TrialError, match="non-zero code: 1; last output: .*warming up"):
        read_steps(lines, map(float, count()))


def test_every_service_has_a_line_to_edit_that_the_edit_fits() -> None:
    """Its manifest names a file of its sources, and a text that occurs in it once."""
    for name, target in find_targets(ROOT / "services").items():
        assert target.edit, name
        source = ROOT / "services" / name / target.edit.file
        assert any(source in (ROOT / "services" / name).glob(pattern) for pattern in target.sources), name
        changed = edited(target.edit, ROOT / "services" / name, "edited-1")
        pairs = zip(source.read_text().splitlines(), changed.splitlines(), strict=True)
        assert [new.count("edited-1") for old, new in pairs if old != new] == [1], name


@pytest.mark.parametrize(("text", "words"), [("a a", "x contains a 2 times"), ("b", "x contains a 0 times")])
def test_an_edit_that_does_not_fit_the_source_ends_the_trial(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(TrialError, match=words):
        edited(Edit("x", "a", "{mark}"), tmp_path, "m")
