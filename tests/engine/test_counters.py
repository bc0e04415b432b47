"""A container's counters: both ways to read them agree, a second start uses as much memory. The speed probe takes little."""

from __future__ import annotations

import os
import sys
import time

import docker
import psutil
import pytest

from harness.containers.engine import connect
from harness.containers.images import project_tag
from harness.containers.lifecycle import TrialContainers
from harness.containers.spec import instrument_spec
from harness.host.cgroup import Cgroup
from harness.host.counters import ApiReader, open_reader
from harness.host.page_cache import layers_of
from harness.host.speed_probe import SpeedProbe
from harness.record.measurement import Missing
from harness.record.plan import Placement
from harness.record.samples import Counters

#: Holds 100 MB for itself and 60 MB of shared memory, writes 30 MB to a tmpfs, uses a second of CPU, then waits.
PROGRAM = """
import mmap, pathlib, time
hoard = bytearray(b"x" * 100_000_000)
shared = mmap.mmap(-1, 60_000_000)
shared.write(b"x" * 60_000_000)
pathlib.Path("/tmp/file").write_bytes(b"x" * 30_000_000)
while time.process_time() < 1.0: pass
time.sleep(60)
"""
#: Loads a large library, reads files that it does not map, more than once, and waits.
READER = """
import locust.env, pathlib, time
for file in sorted(pathlib.Path(pathlib.__file__).parent.rglob("*.py"))[:500]:
    for _ in range(3): file.read_bytes()
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def client() -> docker.DockerClient:
    return connect(install=True, say=print)


def test_the_engines_stats_agree_with_the_cgroup_files(client: docker.DockerClient) -> None:
    image = str(client.images.get(project_tag("load")).id)
    with TrialContainers(client, "counters", "both") as containers:
        container = containers.add(instrument_spec(image, "0", "service", ("/opt/venv/bin/python", "-c", PROGRAM)))
        container.start()
        reader = open_reader(container.container, container.pid)
        assert isinstance(reader, Cgroup), "this kernel is the container's own"
        deadline = time.monotonic() + 20
        while reader.read().cpu_ns < 1_000_000_000 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        files, stats = reader.read(), ApiReader(container.container).read()
        reader.close()
    assert files.cpu_ns == pytest.approx(1.03e9, rel=0.1)
    assert stats.cpu_ns == pytest.approx(files.cpu_ns, rel=0.01)
    assert stats.anonymous_bytes == pytest.approx(files.anonymous_bytes, rel=0.02)
    assert stats.memory_bytes == pytest.approx(files.memory_bytes, rel=0.02)
    assert stats.inactive_file_bytes == pytest.approx(files.inactive_file_bytes, abs=2_000_000)
    # The file counts only as far as pages of the program are mapped.
    assert 160_000_000 < files.anonymous_bytes < 185_000_000


def test_of_two_starts_of_an_image_the_second_uses_as_much_memory_though_the_first_has_read_the_files(
    client: docker.DockerClient,
) -> None:
    image = str(client.images.get(project_tag("load")).id)
    layers = layers_of(client, image)
    if isinstance(layers, Missing):
        pytest.skip(layers.reason)
    found: list[Counters] = []
    with TrialContainers(client, "counters", "first") as containers:
        layers.evict()
        for number in (1, 2):
            spec = instrument_spec(image, "0", f"service-{number}", ("/opt/venv/bin/python", "-c", READER))
            container = containers.add(spec)
            container.start()
            deadline = time.monotonic() + 30
            while "up" not in container.log_tail():
                assert time.monotonic() < deadline
                time.sleep(0.1)
            reader = open_reader(container.container, container.pid)
            found.append(reader.read())
            reader.close()
    # The kernel charges the files' pages to the first, if nobody had read them before: docs/method/evidence.md.
    first, second = (counters.working_set_bytes or 0 for counters in found)
    assert second == pytest.approx(first, rel=0.03)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux a process can choose its CPUs")
def test_the_probe_times_both_cpus_takes_little_and_ends_with_its_context() -> None:
    cpus = sorted(os.sched_getaffinity(0))[:2]
    placement = Placement(str(cpus[-1]), str(cpus[0]), str(cpus[0]), (), "")
    with SpeedProbe(placement, local=True) as probe:
        (child,) = psutil.Process().children()
        time.sleep(1.0)
        used = sum(child.cpu_times()[:2])
    assert not child.is_running()
    assert {sample.cpu for sample in probe.samples} == set(cpus)
    assert len(probe.samples) > 40
    # The start is included. The figure in docs/method/resources.md is for longer times.
    assert used < 0.2
