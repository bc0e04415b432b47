"""The connection pool of one worker process."""

import asyncio
import logging
import sys

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from fitmap.errors import DatabaseUnavailable
from fitmap.settings import DatabaseAddress

logger = logging.getLogger(__name__)

_ACQUIRE_SECONDS = 2
_STATEMENT_SECONDS = 5
_CLOSE_SECONDS = 2
_RETRY_SECONDS = 0.1

# The row that asyncpg would read from the catalogue to learn what integer[] is.
_INTEGER_ARRAY = {
    "oid": 1007,
    "ns": "pg_catalog",
    "name": "_int4",
    "kind": b"b",
    "basetype": None,
    "elemtype": 23,
    "elemdelim": b",",
    "range_subtype": None,
    "attrtypoids": None,
    "attrnames": None,
}


class Database:
    def __init__(self, address: DatabaseAddress, pool_size: int) -> None:
        self._address = address
        self.pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self.leases = 0

    async def open(self) -> None:
        """Open every connection of the pool, trying until the database is there."""
        complaint = ""
        while self._pool is None:
            try:
                self._pool = await self._connect()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    logger.warning("waiting for the database: %s", complaint)
                await asyncio.sleep(_RETRY_SECONDS)
        logger.info("the pool is open: %d connections", self.pool_size)

    def acquire(self) -> "Lease":
        if self._pool is None:
            raise DatabaseUnavailable("The database has not been reached yet.")
        return Lease(self, self._pool)

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
            min_size=self.pool_size,
            max_size=self.pool_size,
            # By default a connection is replaced after 50,000 queries, in the middle of the load.
            max_queries=sys.maxsize,
            # By default idle connections are looked after with a timer on every release.
            max_inactive_connection_lifetime=0,
            # By default a statement is prepared anew every 300 s. There are nine of them.
            max_cached_statement_lifetime=0,
            # By default every release runs RESET ALL and more: a second round trip for each request.
            reset=_keep,
            init=_teach_integer_array,
            timeout=_ACQUIRE_SECONDS,
            # The server ends a statement after 5 s. The client's own limit is for a server that says nothing any more.
            server_settings={"statement_timeout": str(_STATEMENT_SECONDS * 1000), "application_name": "fitmap-python"},
            command_timeout=_STATEMENT_SECONDS + 1,
        )


class Lease:
    """A connection of the pool, for the length of an `async with` block.

    `Pool.acquire(timeout=2)` sets a timer while it acquires and another while it releases, about a tenth of the CPU
    time of a request of one statement. Only those need one who have to wait: a connection that is free comes at once,
    and one that must be opened anew has a time limit of its own.
    """

    __slots__ = ("_connection", "_database", "_pool")

    def __init__(self, database: Database, pool: asyncpg.Pool) -> None:
        self._database = database
        self._pool = pool

    async def __aenter__(self) -> PoolConnectionProxy:
        self._database.leases += 1
        try:
            must_wait = self._database.leases > self._database.pool_size
            self._connection = await self._pool.acquire(timeout=_ACQUIRE_SECONDS if must_wait else None)
        except BaseException:
            self._database.leases -= 1
            raise
        return self._connection

    async def __aexit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            # After an error the release may have to wait until a statement is cancelled.
            await self._pool.release(self._connection, timeout=_ACQUIRE_SECONDS if error else None)
        finally:
            self._database.leases -= 1


async def _keep(_connection: asyncpg.Connection) -> None:
    """No statement of this service leaves a trace in the session; asyncpg itself rolls open transactions back."""


async def _teach_integer_array(connection: asyncpg.Connection) -> None:
    # asyncpg knows the built-in types, but not their arrays (its issue 1272): at the first use of one, each connection
    # sends three catalogue queries, in the middle of a request. It has no public way to tell it beforehand.
    connection._protocol.get_settings().register_data_types([_INTEGER_ARRAY])  # type: ignore[attr-defined]  # noqa: SLF001
