"""Starlette's router without its application, and with the errors of the contract."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fitmap.errors import NotFound, error_response, response_to

Endpoint = Callable[[Request], Awaitable[Response]]


class ApiRoute(Route):
    """A path with one method, which turns what its endpoint raises into an answer.

    Starlette would do this in four wrappers around every request (two middlewares, each of which wraps `send`, and
    `wrap_app_handling_exceptions` twice), and would add HEAD to what `allow` names.
    """

    def __init__(self, method: str, path: str, endpoint: Endpoint) -> None:
        super().__init__(path, endpoint)
        self.methods = {method}
        self._method = method
        self._endpoint = endpoint

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == self._method:
            try:
                response = await self._endpoint(Request(scope, receive))
            except ClientDisconnect:
                # Nobody gets this.
                response = Response(status_code=HTTPStatus.BAD_REQUEST)
            # Whatever went wrong, the client gets an answer.
            except Exception as error:  # noqa: BLE001
                response = response_to(error)
        else:
            detail = f"This route has {self._method} alone."
            response = error_response(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            response.headers["allow"] = self._method
        await response(scope, receive, send)


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await response_to(NotFound("There is no such route."))(scope, receive, send)
