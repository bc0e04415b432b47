"""Reference servers, whose behaviour is known. Calibration and self-test load them in a target's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import docker
import msgspec
from msgspec import Struct

from harness.containers.lifecycle import TrialContainers, check_port_free
from harness.containers.spec import DRAIN_SECONDS, LOOPBACK, generator_spec, instrument_spec
from harness.errors import EngineError, TrialError
from harness.evaluation.inputs import GeneratorOutput
from harness.evaluation.usage import usage
from harness.files import ROOT
from harness.host.counters import Sampler, open_reader
from harness.host.machine import step_aside
from harness.record.config import Config
from harness.record.cpus import all_cpus
from harness.record.measurement import Usage
from harness.record.plan import Placement
from harness.record.samples import Sample
from harness.trials.generator import READY_SECONDS, Generator
from loadtests.protocol import histogram, messages
from loadtests.protocol.outside import Outside

PROFILE = "calibration.load"
#: The folder of the reference servers' files in the load image.
INSTRUMENTS = "/opt/fitmap/loadtests/calibration"


class Bench(Struct, frozen=True):
    """Where reference servers are loaded. `image`: the engine's id of the load image.

    `secure`: the null server is reached over TLS, as the service that is to be measured.
    """

    image: str
    placement: Placement
    config: Config
    secure: bool = False


class Driven(Struct, frozen=True):
    """The result of one load on a reference server: the generator's output and the containers' samples."""

    output: GeneratorOutput
    samples: Sequence[Sample]
    #: Of the known server: route -> {"p50", "p99"} of the delays that it injected by its own clock, milliseconds.
    injected: Mapping[str, Mapping[str, float]]

    def level(self, name: str) -> messages.Measured:
        """The measured window of a level that is no search."""
        return next(m for level in self.output.levels for m in level.measured if m.level == name)

    def probes(self, name: str) -> tuple[messages.Measured, ...]:
        """All windows of a search."""
        return next(level.measured for level in self.output.levels if level.end.level == name)

    def used(self, name: str, role: str) -> Usage:
        """A container's use of CPU and memory in a level's window."""
        window = self.level(name)
        return usage([s for s in self.samples if s.role == role], window.start_ns, window.end_ns)


def null_server(port: int, *, secure: bool = False) -> tuple[str, ...]:
    """The command of the null server: nginx with a fixed answer, the least that a real HTTP server can do."""
    conf = f"{INSTRUMENTS}/nginx.conf"
    tls = f" ssl; ssl_certificate {INSTRUMENTS}/null.crt; ssl_certificate_key {INSTRUMENTS}/null.key"
    edit = f"s#18090#{port}{tls if secure else ''}#"
    return ("sh", "-c", f"sed '{edit}' {conf} > /tmp/nginx.conf && exec nginx -e stderr -p /tmp -c /tmp/nginx.conf")


def null_outside(port: int) -> Outside:
    """The null server over TLS, as the generator reaches a service that the harness did not start."""
    certificate = (ROOT / "loadtests" / "calibration" / "null.crt").read_text(encoding="ascii")
    return Outside(LOOPBACK, port, f"https://{LOOPBACK}:{port}", secure=True, ca=certificate)


def known_server(port: int) -> tuple[str, ...]:
    """The command of the server whose delays, stall, capacity and work are known (loadtests/calibration/server.py)."""
    return ("/opt/venv/bin/python", "-m", "loadtests.calibration.server", str(port))


def level(
    name: str,
    *level_routes: str,
    rate: float = 0.0,
    share: float = 0.0,
    connections: int = 32,
    warmup: float = 1.0,
    measure: float,
) -> messages.TimedLevel:
    """A level on one route of a reference server, or on several in turns.

    It is open at `rate`, or at `share` of the rate of the first closed level; otherwise closed.
    """
    return messages.TimedLevel(
        name=name,
        kind="open" if rate else "relative" if share else "closed",
        connections=connections,
        routes=level_routes,
        warmup_seconds=warmup,
        warmup_limit_seconds=warmup,
        measure_seconds=measure,
        rate=rate,
        share=share,
    )


def requests_per_second(measured: messages.Measured) -> float:
    """The answers per second of a window."""
    return sum(r.requests for r in measured.routes) / ((measured.end_ns - measured.start_ns) / 1e9)


def milliseconds(measured: messages.Measured, percent: float) -> float:
    """A percentile of the response times of all routes together."""
    return histogram.percentile((r.response for r in measured.routes), percent) / 1000


def service_milliseconds(measured: messages.Measured, percent: float, route: str) -> float:
    """A percentile of one route's service times, which do not include the generator's lag."""
    return histogram.percentile((r.service for r in measured.routes if r.route == route), percent) / 1000


def lag_p99_microseconds(measured: messages.Measured) -> float:
    """The 99th percentile of the generator's lag."""
    return histogram.percentile((r.lag for r in measured.routes), 99)


def sent_share(measured: messages.Measured) -> float:
    """The share of the scheduled requests that was sent."""
    scheduled = sum(r.scheduled for r in measured.routes)
    return 1 - sum(r.open + r.dropped for r in measured.routes) / scheduled if scheduled else 0.0


def drive(
    client: docker.DockerClient,
    bench: Bench,
    name: str,
    server: tuple[str, ...],
    levels: tuple[messages.TimedLevel, ...],
    seed: int = 1,
    outside: Outside | None = None,
) -> Driven:
    """Starts a reference server on the service's cores and loads it. Raises EngineError, PortTaken.

    `outside`: how it is reached, if not as a service of fitmap's.
    """
    config, placement = bench.config, bench.placement
    check_port_free(config.ports.service, "service")
    check_port_free(config.generator.port, "generator")
    spec = messages.LoadSpec(
        profile=PROFILE,
        host=LOOPBACK,
        port=config.ports.service,
        seed=seed,
        levels=levels,
        objective=config.slo,
        golden=False,
        ready_timeout_seconds=READY_SECONDS,
        master_port=config.generator.port,
        outside=outside,
    )
    spec_json = msgspec.json.encode(spec).decode()
    with step_aside(all_cpus(placement)), TrialContainers(client, "instruments", name) as containers:
        service = containers.add(instrument_spec(bench.image, placement.service, "service", server))
        load = containers.add(generator_spec(bench.image, placement.generator, spec_json, config.limits))
        service.start()
        try:
            with Generator(load, spec) as generator:
                hello = generator.hello()
                readers = {role: open_reader(m.container, m.pid) for role, m in (("service", service), ("generator", load))}
                with Sampler(readers) as sampler:
                    output = generator.follow(hello, service, lambda _: None, lambda _: sampler.read_once())
        except TrialError as error:
            log = load.log_tail().strip()[-200:]
            raise EngineError(f"the load on the reference server `{name}` failed: {error} ({log})") from None
        service.stop(DRAIN_SECONDS)
        lines = service.log_tail().strip().splitlines()
    try:
        injected = msgspec.json.decode(lines[-1], type=dict[str, dict[str, float]]) if lines else {}
    except msgspec.MsgspecError:
        # The null server reports no delays. `delay_checks` raises an error if a report that it needs is missing.
        injected = {}
    return Driven(output, sampler.samples, injected)
