"""A group with services of different owners: who gets which load, and what is started for an own service."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from own_folder import write_service
from synthetic import CALIBRATION

from harness.containers.own_spec import beside_ports, beside_spec, in_memory
from harness.containers.spec import engine_arguments
from harness.errors import UsageError
from harness.evaluation.statements import Contract
from harness.files import ROOT
from harness.plan.config_file import PRESETS
from harness.plan.own import find_own
from harness.plan.own_profiles import find_own_profiles
from harness.plan.profiles import find_profiles
from harness.plan.schedule import cells_of, further_group, make_plan
from harness.plan.targets import find_targets, with_twins
from harness.record.config import Config, Ports
from harness.record.own import Counted, Own, OwnDatabase
from harness.record.plan import Placement, Plan, Target
from harness.trials.context import Setup
from harness.trials.copy_specs import copy_specs
from harness.trials.group_spec import expected_connections, group_spec
from loadtests.protocol.group_messages import Copy

PLACEMENT = Placement("1", "0", "0", ("database", "generator"), "two cores")


@pytest.fixture
def targets(tmp_path: Path) -> dict[str, Target]:
    write_service(tmp_path)
    return {"go": find_targets(ROOT / "services")["go"], **find_own((str(tmp_path),), ())}


def planned(targets: dict[str, Target]) -> Plan:
    own = [each.profile for each in find_own_profiles(targets, ()).values()]
    profiles = (find_profiles(ROOT / "loadtests")["cpu"], *own)
    return make_plan(
        seed=1,
        preset="quick",
        timing=PRESETS["quick"],
        targets=tuple(targets),
        profiles=profiles,
        placement=PLACEMENT,
        cells=cells_of(targets, profiles),
    )


def setup(targets: dict[str, Target]) -> Setup:
    images = {name: f"sha256:{name}" for name in (*targets, "database", "load", "checkout/database", "checkout/redis")}
    return Setup(
        "run", planned(targets), Config(), images, Contract({}, {}), CALIBRATION, targets, secrets={"PAYMENT_KEY": "s3cret"}
    )


def test_each_service_has_its_own_profiles_alone(targets: dict[str, Target]) -> None:
    plan = planned(with_twins(targets, ("checkout",)))
    assert {(trial.target, trial.profile) for trial in plan.trials} == {
        ("go", "cpu"),
        ("checkout", "checkout"),
        ("checkout-twin", "checkout"),
    }
    more = further_group(plan)
    assert {(trial.target, trial.profile) for trial in more.trials} == {(t.target, t.profile) for t in plan.trials}


def test_the_load_goes_to_the_copies_that_have_its_profile(targets: dict[str, Target]) -> None:
    wanted = setup(targets)
    first = [trial for trial in wanted.plan.trials if trial.group == 1]
    copies = tuple(Copy(18080 + n, "", None, None, 1, n) for n in range(4))
    spec = group_spec(wanted, first, copies)
    names = list(dict.fromkeys((trial.target, trial.block) for trial in first))
    assert {program.profile: [names[copy][0] for copy in program.copies] for program in spec.programs} == {
        "cpu": ["go", "go"],
        "checkout": ["checkout", "checkout"],
    }
    assert [expected_connections(spec, copy) for copy in range(4)] == [32] * 4


def test_an_own_service_is_hardened_and_what_stands_beside_it_is_as_its_image_has_it(targets: dict[str, Target]) -> None:
    wanted = setup(targets)
    trial = next(trial for trial in wanted.plan.trials if trial.target == "checkout")
    specs = copy_specs(wanted, trial, 2, "p4ss")
    assert specs.ports == {"service": 18082, "database": 15434, "redis": 18146}
    assert specs.service.environment == {
        "SERVER_PORT": "18082",
        "SERVER_ADDRESS": "127.0.0.1",
        "SPRING_DATASOURCE_URL": "jdbc:postgresql://127.0.0.1:15434/shop?password=p4ss",
        "PAYMENT_KEY": "s3cret",
    }
    service = engine_arguments(specs.service, {})
    assert (service["user"], service["read_only"], service["cap_drop"]) == ("10001", True, ["ALL"])
    assert service["tmpfs"] == {"/tmp": "size=64m", "/app/logs": "uid=10001,gid=10001"}
    assert specs.migrate is not None
    assert (specs.migrate.entrypoint, specs.migrate.environment) == (("/app/migrate", "15434"), specs.service.environment)
    assert specs.database is not None
    database = engine_arguments(specs.database, {})
    assert (database["user"], database["read_only"], "cap_drop" in database) == ("", False, False)
    assert specs.database.environment == {"POSTGRES_PASSWORD": "p4ss", "PGPORT": "15434"}
    assert specs.beside["redis"].command == ("redis-server", "--port", "18146")
    assert specs.beside["redis"].cpus == PLACEMENT.database


def test_a_folder_in_memory_belongs_to_who_writes_to_it() -> None:
    assert in_memory(("/data",), "4711:100") == {"/data": "uid=4711,gid=100"}
    assert in_memory(("/data", "/run:uid=999,gid=999"), "image") == {"/data": "mode=1777", "/run": "uid=999,gid=999"}


def test_ports_of_companions_lie_above_all_others(targets: dict[str, Target]) -> None:
    own = targets["checkout"].own
    assert isinstance(own, Own)
    assert beside_ports(own, Config(ports=Ports(24080, 24432)), 1) == {"redis": 24497}
    with pytest.raises(UsageError, match="1 companions need ports above 65471"):
        beside_ports(own, Config(ports=Ports(18080, 65_471)), 1)


def test_records_of_fitmaps_own_targets_have_no_new_keys() -> None:
    target = find_targets(ROOT / "services")["go"]
    assert b'"own"' not in msgspec.json.encode(target)
    assert b'"content"' not in msgspec.json.encode(find_profiles(ROOT / "loadtests")["cpu"])
    assert b'"services"' not in msgspec.json.encode(Config())


def test_a_database_whose_statements_are_counted_loads_what_counts_them() -> None:
    def command(database: OwnDatabase) -> tuple[str, ...]:
        return beside_spec(database, "database", "sha256:0", PLACEMENT, Config().limits, {}).command

    counted = Counted("shop", "shop")
    assert command(OwnDatabase("postgres:18", counted=counted)) == (
        "postgres", "-c", "shared_preload_libraries=pg_stat_statements",
    )  # fmt: skip
    assert command(OwnDatabase("postgres:18", counted=counted, command=("mine",))) == ("mine",)
    assert command(OwnDatabase("postgres:18")) == ()
