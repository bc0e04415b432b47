"""Describes a run: all that is known before its first trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import docker

from harness.containers.builder import Image
from harness.containers.engine import Say
from harness.containers.lifecycle import output_of
from harness.containers.versions import repository_of
from harness.errors import EngineError, UsageError
from harness.host import machine
from harness.host.git import git
from harness.record.config import Config
from harness.record.method import METHOD
from harness.record.plan import Plan, Target
from harness.record.run import SCHEMA, Calibration, EngineRecord, ImageRecord, Run


def describe_run(
    client: docker.DockerClient,
    *,
    run_id: str,
    config: Config,
    configuration_text: str,
    command: Sequence[str],
    plan: Plan,
    targets: Mapping[str, Target],
    images: Mapping[str, Image],
    image_set: str,
    calibration: Calibration,
    say: Say,
    source_lines: Mapping[str, int],
) -> Run:
    """All that is known of a run before its first trial."""
    server = client.version()
    # A team's own services bring a database of theirs, or none.
    database = images.get("database")
    checksum, database_version, settings = _ask_database_image(client, database.id) if database else ("", "", {})
    return Run(
        schema=SCHEMA,
        method=METHOD,
        id=run_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        fitmap_version=version("fitmap"),
        revision=_revision(targets, say),
        command=tuple(command),
        configuration_text=configuration_text,
        configuration=config,
        plan=plan,
        targets=dict(targets),
        host=machine.describe(),
        engine=EngineRecord(
            name=str((server.get("Platform") or {}).get("Name") or "Docker Engine"),
            version=str(server["Version"]),
            api_version=str(server["ApiVersion"]),
            storage_driver=str(client.info().get("Driver")),
        ),
        image_set=image_set,
        images={name: ImageRecord(image.id, image.size_bytes) for name, image in sorted(images.items())},
        database_version=database_version,
        database_settings=settings,
        seed_checksum=checksum,
        calibration=calibration,
        source_lines=source_lines,
    )


def _ask_database_image(client: docker.DockerClient, image_id: str) -> tuple[str, str, dict[str, str]]:
    """The seed's checksum, PostgreSQL's version and configuration, from the image itself."""
    script = "cat /opt/fitmap/checksum; postgres --version; cat /opt/fitmap/postgresql.conf"
    try:
        output = output_of(client, image_id, ["sh", "-c", script])
    except EngineError as error:
        raise EngineError(f"the database image does not run: {error}") from None
    checksum, database_version, *lines = output.splitlines()
    pairs = (line.split("#")[0].partition("=") for line in lines)
    settings = {name.strip(): value.strip().strip("'") for name, mark, value in pairs if mark}
    return checksum, database_version, settings


def _revision(targets: Mapping[str, Target], say: Say) -> str | None:
    """The commit of the checkout, with + if files differ from it; None outside a checkout, or where git fails.

    The checkout is that of the own services, if all are; a run of targets from several checkouts has no one revision.
    """
    try:
        repository = repository_of(targets)
    except UsageError:
        return None
    found = git("describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*", folder=repository)
    if found.reason and (repository / ".git").exists():
        say(f"the record has no revision: {found.reason}")
    return found.text or None
