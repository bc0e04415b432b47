"""The version of the method, and those of its constants that the report states."""

from __future__ import annotations

#: Levels that come in fours have shorter windows.
SHORT_SECONDS = 10.0
MAX_PROLONGED = 3.5

FULL = 0.90
#: Less than this of the most used resource limits nothing.
HALF = 0.50

#: Changes when numbers move though nothing measured did (CHANGELOG, "Method"). Records of different methods never compare.
METHOD = 6
