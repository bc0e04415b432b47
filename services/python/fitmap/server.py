"""uvicorn: one process where CPUS is 1, else one worker process for each CPU under a small supervisor."""

import multiprocessing
import multiprocessing.connection
import signal
import socket
import sys
from mmap import mmap

import uvicorn

from fitmap.app import create_app
from fitmap.protocol import DeadlineProtocol
from fitmap.settings import Settings

_DRAIN_SECONDS = 10
_BACKLOG = 2048


def serve(settings: Settings) -> None:
    ready = mmap(-1, settings.cpus)
    try:
        listener = _listen(settings)
    except OSError as error:
        sys.exit(f"cannot listen on {settings.host} port {settings.port}: {error}")
    if settings.cpus == 1:
        _serve_worker(settings, 0, ready, listener)
    else:
        # It has shown that the port is free: the workers' sockets would share it with those of another service.
        listener.close()
        _supervise(settings, ready)


def _listen(settings: Settings, *, reuse_port: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG, reuse_port=reuse_port)


def _serve_worker(settings: Settings, worker: int, ready: mmap, listener: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(settings, worker, ready),
        loop="uvloop",
        http=DeadlineProtocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        # By default uvicorn closes a connection after 5 s without a request, just when a slow client sends the next.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _supervise(settings: Settings, ready: mmap) -> None:
    """Start the workers, pass SIGTERM on, and end when one of them does.

    `uvicorn --workers` would have the workers share one listening socket, from which the first to wake takes most of
    the connections, and would not tell a worker which one it is. A worker that dies ends the service: whoever runs the
    container shall see it, rather than measure what is left.
    """
    # Nothing is started yet, no thread and no event loop: a fork is safe, and shares the imported modules' memory.
    context = multiprocessing.get_context("fork")
    workers = [
        context.Process(target=_serve_shared_port, args=(settings, worker, ready), daemon=True)
        for worker in range(settings.cpus)
    ]
    for process in workers:
        process.start()
    try:
        multiprocessing.connection.wait([process.sentinel for process in workers])
        status = 1
    except SystemExit:
        status = 0
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for process in workers:
        process.terminate()
    for process in workers:
        process.join()
    sys.exit(status or int(any(process.exitcode for process in workers)))


def _serve_shared_port(settings: Settings, worker: int, ready: mmap) -> None:
    # A socket for each worker: the kernel deals the connections out among them.
    _serve_worker(settings, worker, ready, _listen(settings, reuse_port=True))
