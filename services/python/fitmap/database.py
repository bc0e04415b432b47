"""The connection pool of one worker process."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from fitmap.errors import CONNECT_FAILURES, WORK_FAILURES, DatabaseUnavailable
from fitmap.outage import Outage
from fitmap.settings import DatabaseAddress

logger = logging.getLogger(__name__)

_ACQUIRE_SECONDS = 2
# For a whole pool at once: each connection takes some milliseconds of CPU time to prove the password, and one that is
# late costs all of them. A request waits no longer for that than for a free connection.
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 5
_WORK_SECONDS = 6
# What takes so long is cancelled: the rest is the server's time to end it.
_CANCEL_SECONDS = 5.6
_CLOSE_SECONDS = 2
_RETRY_SECONDS = 0.1


class Database:
    def __init__(self, address: DatabaseAddress, pool_size: int) -> None:
        self._address = address
        self._pool_size = pool_size
        self._pool: asyncpg.Pool | None = None
        self._outage = Outage()
        # The tasks whose work has been cancelled, and what closes their connections if that does not end it.
        self._late: dict[asyncio.Task[Any] | None, asyncio.TimerHandle] = {}

    async def open(self) -> None:
        """Open every connection of the pool, trying until the database is there."""
        complaint = ""
        while self._pool is None:
            try:
                self._pool = await self._connect()
            except CONNECT_FAILURES as error:
                # Not str(): of a timeout that is empty.
                if repr(error) != complaint:
                    complaint = repr(error)
                    logger.warning("waiting for the database: %s", complaint)
                await asyncio.sleep(_RETRY_SECONDS)
        logger.info("the pool is open: %d connections", self._pool_size)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PoolConnectionProxy]:
        """A connection for the database work of one request, which may take six seconds in all.

        What takes longer is cancelled: asyncpg has the server end the statement. To close the connection would not end
        it, and the pool would open another one beside it. Where the server is frozen and does not confirm it in time,
        the connection is closed all the same.
        """
        if self._pool is None:
            raise DatabaseUnavailable("The database has not been reached yet.")
        task = asyncio.current_task()
        lent = False
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                lent = True
                deadline = asyncio.get_running_loop().call_later(_CANCEL_SECONDS, self._end, task, connection)
                try:
                    yield connection
                except asyncpg.InterfaceError as error:
                    if _is_closed(connection):
                        raise asyncpg.ConnectionDoesNotExistError(str(error)) from error
                    raise
                finally:
                    deadline.cancel()
        except (asyncio.CancelledError, *CONNECT_FAILURES) as error:
            # Work that took too long says nothing about the database.
            if not self._was_late(task):
                if isinstance(error, asyncio.CancelledError) or (lent and not isinstance(error, WORK_FAILURES)):
                    raise
                # Neither does a pool that is whole but busy.
                if not (isinstance(error, TimeoutError) and self._pool.get_size() == self._pool.get_max_size()):
                    self._outage.begin(error)
            raise DatabaseUnavailable("The database did not answer in time.") from error
        if self._outage.lasts:
            self._outage.end()

    def _end(self, task: asyncio.Task[Any] | None, connection: PoolConnectionProxy) -> None:
        self._late[task] = asyncio.get_running_loop().call_later(_WORK_SECONDS - _CANCEL_SECONDS, _close, connection)
        if task is not None:
            task.cancel()

    def _was_late(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether the work was ended here, and by nobody else. The task goes on: it has an answer to send."""
        closing = self._late.pop(task, None)
        if task is None or closing is None:
            return False
        closing.cancel()
        return task.uncancel() == 0

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
            timeout=_CONNECT_SECONDS,
            server_settings={"statement_timeout": str(_STATEMENT_SECONDS * 1000), "application_name": "fitmap-python"},
        )


def _close(connection: PoolConnectionProxy) -> None:
    if not _is_closed(connection):
        connection.terminate()


def _is_closed(connection: PoolConnectionProxy) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken it back, which it does when a connection closes.
        return True


async def _keep(_connection: asyncpg.Connection) -> None:
    """No statement of this service leaves a trace in the session; asyncpg itself rolls open transactions back."""


async def _learn_integer_array(connection: asyncpg.Connection) -> None:
    # asyncpg knows the built-in types, but not their arrays (its issue 1272). A connection that first meets one asks
    # the catalogue, and switches jit off for that. This makes it ask when it opens, not within a request of POST
    # /orders. Unnamed, because a named statement would be closed, and waited for, within the first request.
    await connection.prepare("SELECT NULL::integer[]", name="", timeout=_ACQUIRE_SECONDS)
