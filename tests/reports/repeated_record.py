"""A record of many trials: the blocks of a record again and again. Nothing was measured more often than in that one."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness.record.plan import Trial
from harness.record.reader import Record, read_record
from harness.record.trial_result import TrialResult


def repeated(record: Record, folder: Path, times: int) -> Record:
    """The record with each of its trials so many times, in a folder of its own. Its files are links to the record's."""
    plan = record.run.plan
    groups = max((trial.group for trial in plan.trials), default=0)
    results = {result.trial.id: result for result in record.results}
    files = {kind: sorted((record.folder / kind).iterdir()) for kind in ("histograms", "samples")}
    for kind in files:
        (folder / kind).mkdir(parents=True)
    trials: list[Trial] = []
    lines: list[TrialResult] = []
    for copy in range(times):
        for trial in plan.trials:
            name = f"{len(trials) + 1:05d}-{trial.target}-{trial.profile}"
            again = replace(
                trial,
                id=name,
                block=trial.block + copy * plan.timing.blocks,
                group=trial.group and trial.group + copy * groups,
            )
            trials.append(again)
            if result := results.get(trial.id):
                lines.append(replace(result, trial=again))
            for kind, every in files.items():
                # A trial that scales has a file of each of its points: its id, and the point's number.
                for file in (f for f in every if f.stem == trial.id or f.stem.startswith(f"{trial.id}-")):
                    os.link(file, folder / kind / f"{name}{file.name.removeprefix(trial.id)}")
    timing = replace(plan.timing, blocks=plan.timing.blocks * times)
    run = replace(record.run, plan=replace(plan, timing=timing, trials=tuple(trials)))
    (folder / "run.json").write_bytes(msgspec.json.encode(run))
    (folder / "trials.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return read_record(folder)
