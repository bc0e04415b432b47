"""A pool of connections that does for a request what this service needs, and nothing else.

asyncpg's own wraps each connection in a proxy, releases it in a task of its own, and sets a timer each for acquiring
and releasing. Here a free connection is a pop from a list, and the limit of the work is looked at four times a second.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType

from asyncpg import Connection, InterfaceError

from fitmap.errors import CONNECT_FAILURES, WORK_FAILURES, DatabaseUnavailable
from fitmap.outage import Outage

_ACQUIRE_SECONDS = 2
# A look each quarter of a second, and as much time to end what takes too long: the work has ended before 6 s.
_WORK_SECONDS = 5.5
_LOOK_SECONDS = 0.25


class Pool:
    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._time = asyncio.get_running_loop().time
        # The one that was used last is taken first. None stands for one that is to be opened by whoever takes it.
        self._free: list[Connection | None] = [None] * size
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._since: dict[Connection, float] = {}
        # Those whose work took too long, until they are closed.
        self._ending: dict[Connection, asyncio.Task[None]] = {}
        self._outage = Outage()
        self._watch = asyncio.create_task(self._end_what_takes_too_long())

    async def open(self) -> None:
        """Open every connection, or raise what kept one from opening."""
        opened = await asyncio.gather(*(self._connect() for _ in self._free), return_exceptions=True)
        errors = [error for error in opened if isinstance(error, BaseException)]
        connections = [connection for connection in opened if not isinstance(connection, BaseException)]
        if errors:
            for connection in connections:
                connection.terminate()
            raise errors[0]
        self._free = [*connections]

    async def acquire(self) -> Connection:
        connection = self._free.pop() if self._free else await self._wait()
        if connection is None or connection.is_closed():
            try:
                connection = await self._connect()
            except BaseException as error:
                self._give_back(None)
                if isinstance(error, CONNECT_FAILURES):
                    self._outage.begin(error)
                    raise _unavailable() from error
                raise
        self._since[connection] = self._time()
        return connection

    def release(self, connection: Connection, error: BaseException | None) -> None:
        if self._since.pop(connection, None) is None:
            # It took too long, which says nothing about the database. It goes back when it is closed.
            if isinstance(error, CONNECT_FAILURES):
                raise _unavailable() from error
            return
        if error is None:
            if self._outage.lasts:
                self._outage.end()
        elif isinstance(error, asyncio.CancelledError):
            # A statement may still be under way.
            self._end(connection)
            return
        self._give_back(connection)
        if isinstance(error, WORK_FAILURES) or (isinstance(error, InterfaceError) and connection.is_closed()):
            self._outage.begin(error)
            raise _unavailable() from error

    async def close(self) -> None:
        self._watch.cancel()
        await asyncio.gather(*(connection.close() for connection in self._free if connection))

    def terminate(self) -> None:
        for connection in (*self._free, *self._since, *self._ending):
            if connection:
                connection.terminate()

    async def _wait(self) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(_ACQUIRE_SECONDS):
                return await waiter
        except BaseException as error:
            # Time may have run out just when a connection was handed over.
            if waiter.done() and not waiter.cancelled():
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise _unavailable() from error
            raise

    def _give_back(self, connection: Connection | None) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)

    async def _end_what_takes_too_long(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            late = self._time() - _WORK_SECONDS
            for connection in [connection for connection, since in self._since.items() if since < late]:
                del self._since[connection]
                self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._ending[connection] = asyncio.create_task(self._close(connection))

    async def _close(self, connection: Connection) -> None:
        """Close it once the server has ended its statement, and only then have another one opened in its place.

        asyncpg asks the server for that when a connection is closed. A frozen server does not answer.
        """
        try:
            with contextlib.suppress(*CONNECT_FAILURES):
                await connection.close(timeout=_LOOK_SECONDS)
        finally:
            del self._ending[connection]
            self._give_back(connection)


def _unavailable() -> DatabaseUnavailable:
    return DatabaseUnavailable("The database did not answer in time.")


class Lease:
    """A connection of the pool, for the length of an `async with` block."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.acquire()
        return self._connection

    async def __aexit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._pool.release(self._connection, error)
