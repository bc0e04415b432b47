"""The connection pool of one worker process."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from fitmap.errors import DATABASE_FAILURES, DatabaseUnavailable
from fitmap.outage import Outage
from fitmap.settings import DatabaseAddress

logger = logging.getLogger(__name__)

_ACQUIRE_SECONDS = 2
_STATEMENT_SECONDS = 5
_WORK_SECONDS = 6
_CLOSE_SECONDS = 2
_RETRY_SECONDS = 0.1


class Database:
    def __init__(self, address: DatabaseAddress, pool_size: int) -> None:
        self._address = address
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self._outage = Outage()

    async def open(self) -> None:
        """Open every connection of the pool, trying until the database is there."""
        complaint = ""
        while self._pool is None:
            try:
                self._pool = await self._connect()
            except (asyncpg.PostgresError, *DATABASE_FAILURES) as error:
                # Not str(): of a timeout that is empty.
                if repr(error) != complaint:
                    complaint = repr(error)
                    logger.warning("waiting for the database: %s", complaint)
                await asyncio.sleep(_RETRY_SECONDS)
        logger.info("the pool is open: %d connections", self._pool_size)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection for the database work of one request, which may take six seconds in all.

        Then the connection is closed, and whatever waits for it fails. To cancel the work instead would not end it
        where the server is frozen: asyncpg waits for the server to confirm.
        """
        if self._pool is None:
            raise DatabaseUnavailable("The database has not been reached yet.")
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                deadline = asyncio.get_running_loop().call_later(_WORK_SECONDS, connection.terminate)
                try:
                    yield connection
                finally:
                    deadline.cancel()
        except DATABASE_FAILURES as error:
            # A pool that is whole but busy says nothing about the database.
            if not (isinstance(error, TimeoutError) and self._pool.get_size() == self._pool.get_max_size()):
                self._outage.begin(error)
            raise
        if self._outage.lasts:
            self._outage.end()

    async def close(self) -> None:
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
            except TimeoutError:
                self._pool.terminate()

    async def _connect(self) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            password=self._address.password,
            database=self._address.name,
            # Left open, asyncpg asks for TLS first: a round trip and an SSL context for each connection.
            ssl=False,
            min_size=self._pool_size,
            max_size=self._pool_size,
            # By default a connection is replaced after 50,000 queries, in the middle of the load.
            max_queries=sys.maxsize,
            # By default idle connections are looked after with a timer on every release.
            max_inactive_connection_lifetime=0,
            # By default a statement is prepared again every 300 s. There are nine of them.
            max_cached_statement_lifetime=0,
            # By default every release runs RESET ALL and more: a second round trip for each request.
            reset=_keep,
            init=_learn_integer_array,
            timeout=_ACQUIRE_SECONDS,
            server_settings={"statement_timeout": str(_STATEMENT_SECONDS * 1000), "application_name": "fitmap-python"},
        )


async def _keep(_connection: asyncpg.Connection) -> None:
    """No statement of this service leaves a trace in the session; asyncpg itself rolls open transactions back."""


async def _learn_integer_array(connection: asyncpg.Connection) -> None:
    # asyncpg knows the built-in types, but not their arrays (its issue 1272). A connection that first meets one asks
    # the catalogue, and switches jit off for that. This makes it ask when it opens, not within a request of POST
    # /orders. Unnamed, because a named statement would be closed, and waited for, within the first request.
    await connection.prepare("SELECT NULL::integer[]", name="")
