"""Runs a command in a container that runs, and reads all that it prints.

docker-py's own `exec_start` loses output: it reads the socket itself, past what its HTTP client has read already. On a busy
machine the command's output comes together with the head of the engine's answer, and is gone. Here the HTTP client reads it.
"""

from __future__ import annotations

import struct
from typing import Any

from docker.errors import create_api_error_from_http_exception
from docker.models.containers import Container
from requests import HTTPError

#: Before each piece of output: the stream's number, three bytes of nothing, and the piece's length.
_HEAD = struct.Struct(">BxxxL")


def run_in(container: Container, command: list[str], user: str = "", silent_seconds: float = 60.0) -> tuple[int, bytes]:
    """The status and the output, standard output and standard error together, of a command in a container.

    Raises APIError when the engine refuses, requests.RequestException when it or the command is silent for too long.
    """
    api: Any = container.client.api  # type: ignore[union-attr]
    number = api.exec_create(container.id, command, user=user)["Id"]
    url = f"{api.base_url}/v{api.api_version}/exec/{number}/start"
    answer = api.post(url, json={"Tty": False, "Detach": False}, timeout=silent_seconds)
    try:
        answer.raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)
    return int(api.exec_inspect(number)["ExitCode"]), _pieces(answer.content)


def _pieces(stream: bytes) -> bytes:
    output, start = b"", 0
    while start < len(stream):
        _, length = _HEAD.unpack_from(stream, start)
        start += _HEAD.size
        output += stream[start : start + length]
        start += length
    return output
