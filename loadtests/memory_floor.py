# /// fitmap
# kind = "memory-floor"
# title = "Memory floor"
# question = "How little memory does it take to serve a modest load well?"
# routes = [
#     "GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions",
#     "GET /cpu/collatz", "POST /cpu/summarize",
# ]
# presets = ["full"]
# connections = 32
# levels = ["100/s"]
# most_blocks = 1
# ///
"""The mix of profile `service` at a fifth of its rate, under one memory limit after the other.

One block is enough: a trial is a search that confirms its own result. It takes two minutes.
"""

from __future__ import annotations

from loadtests import service


class ProfileUser(service.ProfileUser):
    """The `memory-floor` profile: the load for a service with little memory."""
