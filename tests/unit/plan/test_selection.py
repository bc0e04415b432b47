"""Which targets and variants a run measures: variants by name alone, each after its base."""

from __future__ import annotations

import msgspec
import pytest

from harness.errors import UsageError
from harness.plan import selection
from harness.plan.selection import chosen_targets
from harness.record.config import Config, RunSection
from harness.record.plan import Target, Variant

BASES = ("go", "java", "rust")
VARIANTS = ("go.tuned", "java.jdk21", "java.tuned")


def _target(name: str) -> Target:
    base, _, variant = name.partition(".")
    found = Target(name, base, "standard", "http", "none", (), "", (), ())
    return msgspec.structs.replace(found, variant=Variant(variant, base, "What?")) if variant else found


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: _target(name) for name in sorted((*BASES, *VARIANTS))}
    monkeypatch.setattr(selection, "find_all", lambda _services: known)


def _chosen(targets: tuple[str, ...] = (), variants: tuple[str, ...] = ()) -> list[str]:
    return list(chosen_targets(msgspec.structs.replace(Config(), run=RunSection(targets=targets, variants=variants))))


@pytest.mark.parametrize(
    ("targets", "variants", "chosen"),
    [
        ((), (), ["go", "java", "rust"]),
        (("all",), (), ["go", "java", "rust"]),
        (("go", "go.tuned"), (), ["go", "go.tuned"]),
        (("java.jdk21", "rust", "java"), (), ["java", "java.jdk21", "rust"]),
        (("all", "java.jdk21"), (), ["go", "java", "java.jdk21", "rust"]),
        (("java",), ("all",), ["java", "java.jdk21", "java.tuned"]),
        ((), ("tuned",), ["go", "go.tuned", "java", "java.tuned", "rust"]),
        (("go.tuned",), (), ["go.tuned"]),
    ],
)
def test_variants_are_measured_by_name_alone_and_follow_their_base(
    targets: tuple[str, ...], variants: tuple[str, ...], chosen: list[str]
) -> None:
    assert _chosen(targets, variants) == chosen


@pytest.mark.parametrize(
    ("targets", "variants", "sentence"),
    [
        (("java.jdk12",), (), 'unknown target "java.jdk12": did you mean "java.jdk21"?'),
        ((), ("tund",), 'unknown variant "tund": did you mean "tuned"?'),
        (("rust",), ("tuned",), "none of rust has a variant tuned: go, java have it"),
        (("rust",), ("all",), "rust has no variant: go, java have some"),
    ],
)
def test_a_variant_that_there_is_not_is_one_sentence(
    targets: tuple[str, ...], variants: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        _chosen(targets, variants)
    assert str(refused.value) == sentence
