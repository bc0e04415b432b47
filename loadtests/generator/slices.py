"""What the master makes of a part of load on several workers, and of a slice."""

from __future__ import annotations

from loadtests.protocol import group_messages as group
from loadtests.protocol.rounds import Seen


def seen_of(event: group.SliceEvent) -> Seen:
    """A slice as the rules of rounds look at it."""
    # A service whose CPU counter can't be read is warm when its answers take no less time any more.
    cost_ns = event.sum_microseconds * 1000 if event.service_cpu_ns is None else event.service_cpu_ns
    seconds = (event.end_ns - event.start_ns) / 1e9
    return Seen(seconds, event.requests, cost_ns, event.others_ns, event.other_work or 0.0, event.steal or 0.0)


def unanswered(part: group.PartResult | group.SliceEvent) -> bool:
    """Whether requests were sent and none was answered as expected. At a rate of a few a second there may have been none."""
    return not part.requests and part.failures > 0


def joined(results: tuple[group.PartResult, ...]) -> group.PartResult:
    """The sum over the workers. Their paced times are the mean: requests add up, the time is the same for all."""
    paced = [result for result in results if result.paced_ns]
    nanoseconds = sum(result.paced_ns for result in paced) / len(paced) if paced else 0.0
    return group.PartResult(
        number=results[0].number,
        start_ns=min(result.start_ns for result in results),
        end_ns=max(result.end_ns for result in results),
        requests=sum(result.requests for result in results),
        failures=sum(result.failures for result in results),
        sum_microseconds=sum(result.sum_microseconds for result in results),
        paced_requests=round(sum(r.paced_requests / r.paced_ns for r in paced) * nanoseconds),
        paced_ns=round(nanoseconds),
        busy_seconds=sum(result.busy_seconds for result in results),
        held=sum(result.held for result in results),
    )
