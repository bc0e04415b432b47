"""The services' sessions with the database: how many they opened, and how many were held in the mean."""

from __future__ import annotations

from msgspec import Struct


class Sessions(Struct, frozen=True):
    """The sessions of the services' database since PostgreSQL started.

    A session reports its times when a request has ended and its last report is a second old. The report is late by up to a
    second, for all of these times alike.
    """

    opened: int
    #: Reported by all sessions: time in which they were not idle, and time in which they existed.
    held_milliseconds: float
    reported_milliseconds: float
    #: Of the sessions that are open: from their begin to the last time that they became idle. It is not late.
    used_milliseconds: float


def opened_since(first: Sessions, now: Sessions) -> int:
    """How many sessions were opened between two readings."""
    return now.opened - first.opened


def mean_held(first: Sessions, before: Sessions, after: Sessions, seconds: float) -> float:
    """The mean number of sessions that were not idle during a load of some seconds between two readings.

    `first`: a reading before the service started. Not idle: a statement is under way, or a transaction is open.

    Held time is divided by the time of the sessions, both as they were reported: otherwise the last second would be missing
    in one of them.
    """
    opened = opened_since(first, after)
    late = _not_reported(first, after) - _not_reported(first, before)
    reported = seconds * 1e3 * opened - late
    if reported <= 0.0:
        return 0.0
    return opened * min(1.0, (after.held_milliseconds - before.held_milliseconds) / reported)


def _not_reported(first: Sessions, now: Sessions) -> float:
    """Session time in milliseconds that the sessions have not reported yet, without the time since they became idle."""
    return max(0.0, now.used_milliseconds - (now.reported_milliseconds - first.reported_milliseconds))
