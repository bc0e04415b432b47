"""Counts the statements of a team's own service, in its own PostgreSQL: by pg_stat_statements, as in fitmap's."""

from __future__ import annotations

from collections.abc import Mapping

from harness.containers.lifecycle import RunningContainer
from harness.errors import TrialError
from harness.evaluation.inputs import DatabaseReading
from harness.evaluation.statements import parse_statistics
from harness.files import STATISTICS
from harness.record.own import Counted

#: The user of PostgreSQL in its container.
USER = "postgres"


def begin_counting(database: RunningContainer, port: int, counted: Counted) -> None:
    """Makes the extension that counts. Raises TrialError."""
    try:
        database.execute([*_psql(port, counted), "-c", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"], USER)
    except TrialError as error:
        raise TrialError(
            "statistics",
            f"the database can't count statements ({error.reason}): it must be PostgreSQL with pg_stat_statements in "
            "shared_preload_libraries",
        ) from None


def read_own_statements(
    database: RunningContainer, port: int, counted: Counted, answered: Mapping[str, int]
) -> DatabaseReading:
    """The statistics of the service's role and database as they are now. Raises TrialError."""
    text = database.execute([*_psql(port, counted), "-c", statistics_sql(counted)], USER)
    return DatabaseReading(answered, parse_statistics(text))


def _psql(port: int, counted: Counted) -> list[str]:
    return ["psql", "-p", str(port), "-U", counted.admin, "-d", "postgres", "-qAtX"]


def statistics_sql(counted: Counted) -> str:
    """The statement that reads the statistics of fitmap's own services, for another role and database.

    A service may connect as the superuser that reads them, so the database is asked for too.
    """
    user, name = (text.replace("'", "''") for text in (counted.user, counted.database))
    found = STATISTICS.read_text(encoding="utf-8")
    for old, new in (
        ("userid = 'fitmap'::regrole", f"userid = '\"{user}\"'::regrole AND dbid = {_oid(name)}"),
        ("usename = 'fitmap'", f"usename = '{user}' AND datname = '{name}'"),
        ("datname = 'fitmap'\n", f"datname = '{name}'\n"),
    ):
        if old not in found:
            raise TrialError("statistics", f"{STATISTICS} has no {old}")
        found = found.replace(old, new)
    return found


def _oid(name: str) -> str:
    # The name is that of the manifest, with its quotes doubled.
    return f"(SELECT oid FROM pg_database WHERE datname = '{name}')"  # noqa: S608
