"""The pool, on connections that are none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from fitmap import pool
from fitmap.errors import DatabaseUnavailable
from fitmap.pool import Lease, Pool


class Fake:
    """What the pool uses of a connection."""

    closed = False

    def is_closed(self) -> bool:
        return self.closed

    def terminate(self) -> None:
        self.closed = True

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        self.closed = True


def run(size: int, story: Callable[[Any, list[Any]], Awaitable[None]], refused: list[bool] | None = None) -> None:
    """`refused`: for each connection that is asked for, whether it cannot be opened."""
    made: list[Any] = []

    async def connect() -> Any:
        if refused and refused.pop(0):
            raise OSError("refused")
        made.append(Fake())
        return made[-1]

    async def main() -> None:
        tested = Pool(connect, size)
        await tested.open()
        await story(tested, made)
        await tested.close()

    asyncio.run(main())


def test_the_connection_that_was_used_last_comes_first() -> None:
    async def story(tested: Pool, made: list[Any]) -> None:
        assert len(made) == 3
        async with Lease(tested) as first, Lease(tested) as second:
            assert first is not second
        async with Lease(tested) as again:
            assert again is first

    run(3, story)


def test_who_waits_gets_the_next_that_is_free_in_turn() -> None:
    async def story(tested: Pool, _made: list[Any]) -> None:
        held = await tested.acquire()
        waiting = [asyncio.create_task(tested.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        tested.release(held, None)
        # A newcomer does not overtake those who wait.
        newcomer = asyncio.create_task(tested.acquire())
        assert await waiting[0] is held
        assert not waiting[1].done()
        tested.release(held, None)
        assert await waiting[1] is held
        tested.release(held, None)
        assert await newcomer is held
        tested.release(held, None)

    run(1, story)


def test_who_waits_in_vain_is_refused_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_ACQUIRE_SECONDS", 0.05)

    async def story(tested: Pool, _made: list[Any]) -> None:
        held = await tested.acquire()
        with pytest.raises(DatabaseUnavailable):
            await tested.acquire()
        tested.release(held, None)
        assert await tested.acquire() is held
        tested.release(held, None)

    run(1, story)


def test_a_connection_that_was_handed_over_too_late_is_not_lost() -> None:
    async def story(tested: Pool, _made: list[Any]) -> None:
        held = await tested.acquire()
        waiting = asyncio.create_task(tested.acquire())
        await asyncio.sleep(0)
        tested.release(held, None)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.wait_for(tested.acquire(), 1) is held
        tested.release(held, None)

    run(1, story)


def test_a_closed_connection_is_opened_again_by_whoever_takes_it() -> None:
    async def story(tested: Pool, made: list[Any]) -> None:
        made[0].closed = True
        with pytest.raises(DatabaseUnavailable):
            await tested.acquire()
        async with Lease(tested) as connection:
            assert connection is made[1]

    run(1, story, refused=[False, True, False])


def test_cancelled_work_closes_its_connection() -> None:
    async def story(tested: Pool, made: list[Any]) -> None:
        async def work() -> None:
            async with Lease(tested):
                await asyncio.sleep(10)

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with Lease(tested) as next_one:
            assert next_one is made[1]
        assert made[0].closed

    run(1, story)


def test_work_that_takes_too_long_loses_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_WORK_SECONDS", 0.1)
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.02)

    async def story(tested: Pool, made: list[Any]) -> None:
        async with Lease(tested) as long:
            await asyncio.sleep(0.05)
            async with Lease(tested) as short:
                await asyncio.sleep(0.08)
                assert long.is_closed()
                assert not short.is_closed()
        assert len(made) == 2

    run(2, story)


def test_a_late_connection_is_replaced_when_it_is_closed_and_is_no_outage(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool, "_WORK_SECONDS", 0.02)
    monkeypatch.setattr(pool, "_LOOK_SECONDS", 0.01)

    async def story(tested: Pool, made: list[Any]) -> None:
        ended, answered = asyncio.Event(), asyncio.Event()

        async def close(*, timeout: float) -> None:  # noqa: ARG001, ASYNC109
            answered.set()
            await ended.wait()
            made[0].closed = True
            raise TimeoutError

        made[0].close = close

        async def work() -> None:
            async with Lease(tested):
                await answered.wait()
                raise asyncpg.QueryCanceledError("cancelled")

        with pytest.raises(DatabaseUnavailable):
            await work()
        waiting = asyncio.create_task(tested.acquire())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        ended.set()
        assert await waiting is made[1]
        tested.release(made[1], None)

    run(1, story)
    assert caplog.messages == []


def test_a_pool_that_opens_in_part_is_not_open() -> None:
    with pytest.raises(OSError, match="refused"):
        run(3, lambda _pool, _made: asyncio.sleep(0), refused=[False, True, False])


def test_an_outage_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fitmap.outage")

    async def story(tested: Pool, made: list[Any]) -> None:
        made[0].closed = True
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await tested.acquire()
        async with Lease(tested):
            pass
        for error in (asyncpg.QueryCanceledError("too long"), asyncpg.DiskFullError("full")):
            with pytest.raises(DatabaseUnavailable):
                async with Lease(tested):
                    raise error

    run(1, story, refused=[False, True, True, False])
    assert caplog.messages == [
        "the database is unavailable: OSError('refused')",
        "the database is back",
        "the database is unavailable: DiskFullError('full')",
    ]


async def find_it_closed(tested: Pool, connection: Any) -> None:
    async with Lease(tested):
        connection.terminate()
        raise asyncpg.InterfaceError("closed")


@pytest.mark.parametrize("error", [ValueError("a bug"), asyncpg.InterfaceError("a bug"), asyncpg.DataError("a bug")])
def test_a_bug_is_a_bug_unless_the_connection_is_closed(error: Exception) -> None:
    async def story(tested: Pool, made: list[Any]) -> None:
        with pytest.raises(type(error), match="a bug"):
            async with Lease(tested):
                raise error
        with pytest.raises(DatabaseUnavailable):
            await find_it_closed(tested, made[0])

    run(1, story)
