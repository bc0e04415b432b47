"""What a target answers to the story of the contract, on containers that nothing else has touched."""

from __future__ import annotations

import contextlib
import threading
import time
from http.client import HTTPException

import checks
import talking
from stand import Pair

from loadtests.generator.golden_cases import Response

LONGEST_WAIT_MS = 10_000


class Told:
    """What a target answered on a fresh pair, before anything else touched it.

    The longest /wait there is starts then and runs beside the other tests.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.answers = checks.tell_story(pair.port)
        self._waited: tuple[Response, float] | None = None
        self._waiting = threading.Thread(target=self._wait)
        self._waiting.start()

    def _wait(self) -> None:
        start = time.monotonic()
        # Broken off when the pair ends before: then nobody asks for the answer.
        with contextlib.suppress(OSError, HTTPException):
            answer = talking.get(self.pair.port, f"/wait?ms={LONGEST_WAIT_MS}")
            self._waited = answer, time.monotonic() - start

    def longest_wait(self) -> tuple[Response, float]:
        """The answer to the longest wait and how many seconds it took."""
        self._waiting.join()
        assert self._waited, f"{self.pair.target}: no answer to the longest wait"
        return self._waited
