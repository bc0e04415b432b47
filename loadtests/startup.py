# /// fitmap
# kind = "startup"
# title = "Start-up"
# question = "How soon does it answer after a start, and how soon at full speed?"
# routes = ["GET /cpu/collatz", "POST /cpu/summarize"]
# presets = ["full"]
# connections = 32
# ///
"""Fresh starts with a warm and with a cold page cache, then the `cpu` mix at full load from the first request."""

from __future__ import annotations

from loadtests import cpu


class ProfileUser(cpu.ProfileUser):
    """The `startup` profile: pure work, so that only CPU can be the limit while a service gets faster."""
