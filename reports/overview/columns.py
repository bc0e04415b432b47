"""The columns of the overview: which languages stand beside each other, in which order, under which name and mark."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from harness.record.plan import Target
from reports.analysis.analysis import Analysis
from reports.analysis.representatives import of_class
from reports.units import clean, cut

FILE = Path(__file__).with_name("languages.toml")
#: Columns of a screen that a name may take; East Asian characters take two.
WIDEST = 16
#: So many columns can be read; the page asks for `--target` beyond.
MAX_COLUMNS = 12

Kind = Literal["compiled", "managed", "interpreted"]
KINDS: tuple[Kind, ...] = ("compiled", "managed", "interpreted")


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a language without measuring it: its bet in the article's words, its place on the article's map.

    `across` runs from scale-out (-1) to scale-up (1), `up` from velocity (-1) to rigor (1).
    """

    name: str
    kind: Kind
    bet: str = ""
    across: float | None = None
    up: float | None = None


class Column(Struct, frozen=True):
    """One target as the overview shows it. `mark` counts the marks and colours of reports/charts/marks.py."""

    target: str
    name: str
    stack: str
    kind: Kind
    mark: int
    bet: str


@cache
def read_languages(path: Path = FILE) -> Mapping[str, Language]:
    """Language in lower case -> what is said of it. Raises msgspec.ValidationError on wrong content."""
    found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8"))["language"], tuple[Language, ...])
    return {language.name.casefold(): language for language in found}


def columns_of(analysis: Analysis, target_class: str, groups: Mapping[str, int]) -> tuple[Column, ...]:
    """The columns of a class: compiled, managed, interpreted; inside a kind by tie group on pure work, then by name.

    `groups`: target -> tie group on pure work. A target without one stands behind the others of its kind.
    """
    targets = analysis.run.targets
    mine = [targets[name] for name in of_class(analysis.run, target_class)]
    names = column_names(mine)
    order = sorted(
        mine, key=lambda t: (KINDS.index(kind_of(t)), groups.get(t.name, len(mine)), names[t.name].casefold(), t.name)
    )
    # A mark belongs to a target whatever the order, so that a language looks alike in two records of the same targets. The
    # default targets come first, so that they also look alike where others are measured beside them.
    by_name = sorted(mine, key=lambda target: (not target.default, target.name))
    marks = {target.name: i for i, target in enumerate(by_name)}
    return tuple(Column(t.name, names[t.name], _stack(t), kind_of(t), marks[t.name], _bet(t)) for t in order)


def kind_of(target: Target) -> Kind:
    """How a target's code runs. Older records do not say; then it is that of the language."""
    if target.kind is not None:
        return target.kind
    known = read_languages().get(target.language.casefold())
    return known.kind if known else "compiled"


def column_names(targets: Sequence[Target]) -> dict[str, str]:
    """Target -> the name of its column: its language, and its variant where a language has several targets.

    Of a team's own service it is the service's name.
    """
    languages = [target.language.casefold() for target in targets]
    found: dict[str, str] = {}
    for number, target in enumerate(targets):
        name = " ".join(clean(target.language).split()) or target.name
        if target.of_team:
            name = target.name
        elif languages.count(target.language.casefold()) > 1:
            name = " ".join((name, _variant(target))).strip()
        name = cut(name, WIDEST)
        if name in found.values():
            name = f"{cut(name, WIDEST - 3)} {number + 1}"
        found[target.name] = name
    return found


def _variant(target: Target) -> str:
    """What a target's id says beyond its language: `tuned` of `go.tuned`, all of an id that does not begin with it."""
    rest = re.sub(rf"^{re.escape(target.language)}(?=[^a-z0-9]|$)", "", target.name, flags=re.IGNORECASE)
    return clean(rest).strip(" .-_")


def _stack(target: Target) -> str:
    return cut(" ".join(clean(target.framework.partition(",")[0]).split()), WIDEST)


def _bet(target: Target) -> str:
    known = read_languages().get(target.language.casefold())
    return known.bet if known else ""
