"""Unit tests start no container: a real start is made impossible here."""

from __future__ import annotations

import docker
import pytest
from hypothesis import settings

# The machine may be busy: how long an example takes says nothing of whether it is right.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise docker.errors.DockerException("unit tests reach no engine")

    monkeypatch.setattr(docker, "from_env", refuse)
    monkeypatch.setattr(docker.DockerClient, "from_env", refuse)
