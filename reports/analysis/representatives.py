"""Which targets of a record stand for their language and class. The others are measured and ranked nowhere."""

from __future__ import annotations

from msgspec import Struct

from harness.record.plan import TWIN, folder_of, is_base
from harness.record.run import Run


class Roles(Struct, frozen=True):
    """The targets of a record: those that the report is about, those that are ranked nowhere, the twins.

    `unranked`: variants, and targets for which another one stands. Empty in a record of pairs, which compares each target
    with its own base version.
    """

    targets: tuple[str, ...]
    unranked: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()


def roles_of(run: Run) -> Roles:
    """The roles of a record's targets. If there are only variants, or only twins, the report is about them."""
    twins = tuple(name for name in run.plan.targets if name.endswith(TWIN))
    names = tuple(name for name in run.plan.targets if name not in twins)
    if any(is_base(name) for name in names):
        return Roles(names, (), twins)
    apart = tuple(name for name in names if run.targets[name].variant or _stood_for(run, name, names))
    others = tuple(name for name in names if name not in apart)
    if not others:
        return Roles(names, (), twins) if names else Roles(twins)
    return Roles(others, apart, twins)


def _stood_for(run: Run, name: str, names: tuple[str, ...]) -> bool:
    """Whether another folder's target represents its language in its class."""
    mine = run.targets[name]
    same = (run.targets[other] for other in names if folder_of(other) != folder_of(name))
    return not mine.represents and any(
        other.represents and (other.language, other.target_class) == (mine.language, mine.target_class) for other in same
    )


def class_of(run: Run, name: str) -> str:
    """The class in which a target is ranked. Each of a team's own services is one by itself: it has nobody to beat."""
    target_class = run.targets[name].target_class
    if target_class != "own":
        return target_class
    own = {folder_of(each) for each in run.plan.targets if run.targets[each].target_class == "own"}
    return "own" if len(own) == 1 else f"own, {folder_of(name)}"


def classes(run: Run) -> tuple[str, ...]:
    """The classes that take part, `standard` first. They are never ranked against each other."""
    found = {class_of(run, target) for target in run.plan.targets}
    return tuple(sorted(found, key=lambda each: (each != "standard", each)))


def of_class(run: Run, target_class: str) -> tuple[str, ...]:
    """The targets of a class, in the plan's order."""
    return tuple(target for target in run.plan.targets if class_of(run, target) == target_class)
