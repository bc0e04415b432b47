"""The images of a team's own services: the service's own, those of what stands beside it, and the generator's with profiles.

An image that exists is used as the engine has it, and pulled where it has none. Files are laid over an image in an image of
its own: the database's initial statements, and the profiles over the load generator's image.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from harness.containers.images import Build
from harness.errors import UsageError
from harness.files import BASES
from harness.plan.own_profiles import OwnProfile
from harness.record.own import Own, image_name
from harness.record.plan import TWIN, Target

#: The name of the generator's image with own profiles.
PROFILES = "load/own"
#: Where the official images of PostgreSQL, MySQL and others look for what is executed before they first start.
INIT_FOLDER = "/docker-entrypoint-initdb.d"
LAY = "lay.Dockerfile"


def own_builds(target: Target, tag: str) -> list[Build]:
    """All builds of an own service and of what stands beside it. `tag`: of the images that are built. Raises UsageError."""
    own = target.own
    if not isinstance(own, Own):
        return []
    builds = [_service(target.name, own, tag)]
    if own.database:
        builds += _database(target.name, own, tag)
    builds += [pulled(image_name(target.name, each.name), each.image) for each in own.beside]
    return builds


def own_graph(targets: Mapping[str, Target], tag: str) -> dict[str, Build]:
    """The builds of some own services by name. A twin is the same image. Raises UsageError."""
    own = (target for target in targets.values() if not target.name.endswith(TWIN))
    return {build.name: build for target in own for build in own_builds(target, tag)}


def part_names(targets: Mapping[str, Target]) -> tuple[str, ...]:
    """The names of the images of what stands beside own services."""
    return tuple(
        image_name(name, part)
        for name, target in targets.items()
        for part in (target.own.parts if isinstance(target.own, Own) else ())
    )


def profiles_build(profiles: Mapping[str, OwnProfile], load_tag: str) -> Build:
    """The load generator's image with own profiles, each in a folder of its name (loadtests/generator/profile_users.py)."""
    files = [
        (path, f"files/{name}/{path.relative_to(found.files[0].parent).as_posix()}")
        for name, found in sorted(profiles.items())
        for path in found.files
    ]
    return _laid(PROFILES, "fitmap/load-own:latest", load_tag, "load", "/opt/fitmap/own", files)


def pulled(name: str, image: str) -> Build:
    """An image that exists elsewhere: pulled unless the engine has it."""
    return Build(name, image if ":" in image.rpartition("/")[2] else f"{image}:latest", "pull", BASES, "", {}, (), True)


def _service(name: str, own: Own, tag: str) -> Build:
    if own.image.use:
        return pulled(name, own.image.use)
    context = Path(own.folder, own.image.build).resolve()
    if not (context / own.image.dockerfile).is_file():
        raise UsageError(f"{name}: {own.folder} has no {own.image.build}/{own.image.dockerfile} any more")
    return Build(name, f"fitmap/{name}:{tag}", "build", context, own.image.dockerfile, dict(own.image.arguments), (), False)


def _database(target: str, own: Own, tag: str) -> list[Build]:
    name, database = image_name(target, "database"), own.database
    if database is None or not database.init:
        return [pulled(name, database.image)] if database else []
    base = pulled(f"{name} (pulled)", database.image)
    # The entry points execute them in the order of their names.
    files = [
        (Path(own.folder, file), f"files/{number:02}-{PurePosixPath(file).name}")
        for number, file in enumerate(database.init)
    ]
    return [base, _laid(name, f"fitmap/{target}-database:{tag}", base.tag, base.name, INIT_FOLDER, files)]


def _laid(name: str, tag: str, base: str, after: str, folder: str, files: list[tuple[Path, str]]) -> Build:
    return Build(
        name,
        tag,
        "build",
        BASES,
        LAY,
        {"BASE_IMAGE": base, "FOLDER": folder},
        (after,),
        False,
        files=((BASES / LAY, LAY), *files),
    )
