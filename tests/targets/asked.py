"""The targets that are tested: all in services/, or those that FITMAP_TARGETS names. Variants are tested by name alone.

FITMAP_TARGETS=go.tuned,java.jdk21 .venv/bin/python -m pytest tests/contract tests/targets
"""

from __future__ import annotations

import os

from harness.files import ROOT
from harness.plan.selection import named_targets
from harness.plan.targets import find_all

_NAMED = tuple(name for name in os.environ.get("FITMAP_TARGETS", "").split(",") if name)
_KNOWN = find_all(ROOT / "services")
TARGETS = {name: _KNOWN[name] for name in named_targets(_NAMED, _KNOWN)}
