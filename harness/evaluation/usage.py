"""Computes from samples what a container, or other work on the host, used during a window."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median, quantiles

from harness.record.cpus import parse_cpu_list
from harness.record.measurement import HostUse, Missing, Speed, Usage
from harness.record.plan import Placement
from harness.record.samples import Counters, HostSample, Sample, SpeedSample
from loadtests.protocol.messages import Window

NO_WORKING_SET = (
    "/proc does not show the service's processes, so their mapped files are not known (the engine runs on another kernel, "
    "or /proc hides processes of other users)"
)
#: A harness that takes no sample for so long was stopped itself, alone or with the whole machine. On a busy machine it was
#: late by 0.4 s at most.
UNWATCHED_SECONDS = 3.0
#: The least number of speed samples from which a window gets a speed.
MIN_SAMPLES = 20

SECOND_NS = 1_000_000_000


def cpu_ns_at(samples: Sequence[Sample], instant_ns: int) -> float:
    """The CPU counter at an instant, interpolated between the samples before and after it (they are 0.1 s apart).

    Raises ValueError outside the samples: an extrapolation would invent CPU time.
    """
    times = [sample.monotonic_ns for sample in samples]
    right = bisect_left(times, instant_ns)
    if right == len(times) or (right == 0 and times[0] != instant_ns):
        raise ValueError("instant outside the samples")
    if times[right] == instant_ns:
        return float(samples[right].counters.cpu_ns)
    before, after = samples[right - 1], samples[right]
    share = (instant_ns - before.monotonic_ns) / (after.monotonic_ns - before.monotonic_ns)
    return before.counters.cpu_ns + share * (after.counters.cpu_ns - before.counters.cpu_ns)


def cpu_per_request(samples: Sequence[Sample], windows: Sequence[Window], clock_offset_ns: int) -> list[float]:
    """A container's CPU nanoseconds per request, window by window. Windows without a request are left out.

    `clock_offset_ns`: from the windows' clock to that of the samples. Raises ValueError if samples do not cover a window.
    """
    return [
        (cpu_ns_at(samples, w.end_ns + clock_offset_ns) - cpu_ns_at(samples, w.start_ns + clock_offset_ns)) / w.requests
        for w in windows
        if w.requests
    ]


def cores_between(samples: Sequence[Sample], start_ns: int, end_ns: int) -> float:
    """The cores that a container used between two instants. Raises ValueError if the samples do not cover them."""
    return (cpu_ns_at(samples, end_ns) - cpu_ns_at(samples, start_ns)) / (end_ns - start_ns)


def busiest_second(samples: Sequence[Sample], start_ns: int, end_ns: int) -> float:
    """The highest CPU use, in cores, over any whole second of the window."""
    seconds = range(start_ns, end_ns - SECOND_NS + 1, SECOND_NS)
    return max(((cpu_ns_at(samples, s + SECOND_NS) - cpu_ns_at(samples, s)) / SECOND_NS for s in seconds), default=0.0)


def usage(samples: Sequence[Sample], start_ns: int, end_ns: int) -> Usage:
    """A container's use of CPU and memory during [start_ns, end_ns]. `samples`: those of the container, in time order.

    Raises ValueError if the samples do not cover the window.
    """
    inside = [sample.counters for sample in samples if start_ns <= sample.monotonic_ns <= end_ns]
    if not inside:
        raise ValueError("there is no sample inside the window")
    start_cpu, end_cpu = cpu_ns_at(samples, start_ns), cpu_ns_at(samples, end_ns)
    peak = samples[-1].counters.peak_bytes
    return Usage(
        cpu_seconds=(end_cpu - start_cpu) / SECOND_NS,
        cpu_seconds_since_start=end_cpu / SECOND_NS,
        working_set_bytes=_working_set(inside),
        anonymous_bytes=median(c.anonymous_bytes for c in inside),
        peak_bytes=Missing("this kernel has no peak counter (memory.peak came with Linux 5.19)") if peak is None else peak,
        busiest_second_cores=busiest_second(samples, start_ns, end_ns),
        throttled_periods=_throttled(inside),
        stopped_seconds=stopped_seconds(samples, start_ns, end_ns),
    )


def stopped_seconds(samples: Sequence[Sample], start_ns: int, end_ns: int) -> float:
    """For how much of a window a container's processes were stopped, or nobody knows."""
    total = 0
    for before, after in pairwise(samples):
        stood_still = after.counters.stopped or after.monotonic_ns - before.monotonic_ns > UNWATCHED_SECONDS * SECOND_NS
        if stood_still:
            total += max(0, min(after.monotonic_ns, end_ns) - max(before.monotonic_ns, start_ns))
    return round(total / SECOND_NS, 1)


def _working_set(inside: Sequence[Counters]) -> float | Missing:
    known = [counters.working_set_bytes for counters in inside if counters.working_set_bytes is not None]
    return median(known) if known else Missing(NO_WORKING_SET)


def anonymous_between(samples: Sequence[Sample], start_ns: int, end_ns: int) -> float | Missing:
    """The median of a container's anonymous memory in [start_ns, end_ns)."""
    inside = [sample.counters.anonymous_bytes for sample in samples if start_ns <= sample.monotonic_ns < end_ns]
    return float(median(inside)) if inside else Missing("no counters were read in this time")


def _throttled(inside: Sequence[Counters]) -> int | None:
    first, last = inside[0].throttled_periods, inside[-1].throttled_periods
    return None if first is None or last is None else last - first


def host_use(
    samples: Sequence[HostSample],
    start_ns: int,
    end_ns: int,
    service_cpus: Sequence[int],
    all_cpus: Sequence[int],
    own: Sequence[Usage],
) -> HostUse | Missing:
    """Host interference in a window: other work on the service's CPUs, and steal on all CPUs of the trial.

    `own`: use in the window by the trial's containers that run on the service's CPUs, first of all the service. The first
    and last reading of the host lie within half a second of the window's ends, so `own` is converted to a rate.
    """
    inside = [sample for sample in samples if start_ns <= sample.monotonic_ns <= end_ns]
    if len(inside) < 2:
        return Missing("the host's CPU counters were not read in this window")
    first, last = inside[0], inside[-1]
    if any(cpu not in first.cpus or cpu not in last.cpus for cpu in all_cpus):
        return Missing("the host's counters do not show all CPUs of the trial")

    def rise(field: str, cpus: Sequence[int]) -> int:
        return sum(getattr(last.cpus[cpu], field) - getattr(first.cpus[cpu], field) for cpu in cpus)

    elapsed = last.monotonic_ns - first.monotonic_ns
    expected = sum(used.cpu_seconds for used in own) / ((end_ns - start_ns) / SECOND_NS) * elapsed
    not_idle = elapsed * len(service_cpus) - rise("idle_ns", service_cpus) - rise("steal_ns", service_cpus)
    # Both figures may be too high: busy ticks count work that timers start too often, and the time to wake up is not idle.
    # Other work shows in both, so the lower one counts.
    busy = min(rise("busy_ns", service_cpus), not_idle)
    return HostUse(
        other_work=round(max(0.0, busy - expected) / (elapsed * len(service_cpus)), 4),
        steal=round(rise("steal_ns", all_cpus) / (elapsed * len(all_cpus)), 4),
    )


def speeds(samples: Sequence[SpeedSample], start_ns: int, end_ns: int, placement: Placement) -> Mapping[str, Speed]:
    """Role -> speed of its CPUs during [start_ns, end_ns]. Roles with fewer than MIN_SAMPLES samples are left out."""
    inside = [sample for sample in samples if start_ns <= sample.monotonic_ns < end_ns]
    by_role = {}
    for role in ("service", "database", "generator"):
        cpus = parse_cpu_list(getattr(placement, role))
        microseconds = [sample.cpu_ns / 1e3 for sample in inside if sample.cpu in cpus]
        if len(microseconds) >= MIN_SAMPLES:
            by_role[role] = Speed(
                round(fmean(microseconds), 3), round(quantiles(microseconds, n=10)[0], 3), len(microseconds)
            )
    return by_role
