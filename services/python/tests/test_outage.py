"""What a database that is away does to the log, and what counts as that."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from mmap import mmap

import asyncpg
import pytest
from starlette.types import Message

from fitmap import database
from fitmap.app import create_app
from fitmap.database import Database
from fitmap.errors import WORK_FAILURES, DatabaseUnavailable
from fitmap.outage import Outage
from fitmap.settings import Settings
from fitmap.variant import CLASS

SETTINGS = Settings.from_environment(
    {"PORT": "1", "DATABASE_URL": "postgresql://shop:secret@127.0.0.1:1/fitmap", "CPUS": "1"}
)


class FakeConnection:
    closed = False

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def terminate(self) -> None:
        self.closed = True
        self.ended.set()

    def is_closed(self) -> bool:
        if self.closed:
            raise asyncpg.InterfaceError("released back to the pool")
        return False


class FakePool:
    """A pool of two connections, which fails as it is told."""

    error: Exception | None = None
    size = 2
    lent: FakeConnection

    @contextlib.asynccontextmanager
    async def acquire(self, *, timeout: float) -> AsyncIterator[FakeConnection]:  # noqa: ARG002, ASYNC109
        if self.error is not None:
            raise self.error
        self.lent = FakeConnection()
        yield self.lent

    def get_size(self) -> int:
        return self.size

    def get_max_size(self) -> int:
        return 2


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("fitmap.")]


def test_the_first_of_a_row_of_failures_is_logged_and_the_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    outage = Outage()
    for _ in range(2):
        outage.end()
        outage.begin(asyncpg.QueryCanceledError("too long"))
        outage.begin(OSError("away"))
        outage.begin(asyncpg.InterfaceError("closed"))
    outage.end()
    away, back = "the database is unavailable: OSError('away')", "the database is back"
    assert lines(caplog) == [away, back, away, back]


def test_a_parameter_of_a_wrong_type_is_our_bug() -> None:
    assert not issubclass(asyncpg.DataError, WORK_FAILURES)
    assert not issubclass(asyncpg.InterfaceError, WORK_FAILURES)


@pytest.mark.skipif(CLASS != "standard", reason="the pool of tuned has tests of its own")
def test_requests_tell_an_outage_from_a_busy_pool(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    tested, pool = Database(SETTINGS.database, 2), FakePool()
    monkeypatch.setattr(tested, "_pool", pool)

    async def request(error: Exception | None) -> None:
        pool.error = error
        with contextlib.suppress(DatabaseUnavailable):
            async with tested.connection():
                pass

    async def work_fails(error: Exception) -> None:
        pool.error = None
        with pytest.raises(DatabaseUnavailable):
            async with tested.connection():
                raise error

    async def main() -> None:
        await request(TimeoutError())
        await work_fails(asyncpg.QueryCanceledError("too long"))
        assert lines(caplog) == []
        pool.size = 1
        await request(TimeoutError())
        await request(ConnectionRefusedError("away"))
        await request(None)
        await work_fails(asyncpg.ConnectionDoesNotExistError("broken"))

    asyncio.run(main())
    assert lines(caplog) == [
        "the database is unavailable: TimeoutError()",
        "the database is back",
        "the database is unavailable: ConnectionDoesNotExistError('broken')",
    ]


@pytest.mark.skipif(CLASS != "standard", reason="the pool of tuned has tests of its own")
def test_what_the_server_refuses_is_unavailable_and_a_bug_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tested, pool = Database(SETTINGS.database, 2), FakePool()
    monkeypatch.setattr(tested, "_pool", pool)

    async def work(error: Exception, *, closed: bool = False) -> None:
        async with tested.connection() as connection:
            if closed:
                connection.terminate()
            raise error

    async def main() -> None:
        for error in (asyncpg.DiskFullError("full"), asyncpg.InternalClientError("farewell")):
            with pytest.raises(DatabaseUnavailable):
                await work(error)
        with pytest.raises(DatabaseUnavailable):
            await work(asyncpg.InterfaceError("closed"), closed=True)
        for bug in (asyncpg.InterfaceError("a bug"), asyncpg.DataError("a bug"), ValueError("a bug")):
            with pytest.raises(type(bug), match="a bug"):
                await work(bug)
        for pool.error in (
            asyncpg.TooManyConnectionsError("full"),
            asyncpg.InvalidPasswordError("wrong"),
            asyncpg.InvalidCatalogNameError("no such database"),
        ):
            with pytest.raises(DatabaseUnavailable):
                await work(ValueError("not reached"))

    asyncio.run(main())
    assert lines(caplog) == ["the database is unavailable: DiskFullError('full')"]


@pytest.mark.skipif(CLASS != "standard", reason="the pool of tuned has tests of its own")
def test_late_work_is_cancelled_and_only_a_frozen_server_costs_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(database, "_CANCEL_SECONDS", 0.05)
    monkeypatch.setattr(database, "_WORK_SECONDS", 0.15)
    tested, pool = Database(SETTINGS.database, 2), FakePool()
    monkeypatch.setattr(tested, "_pool", pool)

    async def work(*, frozen: bool = False) -> None:
        async with tested.connection():
            try:
                await asyncio.sleep(10)
            finally:
                # As asyncpg waits for the server, before it rolls back.
                if frozen:
                    await pool.lent.ended.wait()
                    raise asyncpg.ConnectionDoesNotExistError("closed")

    async def main() -> None:
        for frozen in (False, True):
            with pytest.raises(DatabaseUnavailable):
                await asyncio.wait_for(work(frozen=frozen), 5)
            assert pool.lent.closed is frozen
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # Nothing is left that would end what comes later.
        await asyncio.sleep(0.2)
        assert not pool.lent.closed

    asyncio.run(main())
    assert lines(caplog) == []


@pytest.mark.parametrize(
    "error",
    [
        OSError("refused"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.InternalClientError("farewell"),
        asyncpg.InvalidCatalogNameError("no such database"),
    ],
)
def test_opening_is_tried_again(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [error, error]

    async def connect(_self: Database) -> FakeConnection:
        if errors:
            raise errors.pop()
        return FakeConnection()

    monkeypatch.setattr(Database, "_connect", connect)
    monkeypatch.setattr(database, "_RETRY_SECONDS", 0)

    async def main() -> None:
        await Database(SETTINGS.database, 1).open()

    asyncio.run(main())
    assert not errors
    assert lines(caplog) == [f"waiting for the database: {error!r}"]


def test_a_bug_while_the_pool_opens_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_self: Database) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Database, "open", fail)
    incoming: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        # The task that opens the pool runs.
        await asyncio.sleep(0)
        return incoming.pop(0)

    async def send(_message: Message) -> None:
        pass

    ready = mmap(-1, 1)
    asyncio.run(create_app(SETTINGS, 0, ready)({"type": "lifespan", "state": {}}, receive, send))
    assert lines(caplog) == ["the pool cannot be opened"]
    assert "RuntimeError: a bug" in caplog.text
    assert ready[0] == 0
