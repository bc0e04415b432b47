"""Progress is plain lines in a log, and a live view on a terminal."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from rich.console import Console
from synthetic import closed, measurement, opened, result

from harness.cli.rounds_view import RoundsView
from harness.cli.terminal import Terminal
from harness.record.measurement import LevelMeasurement, Missing
from harness.record.plan import Trial
from harness.run.progress import Position
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window

GO, RUST = Trial("001-go-db", 1, "go", "db"), Trial("002-rust-db", 1, "rust", "db")
FIRST, SECOND = Position(1, 2, 0.0, 60.0), Position(2, 2, 30.0, 120.0)
WINDOW = Window("measure", 0, 1_000_000_000, 12_345, 0)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def show(terminal: Terminal) -> None:
    """The whole run of one trial, and the begin of a second."""
    with terminal:
        terminal.say("images: 4 needed")
        terminal.trial_started(FIRST, (GO,))
        terminal.trial_done(FIRST, result(GO, measurement()), repeated=False)
        terminal.trial_started(SECOND, (RUST,))
        terminal.window(WINDOW)


def view(width: int = 100) -> list[str]:
    """The lines of the live view in a terminal of a width, after its last change."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=40, _environ={"TERM": "xterm"})
    terminal = Terminal(console)
    show(terminal)
    with console.capture() as captured:
        console.print(terminal._view())
    return ESCAPE.sub("", captured.get()).splitlines()


def test_no_terminal_is_too_narrow_to_say_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for columns in ("0", "1", "-3", "wide", "99999"):
        monkeypatch.setenv("COLUMNS", columns)
        Terminal().say("fitmap: what is wrong and what to do")
        assert capsys.readouterr().err == "fitmap: what is wrong and what to do\n", columns
    for width in (0, 1, 2, 7):
        assert len(view(width)) >= 3


@pytest.mark.parametrize("variable", ["", "FORCE_COLOR", "NO_COLOR"])
def test_without_a_terminal_there_are_plain_lines_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    """CI systems set FORCE_COLOR, but a log is no terminal."""
    if variable:
        monkeypatch.setenv(variable, "1")
    show(Terminal())
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first == "images: 4 needed"
    assert second.startswith("[1/2] go db: saturated: 100 answered/s, ") and second.endswith(": valid")
    assert "\x1b" not in err


def test_on_a_terminal_a_live_view_follows_the_lines() -> None:
    written = io.StringIO()
    show(Terminal(Console(file=written, force_terminal=True, width=100, height=40, _environ={"TERM": "xterm"})))
    text = ESCAPE.sub("", written.getvalue())
    assert "\x1b" in written.getvalue()
    assert "[1/2] go db: saturated" in text
    assert "trial 1 of 2, " in text and "trial 2 of 2, " in text


def test_the_live_view_shows_the_run_the_trial_and_each_target() -> None:
    run, trial, go, rust = view()
    assert run == "trial 2 of 2, 30 s elapsed, 2 min left"
    assert trial == "rust on db: measuring, 12,345 requests/s"
    assert go.startswith("  go    db, valid: saturated: 100 answered/s")
    assert rust == "  rust  -"


def test_a_narrow_terminal_cuts_lines_and_keeps_what_matters() -> None:
    lines = view(width=40)
    assert lines[0] == "trial 2 of 2, 30 s elapsed, 2 min left"
    assert lines[2].startswith("  go    db, valid: ") and lines[2].endswith("…")
    assert len(lines) == 4 and max(map(len, lines)) <= 40


def test_a_failed_trial_says_at_which_stage_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal() as terminal:
        terminal.trial_done(FIRST, result(GO, Missing("it ended with status 1")), repeated=True)
    assert capsys.readouterr().err == "[1/2] go db, repeated: failed (service: it ended with status 1)\n"


def test_a_dumb_terminal_gets_plain_lines() -> None:
    written = io.StringIO()
    show(Terminal(Console(file=written, force_terminal=True, width=200, _environ={"TERM": "dumb"})))
    assert "\x1b" not in written.getvalue() and len(written.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    ("level", "start", "end"),
    [
        (closed(), "saturated: 100 answered/s, ", "limit not found"),
        (opened(rate=200.0, requests=2130, scheduled=2130), "at 200/s: 213 answered/s, ", "no limit reached"),
        (msgspec.structs.replace(opened(), level="50%"), "at 50%: ", "no limit reached"),
        (msgspec.structs.replace(closed(), level="4000/held"), "at 4000/held: ", "no limit reached"),
        (msgspec.structs.replace(closed(), bottleneck="database"), "saturated: ", "limit database"),
    ],
)
def test_a_level_says_its_load_what_was_answered_and_the_limit(
    capsys: pytest.CaptureFixture[str], level: LevelMeasurement, start: str, end: str
) -> None:
    with Terminal() as terminal:
        terminal.trial_done(FIRST, result(GO, measurement(level)), repeated=False)
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"[1/2] go db: {start}") and said.endswith(f", {end}: valid")


def sliced(target: str, number: int, cpu_us: float) -> SliceEvent:
    return SliceEvent(
        copy=0,
        profile="cpu",
        level="saturate",
        round=number,
        start_ns=0,
        end_ns=250_000_000,
        requests=1000,
        failures=0,
        sum_microseconds=0,
        paced_requests=900,
        paced_ns=200_000_000,
        busy_seconds=6.4,
        service_cpu_ns=int(cpu_us * 1e6),
        database_cpu_ns=0,
        generator_cpu_ns=0,
        others_ns=0,
        other_work=0.0,
        steal=0.0,
    )


def test_progress_shows_the_round_and_an_interval_that_shrinks() -> None:
    view = RoundsView()
    said = []
    for number in range(1, 9):
        # The machine gets slower, for both alike.
        for target, cost in (("go", 200.0), ("rust", 100.0), ("go-twin", 999.0)):
            view.add(target, sliced(target, number, cost * (1 + number / 10) * (1.02 if number % 2 else 1)))
        said.append(view.words())
    assert said[:2] == ["", ""]
    assert said[-1] == "go / rust CPU per request 2.00 ±0.0% after 8 rounds"
    view.add("go", msgspec.structs.replace(sliced("go", 1, 1.0), profile="db"))
    assert view.words() == ""
