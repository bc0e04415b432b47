"""The log of the database's outages: a line when it goes, and one when it is back."""

import logging

import asyncpg

logger = logging.getLogger(__name__)


class Outage:
    lasts = False

    def begin(self, error: Exception) -> None:
        """Log the first of a row of failures. A statement that took too long says nothing about the database."""
        if not self.lasts and not isinstance(error, asyncpg.QueryCanceledError):
            self.lasts = True
            logger.warning("the database is unavailable: %r", error)

    def end(self) -> None:
        if self.lasts:
            self.lasts = False
            logger.info("the database is back")
