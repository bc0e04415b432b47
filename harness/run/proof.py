"""Whether variants are what their manifests claim, before anything is measured: names and numbers of an image can lie."""

from __future__ import annotations

import time
from collections.abc import Mapping

import docker
import msgspec

from harness.containers.builder import Image
from harness.containers.engine import Say
from harness.containers.lifecycle import TrialContainers, check_port_free, new_password
from harness.containers.spec import database_spec, service_spec
from harness.errors import ImageError, TrialError, UsageError
from harness.record.config import Config
from harness.record.damage import DAMAGED
from harness.record.plan import TWIN, Placement, Target, is_base
from harness.trials.context import meta_of, wait_for_database
from harness.trials.readiness_probe import Watcher
from loadtests.protocol import messages

ASKS = (messages.Ask("/health"), messages.Ask("/meta"))


def check_differ(targets: Mapping[str, Target], images: Mapping[str, Image]) -> None:
    """Raises UsageError where a variant is the same image as its base, with the same environment."""
    for name, target in targets.items():
        variant = target.variant if not is_base(name) else None
        base = images.get(variant.base) if variant else None
        if variant and base and images[name].id == base.id and not variant.environment:
            what = "image" if target.own else next(w for w in ("arguments", "bases", "overlay") if getattr(variant, w))
            reach = "reach" if what in ("arguments", "bases") else "reaches"
            raise UsageError(
                f"{name} is the same image as {variant.base}, with the same environment: its {what} {reach} nothing"
            )


def prove(
    client: docker.DockerClient,
    config: Config,
    placement: Placement,
    targets: Mapping[str, Target],
    images: Mapping[str, Image],
    say: Say,
) -> None:
    """Starts each variant once and reads its GET /meta. Raises UsageError where it is not what the manifest claims."""
    for name, target in targets.items():
        # A twin is the same image, and a base version was built from another manifest.
        # A team's own service keeps no GET /meta.
        if target.variant and not target.own and not name.endswith(TWIN) and not is_base(name):
            meta = _meta(client, config, placement, target, images, name)
            check_claims(name, target, meta)
            say(f"{name} is what its manifest claims (runtime {meta.get('runtime', 'unknown')})")


def check_claims(name: str, target: Target, meta: Mapping[str, str | int]) -> None:
    """Raises UsageError where an answer of GET /meta is not what the manifest of a variant claims."""
    for key, value in meta_of(target).items():
        if meta.get(key) != value:
            raise _lie(name, key, meta, value)
    for key, value in (target.variant.proves if target.variant else {}).items():
        if not str(meta.get(key, "")).startswith(value):
            raise _lie(name, key, meta, value)


def _lie(name: str, key: str, meta: Mapping[str, str | int], value: str) -> UsageError:
    return UsageError(f'{name} says {key} "{meta.get(key, "")}", not "{value}": it is not what its manifest claims')


def _meta(
    client: docker.DockerClient,
    config: Config,
    placement: Placement,
    target: Target,
    images: Mapping[str, Image],
    name: str,
) -> Mapping[str, str | int]:
    """What a variant answers on GET /meta. Raises ImageError where it does not."""
    ports, password = config.ports, new_password()
    check_port_free(ports.service, "service")
    check_port_free(ports.database, "database")
    with TrialContainers(client, f"proof-{time.time_ns():x}", name) as containers:
        try:
            database = containers.add(
                database_spec(images["database"].id, placement.database, ports, config.limits, password)
            )
            database.start()
            spec = service_spec(images[name].id, placement.service, ports, config.limits, password, target.environment)
            with Watcher(containers, images["load"].id, placement.generator, ports.service, ASKS) as watcher:
                wait_for_database(database)
                service = containers.add(spec)
                watcher.begin()
                service.start()
                body = watcher.seen(service).last_body
            return msgspec.json.decode(body, type=dict[str, str | int])
        except TrialError as error:
            raise ImageError(f"{name} does not answer GET /meta, so nothing proves what it is: {error}") from None
        except DAMAGED as error:
            raise ImageError(f"{name} answers GET /meta with no object of texts and integers ({error})") from None
