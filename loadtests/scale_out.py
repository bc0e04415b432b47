# /// fitmap
# kind = "scale-out"
# title = "Scale-out"
# question = "What do replicas behind a load balancer gain, and what do they cost?"
# routes = ["GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions"]
# presets = ["full"]
# connections = 32
# levels = ["saturate"]
# ///
"""The `db` mix at full load: the replicas have one database between them, so it is the limit at some number of them."""

from __future__ import annotations

from loadtests import db


class ProfileUser(db.ProfileUser):
    """What is sent through the load balancer, however many replicas stand behind it."""
