"""The check of the header `Date`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from talking import Response

#: Answers are checked when all requests of a story have been answered, so a date may be some minutes old.
DATE_TOLERANCE = timedelta(minutes=5)


def date_problems(answer: Response) -> list[str]:
    """`Date` as RFC 9110 writes it, and not of a time long ago."""
    date = answer.headers.get("date")
    if date is None:
        return ["no date"]
    try:
        sent = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return [f"date {date!r} is not written as RFC 9110 wants it"]
    if abs(datetime.now(UTC) - sent) > DATE_TOLERANCE:
        return [f"date {date!r} is not of now"]
    return []
