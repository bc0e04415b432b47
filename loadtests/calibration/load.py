"""The profile of the reference servers: one route per behaviour, chosen by a level's `routes`."""

from __future__ import annotations

from loadtests.calibration.routes import ROUTES, delay
from loadtests.generator.exchange import Exchange, expect_text, get
from loadtests.generator.user import LeanUser


class ProfileUser(LeanUser):
    """The load for all reference servers."""

    host = "http://127.0.0.1:18090"
    routes = ROUTES
    stream = staticmethod(
        lambda _rng: [Exchange(i, get(route.partition(" ")[2]), expect_text("pong")) for i, route in enumerate(ROUTES)]
    )
    held = staticmethod(lambda ms: Exchange(ROUTES.index(delay(ms)), get(f"/delay/{ms}"), expect_text("pong")))
