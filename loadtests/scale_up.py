# /// fitmap
# kind = "scale-up"
# title = "Scale-up"
# question = "What does one service gain from more cores?"
# routes = ["GET /cpu/collatz", "POST /cpu/summarize"]
# presets = ["full"]
# connections = 32
# levels = ["saturate"]
# ///
"""The `cpu` mix at full load, with connections in proportion to the cores. It is pure work, so only CPU can be the limit."""

from __future__ import annotations

from loadtests import cpu


class ProfileUser(cpu.ProfileUser):
    """The `scale-up` profile: the load for a service on one core, on two, and so on."""
