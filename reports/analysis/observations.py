"""Trials as the analysis sees them: with a value of every metric that applies to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from statistics import median
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from harness.record.external import NOT_STARTED
from harness.record.histograms import read_encoded
from harness.record.measurement import LevelMeasurement, Measurement, Missing
from harness.record.plan import Kind, Trial
from harness.record.reader import Record
from harness.record.trial_result import BuildMeasurement, NonLoadMeasurement, TrialResult
from reports.metrics.catalogue import METRICS
from reports.metrics.level_stats import LOUD_SCATTER, Distribution, distributions, slice_scatter
from reports.metrics.load import LevelData, code_lines, image_size, route_tails
from reports.metrics.metric import Metric, NotApplicable
from reports.metrics.scopes import Load, ScopeKind, route_id
from reports.stats.pairs import ByRound

_BY_KIND: Mapping[Kind, Sequence[Metric]] = {
    kind: [metric for metric in METRICS if metric.kind == kind] for kind in get_args(Kind)
}


class Observation(Struct, frozen=True):
    """A trial, valid or not, with its value of every metric that applies to it."""

    result: TrialResult
    values: Mapping[str, float | Missing]

    @property
    def trial(self) -> Trial:
        return self.result.trial

    @property
    def valid(self) -> bool:
        return self.result.verdict == "valid"

    def counts(self, scope: ScopeKind) -> bool:  # noqa: ARG002 - a level's own rule looks at it
        """Whether it is ranked."""
        return self.valid

    @property
    def pair(self) -> str:
        """By which trials are paired in comparisons: block and profile (some metrics span all profiles)."""
        return f"{self.trial.block}/{self.trial.profile}"


class TrialObservation(Observation, frozen=True):
    """A non-load trial: it has no levels."""

    whole: NonLoadMeasurement


class LevelObservation(Observation, frozen=True):
    """A trial at one of its levels.

    What a trial has once (start, image, peak memory, capacity) is the same at each of its levels.
    """

    whole: Measurement
    level: LevelMeasurement
    load: Load
    distribution: Distribution | Missing
    #: Metric -> round -> value, of a level that was measured in slices.
    rounds: Mapping[str, ByRound] = {}
    #: Route -> metric -> value, where the tail is ranked by route.
    by_route: Mapping[str, Mapping[str, float | Missing]] = {}

    @property
    def valid(self) -> bool:
        return self.level.verdict == "valid"

    def counts(self, scope: ScopeKind) -> bool:
        """Whether it is ranked. At a load: if the level is valid. What a trial has once: also if the level is
        generator-limited. The answers were right then, nothing disturbed the trial, and start and size do not depend on
        the load.
        """
        return self.valid or (scope != "load" and self.level.verdict == "generator_limited")


def service_bound_loads(results: Iterable[TrialResult]) -> frozenset[str]:
    """The ids of the loads at which the service's CPU limits every valid trial of every target.

    There, what another machine takes from that CPU only makes a slice dearer. Elsewhere CPU per request also depends on how
    a service waits, and the best slices would be those in which its own collector did not run.
    """
    limits: dict[str, set[str]] = {}
    for result in results:
        for level in result.measurement.levels if isinstance(result.measurement, Measurement) else ():
            if level.verdict == "valid":
                limits.setdefault(f"{result.trial.profile}@{level.level}", set()).add(level.bottleneck)
    return frozenset(load for load, found in limits.items() if found == {"service-cpu"})


def loud_loads(results: Iterable[TrialResult]) -> frozenset[str]:
    """The ids of the loads at which slices scatter much, in half of all valid trials.

    Such scatter comes from the machine, because no target alone makes half of the trials. It is one-sided: other machines
    make a slice slower, never faster. So the best third of the slices repeats better there than their mean. On a quiet
    machine it is the mean that repeats better.
    """
    scatters = defaultdict(list)
    for result in results:
        for level in result.measurement.levels if isinstance(result.measurement, Measurement) else ():
            if level.verdict == "valid" and (found := slice_scatter(level)) is not None:
                scatters[f"{result.trial.profile}@{level.level}"].append(found)
    return frozenset(load for load, found in scatters.items() if median(found) > LOUD_SCATTER)


def level_observation(
    record: Record, result: TrialResult, loads: Sequence[Load], service_bound: frozenset[str], loud: frozenset[str]
) -> Iterator[LevelObservation]:
    """A result at each load of which it has a measurement. `service_bound`, `loud`: see `service_bound_loads`,
    `loud_loads`.
    """
    whole = result.measurement
    if not isinstance(whole, Measurement):
        return
    profile = next(p for p in record.run.plan.profiles if p.name == result.trial.profile)
    encoded = read_encoded(record.folder, result.trial.id, "response")
    for load in loads:
        level = whole.at(load.level) if load.profile == result.trial.profile else None
        if level is None:
            continue
        answered = [route for route, numbers in level.routes.items() if numbers.requests]
        whole_mix, by_route = distributions(encoded, level.level, load.routes, answered)
        seen = LevelData(
            trial=whole,
            level=level,
            distribution=whole_mix,
            hold_milliseconds=load.hold_milliseconds,
            image_bytes=_image_bytes(record, result),
            source_lines=record.run.source_lines.get(result.trial.target),
            searched=any(level.kind == "capacity" for level in profile.levels),
            service_bound=load.id in service_bound,
            loud=load.id in loud,
            tails_by_route=bool(load.routes),
        )
        values = _values("load", seen)
        tails = {route: route_tails(level, found) for route, found in by_route.items()}
        yield LevelObservation(result, values, whole, level, load, seen.distribution, _by_round(values, level), tails)


def trial_observation(record: Record, result: TrialResult) -> TrialObservation | None:
    """The observation of a non-load trial. A build's image and sources are also those of the whole run."""
    whole = result.measurement
    if isinstance(whole, Measurement | Missing):
        return None
    kind = next(profile.kind for profile in record.run.plan.profiles if profile.name == result.trial.profile)
    if not isinstance(whole, BuildMeasurement):
        return TrialObservation(result, _values(kind, whole), whole)
    lines = record.run.source_lines.get(result.trial.target)
    sizes = {"image": image_size(_image_bytes(record, result))}
    sizes |= {} if lines is None else {"source-lines": code_lines(lines)}
    return TrialObservation(result, sizes | _values("build", whole), whole)


def _values(kind: Kind, seen: LevelData | NonLoadMeasurement) -> dict[str, float | Missing]:
    values = ((metric.id, metric.of(seen)) for metric in _BY_KIND[kind])
    return {metric: value for metric, value in values if not isinstance(value, NotApplicable)}


def _by_round(values: Iterable[str], level: LevelMeasurement) -> dict[str, ByRound]:
    if not level.slices:
        return {}
    found = ((metric.id, metric.by_round(level)) for metric in METRICS if metric.by_round and metric.id in values)
    return {metric: rounds for metric, rounds in found if rounds}


def _image_bytes(record: Record, result: TrialResult) -> float | Missing:
    target = record.run.targets.get(result.trial.target)
    if target and target.external:
        return NOT_STARTED
    image = record.run.images.get(result.trial.target)
    return image.size_bytes if image else Missing("the record names no image of it")


#: Scope id -> target -> all that was measured of it there, valid or not.
ByScope = Mapping[str, Mapping[str, Sequence[Observation]]]


def by_scope(
    measured: Sequence[LevelObservation], singles: Sequence[TrialObservation], without: Collection[str] = ()
) -> ByScope:
    """The observations by scope (the load, its routes, the profile, the whole run with id "") and target, but for some.

    At a route, a trial has the values of that route alone.
    """
    scopes: defaultdict[str, defaultdict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    for m in (m for m in measured if m.trial.target not in without):
        trial = m.trial
        for scope in (m.load.id, trial.profile, ""):
            scopes[scope][trial.target].append(m)
        for route, values in m.by_route.items():
            scopes[route_id(m.load.id, route)][trial.target].append(replace(m, values=values, rounds={}))
    for single in (single for single in singles if single.trial.target not in without):
        for scope in (single.trial.profile, ""):
            scopes[scope][single.trial.target].append(single)
    return scopes
