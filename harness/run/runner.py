"""Runs the trials of a record, one after the other, and appends each result."""

from __future__ import annotations

import time
from collections.abc import Mapping

import docker
import msgspec

from harness.containers.builder import Image
from harness.containers.lifecycle import announced
from harness.errors import UsageError
from harness.evaluation.statements import read_contract
from harness.evaluation.validity import disturbed_by_host
from harness.files import CONTRACT
from harness.host import machine
from harness.plan.schedule import trials_seconds
from harness.plan.selection import planned_profiles
from harness.record.method import METHOD
from harness.record.plan import Plan, Trial, groups, is_base
from harness.record.reader import Record, read_record
from harness.record.run import Run
from harness.record.writer import RecordWriter
from harness.run.progress import Listener, Position
from harness.run.secrets import secrets_of, without_secrets
from harness.trials.context import Setup
from harness.trials.dispatch import run_trial
from harness.trials.group import run_group
from harness.wording import counted, minutes


def check_resumable(record: Record, images: Mapping[str, Image]) -> None:
    """Raises UsageError if method, machine or images differ from those of the record."""
    if record.run.method != METHOD:
        raise UsageError(
            f"run {record.run.id} was measured with method {record.run.method}, but this is method {METHOD}: start a new run"
        )
    if record.run.host.cpu_model != machine.describe().cpu_model:
        raise UsageError(f"run {record.run.id} began on another machine ({record.run.host.cpu_model}): start a new run")
    changed = [name for name, image in record.run.images.items() if name in images and images[name].id != image.id]
    if changed:
        raise UsageError(
            f"the images of {', '.join(changed)} have changed since run {record.run.id} began: start a new run, "
            "or check out the revision that they were built from"
        )


def run_trials(client: docker.DockerClient, record: Record, listener: Listener) -> Record:
    """Runs the pending trials of a record, and reads the record again.

    Raises EngineError, PortTaken, RunError; KeyboardInterrupt passes through. In all cases the containers of the current
    trial are removed, and finished trials are on disk.
    """
    run = record.run
    writer = RecordWriter(record.folder)
    secrets = _secrets(run)
    setup = Setup(
        run_id=run.id,
        plan=run.plan,
        config=run.configuration,
        images={name: image.id for name, image in run.images.items()},
        contract=read_contract(CONTRACT / "queries.toml"),
        calibration=run.calibration,
        targets=run.targets,
        image_set=run.image_set,
        secrets=secrets,
    )
    # A group is measured as a whole, so it is measured again as a whole.
    missing = {trial.id for trial in record.pending()}
    pending = [trials for trials in groups(run.plan.trials) if any(trial.id in missing for trial in trials)]
    total, left = len(run.plan.trials), sum(len(trials) for trials in pending)
    expected = trials_seconds(run.plan, run.targets)
    begun, slower, done = time.monotonic(), 1.0, 0.0
    listener.run_started(record)
    number = total - left
    for at, trials in enumerate(pending):
        seconds = slower * sum(expected[trial.id] for coming in pending[at:] for trial in coming)
        position = Position(number + 1, total, time.monotonic() - begun, seconds)
        listener.trial_started(position, trials)
        if trials[0].group:
            for result in run_group(client, setup, trials, writer, listener.window, listener.slice):
                hidden = without_secrets(result, secrets)
                writer.append(hidden)
                number += 1
                listener.trial_done(msgspec.structs.replace(position, number=number), hidden, repeated=False)
        else:
            number += 1
            _run_alone(client, setup, trials[0], writer, listener, position)
        # Warm-ups are prolonged and engines differ. The estimate assumes that the rest is slower by the same factor.
        done += sum(expected[trial.id] for trial in trials)
        slower = (time.monotonic() - begun) / done
    return read_record(record.folder)


def _secrets(run: Run) -> dict[str, str]:
    """The variables that own services and profiles of a run ask for. Raises UsageError."""
    own = {name: target for name, target in run.targets.items() if target.of_team and not is_base(name)}
    return secrets_of(run.targets, planned_profiles(run.plan, own)) if own else {}


def _run_alone(
    client: docker.DockerClient,
    setup: Setup,
    trial: Trial,
    writer: RecordWriter,
    listener: Listener,
    position: Position,
) -> None:
    # A trial disturbed by the host is repeated once, at once. Its last result counts, whatever it says.
    for repeated in (False, True):
        result = run_trial(client, setup, trial, writer, listener.window)
        writer.append(result)
        listener.trial_done(position, result, repeated=repeated)
        if not disturbed_by_host(result):
            break


def further_seconds(record: Record, plan: Plan) -> float:
    """The expected duration of what a longer plan adds to a record's."""
    expected, known = trials_seconds(plan, record.run.targets), {trial.id for trial in record.run.plan.trials}
    return sum(seconds for trial, seconds in expected.items() if trial not in known)


def extended(record: Record, plan: Plan) -> Record:
    """The record with a longer plan. Raises RunError."""
    RecordWriter(record.folder).begin(msgspec.structs.replace(record.run, plan=plan))
    return read_record(record.folder)


def measure(client: docker.DockerClient, record: Record, begun: float, listener: Listener) -> Record:
    """Runs the pending trials, with messages. `begun`: begin of set-up, monotonic clock."""
    pending, expected = record.pending(), trials_seconds(record.run.plan, record.run.targets)
    listener.say(
        f"images and calibration: {time.monotonic() - begun:.0f} s; {counted(len(pending), 'trial')}, "
        f"{minutes(sum(expected[trial.id] for trial in pending))}, longer if trials are repeated; "
        f"record in {record.folder}"
    )
    with announced(client, record.run.images["load"].id):
        return run_trials(client, record, listener)
