"""The sections of what no load tells: starts and builds, each with its charts and its table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.record.measurement import BuildMeasurement, Built, Missing, StartupMeasurement
from harness.record.plan import Profile
from reports.analysis.analysis import Analysis
from reports.metrics.startup import starts_of
from reports.metrics.steady_state import JUDGED_SECONDS, STEADY_SHARE, climbing, shares, steady_rate, time_to_steady
from reports.sections.memory_floor import floor_section
from reports.sections.metric_figures import Figure, Row, Section, Table, place_figures
from reports.sections.scaling import scale_out_section, scale_up_section
from reports.sections.warmup import course_figure
from reports.text.units import number, quantity, span

NONE = "–"


def beside_sections(analysis: Analysis) -> tuple[Section, ...]:
    """A section for each profile that is no load."""
    makers = {
        "startup": _startup,
        "memory-floor": floor_section,
        "scale-up": scale_up_section,
        "scale-out": scale_out_section,
        "build": _build,
    }
    return tuple(
        makers[p.kind](analysis, p, f"beside-{i}") for i, p in enumerate(analysis.run.plan.profiles) if p.kind in makers
    )


def _axes(analysis: Analysis, profile: Profile, name: str) -> tuple[Figure, ...]:
    place = next(place for place in analysis.places if place.id == profile.name)
    return place_figures(analysis, place, name)


def _startup(analysis: Analysis, profile: Profile, name: str) -> Section:
    trials = {
        target: [s.whole for s in analysis.singles
                 if s.trial.target == target and s.valid and isinstance(s.whole, StartupMeasurement)]
        for target in analysis.run.plan.targets
    }  # fmt: skip
    course = course_figure(
        analysis,
        f"{name}-course",
        "Throughput from the first request on",
        f"A fresh service under full load ({profile.connections} connections, the mix of profile cpu) with no warm-up: "
        "requests answered in each quarter of a second, as a share of the speed at the end. What is missing of 100 % is a "
        "just-in-time compiler's work, and what it has not compiled yet. Strong: the median over valid trials; faint: "
        "single trials.",
        {target: [shares(each.windows) for each in found] for target, found in trials.items()},
        (
            "Target",
            "Steady speed",
            "First quarter of a second",
            f"First second at {STEADY_SHARE * 100:g} % or more",
            "Trials",
        ),
        tuple(_course_row(target, found) for target, found in trials.items() if found),
    )
    headers = (
        "Target", "Warm: /health", "Warm: first row", "Cold: /health", "Cold: first row", "Starts, warm and cold",
        "Image's files", "Taken out of the page cache", "Left in it",
    )  # fmt: skip
    return Section(
        profile.title,
        (*_axes(analysis, profile, name), *((course,) if course else ())),
        "Each start is a new container against a running database. The clock is the engine's start of the container; "
        "answers are seen within 1 ms of their time as long as nothing listens, within 5 ms while the service says that it "
        "is not ready. Cold: the image's files were taken out of the page cache before.",
        tables=(Table("Starts: medians and ranges over all of them", headers,
                      tuple(_start_row(target, found) for target, found in trials.items() if found)),),
    )  # fmt: skip


def _course_row(target: str, found: Sequence[StartupMeasurement]) -> Row:
    settled = [each for each in found if not climbing(each.windows)]
    reached = [value for each in settled if not isinstance(value := time_to_steady(each.windows), Missing)]
    first = [shares(each.windows)[0][1] for each in found]
    return (
        target,
        quantity(median(steady_rate(each.windows) for each in found), "requests/s"),
        f"{median(first):.0f} %",
        _after(reached) if reached and len(reached) == len(settled) else "not in every trial",
        str(len(found)) if settled == found else f"{len(found)}, {len(found) - len(settled)} still faster at the end",
    )


def _after(seconds: Sequence[float]) -> str:
    middle = median(seconds)
    return f"{middle:.2f} s" if middle > 1.05 * JUDGED_SECONDS else f"at once (the first {JUDGED_SECONDS:g} s)"


def _start_row(target: str, found: Sequence[StartupMeasurement]) -> Row:
    cold = [start for each in found for start in each.starts if start.cold]
    reasons = dict.fromkeys(each.cold.reason for each in found if isinstance(each.cold, Missing))
    files = [each.cold.total_bytes for each in found if not isinstance(each.cold, Missing)]

    def times(field: str, *, is_cold: bool) -> str:
        values = [value for each in found for value in starts_of(each, field, cold=is_cold)]
        if not values:
            return "; ".join(reasons) or NONE
        return f"{quantity(median(values), 'seconds')} ({span(min(values), max(values), 'seconds')})"

    return (
        target,
        times("health_seconds", is_cold=False),
        times("answer_seconds", is_cold=False),
        times("health_seconds", is_cold=True),
        times("answer_seconds", is_cold=True),
        f"{sum(not start.cold for each in found for start in each.starts)} and {len(cold)}",
        quantity(max(files), "bytes") if files else NONE,
        quantity(median(start.evicted_bytes for start in cold), "bytes") if cold else NONE,
        quantity(median(start.left_bytes for start in cold), "bytes") if cold else NONE,
    )


def _build(analysis: Analysis, profile: Profile, name: str) -> Section:
    rows = []
    for target in analysis.run.plan.targets:
        found = [s.whole for s in analysis.singles
                 if s.trial.target == target and s.valid and isinstance(s.whole, BuildMeasurement)]  # fmt: skip
        if found:
            rows.append(_build_row(analysis, target, found))
    headers = (
        "Target", "Clean build", "Before the sources", "From the sources on", "Rebuild", "Edit to running", "Edited",
        "Image", "Source lines", "Direct dependencies", "Transitive", "Counted in",
    )  # fmt: skip
    return Section(
        profile.title,
        _axes(analysis, profile, name),
        "Builds have all of the machine's CPUs. Before the sources: the steps that a change of a source leaves alone, above "
        "all the download of dependencies, so this part is the network's too. Dependencies are counted for run time alone "
        "and for whatever platform, in the lock file; Maven has none, so there the jars in the image count. The image "
        "is the target's own, source lines are those of its manifest.",
        tables=(Table("Builds: medians over valid trials", headers, tuple(rows)),),
    )


def _build_row(analysis: Analysis, target: str, found: Sequence[BuildMeasurement]) -> Row:
    run = analysis.run
    image = run.images.get(target)
    lines = run.source_lines.get(target)
    counted = found[-1].dependencies
    clean = [(each.clean.seconds, sources_at(each.clean, each.rebuilt)) for each in found if each.clean]

    def seconds(values: Sequence[float]) -> str:
        return quantity(median(values), "seconds")

    return (
        target,
        seconds([whole for whole, _ in clean]) if clean else NONE,
        seconds([before for _, before in clean]) if any(before for _, before in clean) else NONE,
        seconds([whole - before for whole, before in clean]) if clean else NONE,
        seconds([each.rebuilt.seconds for each in found]),
        seconds([each.edit_to_running_seconds for each in found]),
        found[-1].file,
        quantity(image.size_bytes, "bytes") if image else NONE,
        NONE if lines is None else number(lines),
        *(
            (NONE, NONE, counted.reason)
            if isinstance(counted, Missing)
            else (str(counted.direct), str(counted.transitive), counted.source)
        ),
    )


def sources_at(clean: Built, rebuilt: Built) -> float:
    """How many seconds of a clean build went into steps that the rebuild had in its cache, and began before its first that
    it had not.
    """
    cached = 0
    for step in rebuilt.steps:
        # FROM and ARG do nothing, and are no part of the cache.
        if not step.cached and step.instruction.split()[0] not in ("FROM", "ARG"):
            break
        cached += 1
    return sum(step.seconds for step in clean.steps[:cached])
