"""The images of a team's own services: which are used, which are built, and of which version of a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import docker
import pytest
from own_folder import MANIFEST, write_service

from harness.containers import versions
from harness.containers.builder import Image
from harness.containers.images import Build
from harness.containers.own_images import PROFILES, own_graph, part_names, profiles_build
from harness.errors import UsageError
from harness.files import ROOT
from harness.plan.own import find_own
from harness.plan.own_profiles import find_own_profiles
from harness.plan.targets import find_targets, with_twins
from harness.record.plan import Target
from harness.run.setup import part_images, same_images


def own(perf: Path) -> dict[str, Target]:
    return find_own((str(perf),), ())


def test_what_a_service_and_its_neighbours_are_built_from(tmp_path: Path) -> None:
    write_service(tmp_path)
    builds = own_graph(with_twins(own(tmp_path), ("checkout",)), "latest")
    assert {name: (build.how, build.tag) for name, build in builds.items()} == {
        "checkout": ("build", "fitmap/checkout:latest"),
        "checkout/database (pulled)": ("pull", "postgres:18"),
        "checkout/database": ("build", "fitmap/checkout-database:latest"),
        "checkout/redis": ("pull", "redis:8"),
    }
    assert builds["checkout"].context == tmp_path
    assert builds["checkout/database"].files[1:] == ((tmp_path / "checkout" / "schema.sql", "files/00-schema.sql"),)


def test_an_image_that_exists_is_used(tmp_path: Path) -> None:
    write_service(tmp_path, manifest=MANIFEST.replace('build = ".."', 'use = "lab:5000/shop/checkout"'))
    build = own_graph(own(tmp_path), "latest")["checkout"]
    assert (build.how, build.tag, build.reusable) == ("pull", "lab:5000/shop/checkout:latest", True)


def test_profiles_are_laid_over_the_generator_with_what_they_read(tmp_path: Path) -> None:
    folder = write_service(tmp_path)
    build = profiles_build(find_own_profiles(own(tmp_path), ()), "fitmap/load:latest")
    assert (build.name, build.after, build.arguments["BASE_IMAGE"]) == (PROFILES, ("load",), "fitmap/load:latest")
    loadtests = folder / "loadtests"
    assert build.files[1:] == (
        (loadtests / "checkout.toml", "files/checkout/checkout.toml"),
        (loadtests / "skus.txt", "files/checkout/skus.txt"),
    )


def test_a_twin_has_the_images_of_its_target(tmp_path: Path) -> None:
    write_service(tmp_path)
    targets = with_twins(own(tmp_path), ("checkout",))
    made = {name: Image(name, f"sha256:{name}", 1) for name in ("checkout/database", "checkout/redis")}
    assert part_images(targets, made)["checkout-twin/redis"].id == "sha256:checkout/redis"
    assert part_names(own(tmp_path)) == ("checkout/database", "checkout/redis")


def commit(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_revision_is_one_of_the_services_own_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_service(tmp_path / "perf")
    commit(tmp_path, "init", "-q", "-b", "main")
    commit(tmp_path, "add", ".")
    commit(tmp_path, "commit", "-q", "-m", "first")
    (folder / "service.toml").write_text(MANIFEST.replace('"{host}"', '"0.0.0.0"'))
    built: list[dict[str, Build]] = []

    def build_all(_client: object, builds: dict[str, Build], _say: object) -> dict[str, Image]:
        built.append(builds)
        assert (builds["checkout"].context / "Dockerfile").is_file()
        return {name: Image(name, f"sha256:{name}", 1) for name in builds}

    monkeypatch.setattr(versions, "build_all", build_all)
    targets, client = own(tmp_path / "perf"), docker.DockerClient.__new__(docker.DockerClient)
    base, head = (versions.built(client, word, targets, "local", print) for word in ("main", "."))
    assert base.name.startswith("main (")
    assert built[1]["checkout"].context == tmp_path / "perf"
    assert built[0]["checkout"].tag.startswith("fitmap/checkout:rev-")
    before, after = (version.targets["checkout"].own for version in (base, head))
    assert before and after
    assert (before.environment["SERVER_ADDRESS"], after.environment["SERVER_ADDRESS"]) == ("{host}", "0.0.0.0")
    assert before.folder == after.folder
    # All images are the same, but the manifest changed.
    assert same_images((base, head), ("checkout",)) == {}
    assert same_images((head, head), ("checkout",)) == {"checkout": "sha256:checkout"}


def test_a_revision_of_two_repositories_is_refused(tmp_path: Path) -> None:
    write_service(tmp_path)
    targets = {"go": find_targets(ROOT / "services")["go"], **own(tmp_path)}
    with pytest.raises(UsageError, match="go and checkout lie in different repositories"):
        versions.repository_of(targets)
