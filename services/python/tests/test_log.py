import logging

from fitmap.log import configure_logging, is_wanted


def record(level: int, failure: Exception | None = None) -> logging.LogRecord:
    exc_info = (type(failure), failure, None) if failure else None
    return logging.LogRecord("uvicorn.error", level, "file", 1, "words", None, exc_info)


def test_a_client_that_has_left_is_no_error_and_a_bug_is_one() -> None:
    gone = RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    assert not is_wanted(record(logging.ERROR, gone))
    assert is_wanted(record(logging.ERROR, RuntimeError("a bug")))
    assert is_wanted(record(logging.ERROR))
    assert is_wanted(record(logging.INFO))
    assert not is_wanted(record(logging.WARNING))


def test_asyncpg_does_not_log_each_attempt_to_fill_its_pool() -> None:
    configure_logging()
    pool = logging.getLogger("asyncpg.pool")
    assert not pool.isEnabledFor(logging.WARNING)
    assert pool.isEnabledFor(logging.ERROR)
