"""Only what surely belongs to a killed run is removed, unless it is forced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import docker
import msgspec
import pytest
import requests
from docker.errors import APIError, ImageNotFound, NotFound

from harness.containers import lifecycle
from harness.containers.images import OF, REVISION, TRIAL, tag_of
from harness.containers.lifecycle import RunningContainer, TrialContainers, announced, clean
from harness.containers.owners import Owner, _ticks, owner
from harness.containers.spec import service_spec
from harness.containers.versions import revisions
from harness.errors import EngineError, TrialError
from harness.record.config import Limits, Ports

MINE = owner()
GONE = str(msgspec.structs.replace(Owner(*MINE.split(".")), ticks="1"))
LIVES = str(msgspec.structs.replace(Owner(*MINE.split(".")), pid="1", ticks=_ticks("1") or ""))
ELSEWHERE = str(msgspec.structs.replace(Owner(*MINE.split(".")), boot="12345678", machine="12345678"))
BY_HAND = ""


class Container:
    def __init__(self, label: str, status: int = 0) -> None:
        self.labels, self.name, self.removed, self._status = {"fitmap.owner": label}, f"of {label}", False, status

    def remove(self, **_: object) -> None:
        if self._status:
            response = requests.Response()
            response.status_code = self._status
            raise NotFound("gone", response) if self._status == 404 else APIError("refused", response)
        self.removed = True


class Image:
    def __init__(self, *tags: str) -> None:
        self.tags = list(tags)


class Engine:
    """An engine of lists. `removed`: the tags that were removed, each with whether its layers stay."""

    def __init__(self, containers: Iterable[Container] = (), images: Iterable[Image] = ()) -> None:
        self.containers = self.images = self.api = self
        self._containers, self._images, self.removed = list(containers), list(images), dict[str, bool]()

    def list(self, **options: Any) -> list[Any]:
        return self._containers if options.get("all") else self._images

    def create(self, *, labels: dict[str, str], **_: object) -> Container:
        self._containers.append(Container(labels["fitmap.owner"]))
        return self._containers[-1]

    def remove_image(self, tag: str, *, noprune: bool) -> None:
        self.removed[tag] = noprune

    @property
    def client(self) -> docker.DockerClient:
        return cast("docker.DockerClient", self)


def test_what_a_killed_run_left_is_removed() -> None:
    containers = [Container(GONE), Container(GONE)]
    assert clean(Engine(containers).client) == 2
    assert all(container.removed for container in containers)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (LIVES, "another run is measuring on this engine (process 1): wait for it or end it"),
        (ELSEWHERE, "another run may be measuring on this engine: 1 container"),
        (BY_HAND, "`fitmap clean --force`"),
        ("4711:1700000000.00", "`fitmap clean --force`"),
    ],
    ids=["lives", "elsewhere", "by hand", "of an older fitmap"],
)
def test_what_may_live_is_left_alone_and_named_unless_it_is_forced(label: str, words: str) -> None:
    other, dead, mine = Container(label), Container(GONE), Container(MINE)
    engine = Engine([other, dead, mine], [Image(f"fitmap/go:{TRIAL}x")])
    with pytest.raises(EngineError) as refused:
        clean(engine.client)
    assert words in str(refused.value) and "\n" not in str(refused.value)
    assert (other.removed, dead.removed, mine.removed, engine.removed) == (False, True, False, {})
    assert clean(Engine([other]).client, force=True) == 1
    assert other.removed


def test_a_run_can_be_seen_while_no_container_of_it_runs() -> None:
    engine = Engine()
    with announced(engine.client, "sha256:1"):
        (shown,) = engine._containers
        assert (shown.labels["fitmap.owner"], shown.removed) == (MINE, False)
        # A part of the run.
        with announced(engine.client, "sha256:1"):
            assert len(engine._containers) == 2
        assert not shown.removed
    assert all(container.removed for container in engine._containers)


# Names of processes as names of tests would differ between the processes of pytest-xdist.
@pytest.mark.parametrize("label", [LIVES, ELSEWHERE], ids=["lives", "elsewhere"])
def test_a_run_is_refused_beside_another_one_and_leaves_nothing(label: str) -> None:
    other = Container(label)
    engine = Engine([other])
    with pytest.raises(EngineError, match="another run"), announced(engine.client, "sha256:1"):
        raise AssertionError("it began")
    assert [container.removed for container in engine._containers] == [False, True]


def test_the_containers_of_this_process_stay() -> None:
    mine = Container(MINE)
    assert clean(Engine([mine]).client) == 0
    assert not mine.removed


def test_a_container_that_another_process_removes_at_the_same_time_is_no_failure() -> None:
    assert clean(Engine([Container(GONE, 404), Container(GONE, 409)]).client) == 2
    with pytest.raises(APIError):
        clean(Engine([Container(GONE, 500)]).client)


def test_images_of_trials_and_revisions_go_with_the_process_that_needed_them() -> None:
    dead = [f"fitmap/go:{TRIAL}run-1{OF}{GONE}", f"fitmap/go:{REVISION}0123456789ab{OF}{GONE}", f"fitmap/go:{REVISION}old"]
    alive = [f"fitmap/go:{REVISION}0123456789ab{OF}{each}" for each in (LIVES, ELSEWHERE, MINE)]
    # A trial tags the target's own image where the builder had all layers.
    engine = Engine((), [Image("fitmap/go:latest", "fitmap/go:kept-1", *dead), Image(*alive)])
    clean(engine.client)
    assert list(engine.removed) == dead
    # The layers of a revision stay for its next build.
    assert list(engine.removed.values()) == [False, True, True]
    clean(engine.client, force=True)
    assert set(engine.removed) == {*dead, *alive}


def test_the_images_of_a_revision_are_removed_when_they_were_measured() -> None:
    mine, other = (f"fitmap/go:{REVISION}0123456789ab{OF}{each}" for each in (MINE, ELSEWHERE))
    engine = Engine((), [Image(mine), Image(other), Image(f"fitmap/go:{TRIAL}1{OF}{MINE}")])

    def interrupted() -> None:
        with revisions(engine.client):
            assert not engine.removed
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(engine.removed) == [mine]


def executing(
    monkeypatch: pytest.MonkeyPatch, outcome: tuple[int, bytes] | APIError
) -> tuple[RunningContainer, list[list[str]]]:
    """A database in which each command ends so, and the commands."""
    commands: list[list[str]] = []

    def run_in(_: object, command: list[str], *_rest: object) -> tuple[int, bytes]:
        commands.append(command)
        if isinstance(outcome, APIError):
            raise outcome
        return outcome

    monkeypatch.setattr(lifecycle, "run_in", run_in)
    return RunningContainer(cast("Any", None), cast("Any", type("Spec", (), {"role": "database"}))), commands


def test_a_command_that_hangs_in_a_container_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that was stopped takes a connection and never answers."""
    database, commands = executing(monkeypatch, (0, b"words"))
    assert database.execute(["psql"], "postgres") == "words"
    assert commands == [["timeout", "20", "psql"]]
    database, _ = executing(monkeypatch, (124, b""))
    with pytest.raises(TrialError, match="psql in the database container did not end within 20 s"):
        database.execute(["psql"], "postgres")


def test_a_command_that_fails_shows_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    database, _ = executing(monkeypatch, (2, b"no such table\n"))
    with pytest.raises(TrialError, match="psql in the database container failed: no such table"):
        database.execute(["psql"], "postgres")


def test_a_command_in_a_container_that_has_ended_fails_its_trial_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database may have ended. The engine refuses the command then, and is fine itself."""
    database, _ = executing(monkeypatch, APIError("409", requests.Response(), "container 1 is not running"))
    with pytest.raises(TrialError, match="psql can't be run in the database container: container 1 is not running"):
        database.execute(["psql"], "postgres")


def test_an_image_that_was_removed_meanwhile_is_a_sentence() -> None:
    class Removed(Engine):
        def create(self, **_: object) -> Container:
            raise ImageNotFound("No such image: sha256:1", requests.Response())

    with TrialContainers(Removed().client, "run", "trial") as containers, pytest.raises(EngineError) as refused:
        containers.add(service_spec("sha256:1", "0", Ports(), Limits(), "secret"))
    assert "the image of the service container is gone" in str(refused.value) and "a new run" in str(refused.value)


def test_a_long_name_of_a_trial_is_cut_and_its_owner_is_not() -> None:
    tag = tag_of(f"{TRIAL}20260101t120000z-001-{'name' * 40}-build", MINE)
    assert len(tag) == 128 and tag.partition(OF)[2] == MINE


def test_a_trial_that_ends_removes_the_rest_whatever_fails_first() -> None:
    """A second Ctrl-C, or an engine that refuses to remove one container."""
    first, second, third = Container(MINE), Container(MINE, 500), Container(MINE)
    done: list[str] = []

    def interrupted() -> None:
        done.append("interrupted")
        raise KeyboardInterrupt

    def leave() -> None:
        with TrialContainers(Engine().client, "run", "trial") as containers:
            for container in (first, second, third):
                containers._containers.append(RunningContainer(cast("Any", container), cast("Any", None)))
            containers.afterwards(interrupted)
            containers.afterwards(lambda: done.append("last"))

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert first.removed and third.removed
    assert done == ["interrupted", "last"]
