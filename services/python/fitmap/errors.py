"""Every way a request can fail, and the answer each becomes."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fitmap.answers import JsonResponse


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


def error_response(status: HTTPStatus, word: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    return JsonResponse({"error": word, "detail": detail}, status, headers)


async def _request_error(_request: Request, error: RequestError) -> Response:
    return error_response(error.status, error.word, error.detail)


async def _http_exception(_request: Request, error: HTTPException) -> Response:
    # What Starlette raises by itself: no such route, or another method, with an `allow` header.
    status = HTTPStatus(error.status_code)
    return error_response(status, status.name.lower(), f"{error.detail}.", error.headers)


async def _client_gone(_request: Request, _error: Exception) -> Response:
    # Nobody gets this. Without it a client that hung up would be logged as a bug.
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _bug(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again afterwards, and uvicorn logs it.
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "The service has a bug.")


EXCEPTION_HANDLERS: Mapping[type[Exception], Callable[[Request, Any], Awaitable[Response]]] = {
    RequestError: _request_error,
    HTTPException: _http_exception,
    ClientDisconnect: _client_gone,
    Exception: _bug,
}
