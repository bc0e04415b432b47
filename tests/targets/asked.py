"""The targets that are tested. Variants are tested by name alone.

Unasked, the default targets get all tests, and every other folder of services/ the short form: the tests with the marker
`essential`. Neither a folder nor its manifest can change that. FITMAP_TARGETS names targets that get all tests; no others
are tested then. `all` stands for each folder:

FITMAP_TARGETS=go.tuned,java.jdk21 .venv/bin/python -m pytest tests/contract tests/targets
"""

from __future__ import annotations

import os

from harness.files import ROOT
from harness.plan.selection import named_targets
from harness.plan.targets import find_all
from harness.plan.variants import ALL

_NAMED = tuple(name for name in os.environ.get("FITMAP_TARGETS", "").split(",") if name)
_KNOWN = find_all(ROOT / "services")
#: Those that get all tests.
FULL = named_targets(_NAMED, _KNOWN)
#: Those that get any test.
TARGETS = {name: _KNOWN[name] for name in (FULL if _NAMED else named_targets((ALL,), _KNOWN))}
