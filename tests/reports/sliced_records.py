"""Synthetic records of trials that took turns: a made-up record whose levels get slices. No number was ever measured."""

from __future__ import annotations

from collections.abc import Callable, Collection
from statistics import fmean

import msgspec
from msgspec.structs import replace

from harness.record.measurement import LevelMeasurement, Measurement, Slice
from harness.record.plan import Trial
from harness.record.reader import Record
from reports.metrics.level_stats import requests, throughput

ROUNDS = 10
#: Requests of a slice.
REQUESTS = 400
HALF_SECOND = 500_000_000

#: Trial and round -> how many times as dear a request is there as in the record without slices.
Cost = Callable[[Trial, int], float]


def sliced(record: Record, cost: Cost, *, rounds: int = ROUNDS, dropped: Collection[int] = (), method: int = 7) -> Record:
    """The record with slices in each level but those of held requests. Two blocks are a group."""
    results = []
    for result in record.results:
        trial = replace(result.trial, group=(result.trial.block + 1) // 2)
        whole = result.measurement
        if isinstance(whole, Measurement):
            levels = tuple(
                level if "held" in level.level else _sliced(level, trial, cost, rounds, dropped) for level in whole.levels
            )
            whole = replace(whole, levels=levels)
        results.append(replace(result, trial=trial, measurement=whole))
    plan = replace(record.run.plan, trials=tuple(replace(t, group=(t.block + 1) // 2) for t in record.run.plan.trials))
    return msgspec.structs.replace(record, run=replace(record.run, method=method, plan=plan), results=tuple(results))


def _sliced(level: LevelMeasurement, trial: Trial, cost: Cost, rounds: int, dropped: Collection[int]) -> LevelMeasurement:
    """The slices, and the sums over those that count in the place of the window's figures."""
    costs = {number: cost(trial, number) for number in range(1, rounds + 1)}
    each = {role: used.cpu_seconds / requests(level) * 1e9 for role, used in level.usage.items()}
    rate = throughput(level)
    slices = tuple(
        Slice(
            round=number,
            start_ns=level.window_start_ns + number * HALF_SECOND,
            end_ns=level.window_start_ns + (number + 1) * HALF_SECOND,
            requests=REQUESTS,
            paced_requests=REQUESTS if level.kind == "closed" else 0,
            paced_ns=round(REQUESTS / rate * dear * 1e9) if level.kind == "closed" else 0,
            service_cpu_ns=round(REQUESTS * each["service"] * dear),
            database_cpu_ns=round(REQUESTS * each["database"] * dear),
            generator_cpu_ns=round(REQUESTS * each["generator"]),
            dropped="another process worked" if number in dropped else "",
        )
        for number, dear in costs.items()
    )
    mean = fmean(dear for number, dear in costs.items() if number not in dropped)
    usage = {role: replace(used, cpu_seconds=used.cpu_seconds * mean) for role, used in level.usage.items()}
    # Not the service's CPU: there the quiet third of the slices counts (tests/reports/metrics/test_quiet_third.py).
    return replace(level, slices=slices, usage=usage, bottleneck="database")
