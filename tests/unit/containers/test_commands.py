"""Commands in containers, against a server that answers as the engine does."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests
from docker.errors import APIError

from harness.containers.commands import run_in

RAW = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
UPGRADED = RAW.replace(b"200 OK", b"101 UPGRADED")


def piece(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


@contextmanager
def engine(folder: Path, output: bytes, *, silent: bool = False, running: bool = True) -> Iterator[Any]:
    """A container of an engine that sends a command's output in the same segment as the head of its answer.

    silent: it does not answer to the command's start. running: whether the container runs when the command starts.
    """
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = self.rfile.readline()
            heads = dict(line.decode().strip().lower().split(": ", 1) for line in iter(self.rfile.readline, b"\r\n"))
            self.rfile.read(int(heads.get("content-length", 0)))
            if b"/start " in request and running:
                if silent:
                    over.wait(10)
                else:
                    self.wfile.write((UPGRADED if "upgrade" in heads else RAW) + output)
                return
            # As for a container that ends between the command's creation and its start.
            status = b"200 OK" if running or b"/start " not in request else b"409 Conflict"
            body = json.dumps({"Id": "7", "ExitCode": 3, "message": "container 1 is not running"}).encode()
            self.wfile.write(
                b"HTTP/1.1 %b\r\nContent-Length: %d\r\nContent-Type: application/json\r\n" % (status, len(body))
            )
            self.wfile.write(b"Connection: close\r\n\r\n" + body)

    address = str(folder / "engine.sock")
    with socketserver.ThreadingUnixStreamServer(address, Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        api = docker.APIClient(f"unix://{address}", version="1.41")
        try:
            yield SimpleNamespace(id="1", client=SimpleNamespace(api=api))
        finally:
            over.set()
            api.close()
            server.shutdown()


def test_output_that_comes_with_the_head_of_the_answer_is_not_lost(tmp_path: Path) -> None:
    output = piece(1, b"one ") + piece(2, b"") + piece(2, b"two ") + piece(1, b"x" * 300_000)
    with engine(tmp_path, output) as container:
        assert run_in(container, ["psql"]) == (3, b"one two " + b"x" * 300_000)


def test_docker_py_still_loses_it(tmp_path: Path) -> None:
    """When this fails, docker-py's own call can be used again."""
    with engine(tmp_path, piece(1, b"words")) as container:
        assert container.client.api.exec_start("7") == b""


def test_a_command_that_prints_nothing(tmp_path: Path) -> None:
    with engine(tmp_path, b"") as container:
        assert run_in(container, ["true"]) == (3, b"")


def test_an_engine_that_stops_meanwhile_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with engine(tmp_path, b"", silent=True) as container, pytest.raises(requests.RequestException):
        run_in(container, ["psql"], silent_seconds=0.2)


def test_a_container_that_has_ended_is_the_engines_error(tmp_path: Path) -> None:
    with engine(tmp_path, b"", running=False) as container, pytest.raises(APIError, match="container 1 is not running"):
        run_in(container, ["psql"])
