"""Non-load trials on the engine: they measure what they should, and leave neither container nor image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import msgspec
import pytest
from synthetic import CALIBRATION

from harness.containers.engine import connect
from harness.containers.images import graph, project_tag
from harness.containers.lifecycle import leftovers
from harness.errors import TrialError
from harness.evaluation.statements import read_contract
from harness.files import CONTRACT, ROOT
from harness.host.machine import topology
from harness.plan.placement import place
from harness.plan.profiles import find_profiles
from harness.plan.schedule import make_plan
from harness.plan.targets import find_targets
from harness.record.config import Config, GeneratorSection, Ports
from harness.record.measurement import Measurement, Missing
from harness.record.plan import Development, Edit, Target, Timing
from harness.record.trial_result import BuildMeasurement, FloorMeasurement, ScaleMeasurement, StartupMeasurement, TrialResult
from harness.record.writer import RecordWriter
from harness.trials import memory_floor, readiness_probe, scaling, startup
from harness.trials.build import Workshop
from harness.trials.context import Setup
from harness.trials.dispatch import run_trial
from reports.metrics.steady_state import time_to_steady

CONFIG = Config(ports=Ports(service=24080, database=24432), generator=GeneratorSection(port=24557))
TIMING = Timing(blocks=1, warmup_seconds=2, warmup_limit_seconds=2, measure_seconds=2, settle_seconds=1, starts=1)


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


@pytest.fixture(autouse=True)
def nothing_is_left(client: docker.DockerClient) -> Iterator[None]:
    """No container or image is left, and the target's image is the same as before."""
    targets = [client.images.get(project_tag(name)).id for name in ("go", "python")]
    before = set(client.api.images(all=True, quiet=True))
    yield
    assert [c.name for c, _ in leftovers(client) if c.labels["fitmap.run"] == "kinds"] == []
    assert set(client.api.images(all=True, quiet=True)) == before
    assert [client.images.get(project_tag(name)).id for name in ("go", "python")] == targets


Measure = Callable[..., TrialResult]


@pytest.fixture
def measure(client: docker.DockerClient, tmp_path: Path) -> Measure:
    """Runs one trial of a profile on Go or Python. `edit` and `development` replace those of the target's manifest."""

    for folder in ("samples", "histograms"):
        (tmp_path / folder).mkdir()

    def run(profile: str, edit: Edit | None = None, development: Development | None = None) -> TrialResult:
        # The target whose clean build is the fastest.
        name = "python" if profile in ("build", "memory-floor") else "go"
        target: Target = find_targets(ROOT / "services")[name]
        if edit:
            target = msgspec.structs.replace(target, edit=edit)
        if development:
            target = msgspec.structs.replace(target, development=development)
        plan = make_plan(
            seed=1,
            preset="smoke",
            timing=TIMING,
            targets=(name,),
            profiles=(find_profiles(ROOT / "loadtests")[profile],),
            placement=place(topology()),
        )
        images = {image: str(client.images.get(project_tag(image)).id) for image in ("database", "load", "proxy", name)}
        local = any(tag.startswith("fitmap-base/") for image in client.images.list() for tag in image.tags)
        setup = Setup(
            run_id="kinds",
            plan=plan,
            config=CONFIG,
            images=images,
            contract=read_contract(CONTRACT / "queries.toml"),
            calibration=CALIBRATION,
            targets={name: target},
            image_set="local" if local else "official",
        )
        return run_trial(client, setup, plan.trials[0], RecordWriter(tmp_path), lambda _: None)

    return run


def test_starts_are_timed_warm_and_cold_and_the_course_from_the_first_request(measure: Measure) -> None:
    result = measure("startup")
    found = result.measurement
    assert isinstance(found, StartupMeasurement), result.problems
    # On a busy machine the ramp-up may be unstable. That is a verdict, not a fault.
    assert result.verdict in ("valid", "unstable")
    assert found.meta["target"] == "go"
    assert 0 < found.starts[0].health_seconds <= found.starts[0].answer_seconds < 5
    if not isinstance(found.cold, Missing):
        assert [start.cold for start in found.starts] == list(startup.order(1, block=1))
        (cold,) = (start for start in found.starts if start.cold)
        assert cold.evicted_bytes > 0.9 * (cold.evicted_bytes + cold.left_bytes) > 1_000_000
    # Two seconds of warm-up and six of steady speed, in windows of a quarter of a second.
    assert len(found.windows) == pytest.approx(32, abs=2)
    assert sum(window.requests for window in found.windows) > 100
    assert not isinstance(time_to_steady(found.windows), Missing)


def measured_points(result: TrialResult) -> list[Measurement]:
    whole = result.measurement
    assert isinstance(whole, ScaleMeasurement), result.problems
    # On a busy machine a point may be disturbed. That is a verdict, not a fault.
    assert result.verdict != "failed", result.problems
    return [point.measured for point in whole.points if isinstance(point.measured, Measurement)]


def test_replicas_answer_behind_the_proxy_and_count_as_one_service(
    measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "REPLICAS", (1, 2))
    one, two = measured_points(measure("scale-out"))
    # The replicas share the pool's connections, so the database has the same number with one replica and with two.
    assert (one.meta["db_pool_size"], two.meta["db_pool_size"]) == (16, 8)
    for point in (one, two):
        (level,) = point.levels
        assert level.verdict != "failed", level.problems
        assert level.usage["proxy"].cpu_seconds > 0.05
        assert "proxy" in level.bottleneck_reason
    memory = [point.levels[0].usage["service"].anonymous_bytes for point in (one, two)]
    assert memory[1] > 1.4 * memory[0]


def test_a_service_uses_the_cores_that_it_is_given(measure: Measure) -> None:
    one, two, *_ = measured_points(measure("scale-up"))
    assert (one.meta["cpus"], two.meta["cpus"]) == (1, 2)
    assert two.levels[0].connections == 2 * one.levels[0].connections
    cores = [point.levels[0].usage["service"].cpu_seconds / point.levels[0].window_seconds for point in (one, two)]
    # On a machine with two cores the generator uses a part of one.
    assert cores[0] <= 1.02 and 1.2 < cores[1] <= 2.04


def test_a_memory_floor_is_found_between_what_holds_and_what_kills(
    measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python fits in 64 MiB, and never in 8."""
    monkeypatch.setattr(memory_floor, "grid", lambda _most: (8, 64))
    for name, value in {"PASSES": 2, "FLOOR_WARMUP_SECONDS": 1.0, "FLOOR_SECONDS": 3.0}.items():
        monkeypatch.setattr(memory_floor, name, value)
    found = measure("memory-floor").measurement
    assert isinstance(found, FloorMeasurement)
    assert {(probe.memory_mib, probe.passed) for probe in found.probes} == {(64, True), (8, False)}, found.probes
    assert (found.floor_mib, found.step_mib, found.rate) == (64, 56, 100.0)
    held = [probe for probe in found.probes if probe.passed]
    assert len(held) == 2 and all(probe.in_time >= 0.99 and not probe.reason for probe in held)
    assert all(8 < (probe.working_set_bytes or 0) / 2**20 < 64 for probe in held)
    assert all("service" in probe.reason or "ready" in probe.reason for probe in found.probes if not probe.passed)


@pytest.mark.beside
def test_a_line_is_edited_rebuilt_started_and_seen(measure: Measure) -> None:
    result = measure("build")
    found = result.measurement
    assert isinstance(found, BuildMeasurement), result.problems
    assert result.verdict == "valid"
    # The step FROM is never cached.
    assert found.clean and not any(step.cached for step in found.clean.steps)
    assert any(step.cached for step in found.rebuilt.steps) and not found.rebuilt.steps[-1].cached
    assert found.rebuilt.seconds < found.clean.seconds
    assert found.rebuilt.seconds < found.edit_to_running_seconds < found.rebuilt.seconds + 5
    assert 0 < found.start_seconds < 5 and found.image_bytes > 1_000_000
    assert not isinstance(found.dependencies, Missing) and found.dependencies.total == 11
    # No image is built and no container is started.
    assert isinstance(found.development_seconds, float), found.development_seconds
    assert 0.1 < found.development_seconds < found.edit_to_running_seconds


@pytest.mark.beside
def test_a_loop_of_developers_that_fails_is_told_and_the_rest_is_kept(measure: Measure) -> None:
    found = measure("build", development=Development("build", "/app", "echo broken; exit 3")).measurement
    assert isinstance(found, BuildMeasurement)
    assert found.edit_to_running_seconds > 0
    assert isinstance(found.development_seconds, Missing)
    assert "its first run ended before the service answered; last output: broken" in found.development_seconds.reason


@pytest.mark.beside
def test_an_edit_that_does_not_fit_the_source_is_a_result_before_anything_is_built(measure: Measure) -> None:
    result = measure("build", Edit("fitmap/status.py", "no such text", "{mark}"))
    assert isinstance(result.measurement, Missing)
    assert (result.verdict, result.stage) == ("failed", "edit")
    assert "fitmap/status.py contains no such text 0 times" in result.measurement.reason


@pytest.mark.beside
def test_an_edit_that_is_never_seen_fails_the_trial(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rebuilt service runs and answers as before: a changed docstring shows in no answer."""
    monkeypatch.setattr(readiness_probe, "PATIENCE_SECONDS", 3.0)
    result = measure("build", Edit("fitmap/__init__.py", "asyncpg to PostgreSQL.", "{mark}"))
    assert isinstance(result.measurement, Missing)
    assert (result.verdict, result.stage) == ("failed", "readiness")
    assert "/meta was not answered as expected" in result.measurement.reason


@pytest.mark.beside
def test_a_build_that_fails_leaves_no_layer(client: docker.DockerClient, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /a\nCOPY no-such-file /b\n")
    build = msgspec.structs.replace(graph(("go",), "local")["go"], context=tmp_path, arguments={})
    workshop = Workshop(client, "fitmap/broken:trial-1")
    with pytest.raises(TrialError, match="no-such-file"):
        workshop.build(build, clean=True)
    workshop.clear()
