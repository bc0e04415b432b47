"""The connections of one worker process."""

import asyncio
import logging

import asyncpg

from fitmap.errors import CONNECT_FAILURES, DatabaseUnavailable
from fitmap.pool import Lease, Pool
from fitmap.settings import DatabaseAddress

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 2
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
        self._pool_size = pool_size
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Open every connection of the pool, trying until the database is there."""
        complaint = ""
        pool = Pool(self._connect, self._pool_size)
        while self._pool is None:
            try:
                await pool.open()
                self._pool = pool
            except CONNECT_FAILURES as error:
                # Not str(): of a timeout that is empty.
                if repr(error) != complaint:
                    complaint = repr(error)
                    logger.warning("waiting for the database: %s", complaint)
                await asyncio.sleep(_RETRY_SECONDS)
        logger.info("the pool is open: %d connections", self._pool_size)

    def connection(self) -> Lease:
        if self._pool is None:
            raise DatabaseUnavailable("The database has not been reached yet.")
        return Lease(self._pool)

    async def close(self) -> None:
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), _CLOSE_SECONDS)
            except TimeoutError:
                self._pool.terminate()

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            host=self._address.host,
            port=self._address.port,
            user=self._address.user,
            password=self._address.password,
            database=self._address.name,
            # Left open, asyncpg asks for TLS first: a round trip and an SSL context for each connection.
            ssl=False,
            # By default a statement is prepared again every 300 s. There are nine of them.
            max_cached_statement_lifetime=0,
            timeout=_CONNECT_SECONDS,
            server_settings={"statement_timeout": str(_STATEMENT_SECONDS * 1000), "application_name": "fitmap-python"},
        )
        # asyncpg knows the built-in types, but not their arrays (its issue 1272): at the first use of one, each
        # connection sends three catalogue queries. There is no public way to tell it beforehand.
        connection._protocol.get_settings().register_data_types([_INTEGER_ARRAY])  # type: ignore[attr-defined]  # noqa: SLF001
        return connection
