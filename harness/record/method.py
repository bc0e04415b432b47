"""The method version, and the constants of the method that the report states."""

from __future__ import annotations

#: Longest window, in seconds, of relative levels and of single routes: a profile has several of these.
SHORT_SECONDS = 10.0
#: A window at a fixed rate is prolonged by this factor at most.
MAX_PROLONGED = 3.5

#: From this share of its capacity on, a resource is a bottleneck (harness/evaluation/bottleneck.py).
FULL = 0.90
#: Below this share the most used resource limits nothing.
HALF = 0.50

#: Is raised when a change of fitmap moves numbers (CHANGELOG.md, "Method"). Records of different methods are never compared.
METHOD = 7
