"""The generator's watchdog: one that is silent ends its trial soon, not when all of the trial's time is over."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest
from requests import ReadTimeout

from harness.containers.lifecycle import RunningContainer
from harness.errors import TrialError
from harness.trials import generator
from harness.trials.generator import GeneratorContainer, expect
from loadtests.protocol import messages


class Running:
    """A container whose output ends when it is killed."""

    def __init__(self, *events: msgspec.Struct) -> None:
        self.container = self
        self.killed = False
        self._output: queue.Queue[bytes | None] = queue.Queue()
        for event in events:
            self._output.put(messages.encode_event(event) + b"\n")

    def start(self) -> None:
        """It runs."""

    def kill(self) -> None:
        self.killed = True
        self._output.put(None)

    def attach(self, **_: object) -> Iterator[bytes]:
        while (chunk := self._output.get(timeout=10)) is not None:
            yield chunk


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(generator, "SILENT_SECONDS", 0.2)


def followed(running: Running, bound_seconds: float) -> GeneratorContainer[Any]:
    return GeneratorContainer(cast(RunningContainer, running), bound_seconds, messages.decode_event)


def test_a_generator_that_was_stopped_is_killed_after_its_last_event() -> None:
    running = Running(messages.Hello(0, 0, "", 1, {}))
    with followed(running, 3600) as container:
        assert isinstance(next(container.events), messages.Hello)
        begun = time.monotonic()
        with pytest.raises(TrialError, match="killed because it was silent or its time was over"):
            expect(next(container.events, None), messages.Window)
    assert running.killed and 0.1 < time.monotonic() - begun < 5


def test_an_engine_that_does_not_answer_ends_the_wait_for_the_generator_too() -> None:
    class Unreachable(Running):
        def kill(self) -> None:
            raise ReadTimeout("no answer")

        def attach(self, **_: object) -> Any:
            return Output(super().attach())

    class Output:
        def __init__(self, chunks: Iterator[bytes]) -> None:
            self._chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            return self._chunks

        def close(self) -> None:
            running._output.put(None)

    running = Unreachable(messages.Hello(0, 0, "", 1, {}))
    with followed(running, 3600) as container:
        assert isinstance(next(container.events), messages.Hello)
        assert next(container.events, None) is None


def test_a_generator_may_take_its_time_until_its_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "READY_SECONDS", 0.5)
    monkeypatch.setattr(generator, "SPARE_SECONDS", 0.5)
    running = Running()
    with followed(running, 0.0) as container:
        time.sleep(0.6)
        assert not running.killed
        assert next(container.events, None) is None
    assert running.killed
