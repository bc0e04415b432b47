"""What decoding a damaged file raises."""

from __future__ import annotations

import msgspec

#: Bytes that are not UTF-8 and deep nesting raise errors that are not msgspec's own.
DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
