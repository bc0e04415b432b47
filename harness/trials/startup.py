"""The trial of kind `startup`: starts of fresh service containers, then full load from the first request.

database and readiness probe -> one start that does not count (it fills the page cache) -> starts, warm and cold in turns
-> generator ready -> one more start -> closed loop without warm-up, in windows of a quarter of a second
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from harness.containers.lifecycle import RunningContainer, TrialContainers, new_password
from harness.containers.spec import DRAIN_SECONDS, generator_spec, service_spec
from harness.errors import TrialError
from harness.host.page_cache import Layers, layers_of
from harness.plan.schedule import COURSE_SECONDS
from harness.record.measurement import Missing, Verdict
from harness.record.plan import Profile, Timing, Trial
from harness.record.trial_result import Cold, Start, StartupMeasurement
from harness.trials.context import (
    Setup,
    check_ports,
    load_spec,
    seconds_to,
    start_database,
    started_unix_ns,
    wait_for_database,
    wanted_meta,
)
from harness.trials.generator import Generator, OnWindow
from harness.trials.readiness_probe import Watcher
from loadtests.protocol import messages
from loadtests.protocol.meta import meta_problems
from loadtests.protocol.steady_state import HALF

#: The first answer of each: ready, an answer that needs the database's rows, the service's description of itself.
ASKS = (messages.Ask("/health"), messages.Ask("/products/1"), messages.Ask("/meta"))
WINDOW_SECONDS = 0.25


class _Starter(Struct, frozen=True):
    """Starts services, one at a time. The fields are what all starts share."""

    setup: Setup
    trial: Trial
    containers: TrialContainers
    watcher: Watcher
    password: str

    def create(self) -> RunningContainer:
        config, plan = self.setup.config, self.setup.plan
        image = self.setup.images[self.trial.target]
        environment = self.setup.environment(self.trial)
        return self.containers.add(
            service_spec(image, plan.placement.service, config.ports, config.limits, self.password, environment)
        )

    def start(self, cold: Layers | None) -> tuple[Start, str]:
        """One start from creation to removal, and the service's answer on /meta. Raises TrialError."""
        service = self.create()
        evicted = cold.evict() if cold else None
        self.watcher.begin()
        service.start()
        began = started_unix_ns(service)
        seen = self.watcher.seen(service)
        seconds = seconds_to(seen.unix_ns, began, service)
        service.stop(DRAIN_SECONDS)
        self.containers.remove(service)
        health, answer, _ = seconds
        start = Start(cold is not None, health, answer)
        if evicted:
            start = msgspec.structs.replace(
                start, evicted_bytes=evicted.before_bytes - evicted.after_bytes, left_bytes=evicted.after_bytes
            )
        return start, seen.last_body


def measure(setup: Setup, trial: Trial, containers: TrialContainers, on_window: OnWindow) -> StartupMeasurement:
    """All starts and the ramp-up. Raises TrialError, PortTaken."""
    config, placement, timing = setup.config, setup.plan.placement, setup.plan.timing
    profile = setup.profile(trial)
    check_ports(config)
    password = new_password()
    database = start_database(setup, containers, password)
    spec = load_spec(setup, trial, (course_level(profile, timing),), golden=False)
    layers = layers_of(containers.client, setup.images[trial.target])
    with Watcher(containers, setup.images["load"], placement.generator, config.ports.service, ASKS) as watcher:
        wait_for_database(database)
        starter = _Starter(setup, trial, containers, watcher, password)
        _, meta_json = starter.start(None)
        meta = read_meta(meta_json, wanted_meta(setup, trial))
        starts = [
            starter.start(layers if cold and isinstance(layers, Layers) else None)[0]
            for cold in order(timing.starts, trial.block)
            if not (cold and isinstance(layers, Missing))
        ]
        load_json = msgspec.json.encode(spec).decode()
        load = containers.add(generator_spec(setup.images["load"], placement.generator, load_json, config.limits))
        with Generator(load, spec) as generator:
            hello = generator.hello()
            service = starter.create()
            service.start()
            started_unix_ns(service)
            output = generator.follow(hello, service, on_window, lambda _: None)
    (level,) = output.levels
    return StartupMeasurement(
        meta=meta,
        starts=tuple(starts),
        cold=layers
        if isinstance(layers, Missing)
        else Cold("posix_fadvise on each file of the image", len(layers.files), layers.total_bytes),
        connections=profile.connections,
        windows=level.windows[0],
        failure_samples=output.done.failure_samples,
    )


def read_meta(meta_json: str, wanted: Mapping[str, str]) -> dict[str, str | int]:
    """The decoded answer of GET /meta, whose status was 200. Raises TrialError where it departs from the contract."""
    # The readiness probe takes no other status for an answer.
    if found := meta_problems(200, meta_json, wanted):
        raise TrialError("readiness", "; ".join(found))
    return msgspec.json.decode(meta_json, type=dict[str, str | int])


def order(starts: int, block: int) -> tuple[bool, ...]:
    """Cold or not, start by start: in turns, and in reverse order in every other block, so that drift affects both alike."""
    return tuple(cold for i in range(starts) for cold in ((False, True) if (block + i) % 2 else (True, False)))


def course_level(profile: Profile, timing: Timing) -> messages.TimedLevel:
    """The level of the ramp-up: full load from the first request. Its last seconds give the steady speed."""
    seconds = min(timing.warmup_limit_seconds, COURSE_SECONDS)
    return messages.TimedLevel(
        name="course",
        kind="closed",
        connections=profile.connections,
        routes=profile.routes,
        warmup_seconds=seconds,
        # Not prolonged: all targets are observed for the same time.
        warmup_limit_seconds=seconds,
        # A shorter window would not show whether throughput still rises.
        measure_seconds=max(timing.measure_seconds, 2 * HALF),
        window_seconds=WINDOW_SECONDS,
    )


def judge(measured: StartupMeasurement) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on starts and ramp-up, and its reasons.

    A ramp-up that is not steady at its end has no time to steady speed (reports/metrics/steady_state.py). The starts before
    it are valid all the same.
    """
    failures = sum(window.failures for window in measured.windows)
    if failures:
        return "failed", (f"{failures} requests failed, the first of them: {'; '.join(measured.failure_samples[:3])}",)
    if not any(window.requests for window in measured.windows if window.phase == "measure"):
        raise TrialError("load", "no request was answered at the end of the ramp-up")
    return "valid", ()
