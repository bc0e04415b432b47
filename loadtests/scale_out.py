# /// fitmap
# kind = "scale-out"
# title = "Scale-out"
# question = "What do replicas behind a load balancer gain, and what do they cost?"
# routes = ["GET /products/{id}", "GET /customers/{id}/orders", "POST /orders", "GET /reports/regions"]
# presets = ["full"]
# connections = 32
# levels = ["saturate"]
# ///
"""The `db` mix at full load. The replicas share one database, so it is the limit at some number of replicas."""

from __future__ import annotations

from loadtests import db


class ProfileUser(db.ProfileUser):
    """The `scale-out` profile: the same load for any number of replicas behind the load balancer."""
