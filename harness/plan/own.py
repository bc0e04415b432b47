"""Finds the services of a team: each folder with a service.toml of class `own`, anywhere (`--services`).

docs/guide/your-own-service.md has the manifest. What it names is checked here, before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from harness.errors import UsageError
from harness.plan.decoding import convert, read_text, read_toml, suggest
from harness.plan.placeholders import check_words, known_words, words_in
from harness.record.own import IMAGE_USER, Companion, Own, OwnDatabase, OwnImage, Part, Queries
from harness.record.plan import BASE, DOT, TWIN, Target, Variant

MANIFEST = "service.toml"
#: Statements that need no entry.
TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")
#: The statements of a service that keeps them.
QUERIES = "queries.toml"
#: How long a service may take until its first 200, unless its manifest says otherwise.
READY_SECONDS = 30.0
#: The same user as that of fitmap's own services.
USER = "10001"
MOST_COMPANIONS = 8

#: Of a target, a companion, a variant.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_USER = re.compile(r"\d+(:\d+)?")
#: The roles of other containers, and what their placeholders begin with.
_TAKEN = ("service", "database", "generator", "proxy", "migrate")


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of the service.toml of an own service."""

    language: str
    target_class: Literal["own"] = field(name="class")
    image: OwnImage
    profiles: tuple[str, ...]
    framework: str = ""
    driver: str = ""
    kind: Literal["compiled", "managed", "interpreted"] | None = None
    jit: bool = False
    keeps: tuple[Part, ...] = ()
    health: str = "/"
    ready_seconds: float = READY_SECONDS
    user: str = USER
    writable: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()
    database: OwnDatabase | None = None
    beside: tuple[Companion, ...] = ()
    variants: Mapping[str, Any] = {}


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of [variants.NAME]: the same service with another image, or with other variables."""

    question: str
    image: OwnImage | None = None
    environment: Mapping[str, str] = {}


def find_own(services: Iterable[str], taken: Collection[str]) -> dict[str, Target]:
    """The own services in some folders by name, each followed by its variants. Raises UsageError.

    A folder with a manifest is one; of another, each folder in it that has a manifest. `taken`: the names of other targets.
    """
    found: dict[str, Target] = {}
    for given in services:
        for folder in _folders(Path(given), given):
            name = folder.resolve().name
            if name in taken:
                raise UsageError(f'--services {given}: "{name}" is one of fitmap\'s targets: rename the folder')
            if name in found:
                raise UsageError(f'--services {given}: another folder is called "{name}" too: rename one of them')
            if not NAME.fullmatch(name) or name.endswith((TWIN, BASE)):
                raise UsageError(
                    f"--services {given}: \"{name}\" can't be a target's name: rename the folder to lower-case letters, "
                    f"digits, _ and -, and no end in {TWIN} or {BASE}"
                )
            found |= read_own(folder, name)
    return found


def _folders(folder: Path, given: str) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise UsageError(f"--services {given}: there is no such folder")
    if (folder / MANIFEST).is_file():
        return (folder,)
    found = tuple(sorted(path.parent for path in folder.glob(f"*/{MANIFEST}")))
    if not found:
        raise UsageError(
            f"--services {given}: neither it nor a folder in it has a {MANIFEST}: `fitmap init {given}` writes one"
        )
    return found


def read_own(folder: Path, name: str) -> dict[str, Target]:
    """The own service in a folder, and its variants. Raises UsageError."""
    path = folder / MANIFEST
    where = str(path)
    table = read_toml(read_text(path), where)
    if table.get("class") in ("standard", "tuned"):
        raise UsageError(
            f'{where}: class "{table["class"]}" is for fitmap\'s own targets: a service elsewhere has class "own"'
        )
    manifest = convert(table, Manifest, where)
    _check(manifest, folder, where)
    target = _target(manifest, folder, name)
    return {name: target, **_variants(target, manifest, folder, where)}


def _target(manifest: Manifest, folder: Path, name: str) -> Target:
    return Target(
        name=name,
        language=manifest.language,
        target_class="own",
        framework=manifest.framework,
        driver=manifest.driver,
        sources=(),
        lock_file="",
        settings=(),
        deviations=(),
        jit=manifest.jit,
        kind=manifest.kind,
        own=Own(
            folder=folder.as_posix(),
            image=manifest.image,
            profiles=manifest.profiles,
            keeps=manifest.keeps,
            health=manifest.health,
            ready_seconds=manifest.ready_seconds,
            user=manifest.user,
            writable=manifest.writable,
            environment=manifest.environment,
            secrets=manifest.secrets,
            command=manifest.command,
            migrate=manifest.migrate,
            database=manifest.database,
            beside=manifest.beside,
            queries=_queries(manifest, folder),
        ),
    )


def _queries(manifest: Manifest, folder: Path) -> Queries | None:
    """The statements of a service that keeps them. Raises UsageError."""
    if "statements" not in manifest.keeps:
        return None
    if manifest.database is None or manifest.database.counted is None:
        raise UsageError(
            f'{folder / MANIFEST}: keeps: "statements" are counted by PostgreSQL: give the database '
            'counted = { user = "..", database = ".." }, the role and the database that the service uses'
        )
    path = folder / QUERIES
    if not path.is_file():
        raise UsageError(f'{folder / MANIFEST}: keeps: "statements" needs a {QUERIES} beside it')
    found = convert(read_toml(read_text(path), str(path)), Queries, str(path))
    for route, names in found.routes.items():
        for name in names:
            if name not in found.queries and name not in TRANSACTION:
                raise UsageError(f'{path}: [routes] "{route}": unknown statement "{name}"{suggest(name, found.queries)}')
    return found


def _variants(base: Target, manifest: Manifest, folder: Path, where: str) -> dict[str, Target]:
    found: dict[str, Target] = {}
    for name, value in manifest.variants.items():
        here = f"{where}: [variants.{name}]"
        if not NAME.fullmatch(name) or name == "all" or name.endswith((TWIN, BASE)):
            raise UsageError(
                f'{here}: "{name}" can\'t be its name: take lower-case letters, digits, _ and -; not "all", '
                f"and no end in {TWIN} or {BASE}"
            )
        section = convert(value, Section, here)
        if section.image is None and not section.environment:
            raise UsageError(f"{here} changes nothing: give it an image or environment")
        changed = msgspec.structs.replace(
            manifest,
            image=section.image or manifest.image,
            environment={**manifest.environment, **section.environment},
        )
        _check(changed, folder, here)
        full = f"{base.name}{DOT}{name}"
        found[full] = msgspec.structs.replace(
            _target(changed, folder, full),
            variant=Variant(
                name,
                base.name,
                section.question,
                arguments={"image": section.image.use or section.image.build} if section.image else {},
                environment=section.environment,
            ),
        )
    return found


def _check(manifest: Manifest, folder: Path, where: str) -> None:
    """Raises UsageError at the first entry that can't be as it is."""
    _check_image(manifest.image, folder, where)
    if not manifest.profiles:
        raise UsageError(f"{where}: profiles is empty, so nothing would be measured: name one under loadtests/ beside it")
    for key, path in (("health", manifest.health), *(("writable", each) for each in _all_writable(manifest))):
        if not path.startswith("/"):
            raise UsageError(f'{where}: {key}: "{path}" must begin with /')
    if not 1 <= manifest.ready_seconds <= 600:
        raise UsageError(f"{where}: ready_seconds must be within 1-600, not {manifest.ready_seconds:g}")
    if manifest.user != IMAGE_USER and not _USER.fullmatch(manifest.user):
        raise UsageError(f'{where}: user must be a number such as {USER}, or "{IMAGE_USER}" for the image\'s own')
    _check_companions(manifest, where)
    _check_init(manifest.database, folder, where)
    _check_environment(manifest, where)


def _all_writable(manifest: Manifest) -> Iterator[str]:
    yield from manifest.writable
    for part in (manifest.database, *manifest.beside):
        yield from part.writable if part else ()


def _check_image(image: OwnImage, folder: Path, where: str) -> None:
    if bool(image.build) == bool(image.use):
        raise UsageError(f"{where}: image needs either build or use")
    if image.use and (image.arguments or image.dockerfile != OwnImage().dockerfile):
        raise UsageError(f"{where}: image: dockerfile and arguments are for build: an image that is used exists already")
    if image.build and not (folder / image.build).is_dir():
        raise UsageError(f"{where}: image: build: there is no folder {image.build} beside it")
    if image.build and not (folder / image.build / image.dockerfile).is_file():
        raise UsageError(f"{where}: image: {image.build} has no {image.dockerfile}: name it as dockerfile")


def _check_companions(manifest: Manifest, where: str) -> None:
    names = [companion.name for companion in manifest.beside]
    for name in names:
        if not NAME.fullmatch(name) or name in _TAKEN:
            raise UsageError(
                f'{where}: beside: "{name}" can\'t be its name: take lower-case letters, digits, _ and -; '
                f"not {', '.join(_TAKEN)}"
            )
        if names.count(name) > 1:
            raise UsageError(f'{where}: beside: two are called "{name}"')
    if len(names) > MOST_COMPANIONS:
        raise UsageError(f"{where}: beside: {len(names)} are more than the {MOST_COMPANIONS} that fitmap has ports for")


def _check_init(database: OwnDatabase | None, folder: Path, where: str) -> None:
    for name in database.init if database else ():
        if not (folder / name).is_file():
            raise UsageError(f"{where}: database: init: there is no file {name} beside it")
        if PurePosixPath(name).is_absolute():
            raise UsageError(f"{where}: database: init: {name} must lie beside it")


def _check_environment(manifest: Manifest, where: str) -> None:
    """Each placeholder is known, and the service is told its port."""
    known = known_words(database=manifest.database is not None, companions=[each.name for each in manifest.beside])
    for key, texts in _texts(manifest):
        for text in texts:
            check_words(text, known, f"{where}: {key}")
    mine = (*manifest.environment.values(), *manifest.command)
    if not any("port" in words_in(text) for text in mine):
        raise UsageError(
            f"{where}: environment: nothing has {{port}}: each copy of the service gets a port of its own, and must be told"
        )
    for name in (*manifest.environment, *manifest.secrets):
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f'{where}: environment: "{name}" can\'t be the name of a variable')
    if both := [name for name in manifest.secrets if name in manifest.environment]:
        raise UsageError(f"{where}: secrets: {both[0]} stands under [environment] too: a secret has no value here")


def _texts(manifest: Manifest) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each text with placeholders, by the entry that it stands in."""
    for name, value in manifest.environment.items():
        yield f"environment {name}", (value,)
    yield "command", manifest.command
    yield "migrate", manifest.migrate
    if manifest.database:
        yield "database: command", manifest.database.command
        for name, value in manifest.database.environment.items():
            yield f"database: environment {name}", (value,)
    for companion in manifest.beside:
        yield f"beside {companion.name}: command", companion.command
        for name, value in companion.environment.items():
            yield f"beside {companion.name}: environment {name}", (value,)
