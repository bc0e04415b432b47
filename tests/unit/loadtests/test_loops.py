"""The load generator against the reference servers: its counts add up, and faults are found.

It runs in processes of its own, because Locust patches the standard library.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from harness.calibration.reference_servers import level, milliseconds, requests_per_second, sent_share
from harness.errors import TrialError
from harness.files import ROOT
from harness.trials.generator import expect
from loadtests.calibration import routes
from loadtests.generator.loops import CLOSER, ClosedLoop
from loadtests.generator.recorder import Recorder
from loadtests.protocol import messages

# The generator measures times, and the machine may do other work. A fault of the code fails twice.
pytestmark = pytest.mark.flaky(reruns=1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def instruments() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "loadtests.calibration.server", str(port)], cwd=ROOT)
    yield port
    process.kill()
    process.wait()


def load_spec(port: int, *levels: messages.TimedLevel, external_workers: int = 0) -> messages.LoadSpec:
    return messages.LoadSpec(
        profile="calibration.load",
        host="127.0.0.1",
        port=port,
        seed=1,
        levels=levels,
        objective=messages.Objective(),
        golden=False,
        ready_timeout_seconds=5,
        master_port=free_port(),
        external_workers=external_workers,
    )


#: A program that runs a statement, which makes a fault, and then a module.
WITH_FAULT = "import runpy, sys; {fault}; sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__')"


@contextmanager
def generator(spec: messages.LoadSpec) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "FITMAP_LOAD": msgspec.json.encode(spec).decode()}
    # One CPU, so one worker: the machine of the tests may have many.
    command = ["taskset", "--cpu-list", "0", sys.executable, "-m", "loadtests.generator.master"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def events(process: subprocess.Popen[bytes], again: int = 0) -> Iterator[messages.Event]:
    """The generator's events. `again`: so many windows are refused."""
    assert process.stdout
    for line in process.stdout:
        event = messages.decode_event(line)
        yield event
        if isinstance(event, messages.LevelEnd | messages.Passed):
            refused = isinstance(event, messages.Passed) and again > 0
            again -= refused
            process.send_signal(signal.SIGUSR2 if refused else signal.SIGUSR1)
        if isinstance(event, messages.Done | messages.Fatal):
            return


def drive(spec: messages.LoadSpec) -> list[messages.Event]:
    with generator(spec) as process:
        return list(events(process))


def measured(said: list[messages.Event]) -> list[messages.Measured]:
    return [event for event in said if isinstance(event, messages.Measured)]


def test_levels_run_one_after_the_other_and_every_request_is_accounted_for(instruments: int) -> None:
    said = drive(
        load_spec(
            instruments,
            level("saturate", routes.NULL, connections=4, measure=1),
            level("300/s", routes.NULL, rate=300, connections=4, measure=2),
            level("10%", routes.NULL, share=0.1, connections=8, measure=1),
        )
    )
    closed, opened, relative = measured(said)
    assert [m.rate > 0 for m in (closed, opened, relative)] == [False, True, True]
    assert relative.rate == pytest.approx(0.1 * requests_per_second(closed), rel=0.01)
    assert requests_per_second(opened) == pytest.approx(300, rel=0.15)  # Poisson: 600 arrivals, sigma 4 %
    for m in (closed, opened, relative):
        (null,) = [r for r in m.routes if r.route == routes.NULL]
        assert null.requests > 0
        assert null.scheduled == null.requests + null.failures + null.timed_out + null.dropped + null.open
        assert [r.scheduled for r in m.routes if r.route != routes.NULL] == [0] * (len(m.routes) - 1)
    # Little's law: four connections that never pause.
    assert closed.busy_seconds == pytest.approx(4 * (closed.end_ns - closed.start_ns) / 1e9, rel=0.2)
    (done,) = [event for event in said if isinstance(event, messages.Done)]
    assert done.connections_opened == 8
    last = [event for event in said if isinstance(event, messages.LevelEnd)][-1]
    assert last.answered[routes.NULL] >= sum(r.requests for m in (closed, opened, relative) for r in m.routes)
    assert sum(last.failed.values()) == 0


def test_a_stall_is_seen_by_the_open_loop_as_theory_says(instruments: int) -> None:
    (stalled,) = measured(drive(load_spec(instruments, level("stall", routes.STALL, rate=500, measure=5))))
    # One window of 5 s with a stall of 0.5 s: 5 % of the arrivals wait longer than 250 ms.
    assert milliseconds(stalled, 95) == pytest.approx(250, rel=0.2)
    assert sent_share(stalled) == 1.0


def test_a_rate_that_the_server_cant_hold_leaves_arrivals_waiting(instruments: int) -> None:
    (overloaded,) = measured(drive(load_spec(instruments, level("x", routes.SERIAL, rate=2500, connections=4, measure=3))))
    (serial,) = [r for r in overloaded.routes if r.scheduled]
    # 1,000/s are what it holds, also in the grace after the window.
    assert serial.open > 1000
    assert serial.scheduled == serial.requests + serial.open
    assert milliseconds(overloaded, 50) > 100


class Beginner(BaseHTTPRequestHandler):
    """A service with two routes: the first version of a new target."""

    def do_GET(self) -> None:
        body = {"/health": b'{"status":"ok"}', "/ping": b"pong"}.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_service_that_does_not_answer_meta_and_the_golden_cases_ends_the_trial_before_any_load() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Beginner) as server:
        threading.Thread(target=server.serve_forever).start()
        spec = load_spec(server.server_port, level("saturate", routes.NULL, measure=1))
        said = drive(msgspec.structs.replace(spec, golden=True, meta={"target": "javascript"}))
        server.shutdown()
    ready, last = said[-2:]
    assert isinstance(ready, messages.ServiceReady) and ready.meta == {}
    assert isinstance(last, messages.Fatal) and last.stage == "golden cases"
    assert last.reason.startswith("GET /meta: status 404 instead of 200; ")
    assert last.reason.endswith(" more. All: .venv/bin/python -m pytest tests/contract -k javascript")


def test_a_worker_that_dies_ends_the_trial_with_a_sentence(instruments: int) -> None:
    with generator(load_spec(instruments, level("saturate", routes.NULL, measure=30))) as process:
        last: messages.Event | None = None
        for last in events(process):
            if isinstance(last, messages.Window):
                listing = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
                os.kill(int(listing.stdout.split()[0]), signal.SIGKILL)
        assert isinstance(last, messages.Fatal)
        assert "load worker was lost" in last.reason
        with pytest.raises(TrialError, match="worker was lost"):
            expect(last, messages.Done)


def test_a_worker_started_elsewhere_takes_its_share(instruments: int) -> None:
    """It gets only the master's address."""
    spec = load_spec(instruments, level("400/s", routes.NULL, rate=400, measure=2), external_workers=1)
    with generator(spec) as process:
        command = [sys.executable, "-m", "loadtests.generator.worker", f"127.0.0.1:{spec.master_port}"]
        worker = subprocess.Popen(command, cwd=ROOT)
        try:
            said = list(events(process))
        finally:
            worker.kill()
            worker.wait()
    (hello,) = [event for event in said if isinstance(event, messages.Hello)]
    assert hello.workers == 2
    (opened,) = measured(said)
    assert requests_per_second(opened) == pytest.approx(400, rel=0.15)


def test_a_clock_that_runs_fast_breaks_littles_law(instruments: int) -> None:
    """A fault as of a virtual machine's clock: the worker's clock is a tenth too fast, that of the window is not."""
    spec = load_spec(instruments, level("saturate", routes.delay(5), connections=4, measure=2), external_workers=1)
    fault = "import time; real = time.perf_counter_ns; time.perf_counter_ns = lambda: int(real() * 1.1)"
    program = WITH_FAULT.format(fault=fault)
    with generator(spec) as process:
        command = [sys.executable, "-c", program, "loadtests.generator.worker", f"127.0.0.1:{spec.master_port}"]
        worker = subprocess.Popen(command, cwd=ROOT)
        try:
            (closed,) = measured(list(events(process)))
        finally:
            worker.kill()
            worker.wait()
    concurrency = closed.busy_seconds / ((closed.end_ns - closed.start_ns) / 1e9)
    # Two of the four connections belong to the worker with the fault.
    assert concurrency == pytest.approx(4 * 1.05, rel=0.02)


def held_level(*, connections: int, wait: int, warmup: float = 1, measure: float = 1) -> messages.TimedLevel:
    return messages.TimedLevel("held", "held", connections, (), warmup, warmup, measure, hold_milliseconds=wait)


def test_connections_take_turns_a_gap_apart() -> None:
    loop = ClosedLoop(Recorder(("GET /wait",)), [], gap_seconds=0.05)
    begun, turns = time.monotonic(), []
    for _ in range(3):
        loop.admit()
        turns.append(time.monotonic() - begun)
    assert turns == pytest.approx([0, 0.05, 0.10], abs=0.04)


def test_a_burst_is_spread_out_again() -> None:
    """Many connections that are answered at once send with a little less than a gap between them."""
    loop = ClosedLoop(Recorder(("GET /wait",)), [], gap_seconds=0.04)
    time.sleep(0.2)
    begun, turns = time.monotonic(), []
    for _ in range(4):
        loop._take_turn(0.04 * CLOSER)
        turns.append(time.monotonic() - begun)
    assert turns == pytest.approx([0, 0.03, 0.06, 0.09], abs=0.02)


def test_held_requests_begin_over_a_whole_wait_and_are_all_under_way_from_then_on(instruments: int) -> None:
    said = drive(load_spec(instruments, held_level(connections=40, wait=2000, warmup=7, measure=2)))
    counts = [event.requests for event in said if isinstance(event, messages.Window)]
    # Windows end a little late: one or two answers of the third second may be in the second.
    assert sum(counts[:2]) <= 4
    # All 40 are answered in two seconds, and not all of them in one of the two. How evenly they began depends on
    # how busy the machine was at the beginning, and stays: each begins again when it is answered.
    pairs = [sum(two) for two in itertools.pairwise(counts[3:])]
    assert pairs == pytest.approx([40] * len(pairs), abs=3)
    assert max(counts[3:]) <= 30
    (held,) = measured(said)
    # The time without answers at the beginning is no trend.
    assert held.steady, held.steady_reason
    assert held.busy_seconds / ((held.end_ns - held.start_ns) / 1e9) == pytest.approx(40, rel=0.05)
    (route,) = [r for r in held.routes if r.scheduled]
    assert (route.route, route.failures, route.timed_out) == (routes.delay(2000), 0, 0)
    (done,) = [event for event in said if isinstance(event, messages.Done)]
    assert done.connections_opened == 40


def test_the_service_is_left_alone_before_the_first_level(instruments: int) -> None:
    spec = load_spec(instruments, level("saturate", routes.NULL, connections=1, measure=1))
    said = drive(msgspec.structs.replace(spec, idle_seconds=1.5))
    (ready,) = [event for event in said if isinstance(event, messages.ServiceReady)]
    first = next(event for event in said if isinstance(event, messages.Window))
    assert first.start_ns - ready.monotonic_ns >= 1.5e9


def test_a_trial_ends_when_the_harness_says_nothing(instruments: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with generator(load_spec(instruments, level("saturate", routes.NULL, measure=1))) as process:
        assert process.stdout
        deadline = time.monotonic() + 40
        said = []
        for line in process.stdout:
            said.append(messages.decode_event(line))
            assert time.monotonic() < deadline
        assert isinstance(said[-1], messages.Fatal)
        assert "harness" in said[-1].reason


def test_arrivals_beyond_the_bound_of_the_queue_are_dropped_and_counted(instruments: int) -> None:
    spec = load_spec(instruments, level("x", routes.SERIAL, rate=2500, connections=2, measure=2), external_workers=1)
    program = WITH_FAULT.format(fault="import loadtests.generator.loops as loops; loops.BACKLOG_LIMITS = (10, 10)")
    with generator(spec) as process:
        command = [sys.executable, "-c", program, "loadtests.generator.worker", f"127.0.0.1:{spec.master_port}"]
        worker = subprocess.Popen(command, cwd=ROOT)
        try:
            (overloaded,) = measured(list(events(process)))
        finally:
            worker.kill()
            worker.wait()
    (serial,) = [r for r in overloaded.routes if r.scheduled]
    assert serial.dropped > 50
    assert serial.scheduled == serial.requests + serial.open + serial.dropped


def closed_with_a_limit(seconds: float) -> messages.TimedLevel:
    return messages.TimedLevel(
        name="x", kind="closed", connections=2, routes=(routes.NULL,), warmup_seconds=1, warmup_limit_seconds=seconds,
        measure_seconds=1,
    )  # fmt: skip


def test_a_window_that_the_harness_refuses_is_measured_again(instruments: int) -> None:
    with generator(load_spec(instruments, closed_with_a_limit(20))) as process:
        said = list(events(process, again=1))
    passed = [event for event in said if isinstance(event, messages.Passed)]
    (kept,) = measured(said)
    assert len(passed) == 2
    assert (kept.start_ns, kept.end_ns) == (passed[1].start_ns, passed[1].end_ns)
    # The refused window, and the time before it, was warm-up.
    assert kept.warmup_seconds > (passed[0].end_ns - passed[0].start_ns) / 1e9 + 1
    # Its requests count for the statements, but not for the window.
    (end,) = (event for event in said if isinstance(event, messages.LevelEnd))
    assert sum(end.answered.values()) > 2 * sum(route.requests for route in kept.routes)


def test_no_window_is_offered_where_no_warm_up_may_be_prolonged(instruments: int) -> None:
    said = drive(load_spec(instruments, closed_with_a_limit(1)))
    assert not any(isinstance(event, messages.Passed) for event in said) and len(measured(said)) == 1


def test_at_the_limit_a_window_is_kept_whatever_the_harness_would_say(instruments: int) -> None:
    with generator(load_spec(instruments, closed_with_a_limit(3.5))) as process:
        said = list(events(process, again=9))
    passed = [event for event in said if isinstance(event, messages.Passed)]
    (kept,) = measured(said)
    assert len(passed) <= 3 and kept.start_ns == passed[-1].start_ns
