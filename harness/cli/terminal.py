"""Progress of a run on standard error: lines, and on a terminal a live view."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Sequence
from statistics import median
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from harness.cli.rounds_view import RoundsView
from harness.record.measurement import Bottleneck, Capacity, LevelMeasurement, Measurement, Missing
from harness.record.plan import SATURATE, Trial
from harness.record.reader import Record
from harness.record.trial_result import (
    BuildMeasurement,
    FloorMeasurement,
    NonLoadMeasurement,
    ScaleMeasurement,
    ScalePoint,
    TrialResult,
)
from harness.run.progress import Position
from harness.wording import counted
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window

#: Where the environment says that a terminal has no columns.
WIDTH = 80
#: Of a trial that has not reported a window of load yet; some kinds never do.
STARTED = "in progress"


class _Progress(Console):
    """The console of the progress. Without a reader it fails as any output does: rich would end the program with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Terminal:
    """Writes one line per finished trial, and on a terminal a live view below them.

    The live view shows how far the run is, what the current trial does, and the last trial of each target. Its lines are
    cut at the terminal's width, so what matters most stands first. Leaving the context ends the view.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or _Progress(
            stderr=True,
            # Rich also takes FORCE_COLOR for a terminal, which many CI systems set: their logs would get escape codes.
            force_terminal=sys.stderr.isatty(),
            markup=False,
            highlight=False,
            emoji=False,
        )
        # COLUMNS=0: rich would print nothing at all. Any other width follows the terminal's.
        if not self._console.width:
            self._console.width = WIDTH
        self._live: Live | None = None
        self._began = time.monotonic()
        self._position: Position | None = None
        self._trial = ""
        self._state = STARTED
        self._targets: dict[str, str] = {}
        self._rounds = RoundsView()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._end_live()

    def say(self, text: str) -> None:
        """Write one line. A full disk under a log must not end a measurement: its lines are lost."""
        try:
            self._console.print(text, soft_wrap=True)
        except BrokenPipeError:
            raise
        except OSError:
            return

    def run_started(self, _record: Record) -> None:
        """A run begins: its first trial will show."""

    def trial_started(self, position: Position, trials: Sequence[Trial]) -> None:
        """Show that a trial begins, or a group."""
        self._began, self._position = time.monotonic(), position
        names = list(dict.fromkeys(trial.target for trial in trials))
        profiles = list(dict.fromkeys(trial.profile for trial in trials))
        self._trial, self._state = f"{', '.join(names)} on {', '.join(profiles)}", STARTED
        for name in names:
            self._targets.setdefault(name, "")
        self._refresh()

    def slice(self, target: str, event: SliceEvent) -> None:
        """Show which round is under way, and how the interval of a ratio shrinks."""
        self._rounds.add(target, event)
        words = self._rounds.words()
        self._state = f"{event.profile} {_level_words(event.level)}, round {event.round}{f'; {words}' if words else ''}"
        self._refresh()

    def window(self, window: Window) -> None:
        """Show what the load generator counted in a window."""
        seconds = (window.end_ns - window.start_ns) / 1e9
        phase = "warming up" if window.phase == "warmup" else "measuring"
        self._state = f"{phase}, {window.requests / seconds:,.0f} requests/s"
        self._refresh()

    def trial_done(self, position: Position, result: TrialResult, *, repeated: bool) -> None:
        """Write the line of a trial that ended."""
        trial, summary = result.trial, _summary(result)
        again = ", repeated" if repeated else ""
        self.say(f"[{position.number}/{position.total}] {trial.target} {trial.profile}{again}: {summary}")
        self._state = STARTED  # for the repetition, where there is one
        self._targets[trial.target] = f"{trial.profile}, {result.verdict}: {_numbers(result)}"
        if position.number == position.total:
            self._end_live()

    def _refresh(self) -> None:
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            return
        if self._live is None:
            self._live = Live(
                console=self._console,
                get_renderable=self._view,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            with contextlib.suppress(OSError):
                self._live.start()

    def _end_live(self) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            # The terminal may be closed.
            with contextlib.suppress(OSError):
                live.stop()

    def _view(self) -> Group:
        position = self._position
        if position is None:
            return Group()
        since = time.monotonic() - self._began
        times = (
            f"{_minutes(position.elapsed_seconds + since)} elapsed, {_minutes(max(0.0, position.left_seconds - since))} left"
        )
        head = f"trial {position.number} of {position.total}, {times}"
        width = max(len(name) for name in self._targets)
        lines = (
            head,
            f"{self._trial}: {self._state}",
            *(f"  {name:<{width}}  {last or '-'}" for name, last in self._targets.items()),
        )
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in lines))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _summary(result: TrialResult) -> str:
    """The numbers and the verdict of a trial, with its problems."""
    if isinstance(result.measurement, Missing):
        return f"failed ({_numbers(result)})"
    text = f"{_numbers(result)}: {result.verdict}"
    return f"{text} ({'; '.join(result.problems)})" if result.problems else text


def _numbers(result: TrialResult) -> str:
    """The main numbers of a trial, or why it has none."""
    measured = result.measurement
    if isinstance(measured, Missing):
        return f"{result.stage}: {measured.reason}"
    if not isinstance(measured, Measurement):
        parts = [_other_summary(measured)]
    else:
        parts = [_level_summary(level) for level in measured.levels]
    found = measured.capacity if isinstance(measured, Measurement) else None
    if isinstance(found, Capacity):
        high = "" if found.high is None else f" to {found.high:,.0f}"
        parts.append(f"capacity {found.low:,.0f}{high} requests/s, {_limit(found.limit, saturated=True)}")
    return "; ".join(parts)


def _other_summary(measured: NonLoadMeasurement) -> str:
    if isinstance(measured, FloorMeasurement):
        floor = measured.floor_mib
        found = floor.reason if isinstance(floor, Missing) else f"{floor} MiB"
        return f"memory floor at {measured.rate:g} requests/s {found}, {counted(len(measured.probes), 'probe')}"
    if isinstance(measured, ScaleMeasurement):
        return ", ".join(_point_summary(point) for point in measured.points)
    if isinstance(measured, BuildMeasurement):
        clean = f"clean build {measured.clean.seconds:,.1f} s, " if measured.clean else ""
        release = f"{clean}edit to release image {measured.edit_to_running_seconds:,.1f} s"
        if measured.development_seconds is None:
            return release
        loop = measured.development_seconds
        return f"{release}, in development {loop.reason if isinstance(loop, Missing) else f'{loop:,.1f} s'}"
    kinds = {"warm": False, "cold": True}
    ready = {word: [start.health_seconds for start in measured.starts if start.cold is cold] for word, cold in kinds.items()}
    return "start " + ", ".join(f"{word} {median(seconds):.3f} s" for word, seconds in ready.items() if seconds)


def _point_summary(point: ScalePoint) -> str:
    if isinstance(point.measured, Missing):
        return f"{point.count}: {point.measured.reason}"
    return f"{point.count}: {_level_summary(point.measured.levels[0])}"


def _level_summary(level: LevelMeasurement) -> str:
    requests = sum(route.requests for route in level.routes.values())
    used = level.usage.get("service")
    cpu = f"{used.cpu_seconds / max(requests, 1) * 1e6:,.0f} us CPU per request" if used else "CPU not known"
    mean = sum(route.requests * route.mean_microseconds for route in level.routes.values()) / max(requests, 1)
    rate = requests / level.window_seconds
    limit = _limit(level.bottleneck, saturated=level.kind == "closed" and not level.level.endswith("/held"))
    return f"{_level_words(level.level)}: {rate:,.0f} answered/s, mean {mean / 1000:,.2f} ms, {cpu}, {limit}"


def _level_words(level: str) -> str:
    """`saturated`, `at 200/s`, `at 50%`, `at 1000/held`; a single route is named as it is."""
    if level == SATURATE:
        return "saturated"
    return f"at {level}" if level[:1].isdigit() else level


def _limit(bottleneck: Bottleneck, *, saturated: bool) -> str:
    """What was used up. A saturated service has a limit, whether or not it was found."""
    if bottleneck == "unknown":
        return "limit not known"
    if bottleneck != "none":
        return f"limit {bottleneck}"
    return "limit not found" if saturated else "no limit reached"
