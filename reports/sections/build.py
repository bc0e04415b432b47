"""Report section for build trials: clean builds, rebuilds, dependencies."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.record.measurement import Missing
from harness.record.plan import Profile
from harness.record.trial_result import BuildMeasurement, Built
from reports.analysis.analysis import Analysis
from reports.sections.elements import Row, Section, Table
from reports.sections.startup import NONE, _axes
from reports.units import number, quantity


def build_section(analysis: Analysis, profile: Profile, name: str) -> Section:
    """The section of a build profile: one chart per metric, and one table row per target."""
    rows = []
    for target in analysis.run.plan.targets:
        found = [s.whole for s in analysis.singles
                 if s.trial.target == target and s.valid and isinstance(s.whole, BuildMeasurement)]  # fmt: skip
        if found:
            rows.append(_build_row(analysis, target, found))
    headers = (
        "Target", "Clean build", "Steps before the sources", "Steps from the sources on", "Rebuild",
        "Edit to release image", "Edit to running in development", "Edited file",
        "Image", "Source lines", "Direct dependencies", "Transitive", "Counted in",
    )  # fmt: skip
    return Section(
        profile.title,
        _axes(analysis, profile, name),
        "Builds have all of the machine's CPUs. Steps before the sources are not repeated after a change of a source. "
        "Most of them is the download of dependencies, so this part also depends on the network. Dependencies are counted "
        "in the lock file, for run time alone and for all platforms. Maven has no lock file, so there the jars in the "
        "image are counted. The image is the target's own. Source lines are those of its manifest.",
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
        _development(found),
        found[-1].file,
        quantity(image.size_bytes, "bytes") if image else NONE,
        NONE if lines is None else number(lines),
        *(
            (NONE, NONE, counted.reason)
            if isinstance(counted, Missing)
            else (str(counted.direct), str(counted.transitive), counted.source)
        ),
    )


def _development(found: Sequence[BuildMeasurement]) -> str:
    values = [each.development_seconds for each in found]
    times = [value for value in values if isinstance(value, float)]
    reasons = [value.reason for value in values if isinstance(value, Missing)]
    return quantity(median(times), "seconds") if times else reasons[0] if reasons else NONE


def sources_at(clean: Built, rebuilt: Built) -> float:
    """Seconds that a clean build spent before the first step that the rebuild had to repeat.

    Those are the steps that the rebuild took from its cache.
    """
    cached = 0
    for step in rebuilt.steps:
        # FROM and ARG do no work and are never cached.
        if not step.cached and step.instruction.split()[0] not in ("FROM", "ARG"):
            break
        cached += 1
    return sum(step.seconds for step in clean.steps[:cached])
