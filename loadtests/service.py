# /// fitmap
# title = "Everyday service"
# question = "At the load that most services have: does the language matter at all?"
# routes = [
#     "GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions",
#     "GET /cpu/collatz", "POST /cpu/summarize",
# ]
# presets = ["full"]
# connections = 32
# levels = ["saturate", "500/s"]
# ///
"""The database mix with some work of the service's own.

50 % a product, 20 % a customer's orders, 8 % a new order, 2 % a report, 10 % a short loop, 10 % a document.
"""

from __future__ import annotations

import random

from loadtests import cpu, db
from loadtests.generator.exchange import Exchange
from loadtests.generator.passes import mixed
from loadtests.generator.user import LeanUser

PASSES = 82
#: A tenth of the work in profile `cpu`, such as to evaluate a rule or to check a signature.
COLLATZ_STARTS = 50


def _second(exchange: Exchange) -> Exchange:
    """An exchange of profile `cpu`, whose routes come after those of `db`."""
    return exchange._replace(route=len(db.ProfileUser.routes) + exchange.route)


def stream(rng: random.Random) -> list[Exchange]:
    # The expected answers are computed here. With only a few distinct ones the start is short.
    walks = [_second(cpu.collatz(rng, COLLATZ_STARTS)) for _ in range(cpu.DISTINCT)]
    documents = [_second(cpu.summarize(rng)) for _ in range(cpu.DISTINCT)]
    makers = {
        db.product: 50,
        db.customer_orders: 20,
        db.new_order: 8,
        db.report: 2,
        lambda r: r.choice(walks): 10,
        lambda r: r.choice(documents): 10,
    }
    return mixed(rng, makers, PASSES)


class ProfileUser(LeanUser):
    """The `service` profile."""

    host = "http://127.0.0.1:18080"
    routes = (*db.ProfileUser.routes, *cpu.ProfileUser.routes)
    stream = staticmethod(stream)
    pass_requests = 100
