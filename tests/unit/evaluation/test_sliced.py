"""A service of a group is measured by the slices that count, and judged like any other."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from synthetic import CALIBRATION, reading

from harness.errors import TrialError
from harness.evaluation.sliced import CopyData, CopyLevel, GroupData, evaluate
from harness.evaluation.statements import Contract
from harness.record.external import NOT_STARTED, UNSEEN
from harness.record.measurement import HostUse, LevelMeasurement, Missing
from harness.record.plan import Placement
from harness.record.samples import Counters, Sample, SpeedSample
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
    own: Missing | None = None,
    external: bool = False,
    fuse: int = 0,
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
        samples=(
            {role: dict.fromkeys((0, 1), samples(role, share)) for role, share in (("service", 0.2), ("database", 0.0))}
            if own is None and not external
            else {}
            if external
            else {"service": {0: samples("service", 0.2)}, "redis": {0: samples("redis", 0.1)}}
        ),
        generator=samples("generator", 0.1),
        speed_samples=[SpeedSample(at * SECOND // 10, cpu, 50_000) for cpu in (0, 1) for at in range(80)],
        placement=PLACEMENT,
        pool_size=16,
        objective=messages.Objective(),
        calibration=CALIBRATION,
    )
    copy = CopyData(
        index=0,
        contract=NOT_STARTED if external else own or Contract({}, {ROUTE: ()}),
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
        unseen=UNSEEN if external else msgspec.UNSET,
        fuse=fuse,
    )
    return evaluate(data, copy).levels[0]


def test_what_nobody_counts_of_an_own_service_is_missing_and_its_companion_is_told_apart() -> None:
    slices = [msgspec.structs.replace(slice_event(n), beside_cpu_ns={"redis": 20_000_000}) for n in range(1, 6)]
    found = level(slices, {}, own=Missing("nobody counts"))
    assert found.verdict == "valid", found.problems
    assert found.statements == Missing("nobody counts")
    assert found.times == {}
    assert list(found.usage) == ["service", "redis", "generator"]
    assert found.usage["redis"].cpu_seconds == pytest.approx(0.1)
    assert "connections held" not in found.bottleneck_reason


def outside_event(number: int, held: int = 0, requests: int = REQUESTS) -> SliceEvent:
    """A slice of a service whose counters nobody can read."""
    return msgspec.structs.replace(
        slice_event(number, requests=requests),
        service_cpu_ns=None,
        database_cpu_ns=None,
        other_work=None,
        steal=None,
        held=held,
    )


def test_of_a_service_that_fitmap_did_not_start_all_but_the_answers_is_missing() -> None:
    found = level([outside_event(number) for number in range(1, 6)], {}, external=True, fuse=100_000)
    assert found.verdict == "valid", found.problems
    assert list(found.usage) == ["generator"]
    assert found.without("service") == found.without("database") == NOT_STARTED
    assert found.without("redis") == Missing("no samples of the redis")
    assert (found.statements, found.host, found.bottleneck) == (NOT_STARTED, NOT_STARTED, "unknown")
    assert found.bottleneck_reason.endswith("fitmap did not start the service")
    # The CPUs of this machine that a service would have are none of its own.
    assert list(found.speed) == ["generator"]
    assert {(each.service_cpu_ns, each.database_cpu_ns) for each in found.slices} == {(None, None)}
    assert found.routes[ROUTE].requests == 5 * REQUESTS


def test_a_record_of_other_services_has_no_word_of_what_is_not_seen() -> None:
    found = level([slice_event(number) for number in range(1, 6)], {})
    assert b"unseen" not in msgspec.json.encode(found)
    assert list(found.speed) == ["service", "database", "generator"]


@pytest.mark.parametrize(("held", "verdict"), [(5, "valid"), (6, "generator_limited")])
def test_what_the_fuse_holds_back_is_not_what_the_service_can_do(held: int, verdict: str) -> None:
    found = level([outside_event(number, held) for number in range(1, 6)], {}, external=True, fuse=4000)
    assert found.verdict == verdict, found.problems
    if verdict != "valid":
        assert found.problems == (
            "the fuse of 4,000 requests/s held back 0.6% of the requests: this is its rate, and not what the service can "
            "do. Ask for a lower rate, or raise most_requests_per_second",
        )


def test_connections_that_wait_for_the_fuse_are_no_lost_requests() -> None:
    slices = [msgspec.structs.replace(outside_event(n, held=900), busy_seconds=0.1) for n in range(1, 6)]
    assert level(slices, {}, external=True, fuse=4000).verdict == "generator_limited"
    # Without a fuse idle connections are a fault.
    assert level(slices, {}, external=True).verdict == "failed"


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
