# /// fitmap
# kind = "scale-up"
# title = "Scale-up"
# question = "What does one service gain from more cores?"
# routes = ["GET /cpu/collatz", "POST /cpu/summarize"]
# presets = ["full"]
# connections = 32
# levels = ["saturate"]
# ///
"""The `cpu` mix at full load, with so many connections for each core: pure work, so that nothing else can be the limit."""

from __future__ import annotations

from loadtests import cpu


class ProfileUser(cpu.ProfileUser):
    """What is sent to a service on one core, on two, and so on."""
