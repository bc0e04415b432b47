"""Synthetic records with variants: a variant's trials are its base's with noise of their own. Nothing was measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec
from report_records import PROFILES, run_of, write_trial
from sliced_records import Cost, sliced

from harness.record.measurement import Bottleneck, Measurement
from harness.record.plan import Setting, Target, Trial, Variant, folder_of
from harness.record.reader import Record, read_record
from harness.record.run import Run
from harness.record.trial_result import TrialResult
from harness.record.writer import RecordWriter

TARGETS = ("go", "go.label", "go.slow", "go.tuned", "rust", "java")
QUESTIONS = {"label": "Does a label matter?", "slow": "What does 5 % more work cost?", "tuned": "What does tuning buy?"}


def variant_of(base: Target, name: str) -> Target:
    """A variant of a target; `tuned` is of that class."""
    tuned = name == "tuned"
    variant = Variant(
        name=name,
        base=base.name,
        question=QUESTIONS[name],
        arguments={} if tuned else {"LABEL": name},
        environment={"GOGC": "200"} if tuned else {},
        overlay="variants/tuned" if tuned else "",
        files=("main.go",) if tuned else (),
        lines_added=12 if tuned else 0,
        lines_removed=3 if tuned else 0,
        deviations=(Setting("GOGC", "200", "Half as many collections."),) if tuned else (),
    )
    return msgspec.structs.replace(
        base, name=f"{base.name}.{name}", target_class="tuned" if tuned else base.target_class, variant=variant
    )


def run_with(targets: tuple[str, ...], blocks: int) -> Run:
    """A run of targets and variants."""
    run = run_of(targets, blocks, {}, PROFILES)
    found = {name: run.targets[folder_of(name)] if "." in name else run.targets[name] for name in targets}
    named = {name: variant_of(base, name.partition(".")[2]) if "." in name else base for name, base in found.items()}
    return msgspec.structs.replace(
        run,
        targets=named,
        images={name: run.images[folder_of(name)] for name in run.images},
        source_lines={name: lines for name, lines in run.source_lines.items() if "." not in name},
    )


def variants_record(
    folder: Path,
    factors: Mapping[str, float],
    *,
    targets: tuple[str, ...] = TARGETS,
    blocks: int = 6,
    noise: float = 0.004,
    cost: Cost | None = None,
) -> Record:
    """A record in slices. `factors`: variant -> how many times as dear a request is as in its base."""
    run = run_with(targets, blocks)
    writer = RecordWriter(folder)
    writer.begin(run)
    for trial in run.plan.trials:
        made = write_trial(writer, run, msgspec.structs.replace(trial, target=folder_of(trial.target)), noise)
        writer.append(msgspec.structs.replace(made, trial=trial))

    def dear(trial: Trial, number: int) -> float:
        return factors.get(trial.target, 1.0) * (cost(trial, number) if cost else 1.0)

    return sliced(read_record(folder), dear)


def without(record: Record, targets: Collection[str]) -> Record:
    """The record as it would be if some targets had not been measured."""
    run = record.run
    kept = tuple(name for name in run.plan.targets if name not in targets)
    plan = msgspec.structs.replace(
        run.plan, targets=kept, trials=tuple(trial for trial in run.plan.trials if trial.target in kept)
    )
    run = msgspec.structs.replace(
        run, plan=plan, targets={name: run.targets[name] for name in kept},
        images={name: image for name, image in run.images.items() if name not in targets},
    )  # fmt: skip
    results = tuple(result for result in record.results if result.trial.target in kept)
    return msgspec.structs.replace(record, run=run, results=results)


def limited(record: Record, bottlenecks: Mapping[str, Bottleneck]) -> Record:
    """The record with another limit of each level of some targets."""

    def changed(result: TrialResult) -> TrialResult:
        whole = result.measurement
        found = bottlenecks.get(result.trial.target)
        if found is None or not isinstance(whole, Measurement):
            return result
        levels = tuple(msgspec.structs.replace(level, bottleneck=found) for level in whole.levels)
        return msgspec.structs.replace(result, measurement=msgspec.structs.replace(whole, levels=levels))

    return msgspec.structs.replace(record, results=tuple(map(changed, record.results)))
