"""The variables of fitmap's own environment that own services and profiles ask for. They are kept out of all that is kept.

They reach containers as variables, and nothing else. What a service prints may hold them: a trial's result is searched for
them before anything is written or shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from harness.errors import UsageError
from harness.plan.own_profiles import OwnProfile
from harness.record.own import Own
from harness.record.plan import Target
from harness.record.trial_result import TrialResult

HIDDEN = "(secret)"
#: A shorter text may stand in a log by chance, and can't be told from it.
LEAST_LETTERS = 6


def secrets_of(
    targets: Mapping[str, Target], profiles: Mapping[str, OwnProfile], environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Variable -> its value. Raises UsageError where one is not set."""
    wanted: dict[str, str] = {}
    for target in targets.values():
        if isinstance(target.own, Own):
            wanted |= dict.fromkeys(target.own.secrets, f"{target.own.folder}/service.toml: secrets")
    for found in profiles.values():
        wanted |= dict.fromkeys(found.variables, f"{found.files[0]}: ${{..}}")
    for name, where in wanted.items():
        value = environment.get(name, "")
        if not value:
            raise UsageError(f"{where}: {name} is not set")
        if len(value) < LEAST_LETTERS:
            raise UsageError(
                f"{where}: {name} has fewer than {LEAST_LETTERS} letters: so short a text can't be kept out of the record"
            )
    return {name: environment[name] for name in wanted}


def without_secrets(result: TrialResult, secrets: Mapping[str, str]) -> TrialResult:
    """The result of a trial without any secret in its texts."""
    if not secrets:
        return result
    return msgspec.convert(_hidden(msgspec.to_builtins(result), secrets), TrialResult)


def hidden(text: str, secrets: Mapping[str, str]) -> str:
    """The text without any secret, as it is or as it stands in an address."""
    forms = {form for value in secrets.values() for form in (value, quote(value, safe=""))}
    # The longest first: one may be a part of another.
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def _hidden(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return hidden(value, secrets)
    if isinstance(value, Mapping):
        return {key: _hidden(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(each, secrets) for each in value]
    return value
