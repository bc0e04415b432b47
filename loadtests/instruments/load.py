"""The requests to the instruments: one route an instrument, picked by a level's `routes`."""

from __future__ import annotations

from loadtests.instruments.routes import ROUTES, delay
from loadtests.lean.exchange import Exchange, expect_text, get
from loadtests.lean.user import LeanUser

#: What the instruments hold a request for, whatever it asks for.
HELD_MS = 20


class ProfileUser(LeanUser):
    """The load for all instruments."""

    host = "http://127.0.0.1:18090"
    routes = ROUTES
    stream = staticmethod(
        lambda _rng: [Exchange(i, get(route.partition(" ")[2]), expect_text("pong")) for i, route in enumerate(ROUTES)]
    )
    held = staticmethod(lambda _ms: Exchange(ROUTES.index(delay(HELD_MS)), get(f"/delay/{HELD_MS}"), expect_text("pong")))
