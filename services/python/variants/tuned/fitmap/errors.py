"""Every way a request can fail, and the answer each becomes."""

import logging
from http import HTTPStatus

import asyncpg
from starlette.responses import Response

from fitmap.answers import JsonResponse

logger = logging.getLogger(__name__)


class RequestError(Exception):
    status: HTTPStatus
    word: str

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(RequestError):
    status = HTTPStatus.BAD_REQUEST
    word = "bad_request"


class NotFound(RequestError):
    status = HTTPStatus.NOT_FOUND
    word = "not_found"


class OutOfStock(RequestError):
    status = HTTPStatus.CONFLICT
    word = "out_of_stock"


class TooLarge(RequestError):
    status = HTTPStatus.CONTENT_TOO_LARGE
    word = "too_large"


class UnsupportedMediaType(RequestError):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    word = "unsupported_media_type"


class DatabaseUnavailable(RequestError):
    status = HTTPStatus.SERVICE_UNAVAILABLE
    word = "database_unavailable"


# What keeps a connection from opening (TimeoutError is an OSError): whatever a server says then, it refuses.
CONNECT_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

# What ends work on a connection: the connection broke, a statement timed out or was cancelled, or the server lacks
# resources. asyncpg says InternalClientError when the server's farewell has reached a connection that it has not yet
# seen closed. InterfaceError is a bug, such as a parameter of a wrong type, unless the connection is closed.
WORK_FAILURES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalClientError,
)


def error_response(status: HTTPStatus, word: str, detail: str) -> Response:
    return JsonResponse({"error": word, "detail": detail}, status)


def response_to(error: Exception) -> Response:
    if isinstance(error, RequestError):
        return error_response(error.status, error.word, error.detail)
    logger.error("a request failed by a bug", exc_info=error)
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The service has a bug.")
