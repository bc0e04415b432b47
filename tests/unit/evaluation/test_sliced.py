"""A service of a group is measured by the slices that count, and judged like any other."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from synthetic import CALIBRATION, reading

from harness.errors import TrialError
from harness.evaluation.sliced import CopyData, CopyLevel, GroupData, evaluate
from harness.evaluation.statements import Contract
from harness.record.measurement import HostUse, LevelMeasurement
from harness.record.plan import Placement
from harness.record.samples import Counters, Sample
from loadtests.protocol import histogram, messages
from loadtests.protocol.group_messages import GroupLevelEnd, SliceEvent

ROUTE = "GET /x"
SECOND = 1_000_000_000
REQUESTS = 1000
PLACEMENT = Placement("1", "0", "0", ("database", "generator"), "two cores")


def samples(role: str, cpu_share: float) -> list[Sample]:
    return [
        Sample(at * SECOND // 2, role, Counters(int(at * SECOND // 2 * cpu_share), 3 << 20, 1 << 20, 1 << 20, 4 << 20, 0, 0))
        for at in range(60)
    ]


def slice_event(number: int, cpu_us: float = 100.0, requests: int = REQUESTS, generator_share: float = 0.3) -> SliceEvent:
    length = SECOND // 4
    return SliceEvent(
        copy=0,
        profile="x",
        level="saturate",
        round=number,
        start_ns=number * SECOND,
        end_ns=number * SECOND + length,
        requests=requests,
        failures=0,
        sum_microseconds=requests * 8000,
        # A tenth of the requests lies before the first mark.
        paced_requests=requests * 9 // 10,
        paced_ns=length * 8 // 10,
        busy_seconds=32 * length * 8 / 10 / SECOND,
        service_cpu_ns=int(requests * cpu_us * 1000),
        database_cpu_ns=0,
        generator_cpu_ns=int(length * generator_share),
        others_ns=0,
        other_work=0.02,
        steal=0.01,
    )


def level(
    slices: Sequence[SliceEvent],
    dropped: dict[int, str],
    *,
    steady: bool = True,
    wanted: int = 5,
    idle: float = 0.0,
) -> LevelMeasurement:
    counting = [each for each in slices if each.round not in dropped] or slices
    counts = histogram.new_counts()
    counts[histogram.index_of(8000)] = total = sum(each.requests for each in counting)
    route = messages.RouteResult(ROUTE, total, total, 0, 0, 0, 0, total * 8000, histogram.encode(counts))
    end = GroupLevelEnd(
        "x",
        "saturate",
        {
            0: messages.Measured(
                "saturate", 0, 0, 2.0, steady, "", 32, 0.0, sum(each.busy_seconds for each in counting), (route,)
            )
        },
        {0: dropped},
        {0: {ROUTE: total}},
        {0: idle, 1: 0.9},
    )
    data = GroupData(
        clock_offset_ns=0,
        services=[samples("service", 0.2), samples("service", 0.2)],
        databases=[samples("database", 0.0), samples("database", 0.0)],
        generator=samples("generator", 0.1),
        speed_samples=(),
        contract=Contract({}, {ROUTE: ()}),
        placement=PLACEMENT,
        pool_size=16,
        objective=messages.Objective(),
        calibration=CALIBRATION,
    )
    copy = CopyData(
        index=0,
        hello=messages.Hello(0, 0, "boot", 1, {}),
        meta={},
        golden_cases=0,
        first_reading=reading({}),
        levels=[CopyLevel(end, slices, (), reading({}), reading({ROUTE: total}), wanted)],
        failure_samples=(),
        connections_opened=32,
        expected_connections=32,
        faults=(),
        start_seconds=0.1,
        stop_seconds=0.1,
        exit_status=0,
        harness_cpu_seconds=0.0,
        loaded_seconds=1.0,
    )
    return evaluate(data, copy).levels[0]


def test_only_the_slices_that_count_make_the_figures_and_all_are_kept() -> None:
    slices = [slice_event(number, cpu_us=500.0 if number == 2 else 100.0) for number in range(1, 6)]
    found = level(slices, {2: "steal"})
    assert found.verdict == "valid", found.problems
    assert [each.dropped for each in found.slices] == ["", "steal", "", "", ""]
    assert found.routes[ROUTE].requests == 4 * REQUESTS
    assert found.usage["service"].cpu_seconds == pytest.approx(4 * REQUESTS * 100e-6)


def test_throughput_is_that_between_the_marks() -> None:
    found = level([slice_event(number) for number in range(1, 5)], {})
    rate = REQUESTS * 0.9 / (0.25 * 0.8)
    assert found.routes[ROUTE].requests / found.window_seconds == pytest.approx(rate)
    # Little's law holds between the marks, where all connections are busy.
    assert found.busy_seconds / found.window_seconds == pytest.approx(32)


def test_lost_time_breaks_littles_law() -> None:
    slices = [msgspec.structs.replace(slice_event(number), busy_seconds=3.0) for number in range(1, 5)]
    assert "Little's law" in " ".join(level(slices, {}).problems)


def test_too_few_slices_that_count_are_unstable_with_the_reason() -> None:
    found = level([slice_event(number) for number in range(1, 5)], {1: "steal", 3: "a collector worked"})
    assert (found.verdict, found.problems) == ("unstable", ("only 2 of 4 slices count: a collector worked",))


def test_a_level_without_a_slice_that_counts_shows_all_slices_and_is_unstable() -> None:
    found = level([slice_event(1), slice_event(2)], {1: "steal", 2: "steal"})
    assert (found.verdict, found.problems) == ("unstable", ("only 0 of 4 slices count: steal",))
    assert found.usage["service"].cpu_seconds == pytest.approx(2 * REQUESTS * 100e-6)


def test_a_level_without_a_slice_has_no_measurement() -> None:
    with pytest.raises(TrialError, match="no slice was measured"):
        level([], {})


def test_a_service_that_still_got_faster_is_unstable() -> None:
    assert "still warming up" in level([slice_event(number) for number in range(1, 5)], {}, steady=False).problems[0]


def test_a_service_that_works_when_nobody_asks_is_unstable_and_its_neighbour_is_not() -> None:
    slices = [slice_event(number) for number in range(1, 5)]
    found = level(slices, {}, idle=0.3)
    assert found.verdict == "unstable" and "30% of a core while no request was sent" in found.problems[0]
    assert level(slices, {}, idle=0.2).verdict == "valid"


def test_a_generator_that_was_busy_in_one_slice_is_named() -> None:
    slices = [slice_event(number, generator_share=0.9 if number == 3 else 0.3) for number in range(1, 5)]
    assert level(slices, {}).verdict == "generator_limited"


def test_the_host_is_seen_in_the_slices_that_count() -> None:
    slices = [msgspec.structs.replace(slice_event(n), other_work=0.9 if n == 2 else 0.02) for n in range(1, 6)]
    assert level(slices, {2: "other work"}).host == HostUse(other_work=0.02, steal=0.01)
