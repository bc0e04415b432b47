"""The page of a run that is going on: written between trials, seldom enough, and never the end of a measurement."""

from __future__ import annotations

import time
from pathlib import Path
from typing import cast

import pytest

from harness.cli import live_page
from harness.cli.live_page import LivePage, open_page
from harness.cli.terminal import Terminal
from harness.errors import RunError
from harness.record.reader import Record
from harness.record.trial_result import TrialResult
from harness.run.progress import Position
from reports.export.view import Running


class Heard:
    """A terminal that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.done = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def run_started(self, _record: object) -> None:
        pass

    def trial_done(self, _position: Position, _result: object, *, repeated: bool) -> None:
        self.done += not repeated


class Written:
    """Stands in for the writing of a page, which takes `seconds` on the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
        self.now, self.seconds = 100.0, seconds
        self.pages: list[Running] = []
        self.error: RunError | None = None
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(live_page, "read_record", lambda folder: folder)
        monkeypatch.setattr(live_page, "write_running", self.write)

    def write(self, _record: object, running: Running) -> Path:
        if self.error:
            raise self.error
        self.now += self.seconds
        self.pages.append(running)
        return Path("/record/report.html")


RECORD = cast(Record, type("Made", (), {"folder": Path("/record")})())
RESULT = cast(TrialResult, None)


def started(heard: Heard, *, opens: bool = False) -> LivePage:
    page = LivePage(cast(Terminal, heard), opens=opens)
    page.run_started(RECORD)
    return page


def finish(page: LivePage, number: int, total: int = 30) -> None:
    page.trial_done(Position(number, total, 0.0, 600.0), RESULT, repeated=False)


def test_the_page_says_how_far_the_run_is(monkeypatch: pytest.MonkeyPatch) -> None:
    written, heard = Written(monkeypatch), Heard()
    finish(started(heard), 3)
    assert heard.done == 1
    assert written.pages == [Running("3 of 30 trials are done", "About 10 minutes are left.", 15)]


def test_pages_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    written, heard = Written(monkeypatch, seconds=3.0), Heard()
    page = started(heard)
    for number in range(1, 21):
        written.now += 40.0
        finish(page, number)
    # Three seconds each: after 100 s again, which is at the third trial of 40 s.
    assert 6 <= len(written.pages) <= 8
    assert heard.done == 20


def test_the_last_trial_writes_no_page_for_the_whole_report_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    written = Written(monkeypatch)
    finish(started(Heard()), 30)
    assert written.pages == []


def test_a_page_that_cant_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written, heard = Written(monkeypatch), Heard()
    written.error = RunError("no space left")
    page = started(heard)
    finish(page, 1)
    assert heard.said == ["the page of the running measurement can't be written: no space left"]
    written.error = None
    finish(page, 2)
    assert len(written.pages) == 1


def test_the_browser_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Written(monkeypatch)
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(live_page.webbrowser, "open", lambda url: opened.append(url) or True)
    page = started(Heard(), opens=True)
    finish(page, 1)
    finish(page, 2)
    page.open(Path("/record/report.html"))
    assert opened == ["file:///record/report.html"]


def test_without_a_desktop_the_path_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(live_page.sys, "platform", "linux")
    monkeypatch.setattr(live_page.webbrowser, "open", lambda _url: pytest.fail("no text browser may take the terminal"))
    heard = Heard()
    open_page(Path("/record/report.html"), cast(Terminal, heard))
    assert heard.said == ["no browser can be opened here; the page is /record/report.html"]
