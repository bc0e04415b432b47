"""The containers of one service of a group: those of fitmap's contract, or those that a team's own service asks for."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs

from harness.containers.own_spec import Copied, beside_ports, beside_spec, own_service_spec, values_of
from harness.containers.spec import ContainerSpec, database_spec, service_spec
from harness.plan.placeholders import filled
from harness.record.config import Ports
from harness.record.own import Own, image_name
from harness.record.plan import Trial
from harness.trials.context import Setup


class CopySpecs(Struct, frozen=True):
    """What is started for one service. `beside`: name -> each further container; `ports`: of all of them, by role."""

    service: ContainerSpec
    database: ContainerSpec | None
    beside: Mapping[str, ContainerSpec]
    #: Runs to its end before the service starts.
    migrate: ContainerSpec | None
    ports: Mapping[str, int]


def copy_specs(setup: Setup, trial: Trial, index: int, password: str) -> CopySpecs:
    """The containers of the service of a trial. `index`: of the service in its group. Raises UsageError."""
    config, placement = setup.config, setup.plan.placement
    ports = Ports(config.ports.service + index, config.ports.database + index)
    own = setup.own(trial)
    if own is None:
        image, environment = setup.images[trial.target], setup.environment(trial)
        return CopySpecs(
            service_spec(image, placement.service, ports, config.limits, password, environment),
            database_spec(setup.images["database"], placement.database, ports, config.limits, password),
            {},
            None,
            {"service": ports.service, "database": ports.database},
        )
    return _own_specs(setup, trial, own, Copied(ports, beside_ports(own, config, index), password))


def _own_specs(setup: Setup, trial: Trial, own: Own, copied: Copied) -> CopySpecs:
    limits, placement = setup.config.limits, setup.plan.placement
    values = values_of(copied, placement.service, limits)
    service = own_service_spec(own, setup.images[trial.target], placement, limits, values, setup.secrets)

    def image(part: str) -> str:
        return setup.images[image_name(trial.target, part)]

    migrate = tuple(filled(text, values) for text in own.migrate)
    return CopySpecs(
        service,
        beside_spec(own.database, "database", image("database"), placement, limits, values) if own.database else None,
        {
            each.name: beside_spec(each, f"beside-{each.name}", image(each.name), placement, limits, values)
            for each in own.beside
        },
        structs.replace(service, role="migrate", entrypoint=migrate, command=()) if migrate else None,
        {
            "service": copied.ports.service,
            **({"database": copied.ports.database} if own.database else {}),
            **copied.beside,
        },
    )
