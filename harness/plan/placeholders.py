"""Placeholders in the manifest of a team's own service, such as {port}: fitmap fills them in when it starts a container.

{{name}} is the text {name} itself. Other braces, such as those of JSON, are left alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from harness.errors import UsageError

_WORD = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}|\{([a-z][a-z0-9_]*)\}")

#: What every service has.
ALWAYS = ("host", "port", "cpus", "pool")
#: What a service with a database has besides.
DATABASE = ("database_host", "database_port", "database_password")


def known_words(*, database: bool, companions: Collection[str]) -> tuple[str, ...]:
    """The placeholders of a service. Each companion has its host and port."""
    beside = (f"{name.replace('-', '_')}_{what}" for name in companions for what in ("host", "port"))
    return (*ALWAYS, *(DATABASE if database else ()), *beside)


def words_in(text: str) -> Iterator[str]:
    """The placeholders in a text."""
    return (match[2] for match in _WORD.finditer(text) if match[2])


def check_words(text: str, known: Collection[str], where: str) -> None:
    """Raises UsageError at the first placeholder that is not known."""
    for word in words_in(text):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            listed = ", ".join(f"{{{name}}}" for name in known)
            hint = f"did you mean {{{near[0]}}}?" if near else f"known are {listed}; {{{{{word}}}}} is the text itself"
            raise UsageError(f"{where}: {{{word}}} is not known; {hint}")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in. Raises KeyError."""
    return _WORD.sub(lambda match: f"{{{match[1]}}}" if match[1] else values[match[2]], text)
