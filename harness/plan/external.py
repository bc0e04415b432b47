"""Finds the services that fitmap did not start: each [targets.NAME] of fitmap.toml, and the fuse that protects it.

docs/guide/your-own-service.md has the section. Nothing is sent to such a service unless its owner allowed it there.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from harness.errors import UsageError
from harness.plan.own import NAME
from harness.record.config import Config
from harness.record.external import PORTS, External, ExternalSection
from harness.record.plan import BASE, TWIN, Level, Profile, Target

#: A larger file of certificates does not reach the load generator, which gets it as a variable.
MOST_CA_BYTES = 65_536
MOST_RATE = 1_000_000


def seen_from_here(config: Config, path: Path) -> Config:
    """The configuration with folders and files of [targets] as seen from the working directory. `path`: of fitmap.toml."""
    if not config.targets:
        return config

    def here(word: str) -> str:
        return Path(os.path.relpath(path.parent / word)).as_posix() if word else ""

    found = {
        name: msgspec.structs.replace(section, folder=here(section.folder), ca=here(section.ca))
        for name, section in config.targets.items()
    }
    return msgspec.structs.replace(config, targets=found)


def find_external(config: Config, taken: Collection[str]) -> dict[str, Target]:
    """The services of [targets] by name. `taken`: the names of other targets. Raises UsageError."""
    found: dict[str, Target] = {}
    for name, section in (config.targets or {}).items():
        if name in taken:
            raise UsageError(f'[targets.{name}]: "{name}" is another target already: take another name')
        if not NAME.fullmatch(name) or name.endswith((TWIN, BASE)):
            raise UsageError(
                f"[targets.{name}]: \"{name}\" can't be a target's name: take lower-case letters, digits, _ and -, and no "
                f"end in {TWIN} or {BASE}"
            )
        _check(section, name)
        found[name] = _target(section, name)
    return found


def _target(section: ExternalSection, name: str) -> Target:
    return Target(
        name=name,
        language=section.language,
        target_class="own",
        framework="",
        driver="",
        sources=(),
        lock_file="",
        settings=(),
        deviations=(),
        default=False,
        external=External(
            url=section.url.rstrip("/"),
            folder=section.folder,
            profiles=section.profiles,
            most_requests_per_second=section.most_requests_per_second,
            most_connections=section.most_connections,
            ca=section.ca,
        ),
    )


def _check(section: ExternalSection, name: str) -> None:
    _check_url(section.url, name)
    if not section.profiles:
        raise UsageError(f"{name}: profiles is empty, so nothing would be measured: name one under loadtests/ in its folder")
    if not 1 <= section.most_requests_per_second <= MOST_RATE:
        raise UsageError(
            f"{name}: most_requests_per_second must be within 1-{MOST_RATE}, not {section.most_requests_per_second}"
        )
    if section.most_connections < 0:
        raise UsageError(f"{name}: most_connections must be at least 1, not {section.most_connections}")


def _check_url(url: str, name: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in PORTS and parts.hostname and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if not good:
        raise UsageError(f'{name}: url: "{url}" is not http://HOST or https://HOST, with :PORT if it has another one')
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"{name}: url: leave out user and password, which records would hold: a profile sends them in a header, with "
            "${NAME}"
        )
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        rest = url.partition(parts.netloc)[2]
        raise UsageError(f'{name}: url: leave out "{rest}": paths stand in the profile')


def check_allowed(targets: Mapping[str, Target]) -> None:
    """Raises UsageError where an external target is to be measured together with others."""
    external = [name for name, target in targets.items() if target.external]
    if external and len(targets) > 1:
        others = ", ".join(name for name in targets if name != external[0])
        raise UsageError(
            f"{external[0]} is measured alone, because fitmap did not start it and compares it with itself alone: leave out "
            f"{others}"
        )


def check_consent(targets: Mapping[str, Target], config: Config) -> None:
    """Raises UsageError unless whoever wrote fitmap.toml says that the chosen targets may get load, and can prove who they
    are.
    """
    for name, target in targets.items():
        if not target.external:
            continue
        if not (config.targets or {})[name].i_may_load_it:
            raise UsageError(f"{name}: set i_may_load_it = true if you may load {target.external.url}")
        # Before anything is built.
        read_ca(target.external, name)


def check_fuse(targets: Mapping[str, Target], profiles: Collection[Profile]) -> None:
    """Raises UsageError where a level would send more than an external target may get."""
    for name, target in targets.items():
        for profile in profiles if target.external else ():
            if target.external and profile.name in target.external.profiles:
                for problem in _over(target.external, profile):
                    raise UsageError(f"{name}: {problem}")


def _over(external: External, profile: Profile) -> Iterator[str]:
    most = external.most_requests_per_second
    for level in profile.levels:
        if level.rate > most:
            yield f"{level.name} is over its most_requests_per_second ({most})"
        if not level.rate and not external.most_connections:
            yield (
                f"level {_words(level)} of {profile.name} has no rate: set most_connections too, or take a level such as "
                f'"{max(1, most // 2)}/s"'
            )
    if external.most_connections and profile.connections > external.most_connections:
        yield (
            f"{profile.name} has {profile.connections} connections, over its most_connections ({external.most_connections})"
        )


def _words(level: Level) -> str:
    return f'"{level.name}"' if " " in level.name else level.name


def read_ca(external: External, name: str) -> str:
    """The text of its file of certificates. Empty: it names none. Raises UsageError."""
    if not external.ca:
        return ""
    path = Path(external.ca)
    if not external.secure:
        raise UsageError(f"{name}: ca: {external.url} has no certificate that it could verify")
    if not path.is_file():
        raise UsageError(f"{name}: ca: there is no file {external.ca}")
    if path.stat().st_size > MOST_CA_BYTES:
        raise UsageError(f"{name}: ca: {external.ca} is larger than {MOST_CA_BYTES:,} bytes: leave only its authority there")
    text = path.read_text(encoding="utf-8", errors="replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise UsageError(f"{name}: ca: {external.ca} has no certificate in PEM (-----BEGIN CERTIFICATE-----)")
    return text
