"""The verdict of a trial of several points, and the containers of its points."""

from __future__ import annotations

import msgspec
from synthetic import closed, measurement

from harness.containers.spec import LOOPBACK, proxy_spec, replica_specs
from harness.host.counters import CombinedReader, Reader
from harness.record.config import Limits, Ports
from harness.record.measurement import Measurement, Missing
from harness.record.plan import Placement
from harness.record.samples import Counters
from harness.record.trial_result import ScaleMeasurement, ScalePoint
from harness.trials.scaling import judge, prolonged
from loadtests.protocol import messages

PLACEMENT = Placement("1", "0", "0", ("database", "generator"), "two cores", "0")


def scaled(*points: Measurement | Missing) -> ScaleMeasurement:
    return ScaleMeasurement(tuple(ScalePoint(2**i, PLACEMENT, point) for i, point in enumerate(points)), 16)


def test_the_worst_point_is_the_trials_verdict_and_its_count_stands_before_its_problem() -> None:
    unsteady = msgspec.structs.replace(closed(), verdict="unstable", problems=("still warming up",))
    good, bad = measurement(), measurement(unsteady)
    assert judge(scaled(good, good)) == ("valid", ())
    assert judge(scaled(good, bad)) == ("unstable", ("2: saturate: still warming up",))
    assert judge(scaled(Missing("service: gone"), bad))[0] == "failed"
    assert judge(scaled(good, bad, Missing("service: gone")))[1][-1] == "4: service: gone"


def test_replicas_stand_behind_the_services_port_and_share_its_connections_out() -> None:
    ports, limits = Ports(), Limits(db_pool_size=16)
    specs = replica_specs("image", ("1", "1", "2"), ports, limits, "secret")
    proxy = proxy_spec("image", "0", ports, 3, limits)
    listening = [spec.environment["PORT"] for spec in specs]
    assert len({spec.role for spec in specs}) == len(set(listening)) == 3
    assert proxy.environment["REPLICAS"].split() == listening
    assert proxy.environment["PORT"] == str(ports.service) and str(ports.service) not in listening
    assert [spec.environment["DB_POOL_SIZE"] for spec in specs] == ["5"] * 3
    assert [spec.cpus for spec in specs] == ["1", "1", "2"]
    assert all(spec.environment["HOST"] == LOOPBACK for spec in (*specs, proxy))


def test_containers_together_are_the_sum_of_their_counters_and_share_their_files() -> None:
    class Fixed(Reader):
        def __init__(self, peak: int | None, mapped: int | None = 7) -> None:
            self._peak, self._mapped = peak, mapped

        def read(self) -> Counters:
            return Counters(10, 20, 3, 4, self._peak, 1, 0, self._mapped)

        def close(self) -> None:
            """Holds nothing open."""

    assert CombinedReader([Fixed(30), Fixed(40, mapped=5)]).read() == Counters(20, 40, 6, 8, 70, 2, 0, 7)
    assert CombinedReader([Fixed(30), Fixed(40, mapped=None)]).read().mapped_file_bytes is None
    assert CombinedReader([Fixed(30), Fixed(None)]).read().peak_bytes is None


def level(least: float, limit: float) -> messages.TimedLevel:
    return messages.TimedLevel(
        "saturate", "closed", 32, (), warmup_seconds=least, warmup_limit_seconds=limit, measure_seconds=6
    )


def test_replicas_have_as_much_longer_to_warm_up_as_they_share_a_core() -> None:
    shared, own = prolonged(level(6, 40), ("1", "1"), jit=False), prolonged(level(6, 40), ("1", "2"), jit=False)
    assert (shared.warmup_seconds, shared.warmup_limit_seconds) == (6, 80)
    assert (own.warmup_seconds, own.warmup_limit_seconds) == (6, 40)


def test_replicas_that_compile_while_they_run_have_as_much_longer_at_least() -> None:
    for replicas, times in ((("1",), 1), (("1", "2"), 1), (("1",) * 4, 4)):
        warm = prolonged(level(20, 40), replicas, jit=True)
        assert (warm.warmup_seconds, warm.warmup_limit_seconds) == (times * 20, times * 40)
