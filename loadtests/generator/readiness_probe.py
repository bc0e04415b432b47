"""The readiness probe: records, in a container, the instants at which a starting service first answers as expected.

    python -m loadtests.generator.readiness_probe '<WatchSpec in JSON>'

Each SIGUSR1 begins one watch. It sends the requests one after the other, each until the answer is 200 and contains the
expected text, and then prints one event on standard output. It does not poll in between. Exit status 0 after SIGTERM.
"""

from __future__ import annotations

import signal
import socket
import sys
import time

import msgspec

from loadtests.protocol import messages

#: Pause while nothing listens. Polling then costs the service nothing: the kernel refuses the connection.
REFUSED_SECONDS = 0.001
#: Pause while the service answers that it is not ready. It has work to do then.
NOT_READY_SECONDS = 0.005
ANSWER_SECONDS = 2.0


def ask(spec: messages.WatchSpec, path: str) -> bytes:
    """The whole answer to a GET on a connection of its own. Raises OSError."""
    with socket.create_connection((spec.host, spec.port), timeout=ANSWER_SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {spec.host}\r\nConnection: close\r\n\r\n".encode())
        parts: list[bytes] = []
        while part := connection.recv(65_536):
            parts.append(part)
        return b"".join(parts)


def answers(ask: messages.Ask, answer: bytes) -> bool:
    """True if an answer is the expected one."""
    status, _, rest = answer.partition(b"\r\n")
    return status.split(b" ")[1:2] == [b"200"] and ask.contains.encode() in rest


def watch(spec: messages.WatchSpec) -> messages.Seen | messages.Fatal:
    """The instants of the first expected answers, in the order of the requests; or the request that never got one."""
    deadline = time.monotonic() + spec.patience_seconds
    seen: list[int] = []
    answer = b""
    for wanted in spec.asks:
        last = "nothing listens"
        while True:
            pause = REFUSED_SECONDS
            try:
                answer = ask(spec, wanted.path)
                if answers(wanted, answer):
                    seen.append(time.time_ns())
                    break
                pause, last = NOT_READY_SECONDS, answer[:80].decode("ascii", "replace")
            except ConnectionRefusedError:
                pass
            except OSError as error:
                pause, last = NOT_READY_SECONDS, str(error)
            if time.monotonic() > deadline:
                reason = f"GET {wanted.path} was not answered as expected within {spec.patience_seconds:g} s ({last})"
                return messages.Fatal("readiness", reason)
            time.sleep(pause)
    return messages.Seen(tuple(seen), answer.partition(b"\r\n\r\n")[2].decode(errors="replace"))


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1], type=messages.WatchSpec)
    awaited = {signal.SIGUSR1, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    sys.stdout.buffer.write(messages.encode_event(messages.Watching()) + b"\n")
    sys.stdout.buffer.flush()
    while signal.sigwait(awaited) == signal.SIGUSR1:
        sys.stdout.buffer.write(messages.encode_event(watch(spec)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
