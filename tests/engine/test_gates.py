"""The rules of validity in real trials: each test makes a fault and checks the verdict."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import msgspec
import pytest
from synthetic import CALIBRATION

import harness.plan.levels
from harness.containers.builder import build_all
from harness.containers.engine import connect
from harness.containers.images import Build, project_tag
from harness.containers.lifecycle import clean
from harness.evaluation.statements import read_contract
from harness.evaluation.validity import disturbed_by_host
from harness.files import CONTRACT, ROOT
from harness.host import machine
from harness.plan.placement import place
from harness.plan.profiles import find_profiles
from harness.plan.schedule import make_plan
from harness.plan.selection import narrow, relevel
from harness.plan.targets import find_targets
from harness.record.config import Config, GeneratorSection, Ports
from harness.record.cpus import all_cpus, cpu_list
from harness.record.measurement import Capacity, Measurement, Missing
from harness.record.plan import Timing, image_of
from harness.record.run import Calibration
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter
from harness.trials.context import Setup
from harness.trials.dispatch import run_trial
from harness.trials.group import run_group
from loadtests.protocol.group_messages import SliceEvent
from loadtests.protocol.messages import Window

CONFIG = Config(ports=Ports(service=24080, database=24432), generator=GeneratorSection(port=24557))
TIMING = Timing(
    blocks=1, warmup_seconds=2, warmup_limit_seconds=2, measure_seconds=3, settle_seconds=1, together=1, rounds=6
)
FAULTY = Path(__file__).parent / "faulty"


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    found = connect(install=True, say=print)
    clean(found)
    return found


Measure = Callable[..., TrialResult]
#: How often a trial is repeated here that the host disturbed: no other trial stands in for it.
MAX_REPEATS = 3


def untouched(_window: Window) -> None:
    """Puts no fault into a trial."""


@pytest.fixture
def measure_group(client: docker.DockerClient, tmp_path: Path) -> Callable[..., dict[str, TrialResult]]:
    """Runs one trial of each target of a group at levels of a profile.

    `faults`: target -> name of a fault in faulty/fault.py; empty: none. `on_window` gets turns, slices and windows.
    `sought`: what a problem must say, whatever the host did meanwhile.
    """

    def run(
        profile: str,
        *levels: str,
        faults: Mapping[str, str],
        route: str | None = None,
        timing: Timing = TIMING,
        calibration: Calibration = CALIBRATION,
        on_window: Callable[[Window], None] = untouched,
        sought: str = "",
    ) -> dict[str, TrialResult]:
        images = {name: str(client.images.get(project_tag(name)).id) for name in ("database", "load")}
        for target, fault in faults.items():
            tag = project_tag(image_of(target))
            if fault:
                tag = f"fitmap/faulty:{fault}"
                build = Build(fault, tag, "build", FAULTY, "Dockerfile", {"FAULT": fault}, (), False)
                build_all(client, {fault: build}, print)
            images[target] = str(client.images.get(tag).id)
        plan = make_plan(
            seed=1,
            preset="smoke",
            timing=timing,
            targets=tuple(faults),
            profiles=narrow(relevel((find_profiles(ROOT / "loadtests")[profile],), levels, ()), route),
            placement=place(machine.topology()),
        )
        setup = Setup(
            run_id="gates",
            plan=plan,
            config=CONFIG,
            images=images,
            contract=read_contract(CONTRACT / "queries.toml"),
            calibration=calibration,
            targets=find_targets(ROOT / "services"),
        )
        writer = RecordWriter(tmp_path / "run")
        (writer.folder / "samples").mkdir(parents=True, exist_ok=True)
        (writer.folder / "histograms").mkdir(exist_ok=True)

        def once_measured() -> Sequence[TrialResult]:
            first = plan.trials[0]
            if not first.group:
                return [run_trial(client, setup, first, writer, on_window)]

            def on_slice(_target: str, event: SliceEvent) -> None:
                on_window(Window("measure", event.start_ns, event.end_ns, event.requests, event.failures))

            return run_group(client, setup, plan.trials, writer, on_window, on_slice)

        results = once_measured()
        # A trial disturbed by the host tells nothing of the service. One with a fault happens once.
        for _ in range(MAX_REPEATS if on_window is untouched else 0):
            found = sought and any(sought in problem for result in results for problem in result.problems)
            if found or not any(map(disturbed_by_host, results)):
                break
            results = once_measured()
        return {result.trial.target: result for result in results}

    return run


@pytest.fixture
def measure(measure_group: Callable[..., dict[str, TrialResult]]) -> Measure:
    """The same for one target."""

    def run(*arguments: str, target: str = "go", fault: str = "", **options: Any) -> TrialResult:
        return measure_group(*arguments, faults={target: fault}, **options)[target]

    return run


def service_of(client: docker.DockerClient) -> docker.models.containers.Container:
    (service,) = [c for c in client.containers.list() if c.labels.get("fitmap") == "service"]
    return service


def once(action: Callable[[], object], phase: str = "measure") -> Callable[[Window], None]:
    """Calls an action in the first second of a phase."""
    done = threading.Event()

    def on_window(window: Window) -> None:
        if window.phase == phase and not done.is_set():
            done.set()
            action()

    return on_window


def measured(result: TrialResult) -> Measurement:
    assert not isinstance(result.measurement, Missing), result.problems
    return result.measurement


def test_a_trial_without_a_fault_is_valid_at_every_level(measure: Measure) -> None:
    result = measure("db", "saturate", "300/s", "50%")
    assert result.verdict == "valid", result.problems
    levels = measured(result).levels
    assert [(level.level, level.kind) for level in levels] == [("saturate", "closed"), ("300/s", "open"), ("50%", "open")]
    for level in levels:
        assert all(count.executed == count.expected for count in level.statements if count.expected)
        assert sum(count.executed for count in level.statements) > 100
        for name, times in level.times.items():
            assert 0 < times.database < times.response, name
        counting = [each for each in level.slices if not each.dropped]
        # A busy machine costs some.
        assert len(counting) >= (4 if level.kind == "closed" else 1)
        assert sum(each.requests for each in counting) == sum(route.requests for route in level.routes.values())
    saturated = levels[0]
    # Whole passes: each slice has the profile's exact mix.
    mix = {name: route.requests for name, route in saturated.routes.items()}
    total = sum(mix.values())
    assert total % 100 == 0
    assert [mix[name] * 100 // total for name in mix] == [60, 25, 10, 5]
    assert all(each.requests % 100 == 0 for each in saturated.slices)


def test_wrong_answers_cached_rows_and_a_kill_for_memory_fail_each_trial(
    measure_group: Callable[..., dict[str, TrialResult]],
) -> None:
    faults = {"python": "wrong", "python-base": "cached", "python-twin": "greedy"}
    found = measure_group("db", "saturate", faults=faults)
    said = {faults[target]: " ".join(result.problems) for target, result in found.items()}
    assert {result.verdict for result in found.values()} == {"failed"}, said
    assert "answered wrongly" in said["wrong"] and "is not product" in said["wrong"]
    assert "the database executed product" in said["cached"]
    assert "killed for lack of memory" in said["greedy"]


def test_a_target_that_is_still_warming_up_is_unstable(measure: Measure) -> None:
    # The more slices, the less noise hides: thirds of four are compared here.
    timing = msgspec.structs.replace(TIMING, rounds=12)
    said = "still warming up"
    result = measure(
        "db", "saturate", target="python", fault="warming", route="GET /products/{id}", timing=timing, sought=said
    )
    assert result.verdict == "unstable", result.problems
    assert said in " ".join(result.problems)


def test_a_jit_target_has_all_cpus_while_it_warms_up_and_only_its_own_while_it_is_measured(
    client: docker.DockerClient, measure: Measure
) -> None:
    seen: dict[str, set[str]] = {}

    def look(window: Window) -> None:
        service = service_of(client)
        service.reload()
        seen.setdefault(window.phase, set()).add(service.attrs["HostConfig"]["CpusetCpus"])

    measured(measure("cpu", "saturate", target="kotlin", on_window=look))
    placement = place(machine.topology())
    assert seen == {"warmup": {cpu_list(list(all_cpus(placement)))}, "measure": {placement.service}}


def test_a_target_that_works_on_when_nobody_asks_is_unstable(
    measure_group: Callable[..., dict[str, TrialResult]],
) -> None:
    faults = {"python": "restless", "go": ""}
    timing = msgspec.structs.replace(TIMING, rounds=3)
    said = "while no request was sent"
    found = measure_group("db", "saturate", faults=faults, route="GET /products/{id}", timing=timing, sought=said)
    result = found["python"]
    assert result.verdict == "unstable", result.problems
    assert said in " ".join(result.problems)


def test_a_restarted_and_a_throttled_service_are_named(
    client: docker.DockerClient, measure_group: Callable[..., dict[str, TrialResult]]
) -> None:
    def service(target: str) -> docker.models.containers.Container:
        (found,) = [c for c in client.containers.list() if str(c.name).endswith(f"-{target}-cpu-service")]
        return found

    throttle = once(lambda: service("go-twin").update(cpu_period=100_000, cpu_quota=50_000), phase="warmup")
    restart = once(lambda: service("go").restart(timeout=1))

    def on_window(window: Window) -> None:
        throttle(window)
        restart(window)

    found = measure_group("cpu", "saturate", faults={"go": "", "go-twin": ""}, on_window=on_window)
    said = {target: " ".join(result.problems) for target, result in found.items()}
    assert {target: result.verdict for target, result in found.items()} == {"go": "failed", "go-twin": "unstable"}, said
    assert "restarted" in said["go"]
    assert "service was throttled" in said["go-twin"]


def test_a_service_that_ends_with_the_window_is_named_and_not_its_samples(
    client: docker.DockerClient, measure: Measure
) -> None:
    """The generator has all its answers by then. Seen in a search for a memory floor: the kernel killed the service."""
    slices = TIMING.rounds
    windows: list[Window] = []

    def on_window(window: Window) -> None:
        windows.extend([window] if window.phase == "measure" else [])
        if window.phase == "measure" and len(windows) == slices:
            service_of(client).kill()

    result = measure("cpu", "saturate", on_window=on_window)
    assert result.verdict == "failed"
    assert "the service ended by itself with status 137" in " ".join(result.problems)


def test_other_work_on_the_services_core_is_unstable(measure: Measure) -> None:
    cpu = place(machine.topology()).service
    busy = ["timeout", "20", "taskset", "--cpu-list", cpu, "sh", "-c", "while :; do :; done"]
    neighbours: list[subprocess.Popen[bytes]] = []
    try:
        result = measure("cpu", "saturate", on_window=once(lambda: neighbours.append(subprocess.Popen(busy)), "warmup"))
    finally:
        for neighbour in neighbours:
            neighbour.terminate()
            neighbour.wait()
    # Its rounds do not count. The neighbour is there all the time, so none does.
    assert result.verdict == "unstable", result.problems
    assert "other work took" in " ".join(result.problems)


def test_a_saturated_generator_is_named_and_nothing_else(measure: Measure) -> None:
    result = measure("ping", "saturate")
    assert result.verdict == "generator_limited"
    assert "the target could do more" in result.problems[0]
    (level,) = measured(result).levels
    assert level.bottleneck == "generator"


def test_a_rate_beyond_what_the_generator_is_calibrated_for_is_generator_limited(measure: Measure) -> None:
    weak = msgspec.structs.replace(CALIBRATION, open_ceiling=400.0)
    result = measure("cpu", "300/s", calibration=weak)
    assert result.verdict == "generator_limited"
    assert "calibrated for" in result.problems[0]


def test_a_rate_that_the_target_cant_hold_is_unstable_and_its_cpu_is_named(measure: Measure) -> None:
    said = "does not hold 2,000 requests/s"
    result = measure("cpu", "2000/s", target="python", sought=said)
    assert result.verdict == "unstable", result.problems
    assert said in result.problems[0]
    (level,) = measured(result).levels
    assert level.bottleneck == "service-cpu", level.bottleneck_reason


def test_capacity_is_an_interval_with_the_resource_that_limits_it(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool allows 800 requests/s, however fast the machine is: sixteen connections, 20 ms each."""
    # A quarter of the time for each of a dozen probes.
    monkeypatch.setattr(harness.plan.levels, "PROBE_SETTLE_SECONDS", 0.3)
    monkeypatch.setattr(harness.plan.levels, "PROBE_SECONDS", 1.0)
    found = measured(measure("downstream", "capacity")).capacity
    assert isinstance(found, Capacity)
    assert found.high is not None and found.low < found.high <= found.low * 1.06
    # In a short probe the queue of a rate that is a little too high stays short.
    assert 0.6 * 800 < found.low < 1.1 * 800
    assert found.limit == "pool", found.reason
    assert any(probe.passed for probe in found.probes) and not all(probe.passed for probe in found.probes)


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    yield
    assert [c.name for c in client.containers.list(all=True) if c.labels.get("fitmap")] == []


def test_a_small_pool_before_a_slow_database_is_the_limit(measure: Measure) -> None:
    (level,) = measured(measure("downstream", "saturate")).levels
    assert (level.verdict, level.bottleneck) == ("valid", "pool"), (level.problems, level.bottleneck_reason)
    rate = sum(route.requests for route in level.routes.values()) / level.window_seconds
    # A slice has a dozen rounds of sixteen answers, so its ends are worth a few per cent.
    assert 0.9 * 800 < rate <= 1.05 * 800
    held = re.search(r"([\d.]+) of 16 connections held", level.bottleneck_reason)
    assert held and 15.0 < float(held[1]) <= 16.0, level.bottleneck_reason


def test_requests_are_held_on_time_above_a_base_that_was_sampled_at_rest(measure: Measure) -> None:
    found = measured(measure("waiters", "1000/held"))
    (level,) = found.levels
    assert level.verdict == "valid", level.problems
    assert level.connections == found.connections_opened == 1000
    # Each request asks the service to wait 0.5 s.
    assert level.routes["GET /wait"].mean_microseconds == pytest.approx(500_000, rel=0.02)
    assert not isinstance(found.idle_anonymous_bytes, Missing)
    waiter = (level.usage["service"].anonymous_bytes - found.idle_anonymous_bytes) / 1000
    assert 1_000 < waiter < 100_000
    assert isinstance(measured(measure("waiters", "saturate")).idle_anonymous_bytes, Missing)
