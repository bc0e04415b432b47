# /// fitmap
# title = "HTTP alone"
# question = "What does a request cost before any work is done?"
# routes = ["GET /ping"]
# presets = []
# connections = 32
# levels = ["saturate"]
# ///
"""The lower bound of what any other profile can cost, and the first thing to look at when a service is tuned."""

from __future__ import annotations

from loadtests.generator.exchange import Exchange, expect_text, get
from loadtests.generator.user import LeanUser


class ProfileUser(LeanUser):
    """The `ping` profile."""

    host = "http://127.0.0.1:18080"
    routes = ("GET /ping",)
    stream = staticmethod(lambda _rng: [Exchange(0, get("/ping"), expect_text("pong"))])
