"""The order of starts, the readiness probe, the page cache, and the verdict on a ramp-up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import TrialError
from harness.files import ROOT
from harness.host.page_cache import Layers, cached_bytes
from harness.plan.config_file import PRESETS
from harness.plan.profiles import find_profiles
from harness.plan.schedule import COURSE_SECONDS
from harness.record.measurement import Missing
from harness.record.trial_result import StartupMeasurement
from harness.trials.startup import course_level, judge, order, read_meta
from loadtests.generator.readiness_probe import answers, watch
from loadtests.protocol import messages
from loadtests.protocol.messages import Window
from reports.metrics.catalogue import BY_ID
from reports.metrics.metric import NOT_APPLICABLE
from reports.metrics.steady_state import climbing, shares, steady_rate, time_to_steady


def course(*rates: float, failures: int = 0, measured: int = 12) -> tuple[Window, ...]:
    """Windows of a quarter of a second at these requests/s. The last `measured` of them are the steady ones."""
    return tuple(
        Window(
            "measure" if i >= len(rates) - measured else "warmup", i * 250_000_000, (i + 1) * 250_000_000, round(rate / 4),
            failures,
        )
        for i, rate in enumerate(rates)
    )  # fmt: skip


def measured(windows: Sequence[Window]) -> StartupMeasurement:
    return StartupMeasurement({}, (), Missing("synthetic"), 32, tuple(windows), ("GET /x: status 500",))


def test_warm_and_cold_take_turns_and_the_first_is_another_one_in_the_next_block() -> None:
    assert order(2, block=1) == (False, True, True, False)
    assert order(2, block=2) == (True, False, False, True)
    assert all(sum(order(3, block)) == 3 for block in (1, 2))


def test_preset_full_makes_at_least_ten_starts_of_each_kind() -> None:
    assert PRESETS["full"].blocks * PRESETS["full"].starts >= 10


def test_the_course_has_no_warm_up_and_is_not_prolonged() -> None:
    level = course_level(find_profiles(ROOT / "loadtests")["startup"], PRESETS["quick"])
    assert level.warmup_seconds == level.warmup_limit_seconds == COURSE_SECONDS
    short = course_level(find_profiles(ROOT / "loadtests")["startup"], PRESETS["smoke"])
    assert short.warmup_seconds == PRESETS["smoke"].warmup_limit_seconds
    assert level.window_seconds == 0.25


def test_code_that_was_compiled_ahead_is_steady_in_its_first_second() -> None:
    assert time_to_steady(course(*[1000.0] * 40)) == 1.0


def test_a_compiler_is_steady_when_a_whole_second_has_reached_its_share() -> None:
    # Two seconds at half speed, then all of it: the second from 2.0 to 3.0 is the first.
    assert time_to_steady(course(*[500.0] * 8, *[1000.0] * 32)) == 3.0


def test_jitter_of_windows_makes_no_difference_between_two_that_are_there_at_once() -> None:
    late = tuple(Window("measure", i * 252_000_000, (i + 1) * 252_000_000, 250, 0) for i in range(12))
    early = tuple(Window("measure", i * 247_000_000, (i + 1) * 247_000_000, 250, 0) for i in range(12))
    assert time_to_steady(late) == time_to_steady(early) == 1.0


def test_one_lucky_quarter_of_a_second_is_no_steady_speed() -> None:
    assert time_to_steady(course(*[500.0] * 4, 1200.0, *[500.0] * 11, *[1000.0] * 24)) == 5.0


def test_a_course_that_answers_nothing_has_no_steady_speed() -> None:
    assert isinstance(time_to_steady(course(*[0.0] * 40)), Missing)


def test_shares_are_of_the_steady_speed_from_the_first_request_on() -> None:
    windows = course(*[500.0] * 4, *[1000.0] * 20)
    assert steady_rate(windows) == 1000.0
    assert shares(windows)[0] == (0.125, 50.0)
    assert shares(windows)[-1] == (5.875, 100.0)


def test_a_steady_course_is_valid() -> None:
    assert judge(measured(course(*[1000.0] * 40, measured=24))) == ("valid", ())


def test_a_course_that_still_climbs_at_its_end_has_no_time_to_steady_speed_and_keeps_its_starts() -> None:
    climbs = measured(course(*[500.0] * 20, *[float(500 + 50 * i) for i in range(24)], measured=24))
    assert judge(climbs) == ("valid", ())
    assert climbing(climbs.windows) and BY_ID["time-to-steady"].measure(climbs) == NOT_APPLICABLE
    level = measured(course(*[500.0] * 20, *[1000.0] * 24, measured=24))
    assert not climbing(level.windows) and BY_ID["time-to-steady"].measure(level) == 6.0


def test_a_course_that_answers_nothing_at_its_end_fails() -> None:
    with pytest.raises(TrialError, match="no request was answered"):
        judge(measured(course(*[1000.0] * 20, *[0.0] * 24, measured=24)))


def test_a_failed_request_fails_the_course() -> None:
    verdict, problems = judge(measured(course(*[1000.0] * 40, failures=1)))
    assert verdict == "failed" and "status 500" in problems[0]


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n200", False),
        (b"HTTP/1.1 2", False),
        (b"", False),
    ],
)
def test_only_200_is_an_answer(answer: bytes, good: bool) -> None:
    assert answers(messages.Ask("/health"), answer) is good


def test_an_answer_of_meta_that_is_none_fails_the_trial() -> None:
    meta = {
        "target": "go", "language": "Go", "runtime": "go1", "framework": "net/http", "driver": "pgx 5", "class": "standard",
        "cpus": 1, "db_pool_size": 16,
    }  # fmt: skip
    assert read_meta(json.dumps(meta), {"target": "go"}) == meta
    with pytest.raises(TrialError, match="GET /meta: body is not JSON"):
        read_meta('{"target": [', {})
    with pytest.raises(TrialError, match="GET /meta: target is 'go' instead of 'rust'"):
        read_meta(json.dumps(meta), {"target": "rust"})


def test_an_answer_must_hold_what_it_should() -> None:
    assert answers(messages.Ask("/meta", "mark-1"), b"HTTP/1.1 200 OK\r\n\r\nmark-1")
    assert not answers(messages.Ask("/meta", "mark-2"), b"HTTP/1.1 200 OK\r\n\r\nmark-1")


def serve(listener: socket.socket, said: Sequence[bytes]) -> None:
    for answer in said:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)


def test_the_watcher_waits_through_refusals_and_503_and_sees_the_first_200() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def late() -> None:
        time.sleep(0.2)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        serve(listener, [b"HTTP/1.1 503 X\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nok", b"HTTP/1.1 200 OK\r\n\r\nrow"])

    thread = threading.Thread(target=late)
    begun = time.time_ns()
    thread.start()
    seen = watch(messages.WatchSpec("127.0.0.1", port, (messages.Ask("/health"), messages.Ask("/products/1", "row")), 5.0))
    thread.join()
    listener.close()
    assert isinstance(seen, messages.Seen) and seen.last_body == "row"
    health, row = seen.unix_ns
    assert 0.2e9 < health - begun < 0.4e9 and health < row


def test_a_service_that_never_answers_is_given_up_with_what_it_said() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        spec = messages.WatchSpec("127.0.0.1", probe.getsockname()[1], (messages.Ask("/health"),), 0.05)
        found = watch(spec)
    assert isinstance(found, messages.Fatal) and "nothing listens" in found.reason


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="no posix_fadvise here")
def test_files_leave_the_page_cache_and_mincore_says_so(tmp_path: Path) -> None:
    path = tmp_path / "layer"
    path.write_bytes(os.urandom(1 << 20))
    (tmp_path / "empty").touch()
    with path.open("rb") as file:
        os.fsync(file.fileno())
    layers = Layers((path, tmp_path / "empty"), 1 << 20)
    assert cached_bytes(layers.files) == 1 << 20
    kind = subprocess.run(["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True).stdout.strip()
    if kind in ("tmpfs", "ramfs"):
        pytest.skip("this file system is nothing but pages")
    evicted = layers.evict()
    assert evicted.before_bytes == 1 << 20 and evicted.after_bytes == 0
