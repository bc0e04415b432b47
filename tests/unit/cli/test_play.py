"""docker-compose.yml describes the same containers as the harness; `make play` says what is missing."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.cli import play as play_command
from harness.containers.images import project_tag
from harness.containers.spec import (
    LABEL,
    MEBIBYTE,
    ContainerSpec,
    database_spec,
    engine_arguments,
    generator_spec,
    service_spec,
)
from harness.errors import EngineError
from harness.files import ROOT
from harness.record.config import Limits, Ports

PASSWORD = "${FITMAP_DATABASE_PASSWORD}"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def specs() -> dict[str, ContainerSpec]:
    return {
        "database": database_spec(project_tag("database"), "0", Ports(), Limits(), PASSWORD),
        "service": service_spec("fitmap/${TARGET:-go}:latest", "1", Ports(), Limits(), PASSWORD),
        "locust": generator_spec(project_tag("load"), "0", "", Limits()),
    }


def without_messages(value: str) -> str:
    """${NAME:?message} as ${NAME}."""
    return value.replace(":?run make play, or set FITMAP_DATABASE_PASSWORD}", "}").replace(":?}", "}")


@pytest.mark.parametrize("name", ["database", "service", "locust"])
def test_compose_has_the_limits_and_the_hardening_of_a_trial(name: str) -> None:
    compose: dict[str, Any] = COMPOSE[name]
    arguments = engine_arguments(specs()[name], {})
    assert compose["image"] == arguments["image"]
    assert compose["user"] == arguments["user"]
    assert compose["network_mode"] == arguments["network_mode"]
    assert compose["read_only"] == arguments["read_only"]
    assert compose["cap_drop"] == arguments["cap_drop"]
    assert compose["security_opt"] == arguments["security_opt"]
    assert compose["pids_limit"] == arguments["pids_limit"]
    limits = [{"name": name, "soft": most, "hard": most} for name, most in compose.get("ulimits", {}).items()]
    assert limits == arguments.get("ulimits", [])
    assert int(compose["mem_limit"].removesuffix("m")) * MEBIBYTE == arguments["mem_limit"]
    assert int(compose["memswap_limit"].removesuffix("m")) * MEBIBYTE == arguments["memswap_limit"]
    # By these labels `fitmap clean` finds the containers.
    assert compose["labels"] == {**arguments["labels"], f"{LABEL}.owner": "${FITMAP_OWNER:-}"}
    tmpfs = dict(mount.split(":", 1) for mount in compose["tmpfs"])
    assert tmpfs == arguments["tmpfs"]


def test_no_setting_of_the_users_docker_reaches_a_container() -> None:
    for spec in specs().values():
        assert engine_arguments(spec, {})["use_config_proxy"] is False


@pytest.mark.parametrize("name", ["database", "service"])
def test_compose_gives_the_environment_of_a_trial(name: str) -> None:
    given = {key: without_messages(value) for key, value in COMPOSE[name]["environment"].items()}
    assert given == dict(specs()[name].environment)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """harness/cli/play.py on a machine without Docker Compose, where apt-get does nothing."""
    monkeypatch.setattr(play_command, "COMMANDS", (("no-such-program", "compose"), ("false",)))
    monkeypatch.setattr(play_command, "apt_install", lambda packages, say: None)
    return play_command


def test_no_compose_and_no_permission_to_install_says_what_to_do(play: ModuleType) -> None:
    with pytest.raises(EngineError, match="install the package docker-compose, or allow it with `--install-engine`"):
        play.find_compose(install=False)


def test_who_is_not_root_is_told_to_install_compose(play: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EngineError, match="Docker Compose is missing: install Docker's plug-in `docker compose` or"):
        play.find_compose(install=True)


def test_a_compose_that_does_not_run_after_its_installation_is_no_success(
    play: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(play, "DEBIAN", ROOT)
    with pytest.raises(EngineError, match="was installed but does not run"):
        play.find_compose(install=True)


def test_the_first_compose_that_runs_is_taken(play: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "COMMANDS", (("false", "compose"), ("true",)))
    assert play.find_compose(install=False) == ("true",)


def test_a_variant_gets_its_variables_and_the_folder_of_its_base() -> None:
    service = play_command.compose_beside("go.tuned", {"GOGC": "200"})["services"]["service"]
    assert service == {"build": {"context": str(ROOT / "services" / "go")}, "environment": {"GOGC": "200"}}
