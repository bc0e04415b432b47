# /// fitmap
# title = "Waiters"
# question = "What does one more waiting request cost?"
# routes = ["GET /wait"]
# presets = ["full"]
# connections = 250
# levels = ["250/held", "1000/held", "4000/held", "10000/held"]
# ///
"""Requests that only wait: as many at once as a level says, each on a connection of its own."""

from __future__ import annotations

from loadtests.generator.exchange import Exchange, expect_json, get
from loadtests.generator.user import LeanUser

#: The wait where no level sets it: under Locust's own command line, or at a level of another kind.
MILLISECONDS = 125


def held(milliseconds: int) -> Exchange:
    return Exchange(0, get(f"/wait?ms={milliseconds}"), expect_json({"waited_ms": milliseconds}))


class ProfileUser(LeanUser):
    """The `waiters` profile."""

    host = "http://127.0.0.1:18080"
    routes = ("GET /wait",)
    stream = staticmethod(lambda _rng: [held(MILLISECONDS)])
    held = staticmethod(held)
