"""Logs go to standard error, a line an event."""

import logging


class LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", " | ")


def configure_logging() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("uvicorn.error").addFilter(is_wanted)
    # In an outage asyncpg warns of each attempt to fill its pool again, with a stack trace. Outage logs that once.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)


def is_wanted(record: logging.LogRecord) -> bool:
    # uvicorn warns of each request that is no HTTP, and of each that asks for another protocol.
    if record.levelno == logging.WARNING:
        return False
    # A client has left, and uvloop has closed its socket, but has not told uvicorn yet.
    failure = record.exc_info[1] if record.exc_info else None
    return not (isinstance(failure, RuntimeError) and "the handler is closed" in str(failure))
