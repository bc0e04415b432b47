"""Counts the contract's SQL statements: those that the requests require, and those that the database executed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from harness.errors import TrialError
from harness.evaluation.sessions import Sessions
from harness.record.measurement import StatementCount
from harness.record.own import Queries

_SPACE = re.compile(r"\s+")
# pg_stat_statements shows constants as further parameters: `ON true` becomes `ON $3`, `SELECT 1` becomes `SELECT $1`.
_VALUE = re.compile(r"\$\d+|'[^']*'|\b\d+(?:\.\d+)?\b|\btrue\b|\bfalse\b")
_TRANSACTION = {
    "begin": "BEGIN",
    "start transaction": "BEGIN",
    "begin transaction": "BEGIN",
    "begin isolation level read committed": "BEGIN",
    "commit": "COMMIT",
    "commit transaction": "COMMIT",
    "rollback": "ROLLBACK",
}


class Statistics(Struct, frozen=True):
    """What services/database/statistics.sql prints."""

    #: The services' rows of pg_stat_statements.
    statements: tuple[Mapping[str, Any], ...]
    #: How often pg_stat_statements forgot statements, because there were too many different ones.
    evicted: int
    sessions: Sessions


#: Of a database whose statements nobody counts.
NO_STATISTICS = Statistics((), 0, Sessions(0, 0.0, 0.0, 0.0))


class Contract(Struct, frozen=True):
    """The contract's statements.

    `names`: normalized SQL -> its name in queries.toml; `routes`: route -> names of the statements that a request executes.
    """

    names: Mapping[str, str]
    routes: Mapping[str, tuple[str, ...]]


def normalize(sql: str) -> str:
    """A statement's text without differences in white space, a final semicolon, or the way in which values are shown."""
    return _VALUE.sub("?", _SPACE.sub(" ", sql).strip().rstrip(";").strip())


def contract_of(queries: Queries) -> Contract:
    """The contract that the statements of a queries.toml make."""
    return Contract({normalize(sql): name for name, sql in queries.queries.items()}, queries.routes)


def read_contract(path: Path) -> Contract:
    """Reads services/contract/queries.toml."""
    return contract_of(msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Queries))


def name_of(contract: Contract, sql: str) -> str:
    """A statement's name in the contract; BEGIN, COMMIT or ROLLBACK, in any spelling; otherwise its own text."""
    text = normalize(sql)
    return contract.names.get(text) or _TRANSACTION.get(text.lower()) or text


def count_statements(
    contract: Contract, answered: Mapping[str, int], rows: Iterable[Mapping[str, Any]]
) -> tuple[StatementCount, ...]:
    """Expected and executed counts by statement.

    `answered`: successful requests by route; `rows`: pg_stat_statements of the same time. Health checks are left out,
    because the harness itself polls for them: harness/evaluation/validity.py bounds them.
    """
    expected: dict[str, int] = {}
    for route, requests in answered.items():
        for statement in contract.routes[route]:
            expected[statement] = expected.get(statement, 0) + requests
    executed: dict[str, int] = {}
    milliseconds: dict[str, float] = {}
    for row in rows:
        name = name_of(contract, row["query"])
        executed[name] = executed.get(name, 0) + row["calls"]
        milliseconds[name] = milliseconds.get(name, 0.0) + row["milliseconds"]
    return tuple(
        StatementCount(name, expected.get(name, 0), executed.get(name, 0), round(milliseconds.get(name, 0.0), 3))
        for name in sorted(expected.keys() | executed.keys())
        if name != "health"
    )


def subtract(after: Statistics, before: Statistics) -> list[dict[str, Any]]:
    """The statements that ran between two readings."""
    earlier: dict[str, tuple[int, float]] = {}
    for row in before.statements:
        calls, milliseconds = earlier.get(row["query"], (0, 0.0))
        earlier[row["query"]] = (calls + row["calls"], milliseconds + row["milliseconds"])
    later: dict[str, tuple[int, float]] = {}
    for row in after.statements:
        calls, milliseconds = later.get(row["query"], (0, 0.0))
        later[row["query"]] = (calls + row["calls"], milliseconds + row["milliseconds"])
    return [
        {
            "query": query,
            "calls": calls - earlier.get(query, (0, 0.0))[0],
            "milliseconds": milliseconds - earlier.get(query, (0, 0.0))[1],
        }
        for query, (calls, milliseconds) in later.items()
    ]


def lost_calls(after: Statistics, before: Statistics) -> bool:
    """Whether a statement has fewer calls in the later of two readings: the counts were reset, or forgotten."""
    later = {row["query"]: 0 for row in before.statements}
    earlier = dict(later)
    for rows, calls in ((before.statements, earlier), (after.statements, later)):
        for row in rows:
            calls[row["query"]] = calls.get(row["query"], 0) + row["calls"]
    return any(later[query] < count for query, count in earlier.items())


#: Made here, once. A run ended with a segmentation fault in msgspec 0.22 while several threads decoded this type for the
#: first time. That it happened for want of a finished decoder is a guess: it did not happen again.
_STATISTICS = msgspec.json.Decoder(Statistics)


def parse_statistics(text: str) -> Statistics:
    """What services/database/statistics.sql prints. Raises TrialError."""
    try:
        return _STATISTICS.decode(text)
    except msgspec.MsgspecError as error:
        raise TrialError("statistics", f"the database's statistics are not as expected ({error}): {text[:200]}") from None
